//! The picture of the library that everybody reads: only what is durable.
//!
//! Invariant: it changes in [`Table::apply`] alone, after the same changes were committed; totals and
//! the index by content always agree with the files. The lock around it is held for looking up and for
//! swapping in, never over I/O.

use super::super::below::{Identity, Root};
use super::{ShareState, SkipKind, Skipped, Totals, Watched};
use crate::base::{ContentId, FileName, FolderPath};
use crate::engine::browse::{Ask, FileState, Folders, Listing};
use crate::engine::index::{Change, FileEntry, IndexPosition};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// How many changes are kept for a tracker that lags; one that lags more takes the whole list.
pub(super) const MAX_JOURNAL: usize = 65_536;

/// A shared file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileRecord {
    pub(super) key: u64,
    pub(super) share: u32,
    /// Below the share, components separated by `/`.
    pub(super) path: String,
    pub(super) name: FileName,
    pub(super) identity: Identity,
    pub(super) content: Option<ContentId>,
}

impl FileRecord {
    fn entry(&self, folder: FolderPath) -> FileEntry {
        let (name, size) = (self.name.clone(), self.identity.size);
        FileEntry { key: self.key, folder, name, size, content: self.content }
    }

    const fn state(&self) -> FileState {
        FileState { size: self.identity.size, content: self.content }
    }

    /// The folders between the share and the file.
    fn below(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folders, _)| folders)
    }
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
    pub(super) skipped: u64,
    pub(super) kinds: BTreeMap<SkipKind, u64>,
    /// The first of them.
    pub(super) skips: Vec<Skipped>,
    pub(super) problem: Option<String>,
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
    contents: BTreeSet<(ContentId, u64)>,
    folders: Folders,
    /// The folder that was made last: neighbours mostly lie in one.
    last_folder: Option<(Arc<FileRecord>, FolderPath)>,
    /// The latest changes; the last one has the number `position.seq`.
    journal: VecDeque<Change>,
    /// Why nothing can be saved, if so.
    pub(super) problem: Option<String>,
    /// How far changes are told by the system.
    pub(super) watched: Watched,
}

impl Table {
    pub(super) fn new(position: IndexPosition) -> Self {
        Self {
            position,
            shares: BTreeMap::new(),
            files: BTreeMap::new(),
            contents: BTreeSet::new(),
            folders: Folders::default(),
            last_folder: None,
            journal: VecDeque::new(),
            problem: None,
            watched: Watched::default(),
        }
    }

    pub(super) const fn position(&self) -> IndexPosition {
        self.position
    }

    /// What a change of a file's record means for everybody else; `None` if nothing.
    pub(super) fn visible_change(&self, key: u64, new: Option<&FileRecord>) -> Option<Change> {
        let old = self.files.get(&key);
        match (old, new) {
            (Some(_), None) => Some(Change::Remove(key)),
            (None, None) => None,
            (old, Some(new)) => {
                let entry = self.entry(new);
                (old.map(|old| self.entry(old)).as_ref() != Some(&entry)).then_some(Change::Put(entry))
            }
        }
    }

    /// Takes in what was committed. `changes` are numbered on from the last one.
    pub(super) fn apply(&mut self, records: Vec<(u64, Option<Arc<FileRecord>>)>, changes: Vec<Change>) {
        for (key, new) in records {
            self.put(key, new);
        }
        self.position.seq += changes.len() as u64;
        self.journal.extend(changes);
        let surplus = self.journal.len().saturating_sub(MAX_JOURNAL);
        self.journal.drain(..surplus);
    }

    /// Replaces the record of a key without counting it as a change.
    pub(super) fn put(&mut self, key: u64, new: Option<Arc<FileRecord>>) {
        let old = match &new {
            Some(record) => self.files.insert(key, record.clone()),
            None => self.files.remove(&key),
        };
        if let Some(old) = old {
            let folder = self.remembered_folder(&old);
            self.folders.remove(&folder, &old.name, key, &old.state());
            if let Some(share) = self.shares.get_mut(&old.share) {
                share.uncount(&old);
            }
            if let Some(content) = old.content {
                self.contents.remove(&(content, key));
            }
        }
        if let Some(new) = new {
            let folder = self.remembered_folder(&new);
            self.folders.insert(&folder, &new.name, key, &new.state());
            if let Some(share) = self.shares.get_mut(&new.share) {
                share.count(&new);
            }
            if let Some(content) = new.content {
                self.contents.insert((content, key));
            }
        }
    }

    pub(super) fn entries(&self) -> Vec<FileEntry> {
        let mut entries = Vec::with_capacity(self.files.len());
        // Neighbours mostly lie in one folder, which they share.
        let mut last: Option<(&FileRecord, FolderPath)> = None;
        for file in self.files.values() {
            let same = last.as_ref().filter(|(it, _)| it.share == file.share && it.below() == file.below());
            let folder = same.map_or_else(|| self.folder_of(file), |(_, folder)| folder.clone());
            entries.push(file.entry(folder.clone()));
            last = Some((file, folder));
        }
        entries
    }

    /// The files in this folder and below it, from the key `after` on (exclusive), at most `limit`.
    pub(super) fn in_folder(&self, folder: &FolderPath, after: Option<u64>, limit: usize) -> Vec<FileEntry> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let mut last: Option<(&FileRecord, Option<FolderPath>)> = None;
        let mut found = Vec::new();
        for file in self.files.range(from..).map(|(_, file)| &**file) {
            let same = last.as_ref().filter(|(it, _)| it.share == file.share && it.below() == file.below());
            let inside = match same {
                Some((_, known)) => known.clone(),
                None => {
                    Some(self.folder_of(file)).filter(|it| !it.is_empty() && folder.to_inner(it).is_some())
                }
            };
            if let Some(folder) = &inside {
                found.push(file.entry(folder.clone()));
                if found.len() >= limit {
                    return found;
                }
            }
            last = Some((file, inside));
        }
        found
    }

    /// A page of what lies right in a folder; `None`: there is no such folder.
    pub(super) fn browse(&self, folder: &FolderPath, ask: &Ask) -> Option<Listing> {
        self.folders.page(folder, ask, |key| self.files.get(&key).map(|file| file.state()))
    }

    /// As [`Table::folder_of`], for many files one after the other.
    fn remembered_folder(&mut self, file: &Arc<FileRecord>) -> FolderPath {
        let same =
            |(last, _): &&(Arc<FileRecord>, _)| last.share == file.share && last.below() == file.below();
        if let Some((_, folder)) = self.last_folder.as_ref().filter(same) {
            return folder.clone();
        }
        let folder = self.folder_of(file);
        self.last_folder = Some((file.clone(), folder.clone()));
        folder
    }

    fn entry(&self, file: &FileRecord) -> FileEntry {
        file.entry(self.folder_of(file))
    }

    /// The folder as others see it: the shared folder's own name and what lies between. Empty where a name
    /// in it is refused.
    fn folder_of(&self, file: &FileRecord) -> FolderPath {
        let share = self.shares.get(&file.share).and_then(|share| share.path.file_name()?.to_str());
        let (share, below) = (share.unwrap_or_default(), file.below());
        let text = if below.is_empty() { share.to_owned() } else { format!("{share}/{below}") };
        FolderPath::new(&text).unwrap_or_default()
    }

    pub(super) fn changes_since(&self, seq: u64) -> Option<Vec<Change>> {
        let behind = usize::try_from(self.position.seq.checked_sub(seq)?).ok()?;
        let first = self.journal.len().checked_sub(behind)?;
        Some(self.journal.range(first..).cloned().collect())
    }

    /// What to remember of a file that is removed: its whole path, state and content.
    pub(super) fn memory_of(&self, key: u64) -> Option<(String, Identity, ContentId)> {
        let file = self.files.get(&key)?;
        let path = self.shares.get(&file.share)?.path.join(&file.path);
        Some((path.to_str()?.to_owned(), file.identity, file.content?))
    }

    /// The files that have this content.
    pub(super) fn holders(&self, content: ContentId) -> impl Iterator<Item = &Arc<FileRecord>> {
        let of_it = self.contents.range((content, 0)..=(content, u64::MAX));
        of_it.filter_map(|(_, key)| self.files.get(key))
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
