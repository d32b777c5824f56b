//! The roster: who counts. One replicated value with a stamp; quorum = majority of its voters.

use crate::base::{Epoch, FoundingId, PeerId, PeerName, PeerUri};
use std::collections::BTreeMap;

/// The version of a roster; ordered by epoch, then version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RosterStamp {
    /// The epoch of the tracker that made this roster; zero for the founding.
    pub epoch: Epoch,
    /// The number of the change within that epoch, from 0.
    pub version: u64,
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// What a person calls it.
    pub name: PeerName,
    /// Its general listener when it joined; a hint, since it may have moved.
    pub uri: PeerUri,
    /// Its election listener when it joined; a hint.
    pub election_uri: PeerUri,
    /// Whether it counts for the quorum.
    pub voter: bool,
}

/// The members of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Roster {
    /// Which founding the group goes back to.
    pub founding: FoundingId,
    /// The version of this roster.
    pub stamp: RosterStamp,
    /// The number of founders: the group never shrinks below it by itself.
    pub min_voters: u8,
    /// The members by id.
    pub members: BTreeMap<PeerId, Member>,
}

impl Roster {
    /// The most voters that a roster has (limits the quorum's size, and so its delay).
    pub const MAX_VOTERS: usize = 7;
    /// The most members that a roster has: it travels in one message to whoever lags.
    pub const MAX_MEMBERS: usize = 64;
    /// Up to so many voters a graceful stop keeps its seat (R11).
    pub const SMALL: usize = 3;

    /// The voters, in the order of their ids.
    pub fn voters(&self) -> impl Iterator<Item = PeerId> {
        self.members.iter().filter(|(_, member)| member.voter).map(|(id, _)| *id)
    }

    /// Whether `peer` counts for the quorum.
    #[must_use]
    pub fn is_voter(&self, peer: PeerId) -> bool {
        self.members.get(&peer).is_some_and(|member| member.voter)
    }

    /// How many voters are a majority.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.voters().count() / 2 + 1
    }

    /// Whether a graceful stop gives its seat up: in a small group a closed window keeps it, so that the
    /// last one to close does not become the whole group (R11).
    #[must_use]
    pub fn has_spare_seat(&self) -> bool {
        self.voters().count() > Self::SMALL.max(usize::from(self.min_voters))
    }

    /// Whether `peer` is a member whose seat can be removed: the last voter's cannot.
    #[must_use]
    pub fn may_lose(&self, peer: PeerId) -> bool {
        let is_last_voter = self.is_voter(peer) && self.voters().count() == 1;
        self.members.contains_key(&peer) && !is_last_voter
    }
}
