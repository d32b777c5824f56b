//! Looking: which files are in the shared folders now.
//!
//! Invariant: a file is taken off the list only after it was looked for and not found once everything
//! else in the round was looked at, so that a renamed file is found at its new place first and keeps
//! its key and content.

use super::super::below::{Identity, Root, join, node_of, split};
use super::super::partial::HIDDEN_FOLDER;
use super::is_key_file;
use super::keeper::Keeper;
use super::skip::{Reason, SkipKind, Skipped};
use super::table::FileRecord;
use super::tree::Place;
use super::walks::{MAX_SKIPS, Progress, Scan};
use crate::base::{FileName, PieceLayout};
use cap_std::fs::Metadata;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A file that was written to this recently may be written to again: it is hashed later. Also more than
/// the granularity of any file system's times, so that a later write always shows.
const SETTLE: Duration = Duration::from_secs(1);
/// How deep folders are walked: deeper than any that a person made.
const MAX_DEPTH: usize = 64;
/// The most shared files: what one announcement and this process's memory are made for.
const MAX_FILES: usize = 2_000_000;
/// How many skipped paths are shown with their reason.
const MAX_SKIPS_SHOWN: usize = 100;

/// Whether a file is known to be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Yes,
    No,
}

/// What is at a path.
enum Kind {
    File(FileName),
    Folder,
    Hidden,
    Skipped(Reason),
}

fn kind(name: &str, metadata: &Metadata) -> Kind {
    if name.starts_with('.') {
        return Kind::Hidden;
    }
    if metadata.is_dir() {
        return Kind::Folder;
    }
    if metadata.is_symlink() {
        return Kind::Skipped(Reason::new(SkipKind::Link, "it is a link"));
    }
    if !metadata.is_file() {
        return Kind::Skipped(Reason::new(SkipKind::Special, "it is not a regular file"));
    }
    if metadata.len() > PieceLayout::MAX_BYTES {
        return Kind::Skipped(Reason::new(SkipKind::TooLarge, "it is too large"));
    }
    if is_key_file(name, metadata.len()) {
        return Kind::Skipped(own());
    }
    match FileName::new(name) {
        Ok(name) => Kind::File(name),
        Err(error) => Kind::Skipped(Reason::new(SkipKind::Name, error.to_string())),
    }
}

fn own() -> Reason {
    Reason::new(SkipKind::Own, "it belongs to this program and holds keys")
}

impl Keeper {
    /// Looks at one path, whatever is or was there.
    pub(super) fn look(&mut self, path: &Path, settled: Settled) {
        let place = {
            let table = self.shared.table();
            let share = table.shares.iter().find(|(_, share)| path.starts_with(&share.path));
            let share = share.filter(|(_, share)| !self.shared.never.covers(&share.path, path));
            share.and_then(|(id, share)| Some((*id, relative(&share.path, path)?)))
        };
        match place {
            Some((share, path)) if path.is_empty() => self.rescan(share),
            Some(place) => self.look_at(&place, settled),
            None => {}
        }
    }

    /// Looks at one place of a share.
    pub(super) fn look_at(&mut self, place: &Place, settled: Settled) {
        let (share, path) = place;
        let Some(root) = self.root(*share) else { return };
        self.scans.unskip(place);
        // What was there or below is looked for at the end of the round.
        match root.stat(path) {
            Ok(metadata) => match kind(split(path).1, &metadata) {
                Kind::Folder => {
                    self.watcher.renew(place);
                    self.scans.start(*share, path);
                }
                Kind::File(name) => {
                    self.scans.missing.extend(self.places_below(place));
                    self.consider(place, name, Identity::of(&metadata), settled);
                }
                Kind::Hidden => {}
                Kind::Skipped(reason) => {
                    self.suspect_all(place);
                    self.scans.skip(place.clone(), reason);
                }
            },
            Err(_) => self.suspect_all(place),
        }
    }

    fn suspect_all(&mut self, (share, path): &Place) {
        let gone = self.tree.under(*share, path);
        self.scans.missing.extend(gone.into_iter().map(|(place, _)| place));
    }

    /// Where a folder became a file.
    fn places_below(&self, (share, path): &Place) -> Vec<Place> {
        let all = self.tree.under(*share, path).into_iter().map(|(place, _)| place);
        all.filter(|(_, at)| at != path).collect()
    }

    fn root(&self, share: u32) -> Option<Arc<Root>> {
        self.shared.table().shares.get(&share)?.root.clone()
    }

    /// Visits one folder of the walk that is first in line.
    pub(super) fn visit_next(&mut self) {
        let Some(mut scan) = self.scans.running.pop_front() else { return };
        let Some(folder) = scan.folders.pop_front() else {
            self.finish(&scan);
            return;
        };
        scan.progress = Progress::Begun;
        if let Some(root) = self.root(scan.share) {
            self.visit(&root, &mut scan, &folder);
        }
        self.scans.running.push_front(scan);
    }

    fn visit(&mut self, root: &Root, scan: &mut Scan, folder: &str) {
        let place = (scan.share, folder.to_owned());
        let opened = root.folder(folder).and_then(|dir| {
            // Watched first, listed then: what happens between is seen twice, not never.
            self.watcher.watch(&place, &root.path().join(folder), node_of(&dir)?);
            dir.entries()
        });
        let entries = match opened {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                scan.skipped.insert(folder.to_owned());
                let text = format!("the folder cannot be read: {error}");
                self.scans.skip(place, Reason::new(SkipKind::Unreadable, text));
                return;
            }
        };
        scan.visited.insert(folder.to_owned());
        let deep = folder.split('/').count() >= MAX_DEPTH;
        let mut hidden = 0;
        for entry in entries {
            let Ok(entry) = entry else { continue };
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let shown = join(folder, &name.to_string_lossy());
                self.skip_in(scan, shown, Reason::new(SkipKind::Name, "its name is not valid UTF-8"));
                continue;
            };
            let path = join(folder, name);
            // Gone since: it is missed at the end.
            let Ok(metadata) = entry.metadata() else { continue };
            if self.shared.never.covers(root.path(), &root.path().join(&path)) {
                self.skip_in(scan, path, own());
                continue;
            }
            match kind(name, &metadata) {
                Kind::Hidden => hidden += u64::from(name != HIDDEN_FOLDER),
                Kind::Folder if deep => {
                    let text = format!("folders are walked {MAX_DEPTH} deep");
                    self.skip_in(scan, path, Reason::new(SkipKind::TooDeep, text));
                }
                Kind::Folder => scan.folders.push_back(path),
                Kind::Skipped(reason) => self.skip_in(scan, path, reason),
                Kind::File(name) => self.found(scan, path, name, Identity::of(&metadata)),
            }
        }
        self.scans.set_hidden(place, hidden);
    }

    fn found(&mut self, scan: &mut Scan, path: String, name: FileName, identity: Identity) {
        let place = (scan.share, path);
        self.scans.unskip(&place);
        self.consider(&place, name, identity, Settled::No);
        scan.seen.extend(self.tree.at(&place).map(|file| file.key));
        if self.scans.skips.contains_key(&place) {
            scan.skipped.insert(place.1);
        }
    }

    fn skip_in(&mut self, scan: &mut Scan, path: String, reason: Reason) {
        self.scans.skip((scan.share, path.clone()), reason);
        scan.skipped.insert(path);
    }

    fn finish(&mut self, scan: &Scan) {
        let under = self.tree.under(scan.share, &scan.start);
        let unseen = under.into_iter().filter(|(_, key)| !scan.seen.contains(key));
        self.scans.missing.extend(unseen.map(|(place, _)| place));
        let prefix = if scan.start.is_empty() { String::new() } else { format!("{}/", scan.start) };
        let stale: Vec<Place> = self
            .scans
            .skips
            .range((scan.share, String::new())..(scan.share + 1, String::new()))
            .map(|(place, _)| place)
            .filter(|(_, path)| path.starts_with(&prefix) && !scan.skipped.contains(path))
            .cloned()
            .collect();
        for place in &stale {
            self.scans.unskip(place);
        }
        self.scans.forget_hidden(scan, &prefix);
        let path = self.shared.table().shares.get(&scan.share).map(|row| row.path.clone());
        if let Some(path) = path {
            self.watcher.keep(scan.share, &path, &scan.start, &scan.visited);
        }
        if scan.start.is_empty() {
            self.scans.last_duration = scan.began.elapsed();
        }
    }

    /// Takes off the list what is really gone; shows what was skipped.
    pub(super) fn resolve_missing(&mut self) {
        for place in std::mem::take(&mut self.scans.missing) {
            let Some(key) = self.tree.at(&place).map(|file| file.key) else { continue };
            if !self.is_there(&place) {
                self.tree.remove(key);
                self.queue.remove(key);
            }
        }
        for share in std::mem::take(&mut self.scans.skips_changed) {
            self.show_skips(share);
        }
    }

    fn is_there(&self, (share, path): &Place) -> bool {
        let stat = self.root(*share).and_then(|root| root.stat(path).ok());
        stat.is_some_and(|metadata| matches!(kind(split(path).1, &metadata), Kind::File(_)))
    }

    fn show_skips(&self, share: u32) {
        let of_share = self.scans.skips.range((share, String::new())..(share + 1, String::new()));
        let mut kinds = BTreeMap::new();
        for (_, reason) in of_share.clone() {
            *kinds.entry(reason.kind).or_insert(0) += 1;
        }
        let skipped = kinds.values().sum();
        let hidden = self.scans.hidden.range((share, String::new())..(share + 1, String::new()));
        let hidden: u64 = hidden.map(|(_, count)| count).sum();
        if hidden > 0 {
            kinds.insert(SkipKind::Hidden, hidden);
        }
        let mut table = self.shared.table();
        let Some(row) = table.shares.get_mut(&share) else { return };
        (row.skipped, row.kinds) = (skipped, kinds);
        let skip = |(place, reason): (&Place, &Reason)| Skipped {
            path: row.path.join(&place.1),
            kind: reason.kind,
            reason: reason.text.clone(),
        };
        row.skips = of_share.take(MAX_SKIPS_SHOWN).map(skip).collect();
    }

    /// Takes a file that cannot be read off the list, until it changes or can be opened.
    pub(super) fn set_aside(&mut self, place: Place, identity: Identity, error: &std::io::Error) {
        if let Some(key) = self.tree.at(&place).map(|file| file.key) {
            self.tree.remove(key);
            self.queue.remove(key);
        }
        self.scans.skip(place.clone(), unreadable(error));
        if self.scans.unreadable.len() < MAX_SKIPS {
            self.scans.unreadable.insert(place, identity);
        }
    }

    /// Whether a file was set aside and still cannot be opened.
    fn stays_aside(&mut self, place: &Place, identity: Identity) -> bool {
        if self.scans.unreadable.get(place) == Some(&identity)
            && let Some(Err(error)) = self.root(place.0).map(|root| root.file(&place.1))
        {
            self.scans.skip(place.clone(), unreadable(&error));
            return true;
        }
        self.scans.unreadable.remove(place);
        false
    }

    /// A regular file with a good name is at `place` in this state: is that news?
    fn consider(&mut self, place: &Place, name: FileName, identity: Identity, settled: Settled) {
        if self.stays_aside(place, identity) {
            return;
        }
        let now = Instant::now();
        let from = if settled == Settled::Yes { now } else { now + unsettled_time(identity) };
        let (share, path) = place.clone();
        let Some(known) = self.tree.at(place).cloned() else {
            self.appeared(place, name, identity, from);
            return;
        };
        if known.identity == identity {
            if known.content.is_none() && (settled == Settled::Yes || !self.queue.contains(known.key)) {
                self.queue.put(known.key, from);
            }
            return;
        }
        // It is still growing and listed already: its size is told again when it is due to be hashed,
        // at most once a second, instead of at every write.
        let growing = known.content.is_none() && from > now && self.queue.contains(known.key);
        if growing && known.identity.node() == identity.node() {
            return;
        }
        let content = self.known_content(place, identity);
        let record = FileRecord { key: known.key, share, path, name, identity, content };
        self.put(record, from);
    }

    fn appeared(&mut self, place: &Place, name: FileName, identity: Identity, from: Instant) {
        let (share, path) = place.clone();
        let moved = self.tree.twins(identity).find(|twin| !self.has_node(twin)).cloned();
        if let Some(old) = moved {
            // Renamed: the same key, and the content if it has one.
            self.put(FileRecord { share, path, name, ..FileRecord::clone(&old) }, from);
            return;
        }
        if self.tree.len() >= MAX_FILES {
            let text = format!("more than {MAX_FILES} files are not shared");
            self.scans.skip(place.clone(), Reason::new(SkipKind::TooMany, text));
            return;
        }
        let content = self.known_content(place, identity);
        let key = self.tree.new_key();
        self.put(FileRecord { key, share, path, name, identity, content }, from);
    }

    fn put(&mut self, record: FileRecord, hash_from: Instant) {
        if record.content.is_none() {
            self.queue.put(record.key, hash_from);
        } else {
            self.queue.remove(record.key);
        }
        self.tree.put(Arc::new(record));
    }

    /// Whether the file is still where its record says.
    fn has_node(&self, record: &FileRecord) -> bool {
        let stat = self.root(record.share).and_then(|root| root.stat(&record.path).ok());
        stat.is_some_and(|metadata| Identity::of(&metadata).node() == record.identity.node())
    }

    fn known_content(&self, (share, path): &Place, identity: Identity) -> Option<crate::base::ContentId> {
        if let Some(content) = self.tree.known_content(identity) {
            return Some(content);
        }
        let whole = self.shared.table().shares.get(share)?.path.join(path);
        self.shared.cache.remembered(whole.to_str()?, identity)
    }
}

fn unreadable(error: &std::io::Error) -> Reason {
    Reason::new(SkipKind::Unreadable, format!("it cannot be read: {error}"))
}

/// The path below a share, or `None` if a part of it is hidden or not text.
fn relative(share: &Path, path: &Path) -> Option<String> {
    let mut below = String::new();
    for component in path.strip_prefix(share).ok()?.components() {
        let name = component.as_os_str().to_str()?;
        if name.starts_with('.') {
            return None;
        }
        below = join(&below, name);
    }
    Some(below)
}

/// How long to wait until a file with this time of writing counts as settled.
fn unsettled_time(identity: Identity) -> Duration {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return Duration::ZERO };
    let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    // A time in the future says nothing.
    let age = now.saturating_sub(identity.mtime_nanos);
    let age = u64::try_from(age).map_or(Duration::MAX, Duration::from_nanos);
    SETTLE.saturating_sub(age)
}
