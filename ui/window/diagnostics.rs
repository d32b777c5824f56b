//! What *Copy diagnostics* puts on the clipboard: the peer's status, members, latest events, the last
//! connection check and the last lines of the log as JSON.
//!
//! Invariant: no secrets. The picture has none (keys never leave the identity); all the same an invite, and
//! whatever looks like a key and is no member's id, is blotted out. Shared folders are counted, not named.

use super::log::{Level, LogLine};
use super::model::Model;
use crate::local_time::utc_time_of_day;
use cardume::base::PeerId;
use cardume::engine::trace::Record;
use cardume::wire::control::EventRecord;
use cardume::wire::convert::trace::record_to_wire;

/// The most events in it, and lines of the log: what fits into a message to a helper.
const MAX_LINES: usize = 50;
/// Digits of a key; ids of peers have as many.
const KEY_DIGITS: usize = 64;
/// What begins an invite.
const INVITE: &str = "cardume:join?";
/// What stands in place of a secret.
const BLOT: &str = "[removed]";

/// The diagnostics of a peer.
pub(crate) fn diagnostics(model: &Model) -> String {
    let view = &model.view;
    let first = view.events.len().saturating_sub(MAX_LINES);
    let events: Vec<EventRecord> =
        view.events.get(first..).unwrap_or_default().iter().cloned().map(without_folder).collect();
    let grave = model.activity.log.lines.iter().filter(|line| line.level <= Level::Info);
    let skip = grave.clone().count().saturating_sub(MAX_LINES);
    let log: Vec<String> = grave.skip(skip).map(one_line).collect();
    let value = serde_json::json!({
        "program": "cardume",
        "version": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "status": *view.status,
        "members": *view.members,
        "shares": view.shares.len(),
        "transfers": view.transfers.len(),
        "events": events,
        "check": model.activity.check.report,
        "log": log,
    });
    let known =
        |id: &str| view.status.peer_id == id || view.members.iter().any(|member| member.peer.peer_id == id);
    blotted(&format!("{value:#}"), known)
}

/// Which folders a person shares is nobody's business.
fn without_folder(mut event: EventRecord) -> EventRecord {
    let of_folders = ["share_added", "share_removed", "hashing_paused", "hashing_resumed", "downloads_moved"];
    if of_folders.contains(&event.kind.as_str()) {
        event.detail = None;
    }
    event
}

fn one_line(line: &LogLine) -> String {
    format!("{} {:?} {}: {}", utc_time_of_day(line.unix_millis), line.level, line.part, line.text)
}

/// The text without invites and without what may be a key.
fn blotted(text: &str, known: impl Fn(&str) -> bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(INVITE) {
        let (before, invite) = rest.split_at(at);
        let end = invite.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(invite.len());
        clean += before;
        clean += BLOT;
        rest = invite.split_at(end).1;
    }
    clean += rest;
    let parts = clean.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    parts
        .map(|part| {
            let digits = part.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
            let secret = digits.len() == KEY_DIGITS && !known(digits);
            if secret { part.replacen(digits, BLOT, 1) } else { part.to_owned() }
        })
        .collect()
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
