//! Shapes of `control_` about shared folders.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// This peer's own files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryState {
    /// Files shared.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files still to be hashed.
    pub hashing: u64,
    /// Bytes hashed per second over the last seconds.
    #[serde(default)]
    pub hashing_rate: u64,
    /// How many shared folders and folders in them the system does not watch: changes there are found by
    /// looking.
    #[serde(default)]
    pub unwatched: u64,
    /// How often the system did not tell of all changes, since the peer started.
    #[serde(default)]
    pub hints_lost: u64,
    /// How often everything is looked at, whatever the system tells.
    #[serde(default)]
    pub rescan_seconds: u64,
}

/// A shared folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The folder.
    pub path: String,
    /// Files in it that are shared.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those still to be hashed.
    pub hashing: u64,
    /// The bytes of those, without what is read already.
    #[serde(default)]
    pub hashing_bytes: u64,
    /// When all that is being hashed is likely to be, in seconds; absent while that is not known.
    #[serde(default)]
    pub seconds_left: Option<u64>,
    /// Whether hashing waits until a person lets it go on.
    #[serde(default)]
    pub paused: bool,
    /// Whether everything in it is being looked at just now.
    #[serde(default)]
    pub walking: bool,
    /// How many of its folders the system does not watch: changes there are found by looking.
    #[serde(default)]
    pub unwatched: u64,
    /// Files skipped, with a reason each (names refused, links, unreadable): how many.
    pub skipped: u64,
    /// The same by kind of reason, and the hidden ones: `hidden`, `link`, `special`, `unreadable`,
    /// `name`, `too_large`, `too_deep`, `too_many`, `own`, `ignored`, `pattern`.
    #[serde(default)]
    pub skips: BTreeMap<String, u64>,
    /// Why the folder cannot be read, if so.
    pub problem: Option<String>,
    /// The same in a word: `gone`, `denied`, `unreadable`, or `unsaved` (changes cannot be saved).
    #[serde(default)]
    pub problem_kind: Option<String>,
}

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
