//! Lists of files. A folder that is the same as that of the file before in the same call is not said again:
//! lists come in the order of folders, and most of a long list's bytes would be folders.

use super::{Checked, MAX_FILES, at_most, bad, number, parse_content_id};
use crate::base::{FileName, FolderPath, PieceLayout};
use crate::engine::index::{Change, FileEntry};
use crate::wire::index;

/// Checks a file's entry; `before` is the folder of the one before it, and then its own.
pub fn file_entry_from_wire(entry: &index::FileEntry, before: &mut FolderPath) -> Checked<FileEntry> {
    if entry.size > PieceLayout::MAX_BYTES {
        return Err(bad("size", "a file has at most 2^53 - 1 bytes"));
    }
    if let Some(folder) = &entry.folder {
        *before = FolderPath::new(folder).map_err(|error| bad("folder", error))?;
    }
    Ok(FileEntry {
        key: number("key", entry.key)?,
        folder: before.clone(),
        name: FileName::new(&entry.name).map_err(|error| bad("name", error))?,
        size: entry.size,
        content: entry.content.as_deref().map(|text| parse_content_id("content", text)).transpose()?,
    })
}

/// A file's entry as JSON; `before` is the folder of the one before it, and then its own.
#[must_use]
pub fn file_entry_to_wire(entry: &FileEntry, before: &mut FolderPath) -> index::FileEntry {
    let folder = (entry.folder != *before).then(|| entry.folder.to_string());
    if folder.is_some() {
        *before = entry.folder.clone();
    }
    index::FileEntry {
        key: entry.key,
        folder,
        name: entry.name.to_string(),
        size: entry.size,
        content: entry.content.map(|content| content.to_string()),
    }
}

/// Checks a chunk's files: at most [`MAX_FILES`].
pub fn files_from_wire(files: &[index::FileEntry]) -> Checked<Vec<FileEntry>> {
    at_most("files", files.len(), MAX_FILES)?;
    let mut before = FolderPath::default();
    files.iter().map(|entry| file_entry_from_wire(entry, &mut before)).collect()
}

/// A chunk's files as JSON.
#[must_use]
pub fn files_to_wire(files: &[FileEntry]) -> Vec<index::FileEntry> {
    let mut before = FolderPath::default();
    files.iter().map(|entry| file_entry_to_wire(entry, &mut before)).collect()
}

/// Checks a delta's changes: at most [`MAX_FILES`].
pub fn changes_from_wire(changes: &[index::Change]) -> Checked<Vec<Change>> {
    at_most("changes", changes.len(), MAX_FILES)?;
    let mut before = FolderPath::default();
    let change = |change: &index::Change| match change {
        index::Change::Put(entry) => file_entry_from_wire(entry, &mut before).map(Change::Put),
        index::Change::Remove(key) => number("key", *key).map(Change::Remove),
    };
    changes.iter().map(change).collect()
}

/// A delta's changes as JSON.
#[must_use]
pub fn changes_to_wire(changes: &[Change]) -> Vec<index::Change> {
    let mut before = FolderPath::default();
    let change = |change: &Change| match change {
        Change::Put(entry) => index::Change::Put(file_entry_to_wire(entry, &mut before)),
        Change::Remove(key) => index::Change::Remove(*key),
    };
    changes.iter().map(change).collect()
}
