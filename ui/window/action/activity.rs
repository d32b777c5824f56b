//! What a person does on the activity page, at the first start and when closing.

use super::super::log::{Level, LogLine};
use super::super::model::Section;

/// What a person does on the activity page, at the first start and when closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActivityAction {
    /// Show this part.
    Show(Section),
    /// The program told something.
    Log(Vec<LogLine>),
    /// Show this level, or not any more.
    ToggleLevel(Level),
    /// The filter is now this.
    Filter(String),
    /// Hold the log as it is, or follow it again.
    TogglePause,
    /// Copy the lines that are shown.
    CopyLog,
    /// Test the links.
    Check,
    /// The typed name is now this.
    TypeName(String),
    /// Use it.
    SaveName,
    /// The typed download folder is now this.
    TypeDownloads(String),
    /// Use it.
    SaveDownloads,
    /// Choose it in a dialog.
    PickDownloads,
    /// The dialog was left with this.
    /// Start with the system, or not any more.
    Autostart(bool),
    /// Put the invite on the clipboard.
    CopyInvite,
    /// The pasted invite is now this.
    TypeLink(String),
    /// Join the group of the pasted invite.
    Join,
    /// Not now.
    DismissWelcome,
    /// Close although downloads run.
    CloseAnyway,
    /// Do not close.
    Stay,
    /// What came of something beside the peer.
    News(News),
}

/// What came of something that is done beside the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The invite, or why there is none.
    Invite(Result<String, String>),
    /// Whether the peer starts with the system, or why that could not be changed.
    Autostart(Result<Option<bool>, String>),
    /// The peer can join the other group as soon as it has stopped; or why it cannot.
    MayJoin(Result<(), String>),
}
