//! `cardume transfers`.

use super::Outcome;
use super::asking::with_peer;
use super::output::{json, line, plain, table};
use crate::args::{Global, TransfersArgs};
use cardume::base::bytes_text;
use cardume::wire::control::{Transfer, Upload};

/// Lists the downloads, after cancelling one if asked, and what others download from here.
pub(crate) fn run(global: &Global, args: &TransfersArgs) -> Outcome {
    with_peer(global, async |peer| {
        if let Some(id) = args.cancel {
            peer.cancel(id).await?;
        }
        if args.uploads {
            let uploads = peer.uploads().await?;
            return if global.json { json(&uploads) } else { line(&uploads_text(&uploads)) };
        }
        let transfers = peer.transfers().await?;
        if global.json {
            return json(&transfers);
        }
        let uploads = peer.uploads().await?;
        let mut parts = vec![downloads_text(&transfers)];
        if !uploads.is_empty() {
            parts.push(uploads_text(&uploads));
        }
        line(&parts.join("\n\n"))
    })
}

fn downloads_text(transfers: &[Transfer]) -> String {
    if transfers.is_empty() {
        return "No downloads since this peer started".to_owned();
    }
    let rows: Vec<_> = transfers.iter().map(row).collect();
    table(["number", "file", "state", "done", "speed", "what is going on"], &rows)
}

fn row(transfer: &Transfer) -> [String; 6] {
    let speed = if transfer.state == "running" { speed(transfer.rate) } else { String::new() };
    [
        transfer.id.to_string(),
        plain(&transfer.name),
        transfer.state.clone(),
        format!("{} of {}", bytes_text(transfer.done), bytes_text(transfer.size)),
        speed,
        plain(&transfer.detail),
    ]
}

fn uploads_text(uploads: &[Upload]) -> String {
    if uploads.is_empty() {
        return "Nobody downloads from here now".to_owned();
    }
    let row = |upload: &Upload| {
        let to = plain(&upload.peer_name);
        let sent = format!("{} of {}", bytes_text(upload.sent), bytes_text(upload.size));
        [to, plain(&upload.name), upload.state.clone(), sent, speed(upload.rate)]
    };
    let rows: Vec<_> = uploads.iter().map(row).collect();
    table(["upload to", "file", "state", "sent", "speed"], &rows)
}

fn speed(rate: u64) -> String {
    format!("{}/s", bytes_text(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_say_to_whom_what_and_how_fast() {
        let upload = Upload {
            peer: "0".repeat(64),
            peer_name: "peer-2".to_owned(),
            content: "1".repeat(64),
            name: "lecture.pdf".to_owned(),
            size: 2_000_000,
            sent: 1_500_000,
            rate: 38_000_000,
            state: "sending".to_owned(),
        };
        let text = uploads_text(&[upload]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[1],
            ["peer-2", "lecture.pdf", "sending", "1.5", "MB", "of", "2.0", "MB", "38.0", "MB/s"]
        );
        assert_eq!(uploads_text(&[]), "Nobody downloads from here now");
    }
}
