//! What a person does while looking into the folders of a peer.

use cardume::base::FolderPath;
use cardume::node::Place;
use std::ops::Range;

/// What a person does while looking into the folders of a peer. Rows move, so they are named by what they show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BrowseAction {
    /// Look into a folder of a peer, by its id; with the cursor at a file.
    Open {
        /// The peer's id.
        peer: String,
        /// The folder; empty: the shared folders.
        folder: String,
        /// The file's name.
        file: Option<String>,
    },
    /// Go to this folder.
    GoTo(FolderPath),
    /// Look into this folder, or download this file.
    Enter(Place),
    /// Download this: a file, or a folder as a folder.
    Download(Place),
    /// Download the folder that is looked into.
    DownloadFolder,
    /// Put a link to this file on the clipboard.
    CopyLink(Place),
    /// The cursor goes to this.
    Select(Place),
    /// The cursor moves by so many rows.
    Move(isize),
    /// Only names that contain this.
    Filter(String),
    /// Letters typed while the rows have the keys.
    Type(String),
    /// All names.
    CloseFilter,
    /// Ask the peer again what it refused.
    Retry,
    /// These rows are on screen.
    Visible(Range<usize>),
    /// The cursor is in view.
    Revealed,
}
