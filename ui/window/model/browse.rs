//! Looking into the folders of a peer: over the page that it was opened from.
//!
//! Invariant: all rows answer the same question (folder and filter), in the peer's order and without a gap; an answer
//! to an older question is dropped.

use super::super::action::Page;
use super::Model;
use cardume::base::{FileName, FolderPath, PeerId};
use cardume::node::{Below, BrowseAsk, Entry, Place};
use std::ops::Range;
use std::time::Duration;

/// Entries that are asked for at once: some screens full.
pub(crate) const PAGE: usize = 500;
/// The most rows that are kept: some tens of MiB. Whoever has more in a folder looks with the filter.
pub(crate) const MAX_ROWS: usize = 100_000;
/// The most characters in the filter.
pub(crate) const MAX_FILTER: usize = 64;
/// The next page is asked for so many rows before the end of what is there.
const AHEAD: usize = 200;
/// What is on screen is asked for again after this time, if one page holds it.
pub(crate) const REFRESH: Duration = Duration::from_secs(5);
/// How long an answer may take before the person is told that it is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

/// Why there is nothing (newer) to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The peer cannot be reached.
    Away(String),
    /// It has no such folder (any more).
    NoFolder,
    /// Something else, as it says.
    Other(String),
}

/// Looking into the folders of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Browse {
    /// The page that it was opened from.
    pub origin: Page,
    /// Whose folders.
    pub peer: PeerId,
    /// In which one; empty: which it shares.
    pub folder: FolderPath,
    /// Folders that were looked into before, for the way back.
    pub trail: Vec<FolderPath>,
    /// Only names that contain this; `None`: that field is closed.
    pub filter: Option<String>,
    /// What is in the folder, as far as it was asked for.
    pub rows: Vec<Entry>,
    /// What is known of the folder; `None` before the first answer.
    pub totals: Option<Totals>,
    /// Behind what the next page begins; `None`: there is none.
    pub next: Option<Place>,
    /// The number of the last question.
    pub number: u64,
    /// Since when its answer is waited for.
    pub asked_at: Option<Duration>,
    /// Whether the answer replaces all rows, or goes behind them.
    pub anew: bool,
    /// Why there is no newer answer, if so.
    pub refused: Option<Refused>,
    /// When to ask again.
    pub due: Option<Duration>,
    /// The row that the keyboard is at.
    pub cursor: Option<usize>,
    /// The name that the cursor goes to when it is there.
    pub sought: Option<FileName>,
    /// Whether the cursor must be brought into view.
    pub reveal: bool,
    /// Whether the rows must be scrolled to their beginning.
    pub to_top: bool,
    /// The rows on screen.
    pub visible: Range<usize>,
}

/// What is known of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// In it and below.
    pub below: Below,
    /// Folders right in it.
    pub folders: u64,
    /// Files right in it.
    pub files: u64,
}

impl Browse {
    /// Looking into a folder of `peer` from `origin` on.
    pub(crate) fn new(origin: Page, peer: PeerId, folder: FolderPath) -> Self {
        Self {
            origin,
            peer,
            folder,
            trail: Vec::new(),
            filter: None,
            rows: Vec::new(),
            totals: None,
            next: None,
            number: 0,
            asked_at: None,
            anew: true,
            refused: None,
            due: None,
            cursor: None,
            sought: None,
            reveal: false,
            to_top: true,
            visible: 0..0,
        }
    }

    /// The folder above; `None` at the top.
    pub(crate) fn above(&self) -> Option<FolderPath> {
        if self.folder.is_empty() {
            return None;
        }
        let above = self.folder.as_str().rsplit_once('/').map_or("", |(above, _)| above);
        FolderPath::new(above).ok()
    }

    /// The folder of this name in it.
    pub(crate) fn inner(&self, name: &FileName) -> Option<FolderPath> {
        if self.folder.is_empty() {
            return FolderPath::new(name.as_str()).ok();
        }
        FolderPath::new(&format!("{}/{name}", self.folder)).ok()
    }

    /// What the next question is: behind the rows, or from the start.
    pub(crate) fn ask(&self) -> BrowseAsk {
        BrowseAsk {
            after: if self.anew { None } else { self.next.clone() },
            limit: PAGE,
            filter: self.filter.as_deref().map_or("", str::trim).to_owned(),
        }
    }

    /// Whether the next page is needed for what is on screen or sought. One that was refused is asked for again only on
    /// demand.
    pub(crate) fn wants_more(&self) -> bool {
        let is_near = self.visible.end + AHEAD >= self.rows.len();
        let may = self.asked_at.is_none() && self.refused.is_none();
        may && !self.is_over() && (is_near || self.sought.is_some())
    }

    /// Whether no more rows come.
    pub(crate) fn is_over(&self) -> bool {
        self.next.is_none() || self.rows.len() >= MAX_ROWS
    }

    /// The row that shows this, if any does.
    pub(crate) fn row_of(&self, place: &Place) -> Option<usize> {
        self.rows.iter().position(|entry| entry.place() == *place)
    }

    /// What is shown of this, if it is.
    pub(crate) fn entry(&self, place: &Place) -> Option<&Entry> {
        self.rows.get(self.row_of(place)?)
    }

    /// The row that the keyboard is at.
    pub(crate) fn at_cursor(&self) -> Option<&Entry> {
        self.rows.get(self.cursor?)
    }
}

impl Model {
    /// The folders that are looked into on the page on screen.
    pub(crate) fn shown_browse(&self) -> Option<&Browse> {
        self.browse.as_ref().filter(|browse| browse.origin == self.page)
    }
}
