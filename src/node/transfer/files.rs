//! The files of a folder that is downloaded, and which of them are there.

use crate::store::folder::FolderFile;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The list, and the places in it whose files are there; always knows how many bytes both are.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    list: Arc<Vec<FolderFile>>,
    bytes: u64,
    done: BTreeSet<u32>,
    done_bytes: u64,
}

impl Files {
    /// A list of which these are there.
    pub(super) fn new(list: Vec<FolderFile>, done: BTreeSet<u32>) -> Self {
        let bytes = list.iter().fold(0, |bytes: u64, file| bytes.saturating_add(file.size));
        let mut files = Self { list: Arc::new(list), bytes, ..Self::default() };
        files.finish(done);
        files
    }

    /// The list.
    pub(super) fn list(&self) -> &Arc<Vec<FolderFile>> {
        &self.list
    }

    /// How many bytes all of them have; no more than there are numbers, whatever a peer says.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many are there.
    pub(super) fn done(&self) -> usize {
        self.done.len()
    }

    /// How many bytes those that are there have.
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes
    }

    /// The files at these places are there.
    pub(super) fn finish(&mut self, places: impl IntoIterator<Item = u32>) {
        for place in places {
            if let Some(file) = self.list.get(place as usize)
                && self.done.insert(place)
            {
                self.done_bytes = self.done_bytes.saturating_add(file.size);
            }
        }
    }

    /// What is not there yet is what it is now at its peer; what is not there any more stays as it was. Gives what
    /// those that changed were.
    pub(super) fn renew(&mut self, now: Vec<FolderFile>) -> Vec<FolderFile> {
        let now: BTreeMap<_, _> =
            now.into_iter().map(|file| ((file.folder.clone(), file.name.clone()), file)).collect();
        let (mut list, mut replaced) = (self.list.to_vec(), Vec::new());
        for (_, file) in (0_u32..).zip(&mut list).filter(|(place, _)| !self.done.contains(place)) {
            let new = now.get(&(file.folder.clone(), file.name.clone()));
            if let Some(new) = new.filter(|new| new.content != file.content) {
                replaced.push(std::mem::replace(file, new.clone()));
            }
        }
        *self = Self::new(list, std::mem::take(&mut self.done));
        replaced
    }

    /// The files that are not there yet, with their places.
    pub(super) fn open(&self) -> impl Iterator<Item = (u32, &FolderFile)> {
        (0_u32..).zip(&*self.list).filter(|(place, _)| !self.done.contains(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ContentId, FileName, FolderPath};

    fn file(name: &str, size: u64, content: u8) -> FolderFile {
        let name = FileName::new(name).expect("a name");
        FolderFile {
            folder: FolderPath::default(),
            name,
            size,
            content: ContentId::from_bytes([content; 32]),
        }
    }

    #[test]
    fn what_is_there_is_counted_once_and_what_is_not_changes_with_its_peer() {
        let mut files = Files::new(vec![file("a", 1, 1), file("b", 10, 2), file("c", 100, 3)], [1].into());
        assert_eq!((files.bytes(), files.done(), files.done_bytes()), (111, 1, 10));
        files.finish([0, 0, 7]);
        assert_eq!((files.done(), files.done_bytes()), (2, 11));
        assert_eq!(files.open().map(|(place, _)| place).collect::<Vec<_>>(), [2]);
        let replaced = files.renew(vec![file("b", 20, 4), file("c", 200, 5), file("d", 7, 6)]);
        assert_eq!(replaced, [file("c", 100, 3)]);
        assert_eq!(**files.list(), [file("a", 1, 1), file("b", 10, 2), file("c", 200, 5)]);
        assert_eq!((files.bytes(), files.done(), files.done_bytes()), (211, 2, 11));
        assert_eq!(files.renew(Vec::new()), []);
        assert_eq!(files.bytes(), 211);
    }

    #[test]
    fn a_peer_that_claims_too_much_is_counted_as_far_as_numbers_go() {
        let files = Files::new(vec![file("a", u64::MAX, 1), file("b", 2, 2)], [0, 1].into());
        assert_eq!((files.bytes(), files.done_bytes()), (u64::MAX, u64::MAX));
    }
}
