//! What *Copy diagnostics* puts on the clipboard: the peer's status, members and latest events as JSON.
//!
//! Invariant: no secrets. The picture has none (keys never leave the identity); shared folders are
//! counted, not named.

use cardume::node::View;

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
