//! The files of one peer, ready to be searched.
//!
//! Invariant: every live row's folded name lies in the arena at the row's range, ranges grow with the
//! row's number, and a line feed (which no name contains) ends each, so that no hit crosses two names.
//! What is absent on purpose: any index of words or trigrams. A scan of one arena is a few milliseconds
//! for a million names and needs nothing to be maintained.

use super::digest::{EntryHash, ListDigest};
use super::entry::{Change, FileEntry};
use super::fold::fold_name;
use super::query::{Query, Rank};
use super::{Announcement, Index};
use crate::base::{ContentId, FileKind};
use std::collections::{BTreeMap, BTreeSet};

/// A removed name stays in the arena as a gap. The arena is built anew when there are more gaps than names
/// and at least so many: each change then costs constant time on average.
const MIN_GAPS: usize = 1024;

/// The list of one peer.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    arena: String,
    rows: Vec<Row>,
    by_key: BTreeMap<u64, usize>,
    by_content: BTreeSet<(ContentId, usize)>,
    digest: ListDigest,
}

#[derive(Clone, Debug)]
struct Row {
    /// In the arena. Half as wide as `usize`, for memory: a list's names have at most 2 GiB with all gaps.
    start: u32,
    end: u32,
    kind: FileKind,
    /// `None`: a gap.
    entry: Option<FileEntry>,
}

/// A file that fits a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    pub(super) rank: Rank,
    pub(super) kind: FileKind,
    pub(super) folded: &'a str,
    pub(super) entry: &'a FileEntry,
}

impl List {
    /// How many files.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
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
        if (self.len() + changes.len()) as u64 <= Index::MAX_FILES_PER_PEER {
            return false;
        }
        let mut new = BTreeSet::new();
        for change in changes {
            match change {
                Change::Put(entry) if !self.by_key.contains_key(&entry.key) => drop(new.insert(entry.key)),
                Change::Put(_) | Change::Remove(_) => {}
            }
        }
        (self.len() + new.len()) as u64 > Index::MAX_FILES_PER_PEER
    }

    /// Its files in the order of their keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        self.by_key.values().filter_map(|row| self.rows[*row].entry.as_ref())
    }

    /// Applies one change.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Put(entry) => self.put(entry),
            Change::Remove(key) => self.remove(key),
        }
    }

    /// Takes a file; what has the same key is replaced.
    pub(super) fn put(&mut self, entry: FileEntry) {
        if let Some(&row) = self.by_key.get(&entry.key)
            && self.rows[row].entry.as_ref().is_some_and(|old| old.name == entry.name)
        {
            self.clear(row);
            self.fill(row, entry);
            return;
        }
        self.remove(entry.key);
        let start = position(self.arena.len());
        self.arena.push_str(&fold_name(entry.name.as_str()));
        let row = self.rows.len();
        let kind = FileKind::of_name(entry.name.as_str());
        self.rows.push(Row { start, end: position(self.arena.len()), kind, entry: None });
        self.arena.push('\n');
        self.by_key.insert(entry.key, row);
        self.fill(row, entry);
    }

    /// Forgets the file with this key, if there is one.
    pub(super) fn remove(&mut self, key: u64) {
        let Some(row) = self.by_key.remove(&key) else { return };
        self.clear(row);
        let gaps = self.rows.len() - self.by_key.len();
        if gaps >= MIN_GAPS && gaps > self.by_key.len() {
            self.rebuild();
        }
    }

    /// The files of which the names fit, in no particular order.
    pub(super) fn for_each_hit<'a>(&'a self, query: &Query, mut take: impl FnMut(Hit<'a>)) {
        let Some(rarest) = query.rarest() else {
            self.rows.iter().filter_map(|row| self.hit(row, query)).for_each(take);
            return;
        };
        let mut from = 0;
        while let Some(distance) = self.arena.as_bytes().get(from..).and_then(|rest| rarest.find(rest)) {
            let row = self.rows.partition_point(|row| row.end as usize <= from + distance);
            let Some(row) = self.rows.get(row) else { return };
            if let Some(hit) = self.hit(row, query) {
                take(hit);
            }
            from = row.end as usize + 1;
        }
    }

    /// The files with this content.
    pub(super) fn with_content(&self, content: ContentId) -> impl Iterator<Item = &FileEntry> {
        let range = self.by_content.range((content, 0)..=(content, usize::MAX));
        range.filter_map(|(_, row)| self.rows[*row].entry.as_ref())
    }

    /// The files with this content, as hits whatever their names are.
    pub(super) fn hits_of_content(&self, content: ContentId) -> impl Iterator<Item = Hit<'_>> {
        let range = self.by_content.range((content, 0)..=(content, usize::MAX));
        let rows = range.filter_map(|(_, row)| self.rows.get(*row));
        rows.filter_map(|row| {
            let entry = row.entry.as_ref()?;
            Some(Hit { rank: Rank::Exact, folded: self.folded(row), kind: row.kind, entry })
        })
    }

    /// Whether there is a file with this content.
    pub(super) fn has_content(&self, content: ContentId) -> bool {
        self.by_content.range((content, 0)..=(content, usize::MAX)).next().is_some()
    }

    fn folded(&self, row: &Row) -> &str {
        &self.arena[row.start as usize..row.end as usize]
    }

    fn hit<'a>(&'a self, row: &'a Row, query: &Query) -> Option<Hit<'a>> {
        let entry = row.entry.as_ref()?;
        let folded = self.folded(row);
        let rank = query.rank_file(folded, entry.size, row.kind)?;
        Some(Hit { rank, folded, kind: row.kind, entry })
    }

    fn fill(&mut self, row: usize, entry: FileEntry) {
        self.digest.add(EntryHash::of(&entry));
        if let Some(content) = entry.content {
            self.by_content.insert((content, row));
        }
        self.rows[row].entry = Some(entry);
    }

    fn clear(&mut self, row: usize) {
        let Some(entry) = self.rows[row].entry.take() else { return };
        self.digest.remove(EntryHash::of(&entry));
        if let Some(content) = entry.content {
            self.by_content.remove(&(content, row));
        }
    }

    fn rebuild(&mut self) {
        let rows = std::mem::take(self).rows;
        for entry in rows.into_iter().filter_map(|row| row.entry) {
            self.put(entry);
        }
    }
}

/// A place in the arena; it never gets near the limit (see [`Row`]).
fn position(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FileName, FolderPath};

    fn entry(key: u64, name: &str) -> FileEntry {
        let name = FileName::new(name).expect("a plain name");
        FileEntry { key, folder: FolderPath::default(), name, size: key, content: None }
    }

    fn hits(list: &List, words: &str) -> Vec<u64> {
        let query = Query::parse(words).expect("within the limits");
        let mut keys = Vec::new();
        list.for_each_hit(&query, |hit| keys.push(hit.entry.key));
        keys.sort_unstable();
        keys
    }

    #[test]
    fn gaps_are_not_found_and_are_closed() {
        let mut list = List::default();
        for key in 0..4_000 {
            list.put(entry(key, &format!("name {key}.txt")));
        }
        for key in 0..3_500 {
            list.remove(key);
        }
        assert_eq!(list.len(), 500);
        assert!(list.rows.len() < 4_000, "the arena was built anew");
        for part in ["36", "1", "x"] {
            let expected: Vec<u64> =
                (3_500..4_000).filter(|key| format!("{key}.txt").contains(part)).collect();
            assert_eq!(hits(&list, &format!("name {part}")), expected);
        }
        list.remove(3_600);
        assert_eq!(hits(&list, "3600"), Vec::<u64>::new());
    }

    #[test]
    fn no_hit_crosses_two_names() {
        let mut list = List::default();
        list.put(entry(1, "ab"));
        list.put(entry(2, "cd"));
        assert_eq!(hits(&list, "bc"), Vec::<u64>::new());
        assert_eq!(hits(&list, "b c"), Vec::<u64>::new());
        assert_eq!(hits(&list, ""), [1, 2]);
    }

    #[test]
    fn a_file_that_was_hashed_keeps_its_row() {
        let mut list = List::default();
        list.put(entry(1, "ab"));
        let hashed = FileEntry { content: Some(ContentId::from_bytes([1; 32])), ..entry(1, "ab") };
        list.put(hashed.clone());
        assert_eq!(list.rows.len(), 1);
        assert_eq!(list.digest(), ListDigest::of([&hashed]).to_bytes());
        assert_eq!(list.with_content(ContentId::from_bytes([1; 32])).collect::<Vec<_>>(), [&hashed]);
    }
}
