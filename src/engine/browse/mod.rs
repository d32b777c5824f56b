//! A list of files as the folders that they lie in, looked into one folder and one page at a time.
//!
//! Invariant: a folder is there as long as a file lies in it or below it, and always knows how many; so a page
//! costs what it shows, whatever else is in the list. Order: folders first, then files, each by folded name.
//! Deliberately absent: what a file is besides its name; whoever owns the list says so when a page is made.

mod order;

use super::index::fold;
use crate::base::{ContentId, FileName, FolderPath};
use order::ByName;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What lies in a folder and below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// Files.
    pub files: u64,
    /// Their bytes (modulo 2^64: only files with more holes than any disk has bytes come near).
    pub bytes: u64,
    /// Those that are still to be hashed.
    pub hashing: u64,
}

impl Below {
    const fn add(&mut self, file: &FileState) {
        self.files += 1;
        self.bytes = self.bytes.wrapping_add(file.size);
        if file.content.is_none() {
            self.hashing += 1;
        }
    }

    const fn take(&mut self, file: &FileState) {
        self.files -= 1;
        self.bytes = self.bytes.wrapping_sub(file.size);
        if file.content.is_none() {
            self.hashing -= 1;
        }
    }
}

/// What a file is besides its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Its bytes.
    pub size: u64,
    /// Its content; `None` while it is hashed.
    pub content: Option<ContentId>,
}

/// Where something stands in the order of a folder: by this a page goes on behind the one before, also if what
/// stood there is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this name.
    Folder(FileName),
    /// A file of this name and key: of two folders that are called alike both may have one.
    File(FileName, u64),
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        use std::cmp::Ordering::{Greater, Less};
        match (self, other) {
            (Self::Folder(own), Self::Folder(other)) => order::by_name(own.as_str(), other.as_str()),
            (Self::Folder(_), Self::File(..)) => Less,
            (Self::File(..), Self::Folder(_)) => Greater,
            (Self::File(own, key), Self::File(other, other_key)) => {
                order::by_name(own.as_str(), other.as_str()).then(key.cmp(other_key))
            }
        }
    }
}

/// Which part of a folder is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Behind what; `None`: from the start.
    pub after: Option<Place>,
    /// At most so many entries; 1 to [`Ask::MAX_ENTRIES`].
    pub limit: usize,
    /// Only names that contain this, without regard to case and accents; empty: all.
    pub filter: String,
}

impl Ask {
    /// The most entries of one page: 2 MiB of JSON with long names.
    pub const MAX_ENTRIES: usize = 4_096;
    /// The entries of a page if nothing else is said.
    pub const DEFAULT_ENTRIES: usize = 1_000;
    /// The most bytes of a filter: a name has no more.
    pub const MAX_FILTER_BYTES: usize = FileName::MAX_BYTES;
    /// The most names that are looked at for one page: some milliseconds. With a filter a page may so have few
    /// entries, or none, and still not be the last.
    pub const MAX_SCANNED: usize = 16_384;
}

impl Default for Ask {
    fn default() -> Self {
        Self { after: None, limit: Self::DEFAULT_ENTRIES, filter: String::new() }
    }
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A folder in it.
    Folder {
        /// Its name.
        name: FileName,
        /// What lies in it and below.
        below: Below,
    },
    /// A file in it.
    File {
        /// Its name.
        name: FileName,
        /// Its number in the list.
        key: u64,
        /// What it is.
        state: FileState,
    },
}

impl Entry {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Folder { name, .. } => Place::Folder(name.clone()),
            Self::File { name, key, .. } => Place::File(name.clone(), *key),
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &FileName {
        match self {
            Self::Folder { name, .. } | Self::File { name, .. } => name,
        }
    }
}

/// A page of what a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What lies in the folder and below it.
    pub below: Below,
    /// How many folders lie right in it, whatever the filter.
    pub folders: u64,
    /// How many files lie right in it, whatever the filter.
    pub files: u64,
    /// The page.
    pub entries: Vec<Entry>,
    /// Behind what to go on; `None`: this was the last page.
    pub next: Option<Place>,
}

/// The folders of a list of files.
#[derive(Debug, Default)]
pub struct Folders {
    root: Folder,
}

#[derive(Debug, Default)]
struct Folder {
    folders: BTreeMap<ByName, Folder>,
    files: BTreeSet<(ByName, u64)>,
    below: Below,
}

impl Folders {
    /// Takes a file in. It must not be there yet; one without a folder lies nowhere and is passed over.
    pub fn insert(&mut self, folder: &FolderPath, name: &FileName, key: u64, state: &FileState) {
        if folder.is_empty() {
            return;
        }
        let mut at = &mut self.root;
        at.below.add(state);
        for name in folder.names() {
            let Ok(name) = FileName::new(name) else { return };
            at = at.folders.entry(ByName::new(name)).or_default();
            at.below.add(state);
        }
        at.files.insert((ByName::new(name.clone()), key));
    }

    /// Takes a file out that was taken in with the very same values, and folders that are empty then.
    pub fn remove(&mut self, folder: &FolderPath, name: &FileName, key: u64, state: &FileState) {
        let names: Vec<ByName> =
            folder.names().filter_map(|name| FileName::new(name).ok()).map(ByName::new).collect();
        if !names.is_empty() {
            self.root.remove(&names, &(ByName::new(name.clone()), key), state);
        }
    }

    fn find(&self, folder: &FolderPath) -> Option<&Folder> {
        let mut at = &self.root;
        for name in folder.names() {
            at = at.folders.get(&ByName::new(FileName::new(name).ok()?))?;
        }
        Some(at)
    }

    /// What lies in a folder and below it; nothing, if there is none of that name.
    #[must_use]
    pub fn below(&self, folder: &FolderPath) -> Below {
        self.find(folder).map_or_else(Below::default, |folder| folder.below)
    }

    /// A page of `folder` (empty: of the shared folders themselves). `file` says what the file of a key is.
    /// `None`: there is no such folder.
    #[must_use]
    pub fn page(
        &self,
        folder: &FolderPath,
        ask: &Ask,
        file: impl Fn(u64) -> Option<FileState>,
    ) -> Option<Listing> {
        let at = self.find(folder)?;
        let mut listing = Listing {
            below: at.below,
            folders: at.folders.len() as u64,
            files: at.files.len() as u64,
            ..Listing::default()
        };
        let filter = fold(&ask.filter);
        let mut last = None;
        for (scanned, entry) in at.entries_behind(ask.after.as_ref()).enumerate() {
            if listing.entries.len() >= ask.limit || scanned >= Ask::MAX_SCANNED {
                listing.next = last.map(Found::place);
                break;
            }
            last = Some(entry);
            if filter.is_empty() || fold(entry.name().as_str()).contains(&filter) {
                listing.entries.extend(entry.entry(&file));
            }
        }
        Some(listing)
    }
}

impl Folder {
    fn remove(&mut self, names: &[ByName], file: &(ByName, u64), state: &FileState) -> bool {
        let is_out = match names {
            [] => self.files.remove(file),
            [first, rest @ ..] => {
                let Some(inner) = self.folders.get_mut(first) else { return false };
                let is_out = inner.remove(rest, file, state);
                if is_out && inner.below.files == 0 {
                    self.folders.remove(first);
                }
                is_out
            }
        };
        if is_out {
            self.below.take(state);
        }
        is_out
    }

    fn entries_behind<'a>(&'a self, after: Option<&Place>) -> impl Iterator<Item = Found<'a>> {
        let (folders_from, files_from) = match after {
            None => (Some(Bound::Unbounded), Bound::Unbounded),
            Some(Place::Folder(name)) => (Some(Bound::Excluded(ByName::new(name.clone()))), Bound::Unbounded),
            Some(Place::File(name, key)) => (None, Bound::Excluded((ByName::new(name.clone()), *key))),
        };
        let folders = folders_from.map(|from| self.folders.range((from, Bound::Unbounded)));
        let folders = folders.into_iter().flatten().map(|(name, folder)| Found::Folder(name.name(), folder));
        let files = self.files.range((files_from, Bound::Unbounded));
        folders.chain(files.map(|(name, key)| Found::File(name.name(), *key)))
    }
}

/// An entry in its place.
#[derive(Clone, Copy)]
enum Found<'a> {
    Folder(&'a FileName, &'a Folder),
    File(&'a FileName, u64),
}

impl<'a> Found<'a> {
    const fn name(self) -> &'a FileName {
        match self {
            Self::Folder(name, _) | Self::File(name, _) => name,
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Folder(name, _) => Place::Folder(name.clone()),
            Self::File(name, key) => Place::File(name.clone(), key),
        }
    }

    fn entry(self, file: impl Fn(u64) -> Option<FileState>) -> Option<Entry> {
        Some(match self {
            Self::Folder(name, folder) => Entry::Folder { name: name.clone(), below: folder.below },
            Self::File(name, key) => Entry::File { name: name.clone(), key, state: file(key)? },
        })
    }
}

#[cfg(test)]
mod tests;
