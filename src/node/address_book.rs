//! Where the members listen now. A roster's addresses are hints of the time of joining; what a peer says
//! itself over an authenticated connection, or registers, is newer.
//!
//! Invariant: whoever is no member, and was heard of no more for [`LATELY`], is forgotten. A peer that asks
//! to join is no member yet, and before the founding nobody is: they stay while they are heard.

use super::clock::monotonic;
use crate::base::{PeerId, PeerUri};
use crate::engine::election::Roster;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The most peers that are remembered: a group's members and as many again that ask to join.
const MAX_PEERS: usize = 256;
/// How long a peer that is no member is remembered: far longer than one that asks to join is silent, and
/// than it takes to tell one that was removed.
const LATELY: Duration = Duration::from_mins(1);

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
    /// Those of them that are no members, and when they were last heard of.
    guests: BTreeMap<PeerId, Instant>,
}

impl AddressBook {
    /// Takes what is newer than everything known. Says whether it changed anything.
    pub(super) fn learn(&mut self, peer: PeerId, at: Addresses) -> bool {
        self.learn_at(peer, at, monotonic())
    }

    fn learn_at(&mut self, peer: PeerId, at: Addresses, now: Instant) -> bool {
        if let Some(heard) = self.guests.get_mut(&peer) {
            *heard = now;
        }
        let forgot = self.forget_silent(now);
        if !self.peers.contains_key(&peer) {
            if self.peers.len() >= MAX_PEERS {
                return forgot;
            }
            self.guests.insert(peer, now);
        }
        self.peers.insert(peer, at) != Some(at) || forgot
    }

    /// Takes a roster's addresses for those of whom nothing is known; who is no member is forgotten when it
    /// falls silent.
    pub(super) fn hint(&mut self, me: PeerId, roster: &Roster) {
        self.hint_at(me, roster, monotonic());
    }

    fn hint_at(&mut self, me: PeerId, roster: &Roster, now: Instant) {
        for (peer, member) in &roster.members {
            let at = Addresses { uri: member.uri, election_uri: member.election_uri };
            if *peer != me {
                self.peers.entry(*peer).or_insert(at);
                self.guests.remove(peer);
            }
        }
        for peer in self.peers.keys().filter(|peer| !roster.members.contains_key(peer)) {
            self.guests.entry(*peer).or_insert(now);
        }
        self.forget_silent(now);
    }

    /// Whether anybody was forgotten.
    fn forget_silent(&mut self, now: Instant) -> bool {
        let before = self.guests.len();
        let peers = &mut self.peers;
        self.guests.retain(|peer, heard| {
            let stays = now.saturating_duration_since(*heard) < LATELY;
            if !stays {
                peers.remove(peer);
            }
            stays
        });
        self.guests.len() < before
    }

    pub(super) fn get(&self, peer: PeerId) -> Option<Addresses> {
        self.peers.get(&peer).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PeerId, Addresses)> {
        self.peers.iter().map(|(peer, at)| (*peer, *at))
    }
}

/// Two listeners of a peer that nobody reaches.
#[cfg(test)]
pub(super) fn test_addresses(port: u16) -> Addresses {
    let uri = |port| PeerUri::new(std::net::SocketAddr::from(([127, 0, 0, 1], port))).expect("an address");
    Addresses { uri: uri(port), election_uri: uri(port + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Epoch, FoundingId, PeerName};
    use crate::engine::election::{Member, RosterStamp};

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(byte: u8) -> PeerId {
        PeerId::from_bytes([byte; 32])
    }

    fn known(book: &AddressBook) -> Vec<PeerId> {
        book.iter().map(|(peer, _)| peer).collect()
    }

    #[test]
    fn members_stay_and_others_as_long_as_they_are_heard() {
        let begun = monotonic();
        let mut book = AddressBook::default();
        // Before the founding nobody is a member.
        assert!(book.learn_at(peer(1), test_addresses(1), begun));
        assert!(book.learn_at(peer(2), test_addresses(2), begun));
        book.hint_at(peer(9), &roster(&[1, 3, 9]), begun);
        assert_eq!(known(&book), [1, 2, 3].map(peer));
        // One asks to join, the members are silent.
        assert!(!book.learn_at(peer(2), test_addresses(2), begun + SECOND * 50));
        assert!(!book.learn_at(peer(2), test_addresses(2), begun + SECOND * 100));
        assert_eq!(known(&book), [1, 2, 3].map(peer));
        // It is gone; a member is heard.
        assert!(book.learn_at(peer(1), test_addresses(1), begun + SECOND * 160));
        assert_eq!(known(&book), [1, 3].map(peer));
    }

    #[test]
    fn who_was_removed_is_still_told_and_then_forgotten() {
        let begun = monotonic();
        let mut book = AddressBook::default();
        book.hint_at(peer(9), &roster(&[1, 2, 9]), begun);
        book.hint_at(peer(9), &roster(&[1, 9]), begun + SECOND * 500);
        assert!(!book.learn_at(peer(1), test_addresses(10), begun + SECOND * 559));
        assert_eq!(known(&book), [1, 2].map(peer));
        assert!(book.learn_at(peer(1), test_addresses(10), begun + SECOND * 560));
        assert_eq!(known(&book), [1].map(peer));
    }

    fn roster(members: &[u8]) -> Roster {
        let member = |byte: &u8| {
            let Addresses { uri, election_uri } = test_addresses(u16::from(*byte) * 10);
            let name = PeerName::new(&format!("peer-{byte}")).expect("a name");
            (peer(*byte), Member { name, uri, election_uri, voter: true })
        };
        Roster {
            founding: FoundingId::from_bytes([7; 16]),
            stamp: RosterStamp { epoch: Epoch::ZERO, version: 0 },
            min_voters: 1,
            members: members.iter().map(member).collect(),
        }
    }
}
