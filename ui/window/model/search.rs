//! The state of the search page.
//!
//! Results lie in pages that are fetched as they are scrolled to; what is not there yet is drawn as a gap.
//! Invariant: all pages answer the same words in the same order; an older page stays on screen until the
//! newer one is there.

mod results;
mod selection;

pub(crate) use results::Results;
pub(crate) use selection::Chosen;

use super::Model;
use cardume::node::{Page, Query, QueryError, Sort, View};
use cardume::wire::index::{Complete, Facet, Found, SearchAnswer};
use results::place;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// Results in a page: some screens full, and far below the largest message of the protocol.
pub(crate) const PAGE: u32 = 200;
/// The most results that can be scrolled through: beyond, a pixel is no longer exact in 32-bit coordinates.
pub(crate) const MAX_SHOWN: u64 = 500_000;
/// The most pages that are kept: some MiB.
const MAX_PAGES: usize = 64;
/// The most pages that are asked for at once: the two on screen, and those of a moment ago.
const MAX_ASKED: usize = 4;
/// The most results that can be selected: one message, and as many downloads as a person oversees.
pub(crate) const MAX_SELECTED: u32 = 1_000;
/// How long typing rests before a search is sent.
pub(crate) const DEBOUNCE: Duration = Duration::from_millis(80);
/// Between two searches that only follow the index: it may change ten times a second.
pub(crate) const FOLLOW: Duration = Duration::from_millis(500);
/// Between two tries of a search that failed.
pub(crate) const RETRY: Duration = Duration::from_secs(1);
/// The most characters in the search field: a whole link.
pub(crate) const MAX_WORDS: usize = Query::MAX_BYTES;

/// The search page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// What is typed.
    pub words: String,
    /// More words that narrow the results; `None`: that field is closed.
    pub filter: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// When to search, if at all.
    pub due: Option<Duration>,
    /// What was sent last.
    pub sent: Option<Sent>,
    /// The number of the last search sent. All its pages have it.
    pub number: u64,
    /// Whether its first answer is still to come.
    pub asking: bool,
    /// What the index was when it was sent.
    pub basis: Option<Basis>,
    /// Whether it waits for a tracker.
    pub waiting: bool,
    /// Why there is no newer answer, if so.
    pub problem: Option<Problem>,
    /// What is on screen; `None` before the first answer. It stays until the next one comes.
    pub answered: Option<Answered>,
    /// Its results.
    pub results: Results,
    /// The opened results, by their key.
    pub open: BTreeSet<String>,
    /// Their places and numbers of sources, in order.
    pub(super) opened: Vec<(usize, usize)>,
    /// The row that the keyboard is at.
    pub cursor: Option<usize>,
    /// Where a selection by Shift begins.
    pub anchor: Option<usize>,
    /// The selected results, by their key: they stay selected when their page is forgotten.
    pub chosen: BTreeMap<String, Chosen>,
    /// Results that are to be selected when all of them are there.
    pub choosing: Option<Choosing>,
    /// Whether the cursor moved by a key and must be brought into view.
    pub reveal: bool,
    /// Whether the results must be scrolled to their beginning.
    pub to_top: bool,
    /// The rows on screen.
    pub visible: Range<usize>,
    /// The question where to download to, if it is open.
    pub target: Option<Target>,
    /// Whether the list of operators is open.
    pub help: bool,
}

/// Results that are selected as they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choosing {
    /// Which, by their numbers.
    pub wanted: Range<usize>,
    /// The search that was asked for them ...
    pub number: u64,
    /// ... from which result on.
    pub asked: usize,
}

/// A search that was sent: its answer answers this, whatever is typed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// When.
    pub at: Duration,
    /// The words.
    pub words: String,
    /// The order.
    pub sort: Sort,
}

/// What keeps a search from being answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The words are no query.
    Query(QueryError),
    /// The peer says so.
    Refused(String),
}

/// What is known of an answer without its results.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    /// The words that were sent.
    pub words: String,
    /// The order that was asked for.
    pub sort: Sort,
    /// How complete the index was.
    pub complete: Complete,
    /// All matches.
    pub total: u64,
    /// How they are distributed.
    pub facets: Vec<Facet>,
}

/// The question where to download to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    /// What.
    pub files: Vec<Wanted>,
    /// The typed folder.
    pub folder: String,
}

/// A content to be downloaded or linked to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    /// The result.
    pub found: Found,
    /// The number of the chosen source; `None`: all.
    pub source: Option<usize>,
}

/// What an answer depends on: with another one the search runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    tracker: Option<String>,
    epoch: u64,
    files: u64,
    complete: Complete,
    revision: u64,
}

impl Basis {
    /// What answers depend on in this picture.
    pub(crate) fn of(view: &View) -> Self {
        let status = &view.status;
        Self {
            tracker: status.tracker.as_ref().map(|tracker| tracker.peer_id.clone()),
            epoch: status.epoch,
            files: status.index.files,
            complete: status.index.complete,
            revision: status.index.revision,
        }
    }
}

/// A row of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// The result with this number.
    Content(usize),
    /// The source with the second number of the result with the first.
    Source(usize, usize),
}

impl Row {
    /// The result that it belongs to.
    pub(crate) fn result(self) -> usize {
        let (Self::Content(result) | Self::Source(result, _)) = self;
        result
    }
}

/// What identifies a result across answers: its content, or its label while it is not hashed.
pub(crate) fn key_of(found: &Found) -> String {
    found.content.clone().unwrap_or_else(|| format!("{}/{}", found.size, found.name))
}

impl Search {
    /// The words as they are sent: with those of the filter, each with its quotes closed.
    pub(crate) fn query(&self) -> String {
        let filter = self.filter.as_deref().map_or("", str::trim);
        let words = self.words.trim();
        if filter.is_empty() || cardume::base::ContentLink::is_meant(words) {
            return words.to_owned();
        }
        let closed = |text: &str| {
            let open = text.matches('"').count() % 2 == 1;
            if open { format!("{text}\"") } else { text.to_owned() }
        };
        format!("{} {}", closed(words), closed(filter))
    }

    /// Whether what is on screen answers these words in this order.
    pub(crate) fn is_of_now(&self) -> bool {
        let query = self.query();
        self.answered.as_ref().is_some_and(|answered| answered.words == query && answered.sort == self.sort)
    }

    /// Whether what was sent last are these words in this order.
    pub(crate) fn is_sent(&self) -> bool {
        let query = self.query();
        self.sent.as_ref().is_some_and(|sent| sent.words == query && sent.sort == self.sort)
    }

    /// Whether more of what is on screen can be asked for by the number of the last search: it has to be of these words.
    pub(crate) fn may_ask_more(&self) -> bool {
        self.is_of_now() && self.is_sent() && !self.waiting
    }

    /// How many rows there are.
    pub(crate) fn row_count(&self) -> usize {
        self.results.len + self.opened.iter().map(|(_, sources)| sources).sum::<usize>()
    }

    /// The row with this number.
    pub(crate) fn row(&self, number: usize) -> Option<Row> {
        if number >= self.row_count() {
            return None;
        }
        let mut before = 0;
        for (result, sources) in &self.opened {
            let at = result + before;
            if number <= at {
                break;
            }
            if number <= at + sources {
                return Some(Row::Source(*result, number - at - 1));
            }
            before += sources;
        }
        Some(Row::Content(number - before))
    }

    /// The number of the row of a result.
    pub(crate) fn row_of(&self, result: usize) -> usize {
        let before = self.opened.iter().take_while(|(opened, _)| *opened < result);
        result + before.map(|(_, sources)| sources).sum::<usize>()
    }

    /// Whether the sources of a result are shown.
    pub(crate) fn is_open(&self, result: usize) -> bool {
        self.opened.iter().any(|(opened, _)| *opened == result)
    }

    /// The row that the keyboard is at.
    pub(crate) fn cursor_row(&self) -> Option<Row> {
        self.cursor.and_then(|row| self.row(row))
    }

    /// Finds the places of the opened results anew.
    pub(crate) fn find_opened(&mut self) {
        self.opened.clear();
        if self.open.is_empty() {
            return;
        }
        let opened = self.results.loaded().filter(|(_, found)| self.open.contains(&key_of(found)));
        self.opened = opened.map(|(result, found)| (result, found.sources.len())).collect();
    }

    /// Takes a part of the answer to the last search.
    pub(crate) fn take_page(&mut self, page: Page, answer: SearchAnswer) {
        self.results.take(self.number, page, answer.total, answer.results);
        let middle = place(self.visible_results().start).0;
        let mut keep: BTreeSet<_> = self.opened.iter().map(|(result, _)| place(*result).0).collect();
        if let Some(Choosing { wanted, .. }) = &self.choosing {
            keep.extend(place(wanted.start).0..=place(wanted.end).0);
        }
        self.results.forget_far(middle, &keep);
        self.find_opened();
    }

    /// The results on screen.
    fn visible_results(&self) -> Range<usize> {
        let result = |row: usize| self.row(row).map_or(self.results.len, Row::result);
        result(self.visible.start)..(result(self.visible.end.saturating_sub(1)) + 1).min(self.results.len)
    }

    /// The page that shows what is on screen.
    pub(crate) fn first_page(&self) -> Page {
        let (page, _) = place(self.visible_results().start);
        let last = place(self.results.len.saturating_sub(1)).0;
        self.page(page.min(last))
    }

    fn page(&self, number: u32) -> Page {
        Page { offset: u64::from(number) * u64::from(PAGE), limit: PAGE, sort: self.sort }
    }

    /// Marks the pages of a new search as asked for.
    pub(crate) fn ask_anew(&mut self, page: Page) {
        self.results.asked.clear();
        self.results.asked.insert(u32::try_from(page.offset / u64::from(PAGE)).unwrap_or(u32::MAX));
    }

    /// The pages on screen that are missing or older than the last search; they count as asked for.
    pub(crate) fn ask_missing(&mut self) -> Vec<Page> {
        let visible = self.visible_results();
        if visible.is_empty() {
            return Vec::new();
        }
        let (first, last) = (place(visible.start).0, place(visible.end - 1).0);
        let mut missing = Vec::new();
        for page in first..=last {
            let Some(rest) = self.missing_of(page) else { continue };
            if self.results.asked.len() >= MAX_ASKED || !self.results.asked.insert(page) {
                continue;
            }
            missing.push(rest);
        }
        missing
    }

    /// What is still to be asked for of a page.
    fn missing_of(&self, number: u32) -> Option<Page> {
        let whole = self.page(number);
        let before = number as usize * PAGE as usize;
        let wanted = self.results.len.saturating_sub(before).min(PAGE as usize);
        let loaded = self.results.pages.get(&number).filter(|loaded| loaded.number == self.number);
        let there = loaded.map_or(0, |loaded| if loaded.is_over { wanted } else { loaded.found.len() });
        let there = u32::try_from(there.min(wanted)).unwrap_or(PAGE);
        let rest = Page { offset: whole.offset + u64::from(there), limit: PAGE - there, ..whole };
        ((there as usize) < wanted).then_some(rest)
    }
}

/// Whether this peer has the content of a result.
pub(crate) fn is_mine(model: &Model, found: &Found) -> bool {
    found.sources.iter().any(|source| source.peer == model.view.status.peer_id)
}

/// The terms of a query with their places: parts between white space outside of quotes.
pub(crate) fn terms(words: &str) -> Vec<Range<usize>> {
    let mut terms = Vec::new();
    let mut start = None;
    let mut inside_quotes = false;
    for (at, c) in words.char_indices() {
        if c.is_whitespace() && !inside_quotes {
            terms.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        inside_quotes ^= c == '"';
    }
    terms.extend(start.map(|start| start..words.len()));
    terms
}

/// The words without a term, or with it where it is not in them, and a space behind it: who types on types
/// another word.
pub(crate) fn with_term_toggled(words: &str, term: &str) -> String {
    let parts: Vec<&str> = terms(words).into_iter().map(|place| &words[place]).collect();
    let rest: Vec<&str> = parts.iter().copied().filter(|part| *part != term).collect();
    if rest.len() < parts.len() {
        return rest.join(" ");
    }
    parts.into_iter().chain([term, ""]).collect::<Vec<_>>().join(" ")
}
