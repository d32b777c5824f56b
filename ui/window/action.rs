//! What can happen in the window, as data: one table of what a person can do ([`Verb`], with its text,
//! tooltip, icon and keys) and one enum of everything that changes the model ([`Action`]).
//!
//! Absent on purpose: what follows from an action; that is [`super::reduce`].

mod activity;
mod browse;
mod group;

pub(crate) use browse::BrowseAction;

pub(crate) use group::{GroupAction, Step};
mod library;
mod palette;
mod picking;
mod search;
mod transfers;

pub(crate) use palette::PaletteAction;
pub(crate) use picking::Purpose;
pub(crate) use search::{Pick, SearchAction};

use super::motion::MotionChoice;
use super::text::{Language, Text};
use super::theme_choice::ThemeChoice;
use super::widgets::Icon;
use cardume::base::ContentLink;
use cardume::node::{CommandError, Reply, View};
use eframe::egui;
use egui::{Key, KeyboardShortcut, Modifiers};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use activity::{ActivityAction, News};
pub(crate) use library::LibraryAction;
pub(crate) use transfers::TransfersAction;

/// A page of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Page {
    /// Find and download.
    #[default]
    Search,
    /// Downloads.
    Transfers,
    /// Own shared folders.
    Library,
    /// Peers, tracker, elections.
    Group,
    /// What happened; settings.
    Activity,
}

impl Page {
    /// All pages, as in the rail.
    pub(crate) const ALL: [Self; 5] =
        [Self::Search, Self::Transfers, Self::Library, Self::Group, Self::Activity];

    /// What it is called.
    pub(crate) fn title(self, text: &Text) -> &'static str {
        match self {
            Self::Search => text.search,
            Self::Transfers => text.transfers,
            Self::Library => text.library,
            Self::Group => text.group,
            Self::Activity => text.activity,
        }
    }
}

/// What a person can do without choosing anything first. Menus, tooltips, the shortcut list and the
/// keyboard are all fed from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Show a page.
    Go(Page),
    /// Type into the search field.
    FocusSearch,
    /// Choose a folder to share.
    ShareFolder,
    /// Narrow the results by more words.
    Filter,
    /// Show everything that can be done.
    Palette,
    /// Download the selected row: a content from all its sources, a source row from that one.
    Download,
    /// Download into a folder of the person's choice.
    DownloadTo,
    /// Copy links to what is selected.
    CopyLink,
    /// Select all results.
    SelectAll,
    /// Open the selected result to its sources, or close it.
    ToggleSources,
    /// Open the selected result to its sources.
    Expand,
    /// Close it.
    Collapse,
    /// Go to the folder above.
    FolderUp,
    /// Go to where one was before.
    FolderBack,
    /// Look again.
    Refresh,
    /// Show what can be done with the row that the keyboard is at.
    RowMenu,
    /// Make the tracker silent for a while.
    CrashTracker,
    /// Make this peer silent for a while.
    CrashMe,
    /// Have the tracker stand still for a while.
    PauseTracker,
    /// Test the links.
    Check,
    /// Put the invite to this group on the clipboard.
    CopyInvite,
    /// Copy what helps to find a fault.
    CopyDiagnostics,
    /// Show all operators of a search.
    SearchHelp,
    /// Show what the person was told.
    Messages,
    /// Everything larger.
    ZoomIn,
    /// Everything smaller.
    ZoomOut,
    /// Everything in its usual size.
    ZoomReset,
    /// Show all shortcuts.
    Shortcuts,
    /// Leave what is open.
    Escape,
}

/// A key, or a key with modifiers.
const fn key(modifiers: Modifiers, key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(modifiers, key)
}

impl Verb {
    /// All of them, as in the list of shortcuts.
    pub(crate) const ALL: &[Self] = &[
        Self::Go(Page::Search),
        Self::Go(Page::Transfers),
        Self::Go(Page::Library),
        Self::Go(Page::Group),
        Self::Go(Page::Activity),
        Self::FocusSearch,
        Self::Filter,
        Self::Palette,
        Self::Download,
        Self::DownloadTo,
        Self::CopyLink,
        Self::SelectAll,
        Self::ToggleSources,
        Self::Expand,
        Self::Collapse,
        Self::FolderUp,
        Self::FolderBack,
        Self::Refresh,
        Self::RowMenu,
        Self::ShareFolder,
        Self::CrashTracker,
        Self::CrashMe,
        Self::PauseTracker,
        Self::Check,
        Self::CopyInvite,
        Self::CopyDiagnostics,
        Self::Messages,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::SearchHelp,
        Self::Shortcuts,
        Self::Escape,
    ];

    /// What a button or menu says.
    pub(crate) fn label(self, text: &Text) -> &'static str {
        match self {
            Self::Go(page) => page.title(text),
            Self::FocusSearch => text.focus_search,
            Self::ShareFolder => text.share_a_folder,
            Self::Filter => text.finding.filter,
            Self::Palette => text.finding.palette,
            Self::Download => text.download,
            Self::DownloadTo => text.finding.download_to,
            Self::CopyLink => text.finding.copy_link,
            Self::SelectAll => text.finding.select_all,
            Self::ToggleSources => text.finding.toggle_sources,
            Self::Expand => text.show_sources,
            Self::Collapse => text.hide_sources,
            Self::FolderUp => text.browsing.up,
            Self::FolderBack => text.browsing.back,
            Self::Refresh => text.browsing.refresh,
            Self::RowMenu => text.browsing.menu,
            Self::CrashTracker => text.crash_tracker,
            Self::CrashMe => text.crash_me,
            Self::PauseTracker => text.of_group.pause_tracker,
            Self::Check => text.activities.check,
            Self::CopyInvite => text.activities.copy_invite,
            Self::CopyDiagnostics => text.copy_diagnostics,
            Self::SearchHelp => text.finding.operators,
            Self::Messages => text.messages,
            Self::ZoomIn => text.finding.zoom_in,
            Self::ZoomOut => text.finding.zoom_out,
            Self::ZoomReset => text.finding.zoom_reset,
            Self::Shortcuts => text.shortcuts,
            Self::Escape => text.escape,
        }
    }

    /// What a tooltip explains.
    pub(crate) fn tooltip(self, text: &Text) -> &'static str {
        match self {
            Self::Go(Page::Search) => text.search_tip,
            Self::Go(Page::Transfers) => text.transfers_tip,
            Self::Go(Page::Library) => text.library_tip,
            Self::Go(Page::Group) => text.group_tip,
            Self::Go(Page::Activity) => text.activity_tip,
            Self::FocusSearch => text.focus_search_tip,
            Self::ShareFolder => text.share_a_folder_tip,
            Self::Filter => text.finding.filter_tip,
            Self::Palette => text.finding.palette_tip,
            Self::Download => text.download_tip,
            Self::DownloadTo => text.finding.download_to_tip,
            Self::CopyLink => text.finding.copy_link_tip,
            Self::SelectAll => text.finding.select_all_tip,
            Self::ToggleSources | Self::Expand | Self::Collapse => text.sources_tip,
            Self::FolderUp => text.browsing.up_tip,
            Self::FolderBack => text.browsing.back_tip,
            Self::Refresh => text.browsing.refresh_tip,
            Self::RowMenu => text.browsing.menu_tip,
            Self::CrashTracker => text.crash_tracker_tip,
            Self::CrashMe => text.crash_me_tip,
            Self::PauseTracker => text.of_group.pause_tracker_tip,
            Self::Check => text.activities.check_tip,
            Self::CopyInvite => text.activities.copy_invite_tip,
            Self::CopyDiagnostics => text.copy_diagnostics_tip,
            Self::SearchHelp => text.finding.operators_tip,
            Self::Messages => text.finding.messages_tip,
            Self::ZoomIn | Self::ZoomOut | Self::ZoomReset => text.finding.zoom_tip,
            Self::Shortcuts => text.shortcuts_tip,
            Self::Escape => text.escape_tip,
        }
    }

    /// Its picture, where it has one.
    pub(crate) fn icon(self) -> Option<Icon> {
        match self {
            Self::Go(Page::Search) | Self::FocusSearch => Some(Icon::Search),
            Self::Go(Page::Transfers) => Some(Icon::Transfers),
            Self::Go(Page::Library) | Self::ShareFolder => Some(Icon::Folder),
            Self::Go(Page::Group) => Some(Icon::Group),
            Self::Go(Page::Activity) | Self::Check => Some(Icon::Activity),
            Self::Filter => Some(Icon::Filter),
            Self::Palette => Some(Icon::Command),
            Self::Download => Some(Icon::Download),
            Self::DownloadTo => Some(Icon::FolderOpen),
            Self::CopyLink => Some(Icon::Link),
            Self::SelectAll => Some(Icon::List),
            Self::ToggleSources => Some(Icon::Network),
            Self::SearchHelp => Some(Icon::Info),
            Self::Messages => Some(Icon::Bell),
            Self::ZoomIn => Some(Icon::Plus),
            Self::ZoomOut => Some(Icon::Minus),
            Self::ZoomReset | Self::Refresh => Some(Icon::Refresh),
            Self::Expand => Some(Icon::Right),
            Self::Collapse => Some(Icon::Down),
            Self::FolderUp => Some(Icon::ArrowUp),
            Self::FolderBack => Some(Icon::Left),
            Self::RowMenu => Some(Icon::More),
            Self::Shortcuts => Some(Icon::Help),
            Self::CopyInvite => Some(Icon::Key),
            Self::CrashTracker => Some(Icon::Lightning),
            Self::CrashMe => Some(Icon::Silent),
            Self::PauseTracker => Some(Icon::Pause),
            Self::CopyDiagnostics => Some(Icon::Copy),
            Self::Escape => None,
        }
    }

    /// Its keys. The first one is shown.
    pub(crate) fn keys(self) -> &'static [KeyboardShortcut] {
        const CTRL: Modifiers = Modifiers::COMMAND;
        const NONE: Modifiers = Modifiers::NONE;
        const ALT: Modifiers = Modifiers::ALT;
        match self {
            Self::Go(Page::Search) => const { &[key(CTRL, Key::Num1)] },
            Self::Go(Page::Transfers) => const { &[key(CTRL, Key::Num2)] },
            Self::Go(Page::Library) => const { &[key(CTRL, Key::Num3)] },
            Self::Go(Page::Group) => const { &[key(CTRL, Key::Num4)] },
            Self::Go(Page::Activity) => const { &[key(CTRL, Key::Num5)] },
            Self::FocusSearch => const { &[key(CTRL, Key::L), key(NONE, Key::Slash)] },
            Self::ShareFolder => const { &[key(CTRL, Key::O)] },
            Self::Filter => const { &[key(CTRL, Key::F)] },
            Self::Palette => const { &[key(CTRL, Key::K)] },
            Self::Download => const { &[key(NONE, Key::Enter)] },
            Self::DownloadTo => const { &[key(CTRL, Key::D)] },
            Self::CopyLink => const { &[key(CTRL, Key::C)] },
            Self::SelectAll => const { &[key(CTRL, Key::A)] },
            Self::ToggleSources => const { &[key(NONE, Key::Space)] },
            Self::ZoomIn => const { &[key(CTRL, Key::Plus), key(CTRL, Key::Equals)] },
            Self::ZoomOut => const { &[key(CTRL, Key::Minus)] },
            Self::ZoomReset => const { &[key(CTRL, Key::Num0)] },
            Self::Expand => const { &[key(ALT, Key::ArrowRight)] },
            Self::Collapse | Self::FolderBack => const { &[key(ALT, Key::ArrowLeft)] },
            Self::FolderUp => const { &[key(ALT, Key::ArrowUp), key(NONE, Key::Backspace)] },
            Self::Refresh => const { &[key(NONE, Key::F5)] },
            Self::RowMenu => const { &[key(NONE, Key::Menu), key(Modifiers::SHIFT, Key::F10)] },
            Self::CrashTracker => const { &[key(CTRL.plus(Modifiers::SHIFT), Key::K)] },
            Self::SearchHelp | Self::Messages | Self::CrashMe | Self::PauseTracker | Self::CopyInvite => &[],
            Self::Check => const { &[key(CTRL.plus(Modifiers::SHIFT), Key::H)] },
            Self::CopyDiagnostics => const { &[key(CTRL.plus(Modifiers::SHIFT), Key::D)] },
            Self::Shortcuts => const { &[key(NONE, Key::F1)] },
            Self::Escape => const { &[key(NONE, Key::Escape)] },
        }
    }
}

/// Whether the key belongs to a text field while one is being typed into.
pub(crate) fn yields_to_typing(shortcut: KeyboardShortcut) -> bool {
    let KeyboardShortcut { modifiers, logical_key } = shortcut;
    match logical_key {
        Key::Slash | Key::Space | Key::Backspace => modifiers == Modifiers::NONE,
        Key::A | Key::C => modifiers == Modifiers::COMMAND,
        _ => false,
    }
}

/// What a command was about, for the sentence when it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Sharing this folder.
    Share(String),
    /// Looking at this folder before it is shared.
    Inspect(PathBuf),
    /// Something with this shared folder.
    Folder(String),
    /// What is not shared of it.
    Skipped(String),
    /// No longer sharing it.
    Unshare(String),
    /// Downloading the file of this name.
    Download(String),
    /// The same, as one of many.
    DownloadOfMany(String),
    /// Having a file hashed that a person waits for: nobody has to be told.
    Hurry,
    /// Testing the links.
    Check,
    /// Changing the peer's name.
    Rename,
    /// Changing the download folder.
    Downloads,
    /// Making an invite.
    Invite,
    /// Changing whether the peer starts with the system.
    Autostart,
    /// Cancelling a download.
    Cancel,
    /// Changing transfers or their limits.
    Transfers,
    /// Making the tracker silent.
    CrashTracker,
    /// Making this peer silent.
    CrashMe,
    /// Another fault drill of the group page.
    Drill,
    /// Looking into a folder, with the number of the question.
    Browse(u64),
    /// Watching the group: nobody has to be told.
    Watch,
    /// Writing the records of the group into this file.
    Export(String),
    /// Opening a folder or file.
    Open(String),
}

/// Everything that changes the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// A person did something of the table.
    Do(Verb),
    /// The peer has a new picture.
    View(Arc<View>),
    /// Time passed; the model's clock says how much.
    Tick,
    /// Something on the search page.
    Search(SearchAction),
    /// Something in the palette.
    Palette(PaletteAction),
    /// The note with this number needs not be shown any longer.
    Dismiss(u64),
    /// Cancel a download.
    Cancel(u64),
    /// Open this file or folder with the system's program.
    Open(PathBuf),
    /// The typed path is now this.
    TypedPath(String),
    /// Share the typed path.
    ShareTyped,
    /// Share these folders.
    Share(Vec<PathBuf>),
    /// Stop sharing this folder.
    Unshare(String),
    /// Something on the activity page, at the first start or when closing.
    Activity(ActivityAction),
    /// Something with shared folders.
    Library(LibraryAction),
    /// Something with transfers.
    Transfers(TransfersAction),
    /// The folder dialog for this was left with that.
    Picked(Purpose, Option<PathBuf>),
    /// Do not wait for the folder dialog.
    StopPicking,
    /// Something of the group page.
    Group(GroupAction),
    /// Something with the folders of a peer.
    Browse(BrowseAction),
    /// Speak this language.
    Language(Language),
    /// Look like this.
    Theme(ThemeChoice),
    /// A command was answered.
    Answered {
        /// What it was about.
        subject: Subject,
        /// The answer.
        answer: Result<Reply, CommandError>,
        /// When, in milliseconds since 1970.
        at_unix_millis: u64,
    },
    /// The desktop's settings say whether nothing shall move by itself.
    ReducedMotion(bool),
    /// Move or stand still.
    Motion(MotionChoice),
    /// A person opened this link elsewhere.
    OpenLink(ContentLink),
    /// The menu of the row is open.
    MenuShown,
    /// The person closes the window.
    CloseRequested,
    /// The peer has stopped (or took too long to).
    Stopped,
}
