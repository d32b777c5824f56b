//! Sharing, listing, hashing, restarting.

use super::*;
use cardume::base::PieceLayout;
use cardume::engine::transfer::manifest::root_of;
use cardume::store::{LibraryError, OpenContentError, ShareState, Totals};
use std::io::Read;

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
    let share = ShareState {
        path: place.share(),
        files: 5,
        bytes,
        hashing: 0,
        hashing_bytes: 0,
        paused: false,
        walking: false,
        unwatched: 0,
        skipped: 0,
        skips: BTreeMap::new(),
        problem: None,
    };
    wait_for("the end of the walk", || !library.shares()[0].walking);
    assert_eq!(library.shares(), [share]);
    assert_eq!((library.hashed_bytes(), library.hashed_files()), (bytes, 5));

    let folders = ["one.txt", "two.txt", "large.bin"].map(|name| entry(&library, name).unwrap().folder);
    assert_eq!(folders.map(|folder| folder.to_string()), ["share", "share/sub", "share/sub/deeper"]);

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
fn a_folder_that_is_shared_after_a_paused_one_is_hashed() {
    let place = Place::new();
    place.write("a", b"some bytes");
    let library = place.open();
    library.pause_hashing(true);
    library.share(&place.share()).unwrap();
    library.pause_hashing_of(&place.share()).unwrap();
    library.unshare(&place.share()).unwrap();
    library.pause_hashing(false);
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"some bytes")]);
    assert!(!library.shares()[0].paused);
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

#[test]
fn files_are_listed_before_they_are_hashed_and_hashing_can_be_paused() {
    let place = Place::new();
    place.write("a", b"one");
    place.write("b", b"another");
    let library = place.open();
    library.pause_hashing(true);
    library.share(&place.share()).unwrap();
    let unhashed = BTreeSet::from([("a".to_owned(), 3, None), ("b".to_owned(), 7, None)]);
    wait_for("the list", || list(&library) == unhashed);
    assert_eq!(library.totals(), Totals { files: 2, bytes: 10, hashing: 2 });
    assert_eq!(library.shares()[0].hashing, 2);
    // Listing goes on while hashing is paused.
    place.write("c", b"x");
    wait_for("a third file", || library.totals().files == 3);
    assert_eq!(library.hashed_bytes(), 0);
    library.pause_hashing(false);
    wait_for_files(&library, &[("a", b"one"), ("b", b"another"), ("c", b"x")]);
    assert_eq!(library.totals(), Totals { files: 3, bytes: 11, hashing: 0 });
}

#[test]
fn a_library_stops_while_hashing_is_paused_and_what_it_knows_stays() {
    let place = Place::new();
    place.write("a", b"one");
    let library = place.open();
    library.pause_hashing(true);
    library.share(&place.share()).unwrap();
    wait_for("the list", || library.totals().files == 1);
    library.stop();
    library.stop();
    assert_eq!(library.totals().files, 1);
    assert!(matches!(library.share(&place.share()), Err(LibraryError::Stopped)));
    assert!(matches!(library.rescan(&place.share()), Err(LibraryError::Stopped)));
    library.noticed(&place.share().join("a"));
    drop(library);
    // What was not hashed is hashed after the restart.
    wait_for_files(&place.open(), &[("a", b"one")]);
}

#[test]
fn many_files_are_committed_together_and_counted_one_by_one() {
    let place = Place::new();
    for number in 0..3_000 {
        place.write(&format!("{}/{number}", number % 30), number.to_string().as_bytes());
    }
    let library = place.open();
    let mut news = library.changed();
    library.share(&place.share()).unwrap();
    wait_for("all hashed", || library.totals() == Totals { files: 3_000, bytes: 10_890, hashing: 0 });
    let (position, entries) = library.entries();
    assert_eq!(*news.borrow_and_update(), position.seq);
    assert!(position.seq <= 6_000, "at most listed and hashed: {}", position.seq);
    assert_eq!(applied(&[], library.changes_since(0).unwrap()), entries);
    let keys: BTreeSet<u64> = entries.iter().map(|entry| entry.key).collect();
    assert_eq!(keys.len(), 3_000);
}

#[test]
fn one_library_has_one_owner_and_a_new_database_is_another_index() {
    let place = Place::new();
    let library = place.open();
    let first = library.position();
    let error = Library::open(&place.home()).unwrap_err();
    assert!(error.to_string().contains(place.home().to_str().unwrap()), "{error}");
    drop(library);
    assert_eq!(place.open().position(), first);
    std::fs::remove_file(place.home().join("library.redb")).unwrap();
    assert_ne!(place.open().position().index_id, first.index_id);
}

#[test]
fn a_damaged_database_is_an_error_and_stays_as_it_is() {
    let place = Place::new();
    drop(place.open());
    let path = place.home().join("library.redb");
    for bytes in [&b"not a database"[..], &[0xff; 10_000]] {
        std::fs::write(&path, bytes).unwrap();
        let error = Library::open(&place.home()).unwrap_err();
        assert!(matches!(error, LibraryError::Database { .. }), "{error:?}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn the_librarys_own_folder_is_never_shared() {
    let place = Place::new();
    let home = place.share().join("profile");
    place.write("a", b"a");
    place.write("profile/also here", b"b");
    let library = Library::open(&home).unwrap();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"a")]);
    place.write("profile/later", b"c");
    place.write("z", b"z");
    wait_for_files(&library, &[("a", b"a"), ("z", b"z")]);
}
