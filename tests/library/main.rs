//! Shared folders on a real disk: what is listed, what is hashed, what is opened.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arriving;
mod basics;
mod changes;
mod hostile;
mod ignoring;
mod order;
mod reference;
mod watching;

use cardume::base::ContentId;
use cardume::engine::index::{Change, FileEntry};
use cardume::store::Library;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Longer than anything honest takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    temp: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { temp: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.share()).unwrap();
        place
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join("home")
    }

    pub(crate) fn share(&self) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join("share")
    }

    pub(crate) fn open(&self) -> Arc<Library> {
        Library::open(&self.home()).unwrap()
    }

    /// A file that is old enough to count as settled.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.share().join(name);
        write_old(&path, bytes, 60);
        path
    }
}

pub(crate) fn write_old(path: &Path, bytes: &[u8], seconds: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

pub(crate) fn content(bytes: &[u8]) -> ContentId {
    ContentId::from_bytes(*blake3::hash(bytes).as_bytes())
}

pub(crate) fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let end = SystemTime::now() + DEADLINE;
    while !condition() {
        assert!(SystemTime::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn list(library: &Library) -> BTreeSet<(String, u64, Option<ContentId>)> {
    let entries = library.entries().1;
    entries.into_iter().map(|entry| (entry.name.to_string(), entry.size, entry.content)).collect()
}

pub(crate) fn files(expected: &[(&str, &[u8])]) -> BTreeSet<(String, u64, Option<ContentId>)> {
    let row = |(name, bytes): &(&str, &[u8])| ((*name).to_owned(), bytes.len() as u64, Some(content(bytes)));
    expected.iter().map(row).collect()
}

pub(crate) fn wait_for_files(library: &Library, expected: &[(&str, &[u8])]) {
    let expected = files(expected);
    let end = SystemTime::now() + DEADLINE;
    while list(library) != expected {
        assert!(SystemTime::now() < end, "{:#?}\nis not\n{expected:#?}", list(library));
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn entry(library: &Library, name: &str) -> Option<FileEntry> {
    library.entries().1.into_iter().find(|entry| entry.name.as_str() == name)
}

/// What `changes` make of `before`.
pub(crate) fn applied(before: &[FileEntry], changes: Vec<Change>) -> Vec<FileEntry> {
    let mut files: BTreeMap<u64, FileEntry> = before.iter().map(|entry| (entry.key, entry.clone())).collect();
    for change in changes {
        match change {
            Change::Put(entry) => drop(files.insert(entry.key, entry)),
            Change::Remove(key) => assert!(files.remove(&key).is_some(), "removed what was not there"),
        }
    }
    files.into_values().collect()
}
