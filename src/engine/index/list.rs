//! The files of one peer, ready to be searched.
//!
//! What is absent on purpose: lists of the rows with each word or trigram. They would take more memory than the
//! names, and have to be merged at each change. A few bits of each name say nearly as much.

use super::bits::Bits;
use super::column::number;
use super::contents::{Contents, NO_CONTENT};
use super::digest::{EntryHash, ListDigest};
use super::entry::{Change, FileEntry};
use super::order::Order;
use super::rows::Rows;
use super::{Announcement, Index};
use std::collections::BTreeSet;

/// A file that is gone leaves a gap in the rows. They are built anew when there are more gaps than files and
/// at least so many: each change then costs constant time on average.
const MIN_GAPS: usize = 1024;

/// The list of one peer.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    rows: Rows,
    by_key: Order<u64>,
    by_content: Order<u32>,
    /// The contents that it has or had: of most contents a list knows so that it does not have them.
    had: Bits,
    live: usize,
    digest: ListDigest,
}

impl List {
    /// How many files.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Its columns, gaps included.
    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The memory that it takes, almost.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes() + self.by_key.bytes() + self.by_content.bytes() + self.had.bytes()
    }

    /// The digest of its files.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest.to_bytes()
    }

    /// Whether it is the list that was announced.
    pub(super) fn matches(&self, announced: &Announcement) -> bool {
        self.len() as u64 == announced.count && self.digest() == announced.digest
    }

    /// Whether it would be too long after these changes.
    pub(super) fn exceeds(&self, changes: &[Change]) -> bool {
        let fits = |more: usize| (self.len() + more) as u64 <= Index::MAX_FILES_PER_PEER;
        !fits(changes.len()) && !fits(self.room_for(changes).unwrap_or(0))
    }

    /// How many files more it has after these changes. `None` if they take no memory either: what is removed,
    /// and what is called as before.
    pub(super) fn room_for(&self, changes: &[Change]) -> Option<usize> {
        let (mut new, mut gone) = (BTreeSet::new(), BTreeSet::new());
        let mut takes_memory = false;
        for change in changes {
            match change {
                Change::Put(entry) => {
                    let row = self.row_of(entry.key);
                    takes_memory |= row.is_none_or(|row| !self.is_called_so(row, entry));
                    if row.is_some() {
                        gone.remove(&entry.key)
                    } else {
                        new.insert(entry.key)
                    };
                }
                Change::Remove(key) => {
                    if self.row_of(*key).is_some() {
                        gone.insert(*key)
                    } else {
                        new.remove(key)
                    };
                }
            }
        }
        takes_memory.then(|| new.len().saturating_sub(gone.len()))
    }

    /// Its files in the order of their keys.
    pub(super) fn entries<'a>(&'a self, contents: &'a Contents) -> impl Iterator<Item = FileEntry> + 'a {
        let live = self.by_key.all(|row| self.rows.keys[row as usize]).filter(|row| self.rows.is_live(*row));
        live.map(|row| self.entry(row, contents))
    }

    /// The file of a row.
    pub(super) fn entry(&self, row: u32, contents: &Contents) -> FileEntry {
        let facts = self.rows.row(row);
        FileEntry {
            key: self.rows.keys[row as usize],
            folder: self.rows.folder(row).clone(),
            name: self.rows.file_name(row),
            size: facts.size,
            content: contents.get(self.rows.content(row)),
        }
    }

    /// The rows of files with this content.
    pub(super) fn with_content(&self, content: u32) -> impl Iterator<Item = u32> {
        let had = self.had.contains(content);
        let rows = had.then(|| self.by_content.with(|row| self.rows.content(row), content));
        rows.into_iter().flatten().filter(|row| self.rows.is_live(*row))
    }

    /// Applies one change.
    pub(super) fn apply(&mut self, change: &Change, contents: &mut Contents) {
        match change {
            Change::Put(entry) => self.put(entry, contents),
            Change::Remove(key) => self.remove(*key, contents),
        }
    }

    /// Takes a file; what has the same key is replaced.
    pub(super) fn put(&mut self, entry: &FileEntry, contents: &mut Contents) {
        let content = entry.content.map_or(NO_CONTENT, |content| contents.number(content));
        match self.row_of(entry.key) {
            Some(row) if self.stays(row, entry, content) => {
                self.digest.remove(EntryHash::of(&self.entry(row, contents)));
                self.rows.set_size(row, entry.size);
                self.set_content(row, content, contents);
            }
            old => {
                if let Some(row) = old {
                    self.clear(row, contents);
                }
                let row = self.rows.push(entry, NO_CONTENT);
                self.live += 1;
                self.by_key.insert(|row| self.rows.keys[row as usize], row);
                self.set_content(row, content, contents);
            }
        }
        self.digest.add(EntryHash::of(entry));
        self.close_gaps();
    }

    /// Forgets the file with this key, if there is one.
    pub(super) fn remove(&mut self, key: u64, contents: &Contents) {
        if let Some(row) = self.row_of(key) {
            self.clear(row, contents);
            self.close_gaps();
        }
    }

    /// Gives back the room for more files.
    pub(super) fn shrink(&mut self) {
        self.rows.shrink();
        self.by_key.shrink(|row| self.rows.keys[row as usize]);
        self.by_content.shrink(|row| self.rows.content(row));
    }

    /// Marks the contents of its files.
    pub(super) fn mark(&self, used: &mut Bits) {
        for row in self.rows.live() {
            used.insert(self.rows.content(row));
        }
    }

    /// The contents of its files, and maybe others.
    pub(super) fn had(&self) -> &Bits {
        &self.had
    }

    /// Contents have new numbers, in the same order; by their old ones.
    pub(super) fn renumber(&mut self, numbers: &[u32], contents: &mut Contents) {
        self.by_content.retain(|row| self.rows.content(row), |row| self.rows.is_live(row));
        self.had = Bits::default();
        for (content, class) in self.rows.contents.iter_mut().zip(&self.rows.classes) {
            let new = class.and_then(|_| numbers.get(*content as usize).copied());
            *content = new.unwrap_or(NO_CONTENT);
            if *content != NO_CONTENT && !self.had.insert_anywhere(*content) {
                contents.repeat(*content);
            }
        }
    }

    fn row_of(&self, key: u64) -> Option<u32> {
        // Older ones are gaps.
        self.by_key.last(|row| self.rows.keys[row as usize], key).filter(|row| self.rows.is_live(*row))
    }

    /// Whether the file can stay in its row: its folder and name are in the arenas, and a content, once
    /// there, is what the row is found by. So a file that was hashed stays.
    fn stays(&self, row: u32, entry: &FileEntry, content: u32) -> bool {
        let old = self.rows.content(row);
        (old == NO_CONTENT || old == content) && self.is_called_so(row, entry)
    }

    fn is_called_so(&self, row: u32, entry: &FileEntry) -> bool {
        self.rows.name(row) == entry.name.as_str() && *self.rows.folder(row) == entry.folder
    }

    fn set_content(&mut self, row: u32, content: u32, contents: &mut Contents) {
        if self.rows.content(row) == content {
            return;
        }
        if self.with_content(content).next().is_some() {
            contents.repeat(content);
        }
        self.rows.contents[row as usize] = content;
        self.by_content.insert(|row| self.rows.content(row), row);
        self.had.insert_anywhere(content);
    }

    fn clear(&mut self, row: u32, contents: &Contents) {
        self.digest.remove(EntryHash::of(&self.entry(row, contents)));
        self.rows.classes[row as usize] = None;
        self.live -= 1;
    }

    fn close_gaps(&mut self) {
        let gaps = self.rows.len() - self.live;
        if gaps < MIN_GAPS || gaps <= self.live {
            return;
        }
        let mut rows = Rows::default();
        for row in self.rows.live() {
            rows.push_copy(&self.rows, row);
        }
        let with_content = |row: &u32| rows.content(*row) != NO_CONTENT;
        self.by_key = Order::of(|row| rows.keys[row as usize], 0..number(rows.len()));
        self.by_content = Order::of(|row| rows.content(row), (0..number(rows.len())).filter(with_content));
        self.rows = rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ContentId, FileName, FolderPath};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entry(key: u64, name: &str) -> FileEntry {
        let name = FileName::new(name).expect("a plain name");
        FileEntry { key, folder: FolderPath::default(), name, size: key, content: None }
    }

    fn hashed(entry: FileEntry, byte: u8) -> FileEntry {
        FileEntry { content: Some(ContentId::from_bytes([byte; 32])), ..entry }
    }

    fn keys(list: &List) -> Vec<u64> {
        list.entries(&Contents::default()).map(|entry| entry.key).collect()
    }

    #[test]
    fn gaps_are_closed() {
        let (mut list, mut contents) = (List::default(), Contents::default());
        for key in 0..4_000 {
            list.put(&entry(key, &format!("name {key}.txt")), &mut contents);
        }
        for key in 0..3_500 {
            list.remove(key, &contents);
        }
        assert_eq!(list.len(), 500);
        assert!(list.rows.len() < 4_000, "the rows were built anew");
        assert_eq!(keys(&list), (3_500..4_000).collect::<Vec<_>>());
        for round in 0..5_000 {
            list.put(&entry(3_600, &format!("name {round}.txt")), &mut contents);
        }
        assert!(list.rows.len() < 3_000, "replaced ones leave gaps too");
        list.remove(3_600, &contents);
        assert_eq!(list.len(), 499);
        assert!(!keys(&list).contains(&3_600));
    }

    #[test]
    fn a_file_that_was_hashed_keeps_its_row() {
        let (mut list, mut contents) = (List::default(), Contents::default());
        list.put(&entry(1, "ab"), &mut contents);
        list.put(&hashed(entry(1, "ab"), 1), &mut contents);
        assert_eq!(list.rows.len(), 1);
        assert_eq!(list.digest(), ListDigest::of([&hashed(entry(1, "ab"), 1)]).to_bytes());
        let number = contents.find(ContentId::from_bytes([1; 32])).expect("a number");
        assert_eq!(list.with_content(number).collect::<Vec<_>>(), [0]);
    }

    fn change() -> impl Strategy<Value = Change> {
        let name = proptest::sample::select(vec!["a", "A", "Ação.pdf", "b c.TXT", &*"x".repeat(200).leak()]);
        let put = (
            0_u64..9,
            name,
            0_u64..3,
            proptest::option::of(0_u8..5),
            proptest::sample::select(vec!["", "f", "f/g"]),
        );
        prop_oneof![
            4 => put.prop_map(|(key, name, size, content, folder)| {
                let content = content.map(|byte| ContentId::from_bytes([byte; 32]));
                let folder = FolderPath::new(folder).expect("a path");
                Change::Put(FileEntry { folder, size, content, ..entry(key, name) })
            }),
            1 => (0_u64..9).prop_map(Change::Remove),
        ]
    }

    proptest! {
        #[test]
        fn it_is_the_map_that_the_changes_make(changes in proptest::collection::vec(change(), 0..80), collected in any::<u128>()) {
            let (mut list, mut contents) = (List::default(), Contents::default());
            let mut map = BTreeMap::new();
            let mut said = Vec::new();
            for (at, change) in changes.iter().enumerate() {
                said.push((list.len(), list.room_for(&changes[at..])));
                list.apply(change, &mut contents);
                match change {
                    Change::Put(entry) => drop(map.insert(entry.key, entry.clone())),
                    Change::Remove(key) => drop(map.remove(key)),
                }
                if collected >> at & 1 == 1 {
                    let mut used = Bits::below(contents.len());
                    list.mark(&mut used);
                    let numbers = contents.retain(&used);
                    list.renumber(&numbers, &mut contents);
                }
                prop_assert!(list.entries(&contents).eq(map.values().cloned()));
                prop_assert_eq!(list.len(), map.len());
                prop_assert_eq!(list.digest(), ListDigest::of(map.values()).to_bytes());
                for byte in 0..5 {
                    let content = ContentId::from_bytes([byte; 32]);
                    let number = contents.find(content).unwrap_or(NO_CONTENT - 1);
                    let mut with: Vec<_> = list.with_content(number).map(|row| list.entry(row, &contents)).collect();
                    with.sort();
                    let expected: Vec<_> = map.values().filter(|entry| entry.content == Some(content)).cloned().collect();
                    prop_assert!(with.len() < 2 || contents.repeated().contains(number));
                    prop_assert_eq!(with, expected);
                }
            }
            for (before, more) in said {
                prop_assert_eq!(more.unwrap_or(0), list.len().saturating_sub(before));
            }
        }
    }
}
