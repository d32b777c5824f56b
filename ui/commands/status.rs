//! `cardume status`.

use super::Outcome;
use super::asking::with_peer;
use super::output::{json, line, plain, plural};
use crate::args::Global;
use cardume::base::bytes_text;
use cardume::wire::control::Status;

/// Says how the peer is.
pub(crate) fn run(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        let status = peer.status().await?;
        if global.json { json(&status) } else { line(&sentences(&status)) }
    })
}

/// The status for a person.
fn sentences(status: &Status) -> String {
    let quorum = &status.quorum;
    let tracker = status.tracker.as_ref().map_or("none".to_owned(), |tracker| {
        let own = if tracker.peer_id == status.peer_id { ", this peer" } else { "" };
        format!("{} (epoch {}{own})", plain(&tracker.name), status.epoch)
    });
    let hashing = match status.library.hashing {
        0 => String::new(),
        count => format!(", {count} still being hashed"),
    };
    let unwatched = match status.library.unwatched {
        0 => String::new(),
        folders => format!(
            "; the system does not watch {}: changes there are found every {} s",
            plural(folders, "folder"),
            status.library.rescan_seconds
        ),
    };
    let names = if status.names.reachable { "answers" } else { "does not answer" };
    let mut lines = vec![
        format!(
            "Peer          {} ({}), process {}",
            plain(&status.name),
            &short(&status.peer_id),
            status.pid
        ),
        format!("Role          {} in epoch {}", status.role, status.epoch),
        format!("Tracker       {tracker}"),
        format!(
            "Group         {} of {} peers here, {} needed",
            quorum.reachable, quorum.voters, quorum.needed
        ),
        format!("Name service  {names} at {}", plain(&status.names.uri)),
        format!(
            "Index         {}, {} of {} peers",
            plural(status.index.files, "file"),
            status.index.complete.have,
            status.index.complete.of
        ),
        format!(
            "Library       {}, {}{hashing}{unwatched}",
            plural(status.library.files, "file"),
            bytes_text(status.library.bytes)
        ),
    ];
    let counters = status.counters.iter().map(|(name, count)| format!("{} {count}", name.replace('_', " ")));
    lines.push(format!("Counters      {}", counters.collect::<Vec<_>>().join(", ")));
    if !status.notice.is_empty() {
        lines.push(plain(&status.notice));
    }
    lines.join("\n")
}

/// The first digits of an id.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
