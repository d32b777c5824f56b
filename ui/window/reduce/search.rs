//! What follows on the search page: searching, as the index changes and as the results are scrolled.

mod download;
mod select;

use super::super::action::{Page, Purpose, SearchAction, Verb};
use super::super::model::Model;
use super::super::model::search::{
    Answered, Basis, DEBOUNCE, FOLLOW, MAX_WORDS, Problem, RETRY, Search, Sent, with_term_toggled,
};
use super::{Effect, Field, pick, stop_picking};
use cardume::node::{self, CommandError, Direction, Query, QueryError, Sort, SortKey};
use cardume::wire::codes::Code;
use cardume::wire::index::SearchAnswer;
use std::collections::BTreeMap;

pub(super) use download::take_folder;

/// What follows from an action of the search page.
pub(super) fn reduce(model: &mut Model, action: SearchAction) -> Vec<Effect> {
    match action {
        SearchAction::Words(words) => type_words(model, words),
        SearchAction::Filter(words) => change_query(model, |search| search.filter = Some(words)),
        SearchAction::CloseFilter => close_filter(model),
        SearchAction::Term(term) => {
            let words = with_term_toggled(&model.search.words, &term);
            type_words(model, words)
        }
        SearchAction::Sort(key) => sort(model, key),
        SearchAction::Visible(rows) => {
            model.search.visible = rows;
            ask_missing(model)
        }
        SearchAction::Revealed => {
            model.search.reveal = false;
            model.search.to_top = false;
            Vec::new()
        }
        SearchAction::Answered { number, page, answer } => take_answer(model, number, page, answer),
        SearchAction::Select(row, pick) => select::select(model, row, pick),
        SearchAction::Move(by, pick) => select::move_cursor(model, by, pick),
        SearchAction::Type(text) => {
            let words = model.search.words.chars().chain(text.chars()).take(MAX_WORDS).collect();
            let mut effects = type_words(model, words);
            effects.push(Effect::FocusSearch);
            effects
        }
        SearchAction::Open => select::set_open(model, true),
        SearchAction::Close => select::set_open(model, false),
        SearchAction::Toggle(result) => select::toggle(model, result),
        SearchAction::Download { found, source } => download::download(model, found, source),
        SearchAction::DownloadFrom(peer) => download::download_from(model, &peer),
        SearchAction::TargetFolder(folder) => {
            if let Some(target) = &mut model.search.target {
                target.folder = folder;
            }
            Vec::new()
        }
        SearchAction::PickTarget => pick(model, Purpose::Target),
        SearchAction::DownloadThere => download::download_there(model),
    }
}

/// What follows from a verb of the search page.
pub(super) fn act(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Download => download::download_wanted(model),
        Verb::DownloadTo => download::ask_where(model),
        Verb::CopyLink => download::copy_links(model),
        Verb::Expand => select::set_open(model, true),
        Verb::Collapse => select::set_open(model, false),
        Verb::ToggleSources => match model.search.cursor_row() {
            Some(row) => select::toggle(model, row.result()),
            None => Vec::new(),
        },
        Verb::SelectAll => select::select_all(model),
        Verb::Filter => {
            model.search.filter.get_or_insert_default();
            vec![Effect::Focus(Field::Filter)]
        }
        Verb::SearchHelp => {
            model.search.help = !model.search.help;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Leaves what lies over the pages, one thing at a time; `None` if nothing does.
pub(super) fn leave_dialog(model: &mut Model) -> Option<Vec<Effect>> {
    if std::mem::take(&mut model.search.help) {
        return Some(Vec::new());
    }
    model.search.target.take()?;
    Some(target_closed(model))
}

/// No folder is chosen any more for the question where to download to.
fn stop_picking_target(model: &mut Model) -> Vec<Effect> {
    if model.picking == Some(Purpose::Target) { stop_picking(model) } else { Vec::new() }
}

/// That question is gone: the results have the keys where they are seen.
fn target_closed(model: &mut Model) -> Vec<Effect> {
    let mut effects = stop_picking_target(model);
    if is_shown(model) {
        effects.push(Effect::Focus(Field::Results));
    }
    effects
}

/// Leaves what is open on the page, one thing at a time; `None` if nothing is.
pub(super) fn escape(model: &mut Model) -> Option<Vec<Effect>> {
    let search = &mut model.search;
    if search.filter.is_some() {
        return Some(close_filter(model));
    }
    if search.chosen.len() > 1 {
        search.chosen.clear();
        search.choosing = None;
        return Some(Vec::new());
    }
    if !search.words.is_empty() {
        let mut effects = type_words(model, String::new());
        effects.push(Effect::FocusSearch);
        return Some(effects);
    }
    None
}

fn close_filter(model: &mut Model) -> Vec<Effect> {
    let narrowed = model.search.filter.as_ref().is_some_and(|filter| !filter.trim().is_empty());
    let close = |search: &mut Search| search.filter = None;
    let mut effects = if narrowed {
        change_query(model, close)
    } else {
        close(&mut model.search);
        Vec::new()
    };
    effects.push(Effect::FocusSearch);
    effects
}

/// Whether somebody sees the results. What is due is sent only then: the index may change for hours.
pub(super) fn is_shown(model: &Model) -> bool {
    model.visible && model.page == Page::Search && model.shown_browse().is_none()
}

/// Words that name a peer are a query as soon as it is here.
pub(super) fn follow_members(model: &mut Model) -> Vec<Effect> {
    let is_missed = matches!(model.search.problem, Some(Problem::Query(QueryError::NoSuchPeer(_))));
    if is_missed { search_soon(model) } else { Vec::new() }
}

/// The search runs again when its answer may be another one now.
pub(super) fn follow_index(model: &mut Model) -> Vec<Effect> {
    let search = &mut model.search;
    let basis = Basis::of(&model.view);
    let changed = search.basis.as_ref() != Some(&basis);
    if model.view.status.tracker.is_none() {
        search.waiting = true;
        return Vec::new();
    }
    let malformed = matches!(search.problem, Some(Problem::Query(_)));
    if !(changed || search.waiting) || search.due.is_some() || search.asking || malformed {
        return Vec::new();
    }
    let at = match &search.sent {
        Some(sent) if !search.waiting => model.now.max(sent.at + FOLLOW),
        _ => model.now,
    };
    search.due = Some(at);
    vec![Effect::WakeAfter(at.saturating_sub(model.now))]
}

fn type_words(model: &mut Model, words: String) -> Vec<Effect> {
    change_query(model, |search| search.words = words)
}

/// With another query nothing stays selected that an older one found: what is asked for next is meant to be of the new
/// one.
fn change_query(model: &mut Model, change: impl FnOnce(&mut Search)) -> Vec<Effect> {
    let search = &mut model.search;
    let before = search.query();
    change(search);
    if search.query() != before {
        search.unselect();
        search.select_best();
    }
    search_soon(model)
}

/// Searches when typing rests; words that are no query are told at once instead.
fn search_soon(model: &mut Model) -> Vec<Effect> {
    if let Err(error) = check(model) {
        model.search.problem = Some(Problem::Query(error));
        model.search.due = None;
        return Vec::new();
    }
    if matches!(model.search.problem, Some(Problem::Query(_))) {
        model.search.problem = None;
    }
    model.search.due = Some(model.now + DEBOUNCE);
    vec![Effect::WakeAfter(DEBOUNCE)]
}

/// Whether the tracker would understand the words: said in the person's language and without asking it.
fn check(model: &Model) -> Result<(), QueryError> {
    let query = Query::parse(&model.search.query())?;
    let names: BTreeMap<_, _> = (model.view.members.iter())
        .filter_map(|member| Some((member.peer.peer_id.parse().ok()?, member.peer.name.clone())))
        .collect();
    if names.is_empty() {
        // Nobody is known yet: the tracker will say.
        return Ok(());
    }
    query.chosen_peers(&names).map(|_| ())
}

fn sort(model: &mut Model, key: SortKey) -> Vec<Effect> {
    let search = &mut model.search;
    // Of sizes and sources, the large ones are looked for first.
    let first = match key {
        SortKey::Size | SortKey::Sources => Direction::Descending,
        SortKey::Relevance | SortKey::Name | SortKey::Type => Direction::Ascending,
    };
    let again = search.sort.key == key && key != SortKey::Relevance;
    search.sort = match (again, search.sort.direction == first) {
        (false, _) => Sort { key, direction: first },
        (true, true) => Sort {
            key,
            direction: match first {
                Direction::Ascending => Direction::Descending,
                Direction::Descending => Direction::Ascending,
            },
        },
        (true, false) => Sort::default(),
    };
    search.due = Some(model.now);
    vec![Effect::WakeAfter(std::time::Duration::ZERO)]
}

pub(super) fn send_search(model: &mut Model) -> Option<Effect> {
    let search = &mut model.search;
    search.due = None;
    if model.view.status.tracker.is_none() {
        search.waiting = true;
        return None;
    }
    search.number += 1;
    search.asking = true;
    let words = search.query();
    search.sent = Some(Sent { at: model.now, words: words.clone(), sort: search.sort });
    search.basis = Some(Basis::of(&model.view));
    // What only follows the index begins where the person looks.
    let page = if search.is_of_now() {
        search.first_page()
    } else {
        node::Page { sort: search.sort, ..node::Page::from(super::super::model::search::PAGE) }
    };
    search.ask_anew(page);
    Some(Effect::Search { number: search.number, words, page })
}

/// Asks for what is on screen and not there.
fn ask_missing(model: &mut Model) -> Vec<Effect> {
    let search = &mut model.search;
    if search.asking || !search.may_ask_more() {
        return Vec::new();
    }
    let (number, words) = (search.number, search.query());
    let effect = |page| Effect::Search { number, words: words.clone(), page };
    search.ask_missing().into_iter().map(effect).collect()
}

fn take_answer(
    model: &mut Model,
    number: u64,
    page: node::Page,
    answer: Result<SearchAnswer, CommandError>,
) -> Vec<Effect> {
    let search = &mut model.search;
    if number != search.number {
        return Vec::new();
    }
    search.asking = false;
    match answer {
        Ok(answer) => {
            search.waiting = false;
            if search.is_sent() {
                search.problem = None;
            }
            show_answer(search, page, answer);
            let mut effects = select::go_on_choosing(model, page);
            effects.extend(ask_missing(model));
            // The index may have changed while the answer was on its way.
            effects.extend(follow_index(model));
            effects
        }
        Err(error) => {
            search.waiting = is_for_want_of_tracker(error.code);
            search.choosing = None;
            if !search.is_sent() {
                // Other words are typed since: they are sent when they are due, or are told to be no query.
                return Vec::new();
            }
            search.problem = (!search.waiting).then_some(Problem::Refused(error.message));
            if error.code == Code::BadParameter as i32 {
                // The same words are refused again; others are typed by the person.
                return Vec::new();
            }
            search.due.get_or_insert(model.now + RETRY);
            vec![Effect::WakeAfter(RETRY)]
        }
    }
}

fn is_for_want_of_tracker(code: i32) -> bool {
    [Code::NoTracker, Code::NotTracker, Code::ElectionSilent, Code::OldEpoch, Code::Busy]
        .iter()
        .any(|of| *of as i32 == code)
}

/// Puts an answer on screen; the cursor stays on its result or source where that is still there.
fn show_answer(search: &mut Search, page: node::Page, mut answer: SearchAnswer) {
    let Some(Sent { words, sort, .. }) = search.sent.clone() else { return };
    let is_same = |answered: &Answered| answered.words == words && answered.sort == sort;
    let is_new = !search.answered.as_ref().is_some_and(is_same);
    let spot = |row: Option<usize>| row.and_then(|row| Some((row, search.spot(row)?)));
    let spots = [spot(search.cursor), spot(search.anchor)];
    if is_new {
        search.results.clear();
        search.to_top = true;
    }
    search.answered = Some(Answered {
        words,
        sort,
        complete: answer.complete,
        total: answer.total,
        facets: std::mem::take(&mut answer.facets),
    });
    search.take_page(page, answer);
    if is_new {
        search.unselect();
        search.select_best();
    } else {
        let [cursor, anchor] = spots;
        if let Some((row, spot)) = cursor {
            search.cursor = search.row_after(row, &spot);
        }
        if let Some((row, spot)) = anchor {
            search.anchor = search.row_after(row, &spot);
        }
        search.place_chosen();
    }
    search.cursor = search.cursor.filter(|row| *row < search.row_count());
}
