//! The digest of a list: what tells the tracker and a peer in 32 bytes whether they have the same.

use super::entry::FileEntry;

/// The hash of one entry: BLAKE3 over its canonical encoding, which is: key (u64), size (u64), one byte
/// 1 and the 32 bytes of the content or one byte 0, the folder's bytes and `/` if a folder is said, the
/// name's bytes. Numbers are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHash([u64; 4]);

impl EntryHash {
    /// The hash of this entry.
    #[must_use]
    pub fn of(entry: &FileEntry) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&entry.key.to_le_bytes()).update(&entry.size.to_le_bytes());
        match &entry.content {
            Some(content) => hasher.update(&[1]).update(content.as_bytes()),
            None => hasher.update(&[0]),
        };
        if !entry.folder.is_empty() {
            hasher.update(entry.folder.as_str().as_bytes()).update(b"/");
        }
        let hash = hasher.update(entry.name.as_str().as_bytes()).finalize();
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(hash.as_bytes().as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self(words)
    }
}

/// The digest of a list: the sum of the hashes of its entries, as little-endian numbers, modulo 2^256.
///
/// A sum does not depend on the order and is kept up with every change in constant time, so that a peer
/// of a million files compares its list with the tracker's whenever it likes for nothing. It protects against
/// mistakes and losses, not against the list's own peer, which may announce whatever it likes anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListDigest([u64; 4]);

impl ListDigest {
    /// The digest of these entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a FileEntry>) -> Self {
        let mut digest = Self::default();
        for entry in entries {
            digest.add(EntryHash::of(entry));
        }
        digest
    }

    /// An entry is in the list now.
    pub fn add(&mut self, hash: EntryHash) {
        let mut carry = false;
        for (word, other) in self.0.iter_mut().zip(hash.0) {
            let (sum, over) = word.overflowing_add(other);
            let (sum, over_carry) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = over || over_carry;
        }
    }

    /// An entry that was added is not in the list any more.
    pub fn remove(&mut self, hash: EntryHash) {
        let mut borrow = false;
        for (word, other) in self.0.iter_mut().zip(hash.0) {
            let (rest, under) = word.overflowing_sub(other);
            let (rest, under_borrow) = rest.overflowing_sub(u64::from(borrow));
            *word = rest;
            borrow = under || under_borrow;
        }
    }

    /// Its bytes. Of an empty list: zeros.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }
}

/// The digest of a list of files, as `announce_begin` carries it (see [`ListDigest`]).
pub fn digest<'a>(entries: impl IntoIterator<Item = &'a FileEntry>) -> [u8; 32] {
    ListDigest::of(entries).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ContentId, FileName, FolderPath};
    use proptest::prelude::*;

    fn entry(key: u64, content: Option<u8>) -> FileEntry {
        let name = FileName::new(&format!("file {key}")).expect("a plain name");
        let content = content.map(|byte| ContentId::from_bytes([byte; 32]));
        FileEntry { key, folder: FolderPath::default(), name, size: key * 3, content }
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let mut bytes = Vec::new();
        bytes.extend(7_u64.to_le_bytes());
        bytes.extend(21_u64.to_le_bytes());
        bytes.push(1);
        bytes.extend([9; 32]);
        bytes.extend(b"file 7");
        assert_eq!(digest([&entry(7, Some(9))]), *blake3::hash(&bytes).as_bytes());
        let folder = FolderPath::new("Music/A").expect("a path");
        let end = bytes.len() - "file 7".len();
        bytes.splice(end..end, b"Music/A/".iter().copied());
        assert_eq!(digest([&FileEntry { folder, ..entry(7, Some(9)) }]), *blake3::hash(&bytes).as_bytes());
        assert_eq!(digest([]), [0; 32]);
    }

    #[test]
    fn every_field_counts() {
        let base = entry(1, None);
        let mut others = vec![base.clone(); 5];
        others[0].key = 2;
        others[1].size += 1;
        others[2].content = Some(ContentId::from_bytes([0; 32]));
        others[3].name = FileName::new("File 1").expect("a plain name");
        others[4].folder = FolderPath::new("Music").expect("a path");
        for other in &others {
            assert_ne!(digest([&base]), digest([other]));
        }
    }

    proptest! {
        #[test]
        fn adding_and_removing_gives_the_digest_of_what_is_left(
            keys in proptest::collection::btree_set(0_u64..1000, 0..20), gone in 0_usize..20
        ) {
            let entries: Vec<_> = keys.iter().map(|key| entry(*key, None)).collect();
            let mut running = ListDigest::of(entries.iter().rev());
            prop_assert_eq!(running.to_bytes(), digest(&entries));
            let gone = gone.min(entries.len());
            for entry in &entries[..gone] {
                running.remove(EntryHash::of(entry));
            }
            prop_assert_eq!(running, ListDigest::of(&entries[gone..]));
        }
    }
}
