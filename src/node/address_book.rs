//! Where the members listen now. A roster's addresses are hints of the time of joining; what a peer says
//! itself over an authenticated connection, or registers, is newer.

use crate::base::{PeerId, PeerUri};
use crate::engine::election::Roster;
use std::collections::BTreeMap;

/// The most peers that are remembered: a group's members and as many again that ask to join.
const MAX_PEERS: usize = 256;

/// The two listeners of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) uri: PeerUri,
    pub(super) election_uri: PeerUri,
}

/// Where peers listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AddressBook {
    peers: BTreeMap<PeerId, Addresses>,
}

impl AddressBook {
    /// Takes what is newer than everything known. Says whether it changed anything.
    pub(super) fn learn(&mut self, peer: PeerId, at: Addresses) -> bool {
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            return false;
        }
        self.peers.insert(peer, at) != Some(at)
    }

    /// Takes a roster's addresses for those of whom nothing is known, and forgets who is no member.
    pub(super) fn hint(&mut self, me: PeerId, roster: &Roster) {
        for (peer, member) in &roster.members {
            let at = Addresses { uri: member.uri, election_uri: member.election_uri };
            if *peer != me {
                self.peers.entry(*peer).or_insert(at);
            }
        }
    }

    pub(super) fn get(&self, peer: PeerId) -> Option<Addresses> {
        self.peers.get(&peer).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PeerId, Addresses)> {
        self.peers.iter().map(|(peer, at)| (*peer, *at))
    }
}
