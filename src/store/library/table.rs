//! The picture of the library that everybody reads: only what is durable.
//!
//! Invariant: it changes in [`Table::apply`] alone, after the same changes were committed; totals and
//! the index by content always agree with the files. The lock around it is held for looking up and for
//! swapping in, never over I/O and never to build what others are told.

use super::super::below::{Identity, Root, join};
use super::{Problem, ShareState, SkipKind, Skipped, Totals, Watched};
use crate::base::{ContentId, FileName, FolderPath};
use crate::engine::browse::{Ask, FileState, Folders, Listing};
use crate::engine::index::{Change, FileEntry, IndexPosition};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many changes are kept at least for a tracker that lags; as many as there are files where there are
/// more. One that lags more takes the whole list, which is then no longer than the changes.
const MIN_JOURNAL: usize = 65_536;

/// A folder in a share; its files have it in common.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) share: u32,
    /// Below the share, components separated by `/`; empty: the share itself.
    pub(super) path: Box<str>,
    /// As others see it: the shared folder's own name and what lies between. Empty where a name in it is
    /// refused.
    pub(super) shown: FolderPath,
}

impl Folder {
    /// A folder at `path` below the share that lies at `share_path`.
    pub(super) fn new(share: u32, share_path: &Path, path: &str) -> Self {
        let name = share_path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let text = if path.is_empty() { name.to_owned() } else { format!("{name}/{path}") };
        let shown = FolderPath::new(&text).unwrap_or_default();
        Self { share, path: path.into(), shown }
    }
}

/// A shared file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileRecord {
    pub(super) key: u64,
    pub(super) folder: Arc<Folder>,
    pub(super) name: FileName,
    pub(super) identity: Identity,
    pub(super) content: Option<ContentId>,
}

impl FileRecord {
    pub(super) fn share(&self) -> u32 {
        self.folder.share
    }

    /// Below the share, components separated by `/`.
    pub(super) fn path(&self) -> String {
        join(&self.folder.path, self.name.as_str())
    }

    pub(super) fn entry(&self) -> FileEntry {
        let (folder, name, size) = (self.folder.shown.clone(), self.name.clone(), self.identity.size);
        FileEntry { key: self.key, folder, name, size, content: self.content }
    }

    /// Whether nobody else can tell them apart.
    fn looks_like(&self, other: &Self) -> bool {
        let of = |file: &Self| (file.key, file.identity.size, file.content);
        of(self) == of(other) && self.name == other.name && self.folder.shown == other.folder.shown
    }

    const fn state(&self) -> FileState {
        FileState { size: self.identity.size, content: self.content }
    }
}

/// A change of the list, not yet in the words of the protocol: a key and what is there from now on.
pub(super) type RecordChange = (u64, Option<Arc<FileRecord>>);

/// The same for others.
pub(super) fn to_change((key, record): &RecordChange) -> Change {
    record.as_ref().map_or(Change::Remove(*key), |record| Change::Put(record.entry()))
}

/// A shared folder as everybody sees it.
#[derive(Debug)]
pub(super) struct ShareRow {
    pub(super) path: PathBuf,
    /// Its handle; `None` while it cannot be opened.
    pub(super) root: Option<Arc<Root>>,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) hashing: u64,
    pub(super) hashing_bytes: u64,
    pub(super) paused: bool,
    /// Whether all of it is being looked at.
    pub(super) walking: bool,
    /// How many of its folders the system does not watch.
    pub(super) unwatched: u64,
    pub(super) skipped: u64,
    pub(super) kinds: BTreeMap<SkipKind, u64>,
    /// The first of them.
    pub(super) skips: Vec<Skipped>,
    pub(super) problem: Option<Problem>,
}

impl ShareRow {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            root: None,
            files: 0,
            bytes: 0,
            hashing: 0,
            hashing_bytes: 0,
            paused: false,
            walking: false,
            unwatched: 0,
            skipped: 0,
            kinds: BTreeMap::new(),
            skips: Vec::new(),
            problem: None,
        }
    }

    pub(super) fn state(&self) -> ShareState {
        ShareState {
            path: self.path.clone(),
            files: self.files,
            bytes: self.bytes,
            hashing: self.hashing,
            hashing_bytes: self.hashing_bytes,
            paused: self.paused,
            walking: self.walking,
            unwatched: self.unwatched,
            skipped: self.skipped,
            skips: self.kinds.clone(),
            problem: self.problem.clone(),
        }
    }

    fn count(&mut self, file: &FileRecord) {
        self.files += 1;
        self.bytes += file.identity.size;
        if file.content.is_none() {
            self.hashing += 1;
            self.hashing_bytes += file.identity.size;
        }
    }

    fn uncount(&mut self, file: &FileRecord) {
        self.files -= 1;
        self.bytes -= file.identity.size;
        if file.content.is_none() {
            self.hashing -= 1;
            self.hashing_bytes -= file.identity.size;
        }
    }
}

/// Everything that is durable.
#[derive(Debug)]
pub(super) struct Table {
    position: IndexPosition,
    pub(super) shares: BTreeMap<u32, ShareRow>,
    files: BTreeMap<u64, Arc<FileRecord>>,
    /// By the first bytes of the content: a third of the memory, and no fewer are told apart.
    contents: BTreeSet<(u64, u64)>,
    folders: Folders,
    /// The latest changes; the last one has the number `position.seq`.
    journal: VecDeque<RecordChange>,
    /// Why nothing can be saved, if so.
    pub(super) problem: Option<Problem>,
    /// How far changes are told by the system.
    pub(super) watched: Watched,
}

impl Table {
    /// The most files that are looked at under one lock: some milliseconds.
    const MAX_STEP: usize = 16_384;

    pub(super) fn new(position: IndexPosition) -> Self {
        Self {
            position,
            shares: BTreeMap::new(),
            files: BTreeMap::new(),
            contents: BTreeSet::new(),
            folders: Folders::default(),
            journal: VecDeque::new(),
            problem: None,
            watched: Watched::default(),
        }
    }

    pub(super) const fn position(&self) -> IndexPosition {
        self.position
    }

    /// Whether anybody else sees this change of a file's record.
    pub(super) fn is_visible(&self, key: u64, new: Option<&FileRecord>) -> bool {
        match (self.files.get(&key), new) {
            (None, None) => false,
            (Some(old), Some(new)) => !old.looks_like(new),
            (Some(_), None) | (None, Some(_)) => true,
        }
    }

    /// Takes in what was committed. `changes`, those of it that others see, are numbered on from the last
    /// one.
    pub(super) fn apply(&mut self, records: Vec<RecordChange>, changes: Vec<RecordChange>) {
        for (key, new) in records {
            self.put(key, new);
        }
        self.position.seq += changes.len() as u64;
        self.journal.extend(changes);
        let surplus = self.journal.len().saturating_sub(self.files.len().max(MIN_JOURNAL));
        self.journal.drain(..surplus);
    }

    /// Replaces the record of a key without counting it as a change.
    pub(super) fn put(&mut self, key: u64, new: Option<Arc<FileRecord>>) {
        let old = match &new {
            Some(record) => self.files.insert(key, record.clone()),
            None => self.files.remove(&key),
        };
        if let Some(old) = old {
            self.folders.remove(&old.folder.shown, &old.name, key, &old.state());
            if let Some(share) = self.shares.get_mut(&old.share()) {
                share.uncount(&old);
            }
            if let Some(content) = old.content {
                self.contents.remove(&(start_of(content), key));
            }
        }
        if let Some(new) = new {
            self.folders.insert(&new.folder.shown, &new.name, key, &new.state());
            if let Some(share) = self.shares.get_mut(&new.share()) {
                share.count(&new);
            }
            if let Some(content) = new.content {
                self.contents.insert((start_of(content), key));
            }
        }
    }

    /// Takes in what was stored, in the order of its keys.
    pub(super) fn load(&mut self, files: &[Arc<FileRecord>]) {
        for file in files {
            self.folders.insert(&file.folder.shown, &file.name, file.key, &file.state());
            if let Some(share) = self.shares.get_mut(&file.share()) {
                share.count(file);
            }
        }
        self.files = files.iter().map(|file| (file.key, file.clone())).collect();
        let of_file = |file: &Arc<FileRecord>| Some((start_of(file.content?), file.key));
        self.contents = files.iter().filter_map(of_file).collect();
    }

    /// All files by key. Their entries are made when the lock is let go.
    pub(super) fn records(&self) -> Vec<Arc<FileRecord>> {
        self.files.values().cloned().collect()
    }

    /// Adds to `found` the files in this folder and below it, by key, from the key `from` on, until `limit` are there or
    /// [`Table::MAX_STEP`] files were looked at. Gives the key to go on from; `None`: these were all.
    pub(super) fn in_folder(
        &self,
        folder: &FolderPath,
        from: u64,
        limit: usize,
        found: &mut Vec<FileEntry>,
    ) -> Option<u64> {
        if self.folders.below(folder).files == 0 {
            return None;
        }
        // Neighbours mostly lie in one folder.
        let mut last: Option<(&Arc<Folder>, bool)> = None;
        for (looked_at, (key, file)) in self.files.range(from..).enumerate() {
            if found.len() >= limit || looked_at >= Self::MAX_STEP {
                return Some(*key);
            }
            let same = last.filter(|(known, _)| Arc::ptr_eq(known, &file.folder));
            let shown = &file.folder.shown;
            let inside = same
                .map_or_else(|| !shown.is_empty() && folder.to_inner(shown).is_some(), |(_, inside)| inside);
            if inside {
                found.push(file.entry());
            }
            last = Some((&file.folder, inside));
        }
        None
    }

    /// A page of what lies right in a folder; `None`: there is no such folder.
    pub(super) fn browse(&self, folder: &FolderPath, ask: &Ask) -> Option<Listing> {
        self.folders.page(folder, ask, |key| self.files.get(&key).map(|file| file.state()))
    }

    /// The changes after `seq`; see [`to_change`].
    pub(super) fn changes_since(&self, seq: u64) -> Option<Vec<RecordChange>> {
        let behind = usize::try_from(self.position.seq.checked_sub(seq)?).ok()?;
        let first = self.journal.len().checked_sub(behind)?;
        Some(self.journal.range(first..).cloned().collect())
    }

    /// What to remember of a file that is removed: its whole path, state and content.
    pub(super) fn memory_of(&self, key: u64) -> Option<(String, Identity, ContentId)> {
        let file = self.files.get(&key)?;
        let path = self.shares.get(&file.share())?.path.join(file.path());
        Some((path.to_str()?.to_owned(), file.identity, file.content?))
    }

    /// The files that have this content.
    pub(super) fn holders(&self, content: ContentId) -> impl Iterator<Item = &Arc<FileRecord>> {
        let start = start_of(content);
        let alike = self.contents.range((start, 0)..=(start, u64::MAX));
        alike.filter_map(|(_, key)| self.files.get(key)).filter(move |file| file.content == Some(content))
    }

    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for share in self.shares.values() {
            totals.files += share.files;
            totals.bytes += share.bytes;
            totals.hashing += share.hashing;
        }
        totals
    }
}

fn start_of(content: ContentId) -> u64 {
    content.as_bytes().first_chunk().map_or(0, |start| u64::from_be_bytes(*start))
}
