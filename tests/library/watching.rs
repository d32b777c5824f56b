//! Where the system does not tell of changes, the regular walk finds them.

use super::*;
use cardume::store::LibraryOptions;

#[test]
fn a_change_in_a_folder_that_is_not_watched_is_found_and_that_is_said() {
    let place = Place::new();
    for name in ["one/a", "two/b", "three/c"] {
        place.write(name, name.as_bytes());
    }
    let options = LibraryOptions {
        max_watches: 2,
        rescan_pause: Duration::from_millis(300),
        ..LibraryOptions::default()
    };
    let library = Library::open_with(&place.home(), options).unwrap();
    library.share(&place.share()).unwrap();
    wait_for("all listed", || library.totals().files == 3 && library.totals().hashing == 0);
    wait_for("what is said", || library.shares()[0].unwatched == 2);
    let watched = library.watched();
    assert!(watched.is_exhausted && watched.folders == 2, "{watched:?}");
    // In each of the folders, so also in those that are not watched.
    for (folder, text) in [("one", "d"), ("two", "e"), ("three", "f")] {
        place.write(&format!("{folder}/{text}"), text.as_bytes());
        std::fs::remove_file(place.share().join(folder).join(match text {
            "d" => "a",
            "e" => "b",
            _ => "c",
        }))
        .unwrap();
    }
    wait_for_files(&library, &[("d", b"d"), ("e", b"e"), ("f", b"f")]);
    // With room again, all are watched, and nothing is said any more.
    std::fs::remove_dir_all(place.share().join("two")).unwrap();
    std::fs::remove_dir_all(place.share().join("three")).unwrap();
    wait_for("all watched", || library.shares()[0].unwatched == 0 && !library.watched().is_exhausted);
    wait_for_files(&library, &[("d", b"d")]);
}

#[test]
fn without_any_watch_changes_are_found_and_the_walks_take_little_of_the_time() {
    let place = Place::new();
    place.write("a", b"a");
    let options = LibraryOptions {
        max_watches: 0,
        rescan_pause: Duration::from_millis(200),
        ..LibraryOptions::default()
    };
    let library = Library::open_with(&place.home(), options).unwrap();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"a")]);
    place.write("sub/b", b"b");
    wait_for_files(&library, &[("a", b"a"), ("b", b"b")]);
    assert!(library.watched().rescan_pause >= Duration::from_millis(200), "{:?}", library.watched());
}

#[test]
fn a_folder_that_is_not_there_does_not_keep_the_others_from_being_looked_at() {
    let place = Place::new();
    let gone = place.home().join("drive");
    std::fs::create_dir_all(&gone).unwrap();
    place.write("a", b"a");
    // More than the time after which a folder that is not there is looked for again.
    let options =
        LibraryOptions { max_watches: 0, rescan_pause: Duration::from_secs(4), ..LibraryOptions::default() };
    let library = Library::open_with(&place.home().join("library"), options).unwrap();
    library.share(&place.share()).unwrap();
    library.share(&gone).unwrap();
    wait_for_files(&library, &[("a", b"a")]);
    std::fs::remove_dir(&gone).unwrap();
    library.rescan(&gone).unwrap();
    wait_for("that is noticed", || library.shares()[1].problem.is_some());
    place.write("b", b"b");
    wait_for_files(&library, &[("a", b"a"), ("b", b"b")]);
}
