//! Between the registry's types and the JSON shapes of `names_` (also what lies in storage).

use crate::engine::registry::{Entry, Metadata, MetadataError, Overview};
use crate::wire::convert::{bad, parse_peer_id, parse_uri, roster_to_wire};
use crate::wire::names::{self, Registered};
use jsonrpsee::types::ErrorObjectOwned;
use std::time::Duration;

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
