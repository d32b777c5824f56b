//! Looking: which files are in the shared folders now.
//!
//! Invariant: a file is taken off the list only after it was looked for and not found once everything
//! else in the round was looked at, so that a renamed file is found at its new place first and keeps
//! its key and content.

use super::super::below::{Identity, Root, join, node_of, split};
use super::super::partial::HIDDEN_FOLDER;
use super::consider::{Links, Moment, Settled};
use super::ignores::{Entry, IGNORE_FILE, Loaded};
use super::is_key_file;
use super::keeper::Keeper;
use super::skip::{Reason, SkipKind, Skipped};
use super::table::{FileRecord, Folder};
use super::tree::Place;
use super::walks::{Progress, Scan, Visit};
use crate::base::{FileName, PieceLayout};
use cap_std::fs::{Dir, DirEntry, Metadata};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tokio::time::Instant;

/// How deep folders are walked: deeper than any that a person made.
const MAX_DEPTH: usize = 64;
/// How many skipped paths are shown with their reason.
const MAX_SKIPS_SHOWN: usize = 100;
/// How many entries of a folder are looked at before events get their turn.
const ENTRIES_A_STEP: usize = 512;

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
        let rules_changed = path.file_name().is_some_and(|name| name == IGNORE_FILE);
        let path = if rules_changed { path.parent().unwrap_or(path) } else { path };
        let place = {
            let table = self.shared.table();
            let share = table.shares.iter().find(|(_, share)| path.starts_with(&share.path));
            let share = share.filter(|(_, share)| !self.shared.never.covers(&share.path, path));
            share.and_then(|(id, share)| Some((*id, relative(&share.path, path)?)))
        };
        match place {
            Some((share, path)) if path.is_empty() => self.rescan(share),
            Some((share, path)) if rules_changed => self.scans.start(share, &path),
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
            Ok(metadata) => {
                if let Some(reason) = self.ignored(&root, place, &metadata) {
                    self.suspect_all(place);
                    self.scans.skip(place.clone(), reason);
                    return;
                }
                match kind(split(path).1, &metadata) {
                    Kind::Folder => {
                        // Where a file became a folder.
                        self.scans.missing.extend(self.tree.at(place).map(|file| file.key));
                        self.watcher.renew(place);
                        self.scans.start(*share, path);
                    }
                    Kind::File(name) => {
                        self.suspect_below(place);
                        let Some(folder) = self.folder(*share, split(path).0) else { return };
                        self.consider(&folder, name, Identity::of(&metadata), settled, Moment::now());
                        self.tree.release(&folder);
                    }
                    Kind::Hidden => {}
                    Kind::Skipped(reason) => {
                        self.suspect_all(place);
                        self.scans.skip(place.clone(), reason);
                    }
                }
            }
            Err(_) => self.suspect_all(place),
        }
    }

    /// Why what is at a place is ignored, if so. Before the share was walked once, its ignore files are
    /// read for it.
    fn ignored(&mut self, root: &Root, (share, path): &Place, metadata: &Metadata) -> Option<Reason> {
        if !self.scans.walked.contains_key(share) {
            let ends = path.match_indices('/').map(|(end, _)| end);
            for folder in std::iter::once(0).chain(ends).filter_map(|end| path.get(..end)) {
                if let Ok(dir) = root.folder(folder) {
                    self.load_rules(&(*share, folder.to_owned()), &dir);
                }
            }
        }
        let entry = if metadata.is_dir() { Entry::Folder } else { Entry::File };
        self.ignores.why_at_all(*share, path, entry).map(|why| Reason::new(SkipKind::Ignored, why))
    }

    /// Reads the ignore file of a folder, and says what of it does not hold.
    fn load_rules(&mut self, place: &Place, dir: &Dir) -> Option<String> {
        let file = join(&place.1, IGNORE_FILE);
        match self.ignores.load(place, dir) {
            Loaded::None => None,
            Loaded::Same => {
                let said = self.scans.skips.contains_key(&(place.0, file.clone()));
                said.then_some(file)
            }
            Loaded::New(trouble) => {
                self.scans.unskip(&(place.0, file.clone()));
                let reason = Reason::new(SkipKind::Pattern, trouble?);
                self.scans.skip((place.0, file.clone()), reason);
                Some(file)
            }
        }
    }

    fn suspect_all(&mut self, (share, path): &Place) {
        self.scans.missing.extend(self.tree.under(*share, path));
    }

    /// Where a folder became a file.
    fn suspect_below(&mut self, place: &Place) {
        let own = self.tree.at(place).map(|file| file.key);
        let all = self.tree.under(place.0, &place.1);
        self.scans.missing.extend(all.into_iter().filter(|key| Some(*key) != own));
    }

    pub(super) fn root(&self, share: u32) -> Option<Arc<Root>> {
        self.shared.table().shares.get(&share)?.root.clone()
    }

    fn folder(&mut self, share: u32, path: &str) -> Option<Arc<Folder>> {
        let share_path = self.shared.table().shares.get(&share)?.path.clone();
        Some(self.tree.folder(share, &share_path, path))
    }

    /// Goes on with the walk that is first in line: a folder, or a part of a huge one.
    pub(super) fn visit_next(&mut self) {
        let Some(mut scan) = self.scans.running.pop_front() else { return };
        if let Some(visit) = scan.visit.take() {
            self.read_on(&mut scan, visit);
        } else if let Some(folder) = scan.folders.pop_front() {
            if scan.progress == Progress::Waiting {
                (scan.progress, scan.began) = (Progress::Begun, Instant::now());
            }
            if let Some(root) = self.root(scan.share) {
                self.enter(root, &mut scan, &folder);
            }
        } else {
            self.finish(&scan);
            return;
        }
        self.scans.running.push_front(scan);
    }

    fn enter(&mut self, root: Arc<Root>, scan: &mut Scan, path: &str) {
        let place = (scan.share, path.to_owned());
        let opened = root.folder(path).and_then(|dir| {
            // Watched first, listed then: what happens between is seen twice, not never.
            self.watcher.watch(&place, &root.path().join(path), node_of(&dir)?);
            Ok((dir.entries()?, dir))
        });
        let (entries, dir) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                scan.skipped.insert(path.to_owned());
                let text = format!("the folder cannot be read: {error}");
                self.scans.skip(place, Reason::new(SkipKind::Unreadable, text));
                return;
            }
        };
        scan.skipped.extend(self.load_rules(&place, &dir));
        scan.visited.insert(path.to_owned());
        let Some(folder) = self.folder(scan.share, path) else { return };
        let is_near_own = self.shared.never.is_near(root.path(), &root.path().join(path));
        let is_deep = path.split('/').count() >= MAX_DEPTH;
        let seen = BTreeSet::new();
        scan.visit = Some(Visit { root, folder, entries, seen, hidden: 0, is_deep, is_near_own });
    }

    /// Looks at the next entries of the folder that is being visited.
    fn read_on(&mut self, scan: &mut Scan, mut visit: Visit) {
        let moment = Moment::now();
        for _ in 0..ENTRIES_A_STEP {
            match visit.entries.next() {
                // An entry that cannot be read is missed at the end.
                Some(entry) => drop(entry.map(|entry| self.entry(scan, &mut visit, &entry, moment))),
                None => return self.leave(scan, &visit),
            }
        }
        scan.visit = Some(visit);
    }

    fn leave(&mut self, scan: &mut Scan, visit: &Visit) {
        let folder = &visit.folder;
        let known = self.tree.files_in(folder.share, &folder.path).map(|file| file.key);
        scan.unseen.extend(known.filter(|key| !visit.seen.contains(key)));
        self.scans.set_hidden((folder.share, folder.path.to_string()), visit.hidden);
        self.tree.release(folder);
    }

    fn entry(&mut self, scan: &mut Scan, visit: &mut Visit, entry: &DirEntry, moment: Moment) {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let shown = join(&visit.folder.path, &name.to_string_lossy());
            self.skip_in(scan, shown, Reason::new(SkipKind::Name, "its name is not valid UTF-8"));
            return;
        };
        // Gone since: it is missed at the end.
        let Ok(metadata) = entry.metadata() else { return };
        let path = || join(&visit.folder.path, name);
        let own_path =
            |path: &str| self.shared.never.covers(visit.root.path(), &visit.root.path().join(path));
        if visit.is_near_own && own_path(&path()) {
            return self.skip_in(scan, path(), own());
        }
        let kind = kind(name, &metadata);
        let listed = match &kind {
            Kind::Hidden => {
                visit.hidden += u64::from(name != HIDDEN_FOLDER && name != IGNORE_FILE);
                return;
            }
            Kind::Skipped(_) => None,
            Kind::Folder => Some(Entry::Folder),
            Kind::File(_) => Some(Entry::File),
        };
        if let Some(entry) = listed
            && let Some(why) = self.ignores.why_in(scan.share, &visit.folder.path, name, entry)
        {
            return self.skip_in(scan, path(), Reason::new(SkipKind::Ignored, why));
        }
        match kind {
            Kind::Folder if visit.is_deep => {
                let text = format!("folders are walked {MAX_DEPTH} deep");
                self.skip_in(scan, path(), Reason::new(SkipKind::TooDeep, text));
            }
            Kind::Folder => scan.folders.push_back(path()),
            Kind::Skipped(reason) => self.skip_in(scan, path(), reason),
            Kind::File(name) => {
                let path = (!self.scans.skips.is_empty()).then(path);
                self.found(scan, visit, path, &name, Identity::of(&metadata), moment);
            }
            Kind::Hidden => {}
        }
    }

    /// `path`: of the file, if something is skipped at all.
    fn found(
        &mut self,
        scan: &mut Scan,
        visit: &mut Visit,
        path: Option<String>,
        name: &FileName,
        identity: Identity,
        moment: Moment,
    ) {
        if let Some(path) = path {
            self.scans.unskip(&(scan.share, path));
        }
        let folder = &visit.folder;
        match self.consider(folder, name.clone(), identity, Settled::No, moment) {
            Some(key) => drop(visit.seen.insert(key)),
            None => drop(scan.skipped.insert(join(&folder.path, name.as_str()))),
        }
    }

    fn skip_in(&mut self, scan: &mut Scan, path: String, reason: Reason) {
        self.scans.skip((scan.share, path.clone()), reason);
        scan.skipped.insert(path);
    }

    fn finish(&mut self, scan: &Scan) {
        let gone = self.tree.folders_under(scan.share, &scan.start).filter(|it| !scan.visited.contains(*it));
        let gone = gone.flat_map(|folder| self.tree.files_in(scan.share, folder)).map(|file| file.key);
        self.scans.missing.extend(gone.chain(scan.unseen.iter().copied()));
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
        self.ignores.keep(scan.share, &scan.start, &scan.visited);
        let path = self.shared.table().shares.get(&scan.share).map(|row| row.path.clone());
        if let Some(path) = path {
            self.watcher.keep(scan.share, &path, &scan.start, &scan.visited);
        }
        self.scans.pass_on(scan);
        if scan.start.is_empty() {
            self.scans.walked.insert(scan.share, scan.began.elapsed());
            self.walked(scan.share, scan.visited.len() as u64);
        }
    }

    /// Takes off the list what is really gone; shows what was skipped.
    pub(super) fn resolve_missing(&mut self) {
        for key in std::mem::take(&mut self.scans.missing) {
            let Some(record) = self.tree.get(key).cloned() else { continue };
            if !self.is_there(&record) {
                self.tree.remove(key);
                self.queue.remove(key);
                // It may have been written to before it went.
                self.look_at_links(&record, Links::All);
            }
        }
        for share in std::mem::take(&mut self.scans.skips_changed) {
            self.show_skips(share);
        }
    }

    /// Whether a file is where its record says, and to be shared.
    fn is_there(&self, record: &FileRecord) -> bool {
        let path = record.path();
        let stat = self.root(record.share()).and_then(|root| root.stat(&path).ok());
        let is_file = |metadata| matches!(kind(record.name.as_str(), &metadata), Kind::File(_));
        stat.is_some_and(is_file) && self.ignores.why_at_all(record.share(), &path, Entry::File).is_none()
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
