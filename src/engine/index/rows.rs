//! The files of a list in columns: a row is a number, and what is known of its file stands at this number
//! in every column. A million files take a few large blocks of memory instead of millions of small ones,
//! and a search touches just the columns that it asks for.
//!
//! Invariant: all columns are of one length; a row's folded name ends with a line feed (which no name
//! contains) where the next one begins. Rows are never taken out: a file that is gone leaves a gap.

use super::column::{number, push, push_str};
use super::entry::FileEntry;
use super::fold::fold_name;
use super::signature::Signature;
use crate::base::{FileKind, FileName, FolderPath};
use std::collections::BTreeMap;

/// The columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// All folded names, with a line feed behind each.
    pub(super) folded: String,
    /// Where each one's line feed is. Half as wide as `usize`, for memory: the names of
    /// [`super::Index::MAX_FILES_PER_PEER`] files and as many gaps have less than 4 GiB.
    pub(super) ends: Vec<u32>,
    /// All names that differ from their folded form.
    names: String,
    /// Where each one's name ends; where the one before ends too, it is the folded one.
    name_ends: Vec<u32>,
    pub(super) signatures: Vec<Signature>,
    pub(super) keys: Vec<u64>,
    pub(super) sizes: Vec<u64>,
    /// Numbers of [`super::contents::Contents`].
    pub(super) contents: Vec<u32>,
    /// `None`: a gap.
    pub(super) kinds: Vec<Option<FileKind>>,
    /// Numbers of `paths`.
    folders: Vec<u32>,
    /// Each folder once.
    paths: Vec<FolderPath>,
    by_path: BTreeMap<FolderPath, u32>,
    path_bytes: usize,
}

impl Rows {
    /// How many rows, gaps included.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The memory that they take; of folders, what is known of it.
    pub(super) fn bytes(&self) -> usize {
        const ROW: usize = 4 * size_of::<u32>() + 3 * size_of::<u64>() + size_of::<Option<FileKind>>();
        // In `paths`, in the tree, and the text with its count of owners.
        const PATH: usize = 4 * size_of::<FolderPath>();
        let texts = self.folded.capacity() + self.names.capacity() + self.path_bytes;
        texts + self.ends.capacity() * ROW + self.paths.capacity() * PATH
    }

    /// Appends a file.
    pub(super) fn push(&mut self, entry: &FileEntry, content: u32) -> u32 {
        let name = entry.name.as_str();
        let folded = fold_name(name);
        let folder = self.folder_number(&entry.folder);
        let values = Values { key: entry.key, size: entry.size, content, folder };
        self.push_values(&folded, name, Some(FileKind::of_name(name)), values)
    }

    /// Appends a row of other columns, folders included.
    pub(super) fn push_copy(&mut self, from: &Self, row: u32) -> u32 {
        let at = row as usize;
        let folder = self.folder_number(from.folder(row));
        let values = Values { key: from.keys[at], size: from.sizes[at], content: from.contents[at], folder };
        self.push_values(from.folded(row), from.name(row), from.kinds[at], values)
    }

    fn push_values(&mut self, folded: &str, name: &str, kind: Option<FileKind>, values: Values) -> u32 {
        let row = number(self.len());
        push_str(&mut self.folded, folded);
        push(&mut self.ends, number(self.folded.len()));
        push_str(&mut self.folded, "\n");
        if name != folded {
            push_str(&mut self.names, name);
        }
        push(&mut self.name_ends, number(self.names.len()));
        push(&mut self.signatures, Signature::of(folded));
        push(&mut self.keys, values.key);
        push(&mut self.sizes, values.size);
        push(&mut self.contents, values.content);
        push(&mut self.kinds, kind);
        push(&mut self.folders, values.folder);
        row
    }

    /// The file of a row is gone.
    pub(super) fn clear(&mut self, row: u32) {
        self.kinds[row as usize] = None;
    }

    /// Whether there is a file in the row.
    pub(super) fn is_live(&self, row: u32) -> bool {
        self.kinds[row as usize].is_some()
    }

    /// The rows with files.
    pub(super) fn live(&self) -> impl Iterator<Item = u32> {
        (0..number(self.len())).filter(|row| self.is_live(*row))
    }

    /// The folded name.
    pub(super) fn folded(&self, row: u32) -> &str {
        &self.folded[self.start(row as usize)..self.ends[row as usize] as usize]
    }

    /// Where a row's folded name begins; also that of the row behind the last.
    pub(super) fn start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1)
    }

    /// The name as its peer has it.
    pub(super) fn name(&self, row: u32) -> &str {
        let at = row as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.name_ends[before]);
        let name = &self.names[start as usize..self.name_ends[at] as usize];
        if name.is_empty() { self.folded(row) } else { name }
    }

    /// The name as a value.
    pub(super) fn file_name(&self, row: u32) -> FileName {
        FileName::of_checked(self.name(row))
    }

    /// The folder.
    pub(super) fn folder(&self, row: u32) -> &FolderPath {
        &self.paths[self.folders[row as usize] as usize]
    }

    /// Gives back the room for more rows.
    pub(super) fn shrink(&mut self) {
        self.folded.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.names.shrink_to_fit();
        self.name_ends.shrink_to_fit();
        self.signatures.shrink_to_fit();
        self.keys.shrink_to_fit();
        self.sizes.shrink_to_fit();
        self.contents.shrink_to_fit();
        self.kinds.shrink_to_fit();
        self.folders.shrink_to_fit();
        self.paths.shrink_to_fit();
    }

    fn folder_number(&mut self, folder: &FolderPath) -> u32 {
        // The files of one folder mostly come one after the other.
        if let Some(&last) = self.folders.last()
            && self.paths[last as usize] == *folder
        {
            return last;
        }
        if let Some(&known) = self.by_path.get(folder) {
            return known;
        }
        let new = number(self.paths.len());
        push(&mut self.paths, folder.clone());
        self.by_path.insert(folder.clone(), new);
        self.path_bytes += folder.as_str().len();
        new
    }
}

/// What is known of a file beside its name.
struct Values {
    key: u64,
    size: u64,
    content: u32,
    folder: u32,
}
