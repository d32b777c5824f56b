//! All state of the window. Only [`super::reduce`] changes it.
//!
//! Invariant: what the group is, is in [`Model::view`] alone; nothing of it is copied elsewhere, so the
//! window cannot show two truths. Absent on purpose: sockets, threads, egui.

mod activity;
mod group;

pub(crate) use group::{
    DELAY, Drill, GroupPage, Happening, HappeningKind, LEASE, Playback, RENEWAL, Reading, Speed, Stopwatch,
};
mod library;
mod transfers;

use super::action::{Page, Subject};
use super::text::Language;
use super::theme_choice::ThemeChoice;
use cardume::base::PeerId;
use cardume::node::View;
use cardume::wire::control::MemberState;
use cardume::wire::index::{Complete, Found, SearchAnswer};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use activity::{Activity, Form, MAX_FILTER, Section, Welcome};
pub(crate) use library::{Library, Warning};
pub(crate) use transfers::Transfers;

/// How long a toast is shown.
pub(crate) const TOAST: Duration = Duration::from_secs(4);
/// How many notes are kept: what a person scrolls back through.
pub(crate) const MAX_NOTES: usize = 200;
/// The most results asked for: what a person scrolls through, within one message of the protocol.
pub(crate) const MAX_RESULTS: u32 = 1_000;
/// How long typing rests before a search is sent.
pub(crate) const DEBOUNCE: Duration = Duration::from_millis(80);
/// Between two searches that only follow the index: it may change ten times a second.
pub(crate) const FOLLOW: Duration = Duration::from_millis(500);
/// Between two tries of a search that failed.
pub(crate) const RETRY: Duration = Duration::from_secs(1);
/// The most characters in the search field, and in the path field.
pub(crate) const MAX_WORDS: usize = 200;
/// The longest path that can be typed: the limit of common systems.
pub(crate) const MAX_PATH: usize = 4_096;
/// How long a simulated crash or pause lasts.
pub(crate) const CRASH: Duration = Duration::from_secs(5);
/// How long a link is cut.
pub(crate) const CUT: Duration = Duration::from_secs(10);

/// All state of the window.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The newest picture of the peer.
    pub view: Arc<View>,
    /// Since the window opened.
    pub now: Duration,
    /// The page on screen.
    pub page: Page,
    /// The language.
    pub language: Language,
    /// The theme.
    pub theme: ThemeChoice,
    /// The search page.
    pub search: Search,
    /// The library page.
    pub library: Library,
    /// The group page.
    pub group: GroupPage,
    /// The transfers page.
    pub transfers: Transfers,
    /// The activity page.
    pub activity: Activity,
    /// The first start, until the person shared or dismissed it.
    pub welcome: Option<Welcome>,
    /// Whether the person is asked before the window closes.
    pub asks_to_close: bool,
    /// The stopwatch of the group page.
    pub drill: Drill,
    /// The time of day, in microseconds since 1970, as of this frame.
    pub unix_micros: u64,
    /// Whether the window can be seen.
    pub visible: bool,
    /// Whether nothing shall move by itself.
    pub reduced_motion: bool,
    /// What the person was told, the newest last.
    pub notes: VecDeque<Note>,
    /// How many notes there ever were.
    pub notes_made: u64,
    /// Whether the list of shortcuts is open.
    pub help: bool,
    /// Whether the window is closing.
    pub closing: bool,
    /// The person's home folder, for a typed `~`.
    pub home: Option<PathBuf>,
}

impl Model {
    /// The window as it opens.
    pub(crate) fn new(view: Arc<View>, language: Language, theme: ThemeChoice) -> Self {
        Self {
            view,
            now: Duration::ZERO,
            page: Page::Search,
            language,
            theme,
            search: Search { due: Some(Duration::ZERO), ..Search::default() },
            library: Library::default(),
            group: GroupPage::default(),
            transfers: Transfers::default(),
            activity: Activity::default(),
            welcome: None,
            asks_to_close: false,
            drill: Drill::Idle,
            unix_micros: 0,
            visible: true,
            reduced_motion: false,
            notes: VecDeque::new(),
            notes_made: 0,
            help: false,
            closing: false,
            home: None,
        }
    }

    /// The number of a peer's hue: its place among the members. `None` if it is none of them.
    pub(crate) fn hue(&self, peer_id: &str) -> Option<usize> {
        self.view.members.iter().position(|member| member.peer.peer_id == peer_id)
    }

    /// The member of this id.
    pub(crate) fn member(&self, peer: PeerId) -> Option<&MemberState> {
        let id = peer.to_string();
        self.view.members.iter().find(|member| member.peer.peer_id == id)
    }

    /// What a person calls a peer; the beginning of its id if it is no member.
    pub(crate) fn name_of(&self, peer: PeerId) -> String {
        self.member(peer).map_or_else(|| peer.short(), |member| member.peer.name.clone())
    }

    /// The notes that are shown as toasts now, the oldest first.
    pub(crate) fn toasts(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| self.now < note.at + TOAST)
    }
}

/// The search page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// What is typed.
    pub words: String,
    /// When to search, if at all.
    pub due: Option<Duration>,
    /// When a search was last sent.
    pub sent_at: Option<Duration>,
    /// The number of the last search sent.
    pub number: u64,
    /// Whether its answer is still to come.
    pub asking: bool,
    /// What the index was when it was sent.
    pub basis: Option<Basis>,
    /// Whether it waits for a tracker.
    pub waiting: bool,
    /// Why the last search failed, if it did.
    pub problem: Option<String>,
    /// The last answer. It stays on screen until the next one comes.
    pub answer: Option<SearchAnswer>,
    /// The words that it answers.
    pub answered_words: String,
    /// The answer as rows, with the sources of opened results between them.
    pub rows: Vec<Row>,
    /// The opened results, by their key.
    pub open: BTreeSet<String>,
    /// The selected row.
    pub selected: Option<usize>,
    /// Whether the selection moved by a key and must be brought into view.
    pub reveal: bool,
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

/// What identifies a result across answers: its content, or its label while it is not hashed.
pub(crate) fn key_of(found: &Found) -> String {
    found.content.clone().unwrap_or_else(|| format!("{}/{}", found.size, found.name))
}

impl Search {
    /// The results on screen.
    pub(crate) fn results(&self) -> &[Found] {
        self.answer.as_ref().map_or(&[], |answer| &answer.results)
    }

    /// The selected row.
    pub(crate) fn selected_row(&self) -> Option<Row> {
        self.selected.and_then(|index| self.rows.get(index)).copied()
    }

    /// Makes the rows anew from the answer and the opened results.
    pub(crate) fn rebuild_rows(&mut self) {
        let results = self.answer.as_ref().map_or(&[][..], |answer| &answer.results);
        let mut rows = Vec::with_capacity(results.len());
        for (index, found) in results.iter().enumerate() {
            rows.push(Row::Content(index));
            if !self.open.is_empty() && self.open.contains(&key_of(found)) {
                rows.extend((0..found.sources.len()).map(|source| Row::Source(index, source)));
            }
        }
        self.rows = rows;
    }
}

/// Something that the person was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// Its number, growing by one.
    pub number: u64,
    /// When, by the window's clock.
    pub at: Duration,
    /// What.
    pub what: NoteKind,
}

/// What the person was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NoteKind {
    /// A download is complete: name and path.
    Downloaded(String, Option<String>),
    /// A download failed: name and reason.
    DownloadFailed(String, String),
    /// A download began.
    DownloadStarted(String),
    /// A command failed, with the reason.
    Failed(Subject, String),
    /// A file that is not hashed yet cannot be downloaded.
    NotHashedYet(String),
    /// There is no tracker to crash.
    NoTrackerToCrash,
    /// The records of the group are in this file.
    Exported(String),
    /// The diagnostics are on the clipboard.
    Copied,
    /// Lines of the log are.
    LogCopied,
    /// The invite is.
    InviteCopied,
}

impl NoteKind {
    /// Whether it is bad news.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self, Self::DownloadFailed(..) | Self::Failed(..))
    }
}
