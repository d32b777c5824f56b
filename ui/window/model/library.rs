//! State of the library page.

use cardume::wire::library::{Inspection, SkippedFile};
use std::collections::VecDeque;
use std::path::PathBuf;

/// The library page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    /// The typed path.
    pub typed: String,
    /// Folders whose files are being counted before they are shared.
    pub looking: Vec<PathBuf>,
    /// What a person is asked before it is shared; the first one is on screen.
    pub warnings: VecDeque<Warning>,
    /// The share whose skipped files are listed.
    pub opened: Option<String>,
    /// What is not shared of it, once it is known.
    pub skipped: Option<Vec<SkippedFile>>,
}

/// A folder that is only shared if a person means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The folder as it was given.
    pub folder: PathBuf,
    /// What is in it.
    pub found: Inspection,
}
