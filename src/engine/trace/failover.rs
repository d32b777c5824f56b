//! The stopwatch: what the records say about one failure.

use super::lane::IndexTold;
use super::{FaultKind, History};
use crate::base::{Epoch, PeerId};
use crate::engine::election::Role;

/// The longest that a failure is followed: long after every timer.
const FOLLOW: u64 = 30_000_000;
/// A tracker that was just elected has heard of a majority only, and of the others with its first
/// heartbeats: the index is complete with the lists of all who answered by then.
const SETTLES: u64 = 500_000;

/// One failure of a tracker and what came of it, by the stamps of the peers' records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Who failed.
    pub crashed: PeerId,
    /// When: the beginning of the drill by its own record, where that is known (it tells when it is back).
    pub began: Option<u64>,
    /// The new tracker, its epoch and when it became one, by its own record.
    pub elected: Option<(PeerId, Epoch, u64)>,
    /// When the new tracker's index was complete, by its own record.
    pub complete: Option<u64>,
}

impl History {
    /// What followed the failure of `crashed` in `epoch`, not before `after`.
    #[must_use]
    pub fn failover(&self, crashed: PeerId, epoch: Epoch, after: u64) -> Failover {
        let is_begin = |kind: FaultKind| matches!(kind, FaultKind::Crash | FaultKind::Pause);
        let began = self.lanes.get(&crashed).and_then(|lane| {
            let mut faults = lane.faults.from(after);
            faults.find(|(_, fault)| fault.began && is_begin(fault.kind)).map(|(at, _)| at)
        });
        let from = began.unwrap_or(after);
        let elected = self.elected(from, epoch, Some(crashed));
        let complete = elected.and_then(|(tracker, epoch, at)| self.complete_from(tracker, epoch, at));
        Failover { crashed, began, elected, complete }
    }

    /// The first to become tracker from a moment on in an epoch above `epoch`.
    fn elected(&self, from: u64, epoch: Epoch, except: Option<PeerId>) -> Option<(PeerId, Epoch, u64)> {
        let until = from.saturating_add(FOLLOW);
        let lanes = self.lanes.iter().filter(|(peer, _)| Some(**peer) != except);
        let trackers = lanes.flat_map(|(peer, lane)| {
            let roles = lane.roles.from(from).filter(|(_, role)| *role == Role::Tracker);
            roles.filter_map(|(at, _)| {
                let own = lane.epochs.at(at).map(|(_, epoch)| epoch)?;
                (own > epoch && at <= until).then_some((*peer, own, at))
            })
        });
        trackers.min_by_key(|(_, _, at)| *at)
    }

    /// When an index had the lists of all who live.
    fn complete_from(&self, tracker: PeerId, epoch: Epoch, elected: u64) -> Option<u64> {
        let lane = self.lanes.get(&tracker)?;
        let (settled, latest) = (elected.saturating_add(SETTLES), elected.saturating_add(FOLLOW));
        let told = || lane.indexes.from(elected).filter(|(_, index)| index.epoch == epoch);
        let expected = told().take_while(|(at, _)| *at <= settled).map(|(_, index)| index.of).max()?;
        let whole = |index: &IndexTold| index.complete && index.of >= expected;
        told().take_while(|(at, _)| *at <= latest).find(|(_, index)| whole(index)).map(|(at, _)| at)
    }

    /// When peers became tracker, oldest first: what a person jumps to.
    #[must_use]
    pub fn elections(&self) -> Vec<(PeerId, Epoch, u64)> {
        let lanes = self.lanes.iter();
        let mut elections: Vec<(PeerId, Epoch, u64)> = lanes
            .flat_map(|(peer, lane)| {
                let roles = lane.roles.from(0).filter(|(_, role)| *role == Role::Tracker);
                roles.filter_map(|(at, _)| Some((*peer, lane.epochs.at(at)?.1, at)))
            })
            .collect();
        elections.sort_by_key(|(_, _, at)| *at);
        elections
    }

    /// Where the story of an election that ended at `elected` begins: the first sign of it.
    #[must_use]
    pub fn story_begins(&self, epoch: Epoch, elected: u64) -> u64 {
        const LONGEST: u64 = 5_000_000;
        let earliest = elected.saturating_sub(LONGEST);
        let asked = self.letters(earliest, elected).filter(|letter| letter.mail.epoch == epoch);
        let asked = asked.filter_map(|letter| letter.sent).min().unwrap_or(elected);
        let faults = self
            .lanes
            .values()
            .flat_map(|lane| lane.faults.from(earliest).filter(|(_, fault)| fault.began).map(|(at, _)| at));
        faults.filter(|at| *at <= asked).max().unwrap_or(asked)
    }
}
