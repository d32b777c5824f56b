//! State of the activity page and of what surrounds the peer: log, connection check, settings, the first
//! start, the question before closing.

use super::super::log::{Level, LogLine, MAX_LINES};
use cardume::wire::check::CheckReport;
use std::collections::{BTreeSet, VecDeque};

/// The most characters in the filter of the log.
pub(crate) const MAX_FILTER: usize = 200;

/// A part of the activity page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Section {
    /// What the person was told, and what happened.
    #[default]
    Messages,
    /// The connection check.
    Check,
    /// The log.
    Log,
    /// Settings, and who this peer is.
    Settings,
}

impl Section {
    /// All of them, as on the page.
    pub(crate) const ALL: [Self; 4] = [Self::Messages, Self::Check, Self::Log, Self::Settings];
}

/// The activity page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    /// The part on screen.
    pub section: Section,
    /// The log.
    pub log: Log,
    /// The connection check.
    pub check: Check,
    /// The settings.
    pub form: Form,
}

/// The log as the window keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// The lines, the oldest first.
    pub lines: VecDeque<LogLine>,
    /// Which levels are shown.
    pub levels: BTreeSet<Level>,
    /// What the lines have to contain.
    pub filter: String,
    /// With which line it was paused: later ones are kept and not shown.
    pub paused: Option<u64>,
    /// The places in `lines` that are shown.
    pub shown: Vec<usize>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            levels: BTreeSet::from([Level::Error, Level::Warning, Level::Info]),
            filter: String::new(),
            paused: None,
            shown: Vec::new(),
        }
    }
}

impl Log {
    /// Takes new lines in.
    pub(crate) fn add(&mut self, lines: Vec<LogLine>) {
        self.lines.extend(lines);
        let surplus = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..surplus);
        self.select();
    }

    /// Chooses the lines to show anew.
    pub(crate) fn select(&mut self) {
        let filter = self.filter.trim().to_lowercase();
        let until = self.paused.unwrap_or(u64::MAX);
        let fits = |line: &LogLine| {
            let matches = || line.text.to_lowercase().contains(&filter) || line.part.contains(&filter);
            line.number <= until && self.levels.contains(&line.level) && (filter.is_empty() || matches())
        };
        self.shown = (0..self.lines.len()).filter(|at| self.lines.get(*at).is_some_and(fits)).collect();
    }
}

/// The connection check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    /// Whether one is under way.
    pub running: bool,
    /// What the last one found.
    pub report: Option<CheckReport>,
}

/// The settings that are being changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    /// The name as typed; `None`: as it is.
    pub name: Option<String>,
    /// Whether the name is being changed.
    pub renaming: bool,
    /// Why it was not.
    pub name_problem: Option<String>,
    /// The download folder as typed; `None`: as it is.
    pub downloads: Option<String>,
    /// Why it was not changed.
    pub downloads_problem: Option<String>,
    /// Whether the peer starts with the system; `None`: that is not how this system does it.
    pub autostart: Option<bool>,
}

/// The first start: what a person sees until they share something, or dismiss it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Welcome {
    /// An invite as it is pasted.
    pub link: String,
    /// Whether this peer is about to join another group.
    pub joining: bool,
    /// Why it cannot.
    pub problem: Option<String>,
}
