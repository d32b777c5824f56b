//! The files of a list in columns: a row is a number, and what is known of its file stands at this number
//! in every column. A million files take a few large blocks of memory instead of millions of small ones,
//! and a search touches just what it asks for.
//!
//! Invariant: all columns are of one length; a row's folded name ends with a line feed (which no name
//! contains) where the next one begins. Rows are never taken out: a file that is gone leaves a gap.

use super::column::{extend, number, push, push_str};
use super::entry::FileEntry;
use super::facets::Class;
use super::fold::fold_name;
use super::frequent::Frequent;
use super::signature::Signature;
use super::slices::Slices;
use super::spelling::{spelled, spelling};
use crate::base::{FileKind, FileName, FolderPath, natural_beginning};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// With fewer rows than these nothing is frequent: all are looked at in a moment. Tests have few.
const FIRST_CHOICE: usize = if cfg!(test) { 4 } else { 4_096 };

/// Of so many rows the signatures are made anew in about a tenth of a second.
const LAST_CHOICE: usize = 1 << 18;

/// What is asked only of the files on a page, or by few searches. Everything that is asked of each file
/// that fits has a narrow column of its own, of which hundreds of rows are read in one go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) size: u64,
    /// Where its spelling ends; where the one before ends too, it is spelled as it is folded.
    spelling_end: u32,
    /// The number of its folder.
    folder: u32,
}

/// The columns.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the rows are one of the columns")]
pub(super) struct Rows {
    /// All folded names, with a line feed behind each.
    pub(super) folded: String,
    /// How all names that differ from their folded form are spelled.
    spellings: Vec<u8>,
    /// Where each folded name's line feed is. Half as wide as `usize`, for memory: the names of
    /// [`super::Index::MAX_FILES_PER_PEER`] files and as many gaps have less than 4 GiB.
    pub(super) ends: Vec<u32>,
    /// The signatures.
    pub(super) slices: Slices,
    /// The parts of names that the signatures know exactly.
    pub(super) frequent: Frequent,
    /// `None`: a gap.
    pub(super) classes: Vec<Option<Class>>,
    /// The numbers of the contents ([`super::contents::Contents`]).
    pub(super) contents: Vec<u32>,
    /// The beginnings of the folded names as numbers that go by their order.
    pub(super) beginnings: Vec<u32>,
    pub(super) keys: Vec<u64>,
    rows: Vec<Row>,
    /// Each folder once.
    paths: Vec<FolderPath>,
    by_path: BTreeMap<FolderPath, u32>,
    path_bytes: usize,
}

impl Rows {
    /// How many rows, gaps included.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The memory that they take; of folders, what is known of it.
    pub(super) fn bytes(&self) -> usize {
        // With the end, the class, the content, the beginning and the key.
        const ROW: usize = size_of::<Row>() + 21;
        // In `paths`, in the tree, and the text with its count of owners.
        const PATH: usize = 4 * size_of::<FolderPath>();
        let texts = self.folded.capacity() + self.spellings.capacity() + self.path_bytes;
        let signatures = self.slices.bytes() + self.frequent.bytes();
        texts + signatures + self.rows.capacity() * ROW + self.paths.capacity() * PATH
    }

    /// Appends a file.
    pub(super) fn push(&mut self, entry: &FileEntry, content: u32) -> u32 {
        let name = entry.name.as_str();
        let folder = self.folder_number(&entry.folder);
        let class = Some(Class::of(FileKind::of_name(name), entry.size));
        let row = Row { size: entry.size, folder, spelling_end: 0 };
        self.push_row((entry.key, content, class), [&fold_name(name), name], row)
    }

    /// Appends a row of other columns, folders included.
    pub(super) fn push_copy(&mut self, from: &Self, row: u32) -> u32 {
        let folder = self.folder_number(from.folder(row));
        let copy = Row { folder, ..*from.row(row) };
        let at = row as usize;
        let narrow = (from.keys[at], from.contents[at], from.classes[at]);
        self.push_row(narrow, [from.folded(row), &from.name(row)], copy)
    }

    fn push_row(
        &mut self,
        (key, content, class): (u64, u32, Option<Class>),
        [folded, name]: [&str; 2],
        row: Row,
    ) -> u32 {
        push_str(&mut self.folded, folded);
        push(&mut self.ends, number(self.folded.len()));
        push_str(&mut self.folded, "\n");
        extend(&mut self.spellings, &spelling(name, folded));
        self.slices.push(Signature::of_name(folded, &self.frequent));
        push(&mut self.keys, key);
        push(&mut self.contents, content);
        push(&mut self.classes, class);
        push(&mut self.beginnings, number_of_beginning(folded.as_bytes()));
        push(&mut self.rows, Row { spelling_end: number(self.spellings.len()), ..row });
        if is_time_to_choose(self.rows.len()) {
            self.choose_frequent();
        }
        number(self.rows.len() - 1)
    }

    /// Looks anew for what is frequent, and makes the signatures that say it.
    fn choose_frequent(&mut self) {
        let rows = 0..number(self.len());
        let frequent = Frequent::among(rows.clone().map(|row| self.folded(row)));
        let mut slices = Slices::default();
        rows.for_each(|row| slices.push(Signature::of_name(self.folded(row), &frequent)));
        (self.frequent, self.slices) = (frequent, slices);
    }

    /// What is known of a row's file.
    pub(super) fn row(&self, row: u32) -> &Row {
        &self.rows[row as usize]
    }

    /// The file of a row has another size.
    pub(super) fn set_size(&mut self, row: u32, size: u64) {
        self.rows[row as usize].size = size;
        if let Some(class) = &mut self.classes[row as usize] {
            *class = Class::of(class.kind(), size);
        }
    }

    /// The number of a row's content.
    pub(super) fn content(&self, row: u32) -> u32 {
        self.contents[row as usize]
    }

    /// Whether there is a file in the row.
    pub(super) fn is_live(&self, row: u32) -> bool {
        self.classes[row as usize].is_some()
    }

    /// The rows with files.
    pub(super) fn live(&self) -> impl Iterator<Item = u32> {
        (0..number(self.len())).filter(|row| self.is_live(*row))
    }

    /// The folded name.
    pub(super) fn folded(&self, row: u32) -> &str {
        &self.folded[self.start(row as usize)..self.ends[row as usize] as usize]
    }

    /// The same as bytes: as text, its ends would be looked at, which are far away in memory.
    pub(super) fn folded_bytes(&self, row: usize) -> &[u8] {
        &self.folded.as_bytes()[self.start(row)..self.ends[row] as usize]
    }

    /// Where a row's folded name begins; also that of the row behind the last.
    pub(super) fn start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1)
    }

    /// The name as its peer has it.
    pub(super) fn name(&self, row: u32) -> Cow<'_, str> {
        spelled(self.folded(row), self.spelling(row))
    }

    /// How the name is spelled: of two that are folded to the same, who is spelled alike is called alike.
    pub(super) fn spelling(&self, row: u32) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.row(before).spelling_end);
        &self.spellings[start as usize..self.row(row).spelling_end as usize]
    }

    /// The name as a value.
    pub(super) fn file_name(&self, row: u32) -> FileName {
        FileName::of_checked(&self.name(row))
    }

    /// The folder.
    pub(super) fn folder(&self, row: u32) -> &FolderPath {
        &self.paths[self.row(row).folder as usize]
    }

    /// Gives back the room for more rows.
    pub(super) fn shrink(&mut self) {
        self.folded.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.classes.shrink_to_fit();
        self.contents.shrink_to_fit();
        self.beginnings.shrink_to_fit();
        self.spellings.shrink_to_fit();
        self.slices.shrink();
        self.keys.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.paths.shrink_to_fit();
    }

    fn folder_number(&mut self, folder: &FolderPath) -> u32 {
        // The files of one folder mostly come one after the other.
        if let Some(last) = self.rows.last().map(|row| row.folder)
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

/// What is frequent is chosen when there are so many rows, and again each time that there are four times as many:
/// that costs as much as a third of the rows. Of the largest lists it is left as it is, for all wait meanwhile.
fn is_time_to_choose(rows: usize) -> bool {
    let is_one_of_them = || (rows / FIRST_CHOICE).ilog2().is_multiple_of(2);
    rows.is_power_of_two() && (FIRST_CHOICE..=LAST_CHOICE).contains(&rows) && is_one_of_them()
}

/// Of the number that goes by the order, as much as the column has.
fn number_of_beginning(text: &[u8]) -> u32 {
    u32::try_from(natural_beginning(text) >> 32).unwrap_or(u32::MAX)
}
