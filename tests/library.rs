//! Shared folders on a real disk: what is listed, what is hashed, what is opened.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cardume::base::{ContentId, PieceLayout};
use cardume::engine::index::{Change, FileEntry};
use cardume::engine::transfer::manifest::root_of;
use cardume::store::{Library, LibraryError, OpenContentError, ShareState};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Longer than anything honest takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

struct Place {
    temp: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { temp: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.share()).unwrap();
        place
    }

    fn home(&self) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join("home")
    }

    fn share(&self) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join("share")
    }

    fn open(&self) -> Arc<Library> {
        Library::open(&self.home()).unwrap()
    }

    /// A file that is old enough to count as settled.
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.share().join(name);
        write_old(&path, bytes, 60);
        path
    }
}

fn write_old(path: &Path, bytes: &[u8], seconds: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

fn content(bytes: &[u8]) -> ContentId {
    ContentId::from_bytes(*blake3::hash(bytes).as_bytes())
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let end = SystemTime::now() + DEADLINE;
    while !condition() {
        assert!(SystemTime::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn list(library: &Library) -> BTreeSet<(String, u64, Option<ContentId>)> {
    let entries = library.entries().1;
    entries.into_iter().map(|entry| (entry.name.to_string(), entry.size, entry.content)).collect()
}

fn files(expected: &[(&str, &[u8])]) -> BTreeSet<(String, u64, Option<ContentId>)> {
    let row = |(name, bytes): &(&str, &[u8])| ((*name).to_owned(), bytes.len() as u64, Some(content(bytes)));
    expected.iter().map(row).collect()
}

fn wait_for_files(library: &Library, expected: &[(&str, &[u8])]) {
    let expected = files(expected);
    let end = SystemTime::now() + DEADLINE;
    while list(library) != expected {
        assert!(SystemTime::now() < end, "{:#?}\nis not\n{expected:#?}", list(library));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entry(library: &Library, name: &str) -> Option<FileEntry> {
    library.entries().1.into_iter().find(|entry| entry.name.as_str() == name)
}

/// What `changes` make of `before`.
fn applied(before: &[FileEntry], changes: Vec<Change>) -> Vec<FileEntry> {
    let mut files: BTreeMap<u64, FileEntry> = before.iter().map(|entry| (entry.key, entry.clone())).collect();
    for change in changes {
        match change {
            Change::Put(entry) => drop(files.insert(entry.key, entry)),
            Change::Remove(key) => assert!(files.remove(&key).is_some(), "removed what was not there"),
        }
    }
    files.into_values().collect()
}

#[test]
fn files_are_listed_and_hashed_and_opened() {
    let place = Place::new();
    let large: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    place.write("one.txt", b"one");
    place.write("sub/two.txt", b"two");
    place.write("sub/deeper/large.bin", &large);
    place.write("empty", b"");
    place.write("copy.txt", b"one");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(
        &library,
        &[
            ("one.txt", b"one"),
            ("two.txt", b"two"),
            ("large.bin", &large),
            ("empty", b""),
            ("copy.txt", b"one"),
        ],
    );
    let bytes = 3 + 3 + 300_000 + 3;
    let share = ShareState { path: place.share(), files: 5, bytes, hashing: 0, skipped: 0, problem: None };
    assert_eq!(library.shares(), [share]);
    assert_eq!(library.hashed_bytes(), bytes);

    let mut opened = library.open_content(content(&large)).unwrap();
    let mut read = Vec::new();
    opened.file.read_to_end(&mut read).unwrap();
    assert_eq!((read, opened.size, opened.name.as_str()), (large.clone(), 300_000, "large.bin"));
    let (layout, pieces) = library.manifest(content(&large)).unwrap();
    assert_eq!((layout, pieces.len()), (PieceLayout::of(300_000).unwrap(), 3));
    assert_eq!(root_of(layout, &pieces), Some(content(&large)));
    let (layout, pieces) = library.manifest(content(b"two")).unwrap();
    assert_eq!(root_of(layout, &pieces), Some(content(b"two")));
    assert_eq!(library.known_path(content(&large)), Some(place.share().join("sub/deeper/large.bin")));

    let unknown = content(b"nobody has this");
    assert!(matches!(library.open_content(unknown), Err(OpenContentError::Unknown)));
    assert_eq!((library.manifest(unknown), library.known_path(unknown)), (None, None));
}

#[test]
fn a_restart_lists_at_once_and_hashes_nothing_again() {
    let place = Place::new();
    let large = vec![7; 1_000_000];
    place.write("a", b"a");
    place.write("large", &large);
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"a"), ("large", &large)]);
    let before = library.entries();
    drop(library);

    let library = place.open();
    assert_eq!(library.entries(), before, "listed before any scan, same keys, same position");
    assert_eq!(library.changes_since(before.0.seq), Some(vec![]));
    assert_eq!(library.changes_since(before.0.seq - 1), None, "the journal is not kept");
    assert_eq!(library.changes_since(before.0.seq + 1), None);
    // What is added while it runs shows that the scan has passed.
    place.write("b", b"b");
    wait_for_files(&library, &[("a", b"a"), ("b", b"b"), ("large", &large)]);
    assert_eq!(library.hashed_bytes(), 1, "only b");
    assert_eq!(library.manifest(content(&large)).unwrap().1.len(), 8);
}

#[test]
fn a_folder_shared_again_is_not_hashed_again() {
    let place = Place::new();
    place.write("a", b"some bytes");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"some bytes")]);
    let key = entry(&library, "a").unwrap().key;
    library.unshare(&place.share()).unwrap();
    assert_eq!((library.entries().1, library.shares()), (vec![], vec![]));
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"some bytes")]);
    assert_eq!(library.hashed_bytes(), 10);
    assert_ne!(entry(&library, "a").unwrap().key, key, "keys are never used twice");
}

#[test]
fn changes_arrive_within_a_second_and_a_rename_keeps_the_key() {
    let place = Place::new();
    place.write("a", b"first");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"first")]);
    let (position, before) = library.entries();

    std::fs::create_dir(place.share().join("new folder")).unwrap();
    place.write("new folder/b", b"second");
    wait_for_files(&library, &[("a", b"first"), ("b", b"second")]);
    let [a, b] = ["a", "b"].map(|name| entry(&library, name).unwrap().key);
    let hashed = library.hashed_bytes();

    std::fs::rename(place.share().join("a"), place.share().join("new folder/c")).unwrap();
    wait_for_files(&library, &[("c", b"first"), ("b", b"second")]);
    assert_eq!(entry(&library, "c").unwrap().key, a);
    std::fs::rename(place.share().join("new folder"), place.share().join("old folder")).unwrap();
    wait_for("the path of a file in a renamed folder", || {
        library.known_path(content(b"second")) == Some(place.share().join("old folder/b"))
    });
    assert_eq!(entry(&library, "b").unwrap().key, b);
    assert_eq!(library.hashed_bytes(), hashed, "a renamed file is not hashed again");

    place.write("old folder/b", b"second, changed");
    wait_for_files(&library, &[("c", b"first"), ("b", b"second, changed")]);
    assert_eq!(entry(&library, "b").unwrap().key, b);
    std::fs::remove_dir_all(place.share().join("old folder")).unwrap();
    wait_for_files(&library, &[]);

    let (end, after) = library.entries();
    let changes = library.changes_since(position.seq).unwrap();
    assert_eq!(changes.len() as u64, end.seq - position.seq);
    assert_eq!(applied(&before, changes), after);
    assert_eq!(*library.changed().borrow(), end.seq);
}

#[test]
fn a_folder_is_shared_by_its_whole_path_and_only_once() {
    let place = Place::new();
    std::fs::create_dir_all(place.share().join("in/side")).unwrap();
    let file = place.write("file", b"x");
    let library = place.open();
    library.share(&place.share().join("in")).unwrap();
    library.share(&place.share().join("in")).unwrap();
    assert_eq!(library.shares().len(), 1);
    let error = |path: &Path| library.share(path).unwrap_err();
    assert!(matches!(error(Path::new("in")), LibraryError::Relative(_)));
    assert!(matches!(error(&place.share().join("none")), LibraryError::Folder { .. }));
    assert!(matches!(error(&file), LibraryError::File(_)));
    assert!(matches!(error(&place.share().join("in/side")), LibraryError::Inside { .. }));
    assert!(matches!(error(&place.share()), LibraryError::Around { .. }));
    std::os::unix::fs::symlink(place.share().join("in"), place.share().join("link")).unwrap();
    library.share(&place.share().join("link")).unwrap();
    assert_eq!(library.shares().len(), 1, "the same folder by another name");
    assert!(matches!(library.unshare(&file), Err(LibraryError::NotShared(_))));
    assert!(matches!(library.rescan(&file), Err(LibraryError::NotShared(_))));
    library.unshare(&place.share().join("link")).unwrap();
    assert_eq!(library.shares(), []);
}
