//! `cardume transfers`.

use super::Outcome;
use super::asking::with_peer;
use super::output::{json, line, plain, table};
use crate::args::Global;
use cardume::base::bytes_text;
use cardume::wire::control::Transfer;

/// Lists the downloads, after cancelling one if asked.
pub(crate) fn run(global: &Global, cancel: Option<u64>) -> Outcome {
    with_peer(global, async |peer| {
        if let Some(id) = cancel {
            peer.cancel(id).await?;
        }
        let transfers = peer.transfers().await?;
        if global.json {
            return json(&transfers);
        }
        if transfers.is_empty() {
            return line("No downloads since this peer started");
        }
        let rows: Vec<_> = transfers.iter().map(row).collect();
        line(&table(["number", "file", "state", "done", "speed", "what is going on"], &rows))
    })
}

fn row(transfer: &Transfer) -> [String; 6] {
    let speed =
        if transfer.state == "running" { format!("{}/s", bytes_text(transfer.rate)) } else { String::new() };
    [
        transfer.id.to_string(),
        plain(&transfer.name),
        transfer.state.clone(),
        format!("{} of {}", bytes_text(transfer.done), bytes_text(transfer.size)),
        speed,
        plain(&transfer.detail),
    ]
}
