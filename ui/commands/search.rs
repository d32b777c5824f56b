//! `cardume search` and `cardume sources`.

use super::asking::with_peer;
use super::output::{json, line, plain, table};
use super::patience::{ask_until, is_whole};
use super::status::short;
use super::{Failure, Outcome};
use crate::args::Global;
use cardume::base::{ContentLink, ContentLinkError, bare_hash, bytes_text};
use cardume::node::{Page, Remote};
use cardume::wire::index::{Complete, Found, SearchAnswer, Source, SourcesAnswer};
use serde::Serialize;
use std::time::Duration;

/// The most contents that a name is looked for in.
const NAME_LIMIT: u32 = 200;

/// How long a file that was asked for by name may take to be hashed, and how often it is looked for.
const HASHING_LIMIT: Duration = Duration::from_secs(30);
const HASHING_PAUSE: Duration = Duration::from_millis(200);
/// How many peers are asked to hash one file: each of them is enough.
const MAX_HURRIED: usize = 3;

/// A content as `--json` shows it; the shape is stable.
#[derive(Serialize)]
struct FoundShape<'a> {
    content: Option<&'a str>,
    name: &'a str,
    size: u64,
    sources: Vec<SourceShape<'a>>,
}

/// A source as `--json` shows it: the peer's id, what a person calls it, and its name for the file.
#[derive(Serialize)]
struct SourceShape<'a> {
    peer: &'a str,
    name: &'a str,
    folder: &'a str,
    file: &'a str,
    uri: &'a str,
}

impl<'a> From<&'a Source> for SourceShape<'a> {
    fn from(source: &'a Source) -> Self {
        Self {
            peer: &source.peer,
            name: &source.peer_name,
            folder: &source.folder,
            file: &source.name,
            uri: &source.uri,
        }
    }
}

/// Searches at the tracker.
pub(crate) fn search(global: &Global, words: &[String], page: Page) -> Outcome {
    let words = words.join(" ");
    with_peer(global, async |peer| {
        let enough = |answer: &SearchAnswer| answer.total > 0 || is_whole(answer.complete);
        let answer = ask_until(enough, async || peer.search(words.clone(), page).await).await?;
        if global.json {
            let shapes = answer.results.iter().map(|found| FoundShape {
                content: found.content.as_deref(),
                name: &found.name,
                size: found.size,
                sources: found.sources.iter().map(SourceShape::from).collect(),
            });
            json(&shapes.collect::<Vec<_>>())?;
        }
        if !enough(&answer) {
            return Err(Failure::filling(answer.complete));
        }
        note_incomplete(answer.complete);
        if global.json {
            return Ok(());
        }
        if answer.results.is_empty() {
            return line("No file fits");
        }
        line(&table(
            ["name", "size", "peers", "content"],
            &answer.results.iter().map(row).collect::<Vec<_>>(),
        ))?;
        match answer.total.saturating_sub(page.offset + answer.results.len() as u64) {
            0 => Ok(()),
            more => line(&format!("… and {more} more; add words, or raise --limit")),
        }
    })
}

fn row(found: &Found) -> [String; 4] {
    let peers: Vec<String> = found.sources.iter().map(|source| plain(&source.peer_name)).collect();
    let content = found.content.clone().unwrap_or_else(|| "(being hashed)".to_owned());
    [plain(&found.name), bytes_text(found.size), peers.join(", "), content]
}

/// Asks who has a content.
pub(crate) fn sources(global: &Global, content: &str) -> Outcome {
    with_peer(global, async |peer| {
        let content = resolve(&peer, content).await?.0;
        let enough = |answer: &SourcesAnswer| !answer.sources.is_empty() || is_whole(answer.complete);
        let answer = ask_until(enough, async || peer.sources(content.clone()).await).await?;
        if answer.sources.is_empty() {
            return Err(missing(answer.complete, &format!("no peer here has this content: {content}")));
        }
        note_incomplete(answer.complete);
        if global.json {
            return json(&answer.sources.iter().map(SourceShape::from).collect::<Vec<_>>());
        }
        let rows: Vec<_> = answer.sources.iter().map(source_row).collect();
        line(&table(["peer", "id", "folder", "file", "address"], &rows))
    })
}

fn source_row(source: &Source) -> [String; 5] {
    let (peer, folder, file) = (plain(&source.peer_name), plain(&source.folder), plain(&source.name));
    [peer, short(&source.peer), folder, file, source.uri.clone()]
}

/// The content that a person means: a link, its hash, or a file's whole name (then also that name).
pub(crate) async fn resolve(peer: &Remote, what: &str) -> Result<(String, Option<String>), Failure> {
    if ContentLink::is_meant(what) {
        let link: ContentLink =
            what.parse().map_err(|error: ContentLinkError| Failure::usage(error.to_string()))?;
        return Ok((link.content.to_string(), link.name.map(|name| name.to_string())));
    }
    if let Some(content) = bare_hash(what) {
        return Ok((content.to_string(), None));
    }
    let named = |found: &&Found| found.name == what || found.sources.iter().any(|source| source.name == what);
    let deadline = tokio::time::Instant::now() + HASHING_LIMIT;
    let mut hurried = false;
    let answer = loop {
        let enough = |answer: &SearchAnswer| {
            answer.results.iter().any(|found| named(&found)) || is_whole(answer.complete)
        };
        // In quotes: nothing in a name is an operator.
        let answer = ask_until(enough, async || peer.search(format!("\"{what}\""), NAME_LIMIT).await).await?;
        // A new file has its hash in a moment: whoever asks for it now means it.
        let hashing = answer.results.iter().filter(named).any(|found| found.content.is_none());
        if !hashing || tokio::time::Instant::now() > deadline {
            break answer;
        }
        if !std::mem::replace(&mut hurried, true) {
            let unhashed = answer.results.iter().filter(named).filter(|found| found.content.is_none());
            hurry(peer, unhashed.flat_map(|found| &found.sources)).await;
        }
        tokio::time::sleep(HASHING_PAUSE).await;
    };
    let fits: Vec<&Found> = answer.results.iter().filter(named).collect();
    match fits[..] {
        [] => Err(missing(
            answer.complete,
            &format!("no file has the name {what:?}; `cardume search` finds parts of names"),
        )),
        [Found { content: None, .. }] => {
            Err(Failure::failed(format!("{what:?} is still being hashed by its peer; try again in a moment")))
        }
        [Found { content: Some(content), .. }] => Ok((content.clone(), Some(what.to_owned()))),
        _ => {
            let contents = fits.iter().map(|found| {
                let content = found.content.as_deref().unwrap_or("(being hashed)");
                format!("\n  {content}  {}", bytes_text(found.size))
            });
            let list: String = contents.collect();
            Err(Failure::usage(format!(
                "different files have the name {what:?}; choose one by its hash:{list}"
            )))
        }
    }
}

/// Has those who have a file hash it before others.
async fn hurry(peer: &Remote, sources: impl Iterator<Item = &Source>) {
    for source in sources.take(MAX_HURRIED) {
        let asked = peer.hurry(source.peer.clone(), source.folder.clone(), source.name.clone()).await;
        if let Err(error) = asked {
            tracing::debug!(%error, peer = source.peer_name, "a peer was not told that its file is waited for");
        }
    }
}

/// Why something was not found: it is not there, or the index does not have every list yet.
fn missing(complete: Complete, message: &str) -> Failure {
    if is_whole(complete) { Failure::not_found(message) } else { Failure::filling(complete) }
}

/// Says on standard error that an answer may lack something.
fn note_incomplete(complete: Complete) {
    if !is_whole(complete) {
        eprintln!("The index is still filling: {} of {} peers", complete.have, complete.of);
    }
}
