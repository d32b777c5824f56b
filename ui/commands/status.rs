//! `cardume status`.

use super::Outcome;
use super::asking::with_peer;
use super::output::{json, line, plain, plural};
use crate::args::Global;
use cardume::base::bytes_text;
use cardume::wire::control::{NamesState, Status};

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
        format!("Name service  {}", names(&status.names)),
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

/// How the name service stands to this peer.
fn names(state: &NamesState) -> String {
    let uri = plain(&state.uri);
    match &state.refused {
        _ if !state.reachable => format!("does not answer at {uri}"),
        Some(why) => format!("refuses this peer at {uri}: {} (`cardume check` says what to do)", plain(why)),
        None => format!("answers at {uri}"),
    }
}

/// The first digits of an id.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_service_that_refuses_this_peer_is_not_said_to_be_fine() {
        let said = |reachable, refused: Option<&str>| {
            let refused_code = refused.map(|_| 1503);
            let (uri, refused) = ("wss://127.0.0.1:7734/".to_owned(), refused.map(str::to_owned));
            names(&NamesState { uri, reachable, refused, refused_code, founding: None })
        };
        assert_eq!(said(true, None), "answers at wss://127.0.0.1:7734/");
        assert_eq!(said(false, Some("nobody answers")), "does not answer at wss://127.0.0.1:7734/");
        assert_eq!(
            said(true, Some("nobody answers")),
            "refuses this peer at wss://127.0.0.1:7734/: nobody answers (`cardume check` says what to do)"
        );
    }
}
