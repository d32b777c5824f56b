//! All state of the window. Only [`super::reduce`] changes it.
//!
//! Invariant: what the group is, is in [`Model::view`] alone; nothing of it is copied elsewhere, so the
//! window cannot show two truths. Absent on purpose: sockets, threads, egui.

mod activity;
pub(crate) mod browse;
mod group;

pub(crate) use group::{
    DELAY, Drill, GroupPage, Happening, HappeningKind, LEASE, Playback, RENEWAL, Reading, Speed, Stopwatch,
};
mod library;
pub(crate) mod palette;
pub(crate) mod search;
mod transfers;

use super::action::{Page, Purpose, Subject};
use super::motion::MotionChoice;
use super::text::Language;
use super::theme_choice::ThemeChoice;
use browse::Browse;
use cardume::base::PeerId;
use cardume::node::View;
use cardume::wire::control::MemberState;
use palette::Palette;
use search::Search;
use std::collections::VecDeque;
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
/// The longest path that can be typed: the limit of common systems.
pub(crate) const MAX_PATH: usize = 4_096;
/// The usual size of everything, the smallest and the largest, and the step between two, in percent.
pub(crate) const DEFAULT_ZOOM: u16 = 100;
/// See [`DEFAULT_ZOOM`].
pub(crate) const ZOOMS: std::ops::RangeInclusive<u16> = 50..=250;
/// See [`DEFAULT_ZOOM`].
pub(crate) const ZOOM_STEP: u16 = 10;
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
    /// The palette, if it is open.
    pub palette: Option<Palette>,
    /// How large everything is, in percent.
    pub zoom: u16,
    /// The library page.
    pub library: Library,
    /// The group page.
    pub group: GroupPage,
    /// The folders that are looked into, if any.
    pub browse: Option<Browse>,
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
    /// Whether things move by themselves, as the person chose.
    pub motion: MotionChoice,
    /// Whether the system asks for less motion.
    pub system_reduces: bool,
    /// Whether nothing shall move by itself: what follows from both.
    pub reduced_motion: bool,
    /// What the person was told, the newest last.
    pub notes: VecDeque<Note>,
    /// How many notes there ever were.
    pub notes_made: u64,
    /// The number of the last note that was seen in the list.
    pub notes_seen: u64,
    /// Whether the list of notes is open.
    pub notes_open: bool,
    /// What the folder dialog is open for, if it is.
    pub picking: Option<Purpose>,
    /// Whether the menu of the row that the keyboard is at is to be opened.
    pub wants_menu: bool,
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
        let mut transfers = Transfers::default();
        transfers.places.follow(&view.transfers);
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
            group: GroupPage::default(),
            browse: None,
            transfers,
            activity: Activity::default(),
            welcome: None,
            asks_to_close: false,
            drill: Drill::Idle,
            unix_micros: 0,
            visible: true,
            motion: MotionChoice::System,
            system_reduces: false,
            reduced_motion: false,
            notes: VecDeque::new(),
            notes_made: 0,
            notes_seen: 0,
            notes_open: false,
            picking: None,
            wants_menu: false,
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
        self.notes.iter().filter(|note| !note.dismissed && self.now < note.at + TOAST)
    }

    /// How many notes were made since the list was last open.
    pub(crate) fn unseen(&self) -> u64 {
        self.notes_made - self.notes_seen
    }

    /// Whether something lies over the pages that takes the keys.
    pub(crate) fn is_covered(&self) -> bool {
        let asked = self.search.target.is_some() || !self.library.warnings.is_empty() || self.asks_to_close;
        self.help || self.palette.is_some() || self.search.help || asked
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
    /// A link to the file of this name was opened.
    LinkOpened(String),
    /// So many links are on the clipboard.
    LinksCopied(u64),
    /// Only the first so many results are selected.
    SelectedFirst(u64),
    /// A command failed, with the reason.
    Failed(Subject, String),
    /// A file that is not hashed yet cannot be downloaded.
    NotHashedYet(String),
    /// The same of so many files.
    SeveralNotHashedYet(u64),
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
    /// It is, and nobody elsewhere can use it.
    LocalInviteCopied,
}

impl NoteKind {
    /// Whether it is bad news.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self, Self::DownloadFailed(..) | Self::Failed(..))
    }
}
