//! Counting votes: peers are counted, not answers (R5), and only voters of the roster that the request
//! carried (R6).

use super::Roster;
use crate::base::{Epoch, PeerId};
use std::collections::BTreeSet;

/// One round of asking for votes or pre-votes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tally {
    epoch: Epoch,
    round: u64,
    voters: BTreeSet<PeerId>,
    granted: BTreeSet<PeerId>,
    refused: BTreeSet<PeerId>,
}

impl Tally {
    pub(super) fn new(epoch: Epoch, round: u64, roster: &Roster) -> Self {
        let voters = roster.voters().collect();
        Self { epoch, round, voters, granted: BTreeSet::new(), refused: BTreeSet::new() }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Those who granted.
    pub(super) fn granted(&self) -> &BTreeSet<PeerId> {
        &self.granted
    }

    /// Counts an answer; false if it is from no voter or not the peer's first.
    pub(super) fn count(&mut self, peer: PeerId, is_grant: bool) -> bool {
        let is_first = !self.granted.contains(&peer) && !self.refused.contains(&peer);
        if !is_first || !self.voters.contains(&peer) {
            return false;
        }
        let side = if is_grant { &mut self.granted } else { &mut self.refused };
        side.insert(peer)
    }

    /// A quorum of the voters granted.
    pub(super) fn is_won(&self) -> bool {
        self.granted.len() >= self.quorum()
    }

    /// So many refused that no quorum can grant any more.
    pub(super) fn is_lost(&self) -> bool {
        self.voters.len() - self.refused.len() < self.quorum()
    }

    fn quorum(&self) -> usize {
        self.voters.len() / 2 + 1
    }
}

/// Who answered this peer's last two rounds of asking: its idea of who is here when there is no tracker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Heard {
    earlier: BTreeSet<PeerId>,
    latest: BTreeSet<PeerId>,
}

impl Heard {
    pub(super) fn begin_round(&mut self) {
        self.earlier = std::mem::take(&mut self.latest);
    }

    pub(super) fn note(&mut self, peer: PeerId) {
        self.latest.insert(peer);
    }

    pub(super) fn peers(&self) -> BTreeSet<PeerId> {
        self.earlier.union(&self.latest).copied().collect()
    }
}
