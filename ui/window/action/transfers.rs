//! What a person does with transfers.

use cardume::node::TransferChange;
use cardume::wire::control::Limits;
use std::ops::Range;

/// What a person does with transfers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransfersAction {
    /// This one is selected: its details are shown.
    Select(u64),
    /// None is.
    Unselect,
    /// The selection moves by so many rows.
    MoveSelection(isize),
    /// Change these downloads; all that it applies to if none is named.
    Change(TransferChange, Vec<u64>),
    /// These rows are on screen.
    Visible(Range<usize>),
    /// The selected one is in view.
    Revealed,
    /// Pause the selected one, or let it go on.
    TogglePause,
    /// Cancel the selected one.
    CancelSelected,
    /// Download a folder of a peer: its id and the folder.
    Folder(String, String),
    /// Show or hide the limits.
    ToggleLimits,
    /// Set the limits.
    Limits(Limits),
}
