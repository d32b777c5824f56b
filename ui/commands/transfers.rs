//! `cardume transfers` and `cardume limits`.

use super::asking::with_peer;
use super::output::{json, line, plain, table};
use super::{Failure, Outcome};
use crate::args::{Global, LimitsArgs, TransfersArgs};
use cardume::base::bytes_text;
use cardume::wire::control::{Limits, Transfer, Upload};

/// Lists the downloads, after changing some if asked, and what others download from here.
pub(crate) fn run(global: &Global, args: &TransfersArgs) -> Outcome {
    let change = change(args)?;
    with_peer(global, async |peer| {
        if let Some((what, ids)) = change {
            peer.change(what, ids).await?;
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

/// What is to be changed, and where; no numbers: everywhere.
fn change(args: &TransfersArgs) -> Result<Option<(&'static str, Vec<u64>)>, Failure> {
    let all = [
        ("pause", &args.pause),
        ("resume", &args.resume),
        ("retry", &args.retry),
        ("cancel", &args.cancel),
        ("top", &args.top),
        ("up", &args.up),
        ("down", &args.down),
    ];
    if args.clear {
        return Ok(Some(("clear", Vec::new())));
    }
    let Some((what, chosen)) = all.into_iter().find_map(|(what, chosen)| Some((what, chosen.as_ref()?)))
    else {
        return Ok(None);
    };
    if chosen == "all" {
        return Ok(Some((what, Vec::new())));
    }
    let numbers: Result<Vec<u64>, _> = chosen.split(',').map(str::parse).collect();
    let numbers = numbers.map_err(|_| {
        Failure::usage(format!("{chosen} is no transfer: give a number, as 3, several as 3,4, or all"))
    })?;
    Ok(Some((what, numbers)))
}

fn downloads_text(transfers: &[Transfer]) -> String {
    if transfers.is_empty() {
        return "No downloads yet; start one with `cardume get`".to_owned();
    }
    let rows: Vec<_> = transfers.iter().map(row).collect();
    table(["number", "file", "state", "done", "speed", "what is going on"], &rows)
}

fn row(transfer: &Transfer) -> [String; 6] {
    let speed = if transfer.state == "running" { speed(transfer.rate) } else { String::new() };
    let detail = match &transfer.folder {
        Some(folder) if folder.files > 0 && transfer.detail.is_empty() => {
            format!("{} of {} files", folder.done, folder.files)
        }
        Some(folder) if folder.files > 0 => {
            let waits_for = folder.current.as_ref().filter(|_| transfer.state == "waiting");
            let waits_for = waits_for.map(|file| format!("{file}: ")).unwrap_or_default();
            format!("{} of {} files; {waits_for}{}", folder.done, folder.files, transfer.detail)
        }
        _ => transfer.detail.clone(),
    };
    [
        transfer.id.to_string(),
        plain(&transfer.name),
        transfer.state.clone(),
        format!("{} of {}", bytes_text(transfer.done), bytes_text(transfer.size)),
        speed,
        plain(&detail),
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

/// Shows the limits, after setting some if asked.
pub(crate) fn limits(global: &Global, args: &LimitsArgs) -> Outcome {
    with_peer(global, async |peer| {
        let before = peer.limits().await?;
        let limits = Limits {
            down: args.down.map_or(before.down, |rate| rate.0),
            up: args.up.map_or(before.up, |rate| rate.0),
            simultaneous: args.simultaneous.unwrap_or(before.simultaneous),
        };
        if limits != before {
            peer.set_limits(limits).await?;
        }
        if global.json {
            return json(&limits);
        }
        let rate = |rate: Option<u64>| rate.map_or_else(|| "no limit".to_owned(), speed);
        let rows = [
            ["download".to_owned(), rate(limits.down)],
            ["upload".to_owned(), rate(limits.up)],
            ["downloads at once".to_owned(), limits.simultaneous.to_string()],
        ];
        line(&table(["limit", "value"], &rows))
    })
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
