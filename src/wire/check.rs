//! Shapes of the connection check: what was tested, what was found, and what to do about it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came of a connection check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// When it was made, in milliseconds since 1970 (UTC).
    pub unix_millis: u64,
    /// How long it took.
    pub took_millis: u64,
    /// The version of the program that made it.
    pub version: String,
    /// The tests, in an order in which a person looks for a fault.
    pub tests: Vec<CheckTest>,
}

impl CheckReport {
    /// How many tests ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tests.iter().filter(|test| test.verdict == verdict).count()
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Passed,
    /// It works, and something should be looked at.
    Warning,
    /// Something does not work.
    Failed,
    /// It could not be tested now.
    Skipped,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckTest {
    /// What was tested: `names`, `tracker`, `address`, `peer`, `rhythm`, `version`, `clock`, `disk`,
    /// `watches`.
    pub test: String,
    /// What or whom it is about: a peer's name, an address, a folder; may be empty.
    pub about: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, as a word that belongs to the test.
    pub finding: String,
    /// What the system or another peer said, as text; may be empty.
    pub detail: String,
    /// Numbers by name, as `rtt_micros`.
    pub figures: BTreeMap<String, u64>,
    /// The finding in a sentence, in English.
    pub message: String,
    /// What to do about it, in English; empty if nothing.
    pub advice: String,
}

impl CheckTest {
    /// A number of it; 0 if it has none of that name.
    #[must_use]
    pub fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or(0)
    }
}
