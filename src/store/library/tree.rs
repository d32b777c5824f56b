//! The keeper's own picture: all files by key, by place and by inode, uncommitted included.
//!
//! Invariant: `files`, `folders` and `nodes` always name the same set of files, and `pending` holds every
//! key whose record here may differ from the committed one. Deliberately absent: I/O.
//!
//! A file's place is kept as its folder, which all files in it have in common, and its name, which is
//! kept once: with a million files that is half of the memory.

use super::super::below::{Identity, split};
use super::table::{FileRecord, Folder, RecordChange};
use crate::base::ContentId;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// A path in a share.
pub(super) type Place = (u32, String);

/// A file in its folder: by its name.
#[derive(Debug)]
struct Named(Arc<FileRecord>);

impl Borrow<str> for Named {
    fn borrow(&self) -> &str {
        self.0.name.as_str()
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Named {}

impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Named {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.as_str().cmp(other.0.name.as_str())
    }
}

#[derive(Debug)]
struct Inside {
    folder: Arc<Folder>,
    files: BTreeSet<Named>,
}

#[derive(Debug)]
pub(super) struct Tree {
    files: BTreeMap<u64, Arc<FileRecord>>,
    /// By share and path: folders with files in them (and those that were handed out lately).
    folders: BTreeMap<u32, BTreeMap<Box<str>, Inside>>,
    /// By inode: hard links have several keys.
    nodes: BTreeSet<(u64, u64)>,
    pending: BTreeSet<u64>,
    next_key: u64,
}

impl Tree {
    pub(super) fn new(files: Vec<Arc<FileRecord>>, next_key: u64) -> Self {
        let mut tree = Self {
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
            nodes: BTreeSet::new(),
            pending: BTreeSet::new(),
            next_key,
        };
        let mut nodes: Vec<(u64, u64)> = files.iter().map(|file| (file.identity.inode, file.key)).collect();
        // Whole runs of one folder: it is looked up once for each of them.
        for run in files.chunk_by(|a, b| Arc::ptr_eq(&a.folder, &b.folder)) {
            let Some(first) = run.first() else { continue };
            let inside = tree.inside_mut(&first.folder);
            inside.files.extend(run.iter().cloned().map(Named));
        }
        nodes.sort_unstable();
        tree.nodes = nodes.into_iter().collect();
        tree.files = files.into_iter().map(|file| (file.key, file)).collect();
        let last = tree.files.last_key_value().map_or(0, |(key, _)| key + 1);
        tree.next_key = tree.next_key.max(last);
        tree
    }

    pub(super) fn new_key(&mut self) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        key
    }

    pub(super) const fn next_key(&self) -> u64 {
        self.next_key
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn get(&self, key: u64) -> Option<&Arc<FileRecord>> {
        self.files.get(&key)
    }

    /// The folder at a path of a share, whose own path is `share_path`: the same one for all that ask.
    pub(super) fn folder(&mut self, share: u32, share_path: &Path, path: &str) -> Arc<Folder> {
        if let Some(inside) = self.inside(share, path) {
            return inside.folder.clone();
        }
        let folder = Arc::new(Folder::new(share, share_path, path));
        self.inside_mut(&folder).folder.clone()
    }

    /// Forgets a folder without files.
    pub(super) fn release(&mut self, folder: &Folder) {
        let Some(of_share) = self.folders.get_mut(&folder.share) else { return };
        if of_share.get(&folder.path).is_some_and(|inside| inside.files.is_empty()) {
            of_share.remove(&folder.path);
        }
    }

    pub(super) fn at(&self, (share, path): &Place) -> Option<&Arc<FileRecord>> {
        let (folder, name) = split(path);
        self.inside(*share, folder)?.files.get(name).map(|named| &named.0)
    }

    /// The file of this name in a folder.
    pub(super) fn named(&self, folder: &Folder, name: &str) -> Option<&Arc<FileRecord>> {
        self.inside(folder.share, &folder.path)?.files.get(name).map(|named| &named.0)
    }

    /// The files in a folder, without those in folders in it.
    pub(super) fn files_in(&self, share: u32, folder: &str) -> impl Iterator<Item = &Arc<FileRecord>> {
        self.inside(share, folder).into_iter().flat_map(|inside| &inside.files).map(|named| &named.0)
    }

    fn inside(&self, share: u32, folder: &str) -> Option<&Inside> {
        self.folders.get(&share)?.get(folder)
    }

    fn inside_mut(&mut self, folder: &Arc<Folder>) -> &mut Inside {
        let of_share = self.folders.entry(folder.share).or_default();
        of_share
            .entry(folder.path.clone())
            .or_insert_with(|| Inside { folder: folder.clone(), files: BTreeSet::new() })
    }

    pub(super) fn unhashed(&self) -> impl Iterator<Item = &Arc<FileRecord>> {
        self.files.values().filter(|file| file.content.is_none())
    }

    /// The files that are this very file, in whatever state they were seen: links to it, or where it was.
    pub(super) fn links(&self, identity: Identity) -> impl Iterator<Item = &Arc<FileRecord>> {
        let same_inode = self.nodes.range((identity.inode, 0)..=(identity.inode, u64::MAX));
        let files = same_inode.filter_map(|(_, key)| self.files.get(key));
        files.filter(move |file| file.identity.node() == identity.node())
    }

    /// Those of them that were seen in this very state.
    pub(super) fn twins(&self, identity: Identity) -> impl Iterator<Item = &Arc<FileRecord>> {
        self.links(identity).filter(move |file| file.identity == identity)
    }

    /// The folders at a path of a share and below it that may have files.
    pub(super) fn folders_under(&self, share: u32, path: &str) -> impl Iterator<Item = &str> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let of_share = self.folders.get(&share);
        let own = of_share.and_then(|folders| folders.get_key_value(path));
        let from: Bound<Box<str>> = Bound::Excluded(prefix.as_str().into());
        let below = of_share.into_iter().flat_map(move |it| it.range((from.clone(), Bound::Unbounded)));
        let below = below.take_while(move |(at, _)| at.starts_with(&prefix));
        own.into_iter().chain(below).map(|(at, _)| &**at)
    }

    /// The files at a path of a share and below it; all for the empty path.
    pub(super) fn under(&self, share: u32, path: &str) -> Vec<u64> {
        let own = (share, path.to_owned());
        let own = self.at(&own).filter(|_| !path.is_empty()).map(|file| file.key);
        let below = self.folders_under(share, path).flat_map(|folder| self.files_in(share, folder));
        own.into_iter().chain(below.map(|file| file.key)).collect()
    }

    pub(super) fn put(&mut self, record: Arc<FileRecord>) {
        let key = record.key;
        self.unlink(key);
        self.inside_mut(&record.folder).files.replace(Named(record.clone()));
        self.nodes.insert((record.identity.inode, key));
        self.files.insert(key, record);
        self.pending.insert(key);
    }

    pub(super) fn remove(&mut self, key: u64) {
        self.unlink(key);
        if let Some(old) = self.files.remove(&key) {
            self.release(&old.folder);
        }
        self.pending.insert(key);
    }

    /// Replaces what is known of a file at its place: its content.
    pub(super) fn set_content(&mut self, key: u64, content: Option<ContentId>) {
        let Some(old) = self.files.get_mut(&key) else { return };
        let new = Arc::new(FileRecord { content, ..FileRecord::clone(old) });
        *old = new.clone();
        let of_share = self.folders.get_mut(&new.share());
        let inside = of_share.and_then(|folders| folders.get_mut(&new.folder.path));
        if let Some(inside) =
            inside.filter(|it| it.files.get(new.name.as_str()).is_some_and(|at| at.0.key == key))
        {
            inside.files.replace(Named(new));
        }
        self.pending.insert(key);
    }

    fn unlink(&mut self, key: u64) {
        let Some(old) = self.files.get(&key) else { return };
        self.nodes.remove(&(old.identity.inode, key));
        let of_share = self.folders.get_mut(&old.share());
        let Some(inside) = of_share.and_then(|folders| folders.get_mut(&old.folder.path)) else { return };
        // Another file may have come to that place meanwhile.
        if inside.files.get(old.name.as_str()).is_some_and(|at| at.0.key == key) {
            inside.files.remove(old.name.as_str());
        }
    }

    /// What is to be committed: the records as they are now, by key.
    pub(super) fn pending(&self) -> Vec<RecordChange> {
        self.pending.iter().map(|key| (*key, self.files.get(key).cloned())).collect()
    }

    pub(super) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn committed(&mut self) {
        self.pending.clear();
    }
}
