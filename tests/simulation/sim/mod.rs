//! A simulator of a whole group: the production election of every peer, virtual time, a network and disks
//! that misbehave. The same seed gives the same run, to the last line of its trace.

mod dice;
pub(crate) mod faults;
pub(crate) mod invariants;
mod names;
mod peer;
mod world;

pub(crate) use dice::Dice;
pub(crate) use world::{MILLIS, Micros, SECOND, World};

use cardume::base::{Epoch, FoundingId, PeerId, PeerName, PeerUri};
use cardume::engine::election::{Member, Roster, RosterStamp};

/// The id of a peer by its number.
pub(crate) fn id(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

/// The number of a peer by its id.
pub(crate) fn number(id: PeerId) -> u8 {
    id.as_bytes()[0]
}

/// A member's data.
pub(crate) fn member(number: u8, voter: bool) -> Member {
    let uri = PeerUri::new(([127, 0, 0, number], 1).into()).expect("port 1 is one");
    let name = PeerName::new(&format!("peer-{number}")).expect("a plain name");
    Member { name, uri, election_uri: uri, voter }
}

/// A founding roster of peers 1 to `voters`.
pub(crate) fn founding(voters: u8, min_voters: u8) -> Roster {
    Roster {
        founding: FoundingId::from_bytes([1; 16]),
        stamp: RosterStamp { epoch: Epoch::ZERO, version: 0 },
        min_voters,
        members: (1..=voters).map(|number| (id(number), member(number, true))).collect(),
    }
}
