//! `cardume get`: downloads and waits until the file is whole and verified.

use super::asking::with_peer;
use super::drill::find_member;
use super::output::{json, line, plain};
use super::search::resolve;
use super::share::{absolute, text};
use super::{Failure, Outcome};
use crate::args::{GetArgs, Global, Via};
use cardume::base::bytes_text;
use cardume::node::{DownloadRequest, Remote};
use cardume::wire::control::Transfer;
use serde::Serialize;
use std::io::IsTerminal as _;
use std::time::Duration;

/// How often progress is shown at the latest; its end at once.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a transfer that was started may be missing from what the peer tells.
const KNOWN_LIMIT: Duration = Duration::from_secs(3);

/// A line of progress as `--json` shows it.
#[derive(Serialize)]
struct ProgressShape<'a> {
    state: &'a str,
    done: u64,
    size: u64,
    rate: u64,
    detail: &'a str,
}

/// The last line as `--json` shows it; the shape is stable.
#[derive(Serialize)]
struct FinishedShape<'a> {
    path: &'a str,
    content: &'a str,
    bytes: u64,
    seconds: f64,
    sources: Vec<SourceShape<'a>>,
}

/// A source as `--json` shows it.
#[derive(Serialize)]
struct SourceShape<'a> {
    peer: &'a str,
    name: &'a str,
    bytes: u64,
    dropped: Option<&'a str>,
}

/// Downloads.
pub(crate) fn run(global: &Global, args: GetArgs) -> Outcome {
    with_peer(global, async |peer| {
        let id = start(&peer, args).await?;
        let begun = tokio::time::Instant::now();
        let mut progress = Progress::new(global.json);
        loop {
            let transfer = peer.transfer(id, PAUSE).await?;
            match transfer.as_ref().map(|transfer| (transfer, transfer.state.as_str())) {
                // What a peer tells may be a moment older than its answer to the download.
                None if begun.elapsed() < KNOWN_LIMIT => tokio::time::sleep(PAUSE).await,
                None => return Err(Failure::failed("the peer does not know the transfer any more")),
                Some((transfer, "finished")) => return progress.finished(transfer),
                // Of a folder, other files may still come.
                Some((transfer, _)) if transfer.reason == "no_source_left" && transfer.folder.is_none() => {
                    progress.end_line();
                    return Err(Failure::failed(format!(
                        "{}: {} (see `cardume transfers`)",
                        plain(&transfer.name),
                        plain(&transfer.detail)
                    )));
                }
                Some((transfer, "paused")) => {
                    progress.end_line();
                    let (name, id) = (plain(&transfer.name), transfer.id);
                    return Err(Failure::failed(format!(
                        "{name} was paused; `cardume transfers --resume {id}` lets it go on"
                    )));
                }
                Some((transfer, "cancelled")) => {
                    progress.end_line();
                    let (name, id) = (plain(&transfer.name), transfer.id);
                    return Err(Failure::failed(format!(
                        "{name} was cancelled; `cardume transfers --retry {id}` begins it anew"
                    )));
                }
                Some((transfer, "failed")) => {
                    progress.end_line();
                    return Err(Failure::failed(format!(
                        "{}: {}",
                        plain(&transfer.name),
                        plain(&transfer.detail)
                    )));
                }
                Some((transfer, _)) => progress.show(transfer)?,
            }
        }
    })
}

async fn start(peer: &Remote, args: GetArgs) -> Result<u64, Failure> {
    let to = args.to.as_deref().map(|to| absolute(to).and_then(|to| text(&to))).transpose()?;
    if let Some(folder) = args.folder {
        let [from] = &args.from[..] else {
            return Err(Failure::usage("a folder comes from one peer: give one --from"));
        };
        let members = peer.members().await?;
        let from = find_member(&members, from)?.peer.peer_id.clone();
        return Ok(peer.download_folder(from, folder, to).await?);
    }
    let (content, name) = resolve(peer, args.what.as_deref().unwrap_or_default()).await?;
    let members = if args.from.is_empty() { Vec::new() } else { peer.members().await? };
    let mut from = Vec::new();
    for name in &args.from {
        from.push(find_member(&members, name)?.peer.peer_id.clone());
    }
    let request = DownloadRequest { content, name, to, from, via_rpc: args.via == Via::Rpc };
    Ok(peer.download(request).await?)
}

/// Shows progress: JSON lines, a line that is rewritten on a terminal, or nothing.
struct Progress {
    json: bool,
    rewrite: bool,
    last: Option<(u64, String)>,
}

impl Progress {
    fn new(json: bool) -> Self {
        Self { json, rewrite: !json && std::io::stderr().is_terminal(), last: None }
    }

    fn show(&mut self, transfer: &Transfer) -> Outcome {
        let now = Some((transfer.done, transfer.detail.clone()));
        if self.last == now {
            return Ok(());
        }
        self.last = now;
        if self.rewrite {
            let waits = || plain(&transfer.detail);
            let going = || format!("{}/s", bytes_text(transfer.rate));
            eprint!(
                "\r\u{1b}[K{}: {} of {}, {}",
                plain(&transfer.name),
                bytes_text(transfer.done),
                bytes_text(transfer.size),
                if transfer.state == "waiting" { waits() } else { going() }
            );
        }
        if !self.json {
            return Ok(());
        }
        json(&ProgressShape {
            state: &transfer.state,
            done: transfer.done,
            size: transfer.size,
            rate: transfer.rate,
            detail: &transfer.detail,
        })
    }

    fn end_line(&self) {
        if self.rewrite && self.last.is_some() {
            eprint!("\r\u{1b}[K");
        }
    }

    fn finished(&self, transfer: &Transfer) -> Outcome {
        self.end_line();
        let path = transfer.path.as_deref().unwrap_or_default();
        if !self.json {
            let (bytes, seconds) = (bytes_text(transfer.size), transfer.seconds);
            let used = transfer.sources.iter().filter(|source| source.bytes > 0).count();
            return line(&format!(
                "{path}\n{bytes} verified in {seconds:.1} s, from {used} of the peers that have it"
            ));
        }
        let sources = transfer.sources.iter().map(|source| SourceShape {
            peer: &source.peer,
            name: &source.name,
            bytes: source.bytes,
            dropped: source.dropped.as_deref(),
        });
        json(&FinishedShape {
            path,
            content: &transfer.content,
            bytes: transfer.size,
            seconds: transfer.seconds,
            sources: sources.collect(),
        })
    }
}
