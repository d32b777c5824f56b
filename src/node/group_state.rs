//! What the tasks of a peer need to know of the election: one immutable picture, published by the
//! election task whenever a part of it changed, read by everybody else.

use crate::base::{Epoch, PeerId, PeerName, PeerUri};
use crate::engine::election::Role;
use std::collections::BTreeMap;

/// The group as this peer sees it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupState {
    /// This peer.
    pub me: PeerId,
    /// What it is.
    pub role: Role,
    /// The highest epoch that it adopted.
    pub epoch: Epoch,
    /// The tracker of that epoch, as far as known; may be this peer.
    pub tracker: Option<PeerId>,
    /// Whether this peer is the tracker and heard from a majority lately: only then it answers searches.
    pub active: bool,
    /// The members of the group, this peer included.
    pub members: BTreeMap<PeerId, MemberInfo>,
}

/// A member as the tasks need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// What a person calls it.
    pub name: PeerName,
    /// Where it listens now, as far as known.
    pub uri: Option<PeerUri>,
    /// Whether it counts for the quorum.
    pub voter: bool,
    /// Whether it answers. Of this peer itself: yes.
    pub reachable: bool,
}

impl GroupState {
    /// A peer that knows of nobody yet.
    #[must_use]
    pub fn alone(me: PeerId) -> Self {
        Self {
            me,
            role: Role::Outside,
            epoch: Epoch::ZERO,
            tracker: None,
            active: false,
            members: BTreeMap::new(),
        }
    }

    /// Whether this peer is the tracker of its epoch, active or not.
    #[must_use]
    pub fn is_tracker(&self) -> bool {
        self.tracker == Some(self.me)
    }

    /// The tracker and its epoch: whom to announce to and to ask.
    #[must_use]
    pub fn target(&self) -> Option<(Epoch, PeerId)> {
        self.tracker.map(|tracker| (self.epoch, tracker))
    }
}
