//! Shapes of `control_` about shared folders.

use serde::{Deserialize, Serialize};

/// What a folder holds, told before it is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The folder, without links in its path.
    pub path: String,
    /// Files in it that would be shared, as far as they were counted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether all of it was looked at; otherwise there are more.
    pub whole: bool,
    /// What folder it is: `ordinary`, `root`, `system`, `home` or `above_home`.
    pub place: String,
    /// Hidden files and folders: they are never shared, and say that the folder was not made for it.
    pub hidden: u64,
    /// The first keys, passwords and hidden entries that were found.
    pub findings: Vec<Finding>,
}

impl Inspection {
    /// From so many files on a person is asked whether this is meant.
    pub const MANY_FILES: u64 = 100_000;

    /// Whether a person is to be asked before it is shared.
    #[must_use]
    pub fn is_risky(&self) -> bool {
        let many = !self.whole || self.files >= Self::MANY_FILES;
        many || self.place != "ordinary" || self.hidden > 0 || !self.findings.is_empty()
    }
}

/// Something in a folder that a person may not want to share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where, below the folder.
    pub name: String,
    /// `key` (keys and passwords) or `hidden`.
    pub kind: String,
    /// Whether it would be shared; hidden ones are not.
    pub shared: bool,
}

/// A file or folder that is not shared, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Its whole path.
    pub path: String,
    /// The kind, as in `skips`.
    pub kind: String,
    /// The reason in English.
    pub reason: String,
}
