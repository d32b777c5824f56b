//! `cardume share` and `cardume unshare`.

use super::asking::with_peer;
use super::output::{json, line, plain, table};
use super::{Failure, Outcome};
use crate::args::Global;
use cardume::base::bytes_text;
use cardume::wire::control::Share;
use std::path::{Path, PathBuf};

/// Shares a folder.
pub(crate) fn share(global: &Global, folder: &Path) -> Outcome {
    let folder = absolute(folder)?;
    if !folder.is_dir() {
        return Err(Failure::not_found(format!("there is no such folder: {}", folder.display())));
    }
    let path = text(&folder)?;
    with_peer(global, async |peer| {
        peer.share(path.clone()).await?;
        if global.json { json(&peer.shares().await?) } else { line(&format!("Shared: {path}")) }
    })
}

/// Stops sharing a folder.
pub(crate) fn unshare(global: &Global, folder: &Path) -> Outcome {
    let path = text(&absolute(folder)?)?;
    with_peer(global, async |peer| {
        peer.unshare(path.clone()).await?;
        if global.json { json(&peer.shares().await?) } else { line(&format!("Not shared any more: {path}")) }
    })
}

/// Lists the shared folders.
pub(crate) fn list(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        let shares = peer.shares().await?;
        if global.json {
            return json(&shares);
        }
        if shares.is_empty() {
            return line("No folder is shared; share one with `cardume share DIR`");
        }
        let rows: Vec<_> = shares.iter().map(row).collect();
        line(&table(["folder", "files", "size", "to hash", "skipped", "problem"], &rows))
    })
}

fn row(share: &Share) -> [String; 6] {
    let problem = share.problem.as_deref().map(plain).unwrap_or_default();
    [
        plain(&share.path),
        share.files.to_string(),
        bytes_text(share.bytes),
        share.hashing.to_string(),
        share.skipped.to_string(),
        problem,
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
