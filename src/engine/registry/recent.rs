//! What changed lately, for those who watch.
//!
//! Invariant: a number is given once; who has seen all changes up to a number is told either all later ones or that
//! some of them were missed. Absent on purpose: renewals, which change nothing that can be looked up.

use super::{Change, Entry, Held, Name};
use std::collections::VecDeque;
use std::sync::Arc;

/// What happened to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was registered, or registered anew with another address or by another key.
    Registered(Entry),
    /// Only what its registration carries changed.
    Metadata(Entry),
    /// It was removed; a tracker: it has fallen out of the history.
    Removed,
    /// Its lease ended.
    Expired,
}

/// A change that whoever looks a name up can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Of which name.
    pub name: Name,
    /// What happened to it.
    pub what: What,
}

impl Seen {
    /// The change of one place from what was there before, if it can be seen.
    pub(super) fn between(before: &Change, after: &Change) -> Option<Self> {
        match (before, after) {
            (Change::Name(_, before), Change::Name(name, after)) => {
                let gone = if after.is_some() { What::Expired } else { What::Removed };
                let what = what(found(before.as_ref()), found(after.as_ref()), gone)?;
                Some(Self { name: Name::Peer(name.clone()), what })
            }
            (Change::Tracker(_, before), Change::Tracker(epoch, after)) => {
                let what = what(before.as_ref(), after.as_ref(), What::Removed)?;
                Some(Self { name: Name::Tracker(*epoch), what })
            }
            _ => None,
        }
    }
}

fn found(held: Option<&Held>) -> Option<&Entry> {
    held.filter(|held| !held.lapsed).map(|held| &held.entry)
}

fn what(before: Option<&Entry>, after: Option<&Entry>, gone: What) -> Option<What> {
    match (before, after) {
        (before, after) if before == after => None,
        (_, None) => Some(gone),
        (Some(before), Some(after))
            if *after == Entry { metadata: after.metadata.clone(), ..before.clone() } =>
        {
            Some(What::Metadata(after.clone()))
        }
        (_, Some(after)) => Some(What::Registered(after.clone())),
    }
}

/// The latest changes with their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    newest: u64,
    kept: VecDeque<Arc<Seen>>,
}

impl Recent {
    /// How many are kept: the start of a school of five hundred, twice. Who misses more lists anew.
    pub const KEPT: usize = 1_024;

    /// None yet; the first one gets the number after `newest`. Numbers of an earlier run are told from this one's
    /// if runs begin far from each other.
    #[must_use]
    pub const fn new(newest: u64) -> Self {
        Self { newest, kept: VecDeque::new() }
    }

    /// The number of the newest change.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// Adds a change; the oldest one gives way.
    pub fn add(&mut self, seen: Seen) {
        if self.kept.len() == Self::KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(seen));
        self.newest += 1;
    }

    /// The changes after that number, the oldest first; `None` if some of them are not kept any more, or if the
    /// number is none of this run.
    #[must_use]
    pub fn after(&self, number: u64) -> Option<Vec<(u64, Arc<Seen>)>> {
        let count = usize::try_from(self.newest.checked_sub(number)?).ok()?;
        let first = self.kept.len().checked_sub(count)?;
        Some((number + 1..).zip(self.kept.range(first..).cloned()).collect())
    }
}
