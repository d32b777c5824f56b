//! Between the registry's types and the JSON shapes of `names_` (also what lies in storage).

use crate::base::tracker_name;
use crate::engine::registry::{Entry, Metadata, MetadataError, Name, Overview, Seen, What};
use crate::wire::convert::{bad, parse_peer_id, parse_uri, roster_to_wire};
use crate::wire::names::{self, Registered};
use jsonrpsee::types::ErrorObjectOwned;
use std::time::Duration;

/// The longest answer to `list` and `watch`, roughly, in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 2 << 20;
/// What an entry takes in JSON besides its texts: keys, quotes, two URIs and the id.
const ENTRY_BYTES: usize = 256;

/// What an entry takes in JSON with its name, roughly.
pub(super) fn bytes_of(name: &str, entry: Option<&Entry>) -> usize {
    let metadata = entry.into_iter().flat_map(|entry| entry.metadata.map());
    ENTRY_BYTES + name.len() + metadata.map(|(name, value)| name.len() + value.len() + 8).sum::<usize>()
}

/// The shape of a change, and what it takes in JSON.
pub(super) fn change_to_wire(number: u64, seen: &Seen) -> (names::Change, usize) {
    let name = match &seen.name {
        Name::Peer(name) => name.as_str().to_owned(),
        Name::Tracker(epoch) => tracker_name(*epoch),
    };
    let (what, entry) = match &seen.what {
        What::Registered(entry) => (names::What::Registered, Some(entry)),
        What::Metadata(entry) => (names::What::Metadata, Some(entry)),
        What::Removed => (names::What::Removed, None),
        What::Expired => (names::What::Expired, None),
    };
    let bytes = bytes_of(&name, entry);
    (names::Change { number, name, what, entry: entry.map(entry_to_wire) }, bytes)
}

/// The shape of an entry.
pub(super) fn entry_to_wire(entry: &Entry) -> names::Entry {
    names::Entry {
        uri: entry.uri.to_string(),
        election_uri: entry.election_uri.map(|uri| uri.to_string()),
        peer_id: entry.holder.to_string(),
        metadata: entry.metadata.map().clone(),
    }
}

/// The entry with this shape, all limits checked.
pub(super) fn entry_from_wire(shape: names::Entry) -> Result<Entry, ErrorObjectOwned> {
    Ok(Entry {
        holder: parse_peer_id("peer_id", &shape.peer_id)?,
        uri: parse_uri("uri", &shape.uri)?,
        election_uri: shape.election_uri.map(|uri| parse_uri("election_uri", &uri)).transpose()?,
        metadata: Metadata::new(shape.metadata).map_err(|error: MetadataError| bad("metadata", error))?,
    })
}

/// The answer to a registration or a renewal.
pub(super) fn registered(overview: &Overview, lease: Duration) -> Registered {
    Registered {
        lease_millis: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
        highest_epoch: overview.highest.number(),
        tracker: overview.tracker.as_ref().map(entry_to_wire),
        founding: overview.founding.as_ref().map(roster_to_wire),
        registered: u32::try_from(overview.registered).unwrap_or(u32::MAX),
        expected: u32::from(overview.expected),
    }
}
