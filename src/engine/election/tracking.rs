//! What a tracker remembers. Nothing of it is durable: a new tracker begins with its votes.

use super::{Member, RosterStamp};
use crate::base::{PeerId, PeerName};
use std::collections::{BTreeMap, BTreeSet};

/// The memory of a tracker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tracking {
    /// How many rounds of heartbeats were sent.
    pub(super) round: u64,
    /// Replies to rounds up to this one say nothing about now (R10).
    pub(super) inert_until: u64,
    /// The newest round that each member replied to; 0 is its vote.
    replies: BTreeMap<PeerId, u64>,
    /// The roster that each member has made durable, acknowledged in this epoch.
    acknowledged: BTreeMap<PeerId, RosterStamp>,
    /// Those who want to become voters.
    pub(super) joining: BTreeMap<PeerId, Joining>,
    /// Members that are called something else from now on.
    pub(super) renaming: BTreeMap<PeerId, PeerName>,
    /// Those who want to give up their seat.
    pub(super) leaving: BTreeSet<PeerId>,
    /// The name service has accepted `Tracker_Epoca_x`.
    pub(super) registered: bool,
    /// The handover under way (R11).
    pub(super) handing: Option<Handing>,
}

/// A peer that wants to become a voter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Joining {
    pub(super) member: Member,
    /// How many heartbeats it answered with a roster in which it is a member.
    pub(super) answered: u32,
}

/// A handover under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Handing {
    pub(super) successor: PeerId,
    /// The voters that know of it.
    pub(super) noted: BTreeSet<PeerId>,
}

impl Tracking {
    /// R8: a tracker without a majority for so many rounds (300 ms) is none. Rounds are its clock.
    pub(super) const PATIENCE: u64 = 3;

    /// A tracker that these peers voted for.
    pub(super) fn elected_by(voters: &BTreeSet<PeerId>) -> Self {
        Self { replies: voters.iter().map(|voter| (*voter, 0)).collect(), ..Self::default() }
    }

    /// Notes a reply; false if it is none to a round of heartbeats that counts, or not the peer's first.
    pub(super) fn replied(&mut self, peer: PeerId, round: u64) -> bool {
        if round <= self.inert_until || round > self.round {
            return false;
        }
        let newest = self.replies.entry(peer).or_default();
        let is_news = round > *newest;
        *newest = round.max(*newest);
        is_news
    }

    /// Notes what a member has made durable; durable stamps only grow.
    pub(super) fn acknowledge(&mut self, peer: PeerId, stamp: RosterStamp) {
        let newest = self.acknowledged.entry(peer).or_insert(stamp);
        *newest = stamp.max(*newest);
    }

    pub(super) fn has_acknowledged(&self, peer: PeerId, stamp: RosterStamp) -> bool {
        self.acknowledged.get(&peer) == Some(&stamp)
    }

    /// Those who replied to one of the last rounds.
    pub(super) fn fresh(&self) -> BTreeSet<PeerId> {
        let is_fresh = |round: u64| round + Self::PATIENCE > self.round;
        self.replies.iter().filter(|(_, round)| is_fresh(**round)).map(|(peer, _)| *peer).collect()
    }

    /// The newest round that a peer replied to.
    pub(super) fn last_reply(&self, peer: PeerId) -> u64 {
        self.replies.get(&peer).copied().unwrap_or_default()
    }

    /// R10: what was heard so far says nothing about now.
    pub(super) fn forget_replies(&mut self) {
        self.inert_until = self.round;
        self.replies.clear();
    }

    /// Whether enough rounds were sent since the beginning (or since waking) to judge the replies.
    pub(super) fn can_judge(&self) -> bool {
        self.round - self.inert_until >= Self::PATIENCE
    }
}
