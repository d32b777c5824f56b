//! What can happen on the search page.

use cardume::node::{CommandError, Page, SortKey};
use cardume::wire::index::SearchAnswer;
use std::ops::Range;

/// How a row joins the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// It alone.
    Only,
    /// It too, or no longer (Ctrl).
    Toggle,
    /// All from the last one to it (Shift).
    Range,
}

/// Everything that changes the search page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SearchAction {
    /// The words are now these.
    Words(String),
    /// The words of the filter are now these.
    Filter(String),
    /// The filter closes.
    CloseFilter,
    /// This operator is added to the words, or taken out of them.
    Term(String),
    /// Sort by this; again: the other way; again: as before.
    Sort(SortKey),
    /// These rows are on screen.
    Visible(Range<usize>),
    /// The results were scrolled as wanted.
    Revealed,
    /// A part of a search was answered.
    Answered {
        /// The search's number.
        number: u64,
        /// The part.
        page: Page,
        /// What came.
        answer: Result<SearchAnswer, CommandError>,
    },
    /// The row with this number is selected.
    Select(usize, Pick),
    /// The cursor moves by so many rows.
    Move(isize, Pick),
    /// This was typed while the results had the keys.
    Type(String),
    /// The result at the cursor opens.
    Open,
    /// The result at the cursor closes.
    Close,
    /// The result with this number opens or closes.
    Toggle(usize),
    /// Download the result with this number, from the source with that number or from all.
    Download {
        /// Which result.
        found: usize,
        /// Which source; `None`: all.
        source: Option<usize>,
    },
    /// Download what is selected from the peer with this id.
    DownloadFrom(String),
    /// The typed folder to download to is now this.
    TargetFolder(String),
    /// Choose that folder in a dialog.
    PickTarget,
    /// Download there.
    DownloadThere,
}
