//! `cardume share` and `cardume unshare`.

use super::asking::with_peer;
use super::output::{json, line, plain, plural, table};
use super::{Failure, Outcome};
use crate::args::{Global, ShareArgs};
use cardume::base::bytes_text;
use cardume::node::{CommandError, Remote, inspect};
use cardume::wire::control::Share;
use cardume::wire::library::Inspection;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The longest answer to a question that is read.
const MAX_ANSWER: u64 = 64;

/// Shares a folder, or does something with a shared one.
pub(crate) fn run(global: &Global, args: &ShareArgs) -> Outcome {
    match &args.folder {
        None => list(global),
        Some(folder) if args.skipped => skipped(global, folder),
        Some(folder) if args.rescan => change(global, folder, Remote::rescan, "Looking at it again"),
        Some(folder) if args.pause => change(global, folder, Remote::pause_hashing, "Hashing is paused"),
        Some(folder) if args.resume => change(global, folder, Remote::resume_hashing, "Hashing goes on"),
        Some(folder) => share(global, folder, args.yes),
    }
}

fn share(global: &Global, folder: &Path, yes: bool) -> Outcome {
    let folder = existing(folder)?;
    let path = text(&folder)?;
    with_peer(global, async |peer| {
        confirm(global, &folder, yes)?;
        peer.share(path.clone()).await?;
        if global.json { json(&peer.shares().await?) } else { line(&format!("Shared: {path}")) }
    })
}

fn existing(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = absolute(folder)?;
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Failure::not_found(format!("there is no such folder: {}", folder.display())))
}

/// Asks before a folder is shared that a person may not mean to; a program has to say `--yes`.
pub(crate) fn confirm(global: &Global, folder: &Path, yes: bool) -> Outcome {
    if yes {
        return Ok(());
    }
    let dirs = directories::BaseDirs::new();
    let found = inspect(folder, dirs.as_ref().map(directories::BaseDirs::home_dir))?;
    if !found.is_risky() {
        return Ok(());
    }
    let warning = warning(&found);
    if global.json || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{warning}\nNothing was shared; add --yes to share it all the same"
        )));
    }
    eprint!("{warning}\nShare all the same? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed("nothing was shared"))
}

/// What a person should know before sharing this.
fn warning(found: &Inspection) -> String {
    let more = if found.whole { "" } else { "more than " };
    let what = match found.place.as_str() {
        "root" => "This is the whole computer",
        "system" => "This is a folder of the system",
        "home" => "This is your home folder",
        "above_home" => "Your home folder lies in it",
        _ => "Look at this folder before you share it",
    };
    let count = plural(found.files, "file");
    let mut text = format!("{what}: {more}{count}, {}: {}", bytes_text(found.bytes), plain(&found.path));
    for finding in &found.findings {
        let kind = if finding.kind == "key" { "keys or passwords" } else { "hidden" };
        let shared = if finding.shared { "would be shared" } else { "is not shared" };
        text = format!("{text}\n  {} ({kind}, {shared})", plain(&finding.name));
    }
    if found.hidden > 0 {
        let entries =
            if found.hidden == 1 { "1 hidden entry" } else { &format!("{} hidden entries", found.hidden) };
        text = format!("{text}\n{entries} in it; what is hidden is never shared");
    }
    text
}

async fn told(peer: &Remote, global: &Global, done: &str, path: &str) -> Outcome {
    if global.json { json(&peer.shares().await?) } else { line(&format!("{done}: {path}")) }
}

fn change(
    global: &Global,
    folder: &Path,
    work: impl AsyncFnOnce(&Remote, String) -> Result<(), CommandError>,
    done: &str,
) -> Outcome {
    let path = text(&known(folder)?)?;
    with_peer(global, async |peer| {
        work(&peer, path.clone()).await?;
        told(&peer, global, done, &path).await
    })
}

fn skipped(global: &Global, folder: &Path) -> Outcome {
    let path = text(&known(folder)?)?;
    with_peer(global, async |peer| {
        let skipped = peer.skipped(path.clone()).await?;
        if global.json {
            return json(&skipped);
        }
        let rows: Vec<_> = skipped.iter().map(|file| [plain(&file.path), plain(&file.reason)]).collect();
        line(&table(["not shared", "why"], &rows))
    })
}

/// A shared folder is known by its path without links; one that is gone by the path that was given.
fn known(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = absolute(folder)?;
    Ok(folder.canonicalize().unwrap_or(folder))
}

/// Stops sharing a folder.
pub(crate) fn unshare(global: &Global, folder: &Path) -> Outcome {
    let path = text(&absolute(folder)?)?;
    with_peer(global, async |peer| {
        peer.unshare(path.clone()).await?;
        if global.json { json(&peer.shares().await?) } else { line(&format!("Not shared any more: {path}")) }
    })
}

fn list(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        let shares = peer.shares().await?;
        if global.json {
            return json(&shares);
        }
        if shares.is_empty() {
            return line("No folder is shared; share one with `cardume share DIR`");
        }
        let every = peer.status().await?.library.rescan_seconds;
        let rows: Vec<_> = shares.iter().map(|share| row(share, every)).collect();
        line(&table(["folder", "files", "size", "to hash", "left", "skipped", "notes"], &rows))
    })
}

/// What a person should know of a shared folder.
fn notes(share: &Share, rescan_seconds: u64) -> String {
    let mut notes: Vec<String> = share.problem.as_deref().map(plain).into_iter().collect();
    if share.walking {
        notes.push("looking for changes".to_owned());
    }
    if share.paused {
        notes.push("hashing is paused".to_owned());
    }
    if share.unwatched > 0 {
        let folders = plural(share.unwatched, "folder");
        notes.push(format!("changes in {folders} are found every {}", duration_text(rescan_seconds)));
    }
    notes.join("; ")
}

/// How long hashing still takes: bytes and time.
fn left(share: &Share) -> String {
    if share.hashing == 0 {
        return String::new();
    }
    let time = share.seconds_left.map(|seconds| format!(", {}", duration_text(seconds)));
    format!("{}{}", bytes_text(share.hashing_bytes), time.unwrap_or_default())
}

fn duration_text(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn row(share: &Share, rescan_seconds: u64) -> [String; 7] {
    [
        plain(&share.path),
        share.files.to_string(),
        bytes_text(share.bytes),
        share.hashing.to_string(),
        left(share),
        share.skipped.to_string(),
        notes(share, rescan_seconds),
    ]
}

/// The peer runs in another folder than the command: paths go to it as absolute ones.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    Ok(std::path::absolute(path)?)
}

/// Paths travel as JSON text.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let refused = || Failure::usage(format!("the path is not valid Unicode: {}", path.display()));
    path.to_str().map(str::to_owned).ok_or_else(refused)
}
