//! What one peer's records say about itself, in the order of time.

use super::{FaultKind, Record, What};
use crate::base::{Epoch, PeerId};
use crate::engine::election::Role;
use std::collections::VecDeque;

/// The most restarts of a timer that are kept: a heartbeat restarts it, so that is about seven minutes.
const MAX_TIMERS: usize = 4_096;
/// The most of everything else: an election makes about ten.
const MAX_CHANGES: usize = 2_048;

/// Values as they changed, oldest first; the oldest go when there are too many.
#[derive(Clone, Debug)]
pub(super) struct Changes<T> {
    values: VecDeque<(u64, T)>,
    most: usize,
}

impl<T: Copy> Changes<T> {
    fn new(most: usize) -> Self {
        Self { values: VecDeque::new(), most }
    }

    fn add(&mut self, at: u64, value: T) {
        let place = self.values.partition_point(|(known, _)| *known <= at);
        self.values.insert(place, (at, value));
        if self.values.len() > self.most {
            self.values.pop_front();
        }
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value at a moment, and since when.
    pub(super) fn at(&self, moment: u64) -> Option<(u64, T)> {
        let place = self.values.partition_point(|(known, _)| *known <= moment);
        place.checked_sub(1).and_then(|place| self.values.get(place)).copied()
    }

    /// The changes from a moment on.
    pub(super) fn from(&self, moment: u64) -> impl Iterator<Item = (u64, T)> {
        let place = self.values.partition_point(|(known, _)| *known < moment);
        self.values.iter().skip(place).copied()
    }
}

/// A fault that began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub kind: FaultKind,
    /// Whether it began.
    pub began: bool,
}

/// The tracker that a peer knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) tracker: Option<PeerId>,
    pub(super) epoch: Epoch,
}

/// An index as its tracker told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexTold {
    pub(super) epoch: Epoch,
    pub(super) of: u32,
    pub(super) complete: bool,
}

/// One peer's records, by what they are about.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// From here on its records are known.
    pub(super) known_from: u64,
    /// Up to here its records are known.
    pub(super) known_until: u64,
    pub(super) roles: Changes<Role>,
    pub(super) epochs: Changes<Epoch>,
    /// A running timer's length; `None`: it does not run.
    pub(super) timers: Changes<Option<u64>>,
    pub(super) trackers: Changes<Known>,
    pub(super) faults: Changes<Fault>,
    pub(super) indexes: Changes<IndexTold>,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            known_from: u64::MAX,
            known_until: 0,
            roles: Changes::new(MAX_CHANGES),
            epochs: Changes::new(MAX_CHANGES),
            timers: Changes::new(MAX_TIMERS),
            trackers: Changes::new(MAX_CHANGES),
            faults: Changes::new(MAX_CHANGES),
            indexes: Changes::new(MAX_CHANGES),
        }
    }
}

impl Lane {
    /// What the peer is where no record says since when: it has been so since before the first record.
    pub(super) fn begin_with(&mut self, role: Option<Role>, epoch: Option<Epoch>, until: u64) {
        self.known_from = self.known_from.min(until);
        if let Some(role) = role.filter(|_| self.roles.is_empty()) {
            self.roles.add(self.known_from, role);
        }
        if let Some(epoch) = epoch.filter(|_| self.epochs.is_empty()) {
            self.epochs.add(self.known_from, epoch);
        }
    }

    /// Takes what the peer says about itself. Messages are the history's.
    pub(super) fn add(&mut self, record: &Record) {
        let at = record.at_micros;
        self.known_from = self.known_from.min(at);
        match record.what {
            What::TimerSet { after_micros } => self.timers.add(at, Some(after_micros)),
            What::TimerStopped | What::TimerExpired => self.timers.add(at, None),
            What::Role(role) => self.roles.add(at, role),
            What::Epoch(epoch) => self.epochs.add(at, epoch),
            What::Tracker { tracker, epoch } => self.trackers.add(at, Known { tracker, epoch }),
            What::Index { epoch, have, of, .. } => {
                self.indexes.add(at, IndexTold { epoch, of, complete: have == of && of > 0 });
            }
            What::FaultBegan(kind) => self.faults.add(at, Fault { kind, began: true }),
            What::FaultEnded(kind) => self.faults.add(at, Fault { kind, began: false }),
            What::Sent(_) | What::Unsent(_) | What::Received(_) => {}
        }
    }
}
