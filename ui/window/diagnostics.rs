//! What *Copy diagnostics* puts on the clipboard: the peer's status, members and latest events as JSON.
//!
//! Invariant: no secrets. The picture has none (keys never leave the identity); shared folders are
//! counted, not named.

use super::model::Model;
use cardume::base::PeerId;
use cardume::engine::trace::Record;
use cardume::node::View;
use cardume::wire::convert::trace::record_to_wire;

/// The most events in it: what fits into a message to a helper.
const MAX_EVENTS: usize = 50;

/// The diagnostics of a peer.
pub(crate) fn diagnostics(view: &View) -> String {
    let first = view.events.len().saturating_sub(MAX_EVENTS);
    let value = serde_json::json!({
        "program": "cardume",
        "version": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "status": *view.status,
        "members": *view.members,
        "shares": view.shares.len(),
        "transfers": view.transfers.len(),
        "events": view.events.get(first..).unwrap_or_default(),
    });
    format!("{value:#}")
}

/// The records of the group as JSON: what every peer recorded, merged, and what this peer told.
pub(crate) fn recording(model: &Model) -> String {
    let record = |(peer, record): &(PeerId, Record)| {
        let mut value = serde_json::json!(record_to_wire(record));
        if let Some(fields) = value.as_object_mut() {
            fields.insert("by".to_owned(), peer.to_string().into());
        }
        value
    };
    let peer = |peer: PeerId| serde_json::json!({ "peer_id": peer.to_string(), "name": model.name_of(peer) });
    let history = &model.group.history;
    let mut records: Vec<&(PeerId, Record)> = history.records().collect();
    records.sort_by_key(|(_, record)| record.at_micros);
    let value = serde_json::json!({
        "program": "cardume",
        "version": env!("CARGO_PKG_VERSION"),
        "peers": history.peers().map(peer).collect::<Vec<_>>(),
        "records": records.into_iter().map(record).collect::<Vec<_>>(),
        "events": *model.view.events,
    });
    format!("{value}\n")
}
