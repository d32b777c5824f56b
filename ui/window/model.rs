//! All state of the window. Only [`super::reduce`] changes it.
//!
//! Invariant: what the group is, is in [`Model::view`] alone; nothing of it is copied elsewhere, so the
//! window cannot show two truths. Absent on purpose: sockets, threads, egui.

mod library;
pub(crate) mod palette;
pub(crate) mod search;

use super::action::{Page, Subject};
use super::text::Language;
use super::theme_choice::ThemeChoice;
use cardume::node::View;
use palette::Palette;
use search::Search;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use library::{Library, Warning};

/// How long a toast is shown.
pub(crate) const TOAST: Duration = Duration::from_secs(4);
/// How many notes are kept: what a person scrolls back through.
pub(crate) const MAX_NOTES: usize = 200;
/// The longest path that can be typed: the limit of common systems.
pub(crate) const MAX_PATH: usize = 4_096;
/// The usual size of everything, the smallest and the largest, and the step between two, in percent.
pub(crate) const DEFAULT_ZOOM: u16 = 100;
/// See [`DEFAULT_ZOOM`].
pub(crate) const ZOOMS: std::ops::RangeInclusive<u16> = 50..=250;
/// See [`DEFAULT_ZOOM`].
pub(crate) const ZOOM_STEP: u16 = 10;
/// How long a simulated crash lasts.
pub(crate) const CRASH: Duration = Duration::from_secs(5);

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
    /// The palette, if it is open.
    pub palette: Option<Palette>,
    /// How large everything is, in percent.
    pub zoom: u16,
    /// The library page.
    pub library: Library,
    /// The stopwatch of the group page.
    pub drill: Drill,
    /// What the person was told, the newest last.
    pub notes: VecDeque<Note>,
    /// How many notes there ever were.
    pub notes_made: u64,
    /// The number of the last note that was seen in the list.
    pub notes_seen: u64,
    /// Whether the list of notes is open.
    pub notes_open: bool,
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
            palette: None,
            zoom: DEFAULT_ZOOM,
            library: Library::default(),
            drill: Drill::Idle,
            notes: VecDeque::new(),
            notes_made: 0,
            notes_seen: 0,
            notes_open: false,
            help: false,
            closing: false,
            home: None,
        }
    }

    /// The number of a peer's hue: its place among the members. `None` if it is none of them.
    pub(crate) fn hue(&self, peer_id: &str) -> Option<usize> {
        self.view.members.iter().position(|member| member.peer.peer_id == peer_id)
    }

    /// The notes that are shown as toasts now, the oldest first.
    pub(crate) fn toasts(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| !note.dismissed && self.now < note.at + TOAST)
    }

    /// How many notes were made since the list was last open.
    pub(crate) fn unseen(&self) -> u64 {
        self.notes_made - self.notes_seen
    }

    /// Whether something lies over the pages that takes the keys.
    pub(crate) fn is_covered(&self) -> bool {
        let asked = self.search.target.is_some() || !self.library.warnings.is_empty();
        self.help || self.palette.is_some() || self.search.help || asked
    }
}

/// The stopwatch: from a simulated crash to the new tracker, by the events of the peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drill {
    /// Nothing was crashed yet.
    Idle,
    /// A crash was asked for.
    Running {
        /// Who is crashed.
        crashed: String,
        /// Whether that is this peer, which then hears of nothing until it is back.
        own: bool,
        /// The epoch of then.
        epoch: u64,
        /// The last event of then.
        after_seq: u64,
        /// When it was asked for, by the window's clock.
        asked: Duration,
        /// When it happened, in milliseconds since 1970; `None` until the answer.
        crashed_at_unix_millis: Option<u64>,
    },
    /// There is a new tracker.
    Done {
        /// Who was crashed.
        crashed: String,
        /// Whether that was this peer.
        own: bool,
        /// The new tracker.
        tracker: String,
        /// Its epoch.
        epoch: u64,
        /// From the crash to its election as this peer saw it.
        millis: u64,
    },
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
    /// Whether the person has put it away.
    pub dismissed: bool,
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
    /// So many downloads began.
    DownloadsStarted(u64),
    /// So many links are on the clipboard.
    LinksCopied(u64),
    /// Only the first so many results are selected.
    SelectedFirst(u64),
    /// A command failed, with the reason.
    Failed(Subject, String),
    /// A file that is not hashed yet cannot be downloaded.
    NotHashedYet(String),
    /// There is no tracker to crash.
    NoTrackerToCrash,
    /// The diagnostics are on the clipboard.
    Copied,
}

impl NoteKind {
    /// Whether it is bad news.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self, Self::DownloadFailed(..) | Self::Failed(..))
    }
}
