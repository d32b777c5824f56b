//! The keeper's working copy: the files as last seen, changes not yet committed included.
//!
//! Invariant: `files`, `paths` and `nodes` always name the same set of files, and `pending` holds every
//! key whose record here may differ from the committed one. Deliberately absent: I/O.

use super::super::below::Identity;
use super::table::FileRecord;
use crate::base::ContentId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// A path in a share.
pub(super) type Place = (u32, String);

#[derive(Debug)]
pub(super) struct Tree {
    files: BTreeMap<u64, Arc<FileRecord>>,
    paths: BTreeMap<Place, u64>,
    /// By device and inode: hard links have several keys.
    nodes: BTreeSet<((u64, u64), u64)>,
    pending: BTreeSet<u64>,
    next_key: u64,
}

impl Tree {
    pub(super) fn new(files: Vec<Arc<FileRecord>>, next_key: u64) -> Self {
        let mut tree = Self {
            files: BTreeMap::new(),
            paths: BTreeMap::new(),
            nodes: BTreeSet::new(),
            pending: BTreeSet::new(),
            next_key,
        };
        for file in files {
            tree.next_key = tree.next_key.max(file.key + 1);
            tree.put(file);
        }
        tree.pending.clear();
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

    pub(super) fn at(&self, place: &Place) -> Option<&Arc<FileRecord>> {
        self.files.get(self.paths.get(place)?)
    }

    pub(super) fn unhashed(&self) -> impl Iterator<Item = u64> {
        self.files.values().filter(|file| file.content.is_none()).map(|file| file.key)
    }

    /// The files that are this very file with this very state: links to it, or where it was before.
    pub(super) fn twins(&self, identity: Identity) -> impl Iterator<Item = &Arc<FileRecord>> {
        let node = identity.node();
        let same_node = self.nodes.range((node, 0)..=(node, u64::MAX));
        same_node.filter_map(|(_, key)| self.files.get(key)).filter(move |file| file.identity == identity)
    }

    /// The content of a file in this state, if a link to it was hashed.
    pub(super) fn known_content(&self, identity: Identity) -> Option<ContentId> {
        self.twins(identity).find_map(|twin| twin.content)
    }

    /// The places at a path of a share and below it; all for the empty path.
    pub(super) fn under(&self, share: u32, path: &str) -> Vec<(Place, u64)> {
        let own = self.paths.get_key_value(&(share, path.to_owned()));
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let from = Bound::Included((share, prefix.clone()));
        let below = self
            .paths
            .range((from, Bound::Unbounded))
            .take_while(move |((of, at), _)| *of == share && at.starts_with(&prefix));
        own.into_iter().chain(below).map(|(place, key)| (place.clone(), *key)).collect()
    }

    pub(super) fn put(&mut self, record: Arc<FileRecord>) {
        let key = record.key;
        self.unlink(key);
        self.paths.insert((record.share, record.path.clone()), key);
        self.nodes.insert((record.identity.node(), key));
        self.files.insert(key, record);
        self.pending.insert(key);
    }

    pub(super) fn remove(&mut self, key: u64) {
        self.unlink(key);
        self.files.remove(&key);
        self.pending.insert(key);
    }

    fn unlink(&mut self, key: u64) {
        if let Some(old) = self.files.get(&key) {
            let place = (old.share, old.path.clone());
            // Another file may have come to that place meanwhile.
            if self.paths.get(&place) == Some(&key) {
                self.paths.remove(&place);
            }
            self.nodes.remove(&(old.identity.node(), key));
        }
    }

    /// What is to be committed: the records as they are now, by key.
    pub(super) fn pending(&self) -> Vec<(u64, Option<Arc<FileRecord>>)> {
        self.pending.iter().map(|key| (*key, self.files.get(key).cloned())).collect()
    }

    pub(super) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn committed(&mut self) {
        self.pending.clear();
    }
}
