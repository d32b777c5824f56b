//! Files that change while they are watched.

use super::*;
use cardume::store::{LibraryOptions, OpenContentError, ProblemKind};
use redb::ReadableTable as _;
use std::io::Write;

#[test]
fn a_young_file_is_listed_at_once_and_hashed_when_it_has_settled() {
    let place = Place::new();
    let library = place.open();
    library.share(&place.share()).unwrap();
    let path = place.share().join("young");
    std::fs::write(&path, b"first").unwrap();
    wait_for("the list", || entry(&library, "young").is_some());
    assert_eq!(entry(&library, "young").unwrap().content, None, "it may be written to again");
    wait_for_files(&library, &[("young", b"first")]);
}

#[test]
fn a_file_that_is_known_to_be_complete_is_hashed_at_once() {
    let place = Place::new();
    let library = place.open();
    library.share(&place.share()).unwrap();
    let path = place.share().join("download");
    let began = SystemTime::now();
    std::fs::write(&path, b"all of it").unwrap();
    library.noticed(&path);
    library.noticed(&place.home().join("elsewhere"));
    library.noticed(Path::new("relative"));
    wait_for_files(&library, &[("download", b"all of it")]);
    let took = began.elapsed().unwrap();
    assert!(took < Duration::from_millis(900), "it did not wait to settle: {took:?}");
}

#[test]
fn a_growing_file_is_told_seldom_and_hashed_at_its_end() {
    let place = Place::new();
    let library = place.open();
    library.share(&place.share()).unwrap();
    let before = library.position().seq;
    let mut file = std::fs::File::create(place.share().join("growing")).unwrap();
    let mut whole = Vec::new();
    let began = SystemTime::now();
    let mut writes = 0;
    while began.elapsed().unwrap() < Duration::from_millis(1_500) {
        file.write_all(b"some more of it\n").unwrap();
        whole.extend_from_slice(b"some more of it\n");
        writes += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(file);
    wait_for_files(&library, &[("growing", &whole)]);
    let changes = library.position().seq - before;
    assert!(changes < 10 && changes < writes, "{changes} changes for {writes} writes");
}

#[test]
fn a_changed_file_is_not_given_as_what_it_was() {
    let place = Place::new();
    place.write("a", b"before");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"before")]);
    // Same length; only the time tells.
    place.write("a", b"AFTER!");
    let opened = library.open_content(content(b"before"));
    let gone =
        matches!(opened, Err(OpenContentError::Changed | OpenContentError::Gone | OpenContentError::Unknown));
    assert!(gone, "{opened:?}");
    wait_for_files(&library, &[("a", b"AFTER!")]);
    assert!(matches!(library.open_content(content(b"before")), Err(OpenContentError::Unknown)));
    assert_eq!(library.open_content(content(b"AFTER!")).unwrap().size, 6);
}

#[test]
fn a_content_is_served_from_another_copy_when_one_is_gone() {
    let place = Place::new();
    place.write("a", b"same");
    place.write("b", b"same");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"same"), ("b", b"same")]);
    std::fs::remove_file(place.share().join("a")).unwrap();
    assert_eq!(library.open_content(content(b"same")).unwrap().name.as_str(), "b");
    wait_for_files(&library, &[("b", b"same")]);
}

#[test]
fn a_file_that_replaces_another_keeps_that_ones_key_and_its_own_content() {
    let place = Place::new();
    let first = place.write("a", b"old text");
    let second = place.write("b", b"new text");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"old text"), ("b", b"new text")]);
    let key = entry(&library, "a").unwrap().key;
    let hashed = library.hashed_bytes();
    std::fs::rename(second, first).unwrap();
    wait_for_files(&library, &[("a", b"new text")]);
    assert_eq!((entry(&library, "a").unwrap().key, library.hashed_bytes()), (key, hashed));
}

/// As on a volume whose inodes do not last: another file has the inode, and looks just as that one did.
#[test]
fn a_file_that_got_the_inode_of_another_one_does_not_get_its_content() {
    let place = Place::new();
    let time = SystemTime::now() - Duration::from_mins(1);
    let write = |name: &str, bytes: &[u8]| {
        let path = place.write(name, bytes);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        path
    };
    let (one, two) = (write("one", b"first "), write("two", b"second"));
    // A file in the shared folder itself is looked at before those in folders in it.
    let moved = write("sub/three", b"third ");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("one", b"first "), ("two", b"second"), ("three", b"third ")]);
    drop(library);

    let aside = place.share().join("aside");
    for (from, to) in [(&one, &aside), (&two, &one), (&aside, &two), (&moved, &aside)] {
        std::fs::rename(from, to).unwrap();
    }
    // What is written here keeps the inode; `three` has a new one.
    write("one", b"first ");
    write("two", b"second");
    write("sub/three", b"third ");
    write("aside", b"fourth");
    let library = place.open();
    let all: [(&str, &[u8]); 4] =
        [("one", b"first "), ("two", b"second"), ("three", b"third "), ("aside", b"fourth")];
    wait_for("all are read", || library.hashed_bytes() == 4 * 6);
    wait_for_files(&library, &all);
}

#[test]
fn hard_links_are_two_files_of_one_content() {
    let place = Place::new();
    let path = place.write("a", b"linked");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"linked")]);
    std::fs::hard_link(&path, place.share().join("b")).unwrap();
    wait_for_files(&library, &[("a", b"linked"), ("b", b"linked")]);
    assert_eq!(library.hashed_bytes(), 6);
    assert_ne!(entry(&library, "a").unwrap().key, entry(&library, "b").unwrap().key);
}

#[test]
fn a_file_that_is_written_through_one_of_its_names_changed_under_all() {
    let place = Place::new();
    place.write("one/a", b"before");
    std::fs::create_dir(place.share().join("two")).unwrap();
    std::fs::hard_link(place.share().join("one/a"), place.share().join("two/b")).unwrap();
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"before"), ("b", b"before")]);
    // The folder `one` is told nothing of this.
    place.write("two/b", b"after it");
    wait_for_files(&library, &[("a", b"after it"), ("b", b"after it")]);
    // Nor of this, by a name that is new.
    std::fs::hard_link(place.share().join("one/a"), place.share().join("two/c")).unwrap();
    place.write("two/c", b"and again");
    wait_for_files(&library, &[("a", b"and again"), ("b", b"and again"), ("c", b"and again")]);
    // Nor of this, by a name that is gone at once.
    place.write("two/c", b"the last");
    std::fs::remove_file(place.share().join("two/c")).unwrap();
    wait_for_files(&library, &[("a", b"the last"), ("b", b"the last")]);
}

#[test]
fn what_changed_while_the_library_was_closed_is_found() {
    let place = Place::new();
    for name in ["same", "renamed", "changed", "removed", "folder/moved"] {
        place.write(name, name.as_bytes());
    }
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for("all hashed", || library.totals().files == 5 && library.totals().hashing == 0);
    let keys = ["same", "renamed", "changed", "moved"].map(|name| entry(&library, name).unwrap().key);
    let (position, before) = library.entries();
    drop(library);

    let share = place.share();
    std::fs::rename(share.join("renamed"), share.join("new name")).unwrap();
    std::fs::rename(share.join("folder"), share.join("another")).unwrap();
    std::fs::remove_file(share.join("removed")).unwrap();
    place.write("changed", b"otherwise");
    let library = place.open();
    let (same, moved) = (&b"same"[..], &b"folder/moved"[..]);
    wait_for_files(
        &library,
        &[("same", same), ("new name", b"renamed"), ("changed", b"otherwise"), ("moved", moved)],
    );
    assert_eq!(["same", "new name", "changed", "moved"].map(|name| entry(&library, name).unwrap().key), keys);
    assert_eq!(library.hashed_bytes(), 9, "only what changed");
    let after = library.entries().1;
    assert_eq!(applied(&before, library.changes_since(position.seq).unwrap()), after);
}

#[test]
fn a_folder_that_goes_away_and_comes_back_is_not_hashed_again() {
    let place = Place::new();
    place.write("a", b"on a drive");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"on a drive")]);
    let away = place.home().join("away");
    std::fs::rename(place.share(), &away).unwrap();
    library.rescan(&place.share()).unwrap();
    wait_for_files(&library, &[]);
    let problem = library.shares()[0].problem.clone().unwrap();
    assert!(problem.text.contains("cannot be read"), "{problem:?}");
    assert_eq!(problem.kind, ProblemKind::Gone);
    assert!(matches!(library.open_content(content(b"on a drive")), Err(OpenContentError::Unknown)));

    std::fs::rename(&away, place.share()).unwrap();
    wait_for_files(&library, &[("a", b"on a drive")]);
    assert_eq!((library.shares()[0].problem.clone(), library.hashed_bytes()), (None, 10));
    place.write("b", b"b");
    wait_for_files(&library, &[("a", b"on a drive"), ("b", b"b")]);
}

/// Nothing watches the folder around it.
#[test]
fn a_shared_folder_that_is_moved_is_noticed_at_once_and_so_is_another_one_in_its_place() {
    let place = Place::new();
    place.write("a", b"first");
    // Not by the regular walk.
    let options = LibraryOptions { rescan_pause: Duration::from_hours(1), ..LibraryOptions::default() };
    let library = Library::open_with(&place.home(), options).unwrap();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"first")]);
    std::fs::rename(place.share(), place.home().join("away")).unwrap();
    wait_for_files(&library, &[]);
    assert_eq!(library.shares()[0].problem.clone().unwrap().kind, ProblemKind::Gone);
    place.write("b", b"second");
    wait_for_files(&library, &[("b", b"second")]);
}

/// Share, path below it, size, mtime, device, inode, content.
type Row = (u32, &'static str, u64, i64, u64, u64, Option<[u8; 32]>);
/// Size, mtime, device, inode, content.
type ForgottenRow = (u64, i64, u64, u64, [u8; 32]);

/// What a library that is closed knows, as of another device.
fn renumber_devices(home: &Path) {
    const FILES: redb::TableDefinition<'_, u64, Row> = redb::TableDefinition::new("files");
    const FORGOTTEN: redb::TableDefinition<'_, &str, ForgottenRow> = redb::TableDefinition::new("forgotten");
    let database = redb::Database::open(home.join("library.redb")).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut files = write.open_table(FILES).unwrap();
        let rows = files.iter().unwrap().map(|row| {
            let (key, row) = row.unwrap();
            let (share, path, size, mtime, device, inode, content) = row.value();
            (key.value(), path.to_owned(), (share, size, mtime, device + 1, inode, content))
        });
        for (key, path, (share, size, mtime, device, inode, content)) in rows.collect::<Vec<_>>() {
            files.insert(key, (share, path.as_str(), size, mtime, device, inode, content)).unwrap();
        }
        let mut forgotten = write.open_table(FORGOTTEN).unwrap();
        let rows = forgotten.iter().unwrap().map(|row| {
            let (path, row) = row.unwrap();
            let (size, mtime, device, inode, content) = row.value();
            (path.value().to_owned(), (size, mtime, device + 1, inode, content))
        });
        for (path, row) in rows.collect::<Vec<_>>() {
            forgotten.insert(path.as_str(), row).unwrap();
        }
    }
    write.commit().unwrap();
}

#[test]
fn a_drive_with_another_number_than_before_is_not_hashed_again() {
    let place = Place::new();
    let path = place.write("a", b"on a drive");
    std::fs::hard_link(&path, place.share().join("b")).unwrap();
    place.write("forgotten/c", b"once shared");
    let library = place.open();
    library.share(&place.share()).unwrap();
    let all: [(&str, &[u8]); 3] = [("a", b"on a drive"), ("b", b"on a drive"), ("c", b"once shared")];
    wait_for_files(&library, &all);
    let aside = place.home().join("aside");
    std::fs::rename(place.share().join("forgotten"), &aside).unwrap();
    wait_for_files(&library, &all[..2]);
    let keys = ["a", "b"].map(|name| entry(&library, name).unwrap().key);
    drop(library);
    renumber_devices(&place.home());
    std::fs::rename(&aside, place.share().join("forgotten")).unwrap();

    let library = place.open();
    wait_for("it can be opened", || library.open_content(content(b"on a drive")).is_ok());
    wait_for_files(&library, &all);
    assert_eq!(["a", "b"].map(|name| entry(&library, name).unwrap().key), keys);
    // What is added shows that the walk has passed.
    place.write("d", b"d");
    wait_for("the last one", || entry(&library, "d").is_some_and(|file| file.content.is_some()));
    assert_eq!(library.hashed_bytes(), 1, "only d");
    // The new number is what links are found by.
    std::fs::hard_link(&path, place.share().join("e")).unwrap();
    wait_for("the link", || entry(&library, "e").is_some_and(|file| file.content.is_some()));
    assert_eq!(library.hashed_bytes(), 1, "it is known");
}

#[test]
fn a_folder_that_was_replaced_by_another_one_is_watched_again() {
    let place = Place::new();
    place.write("a", b"a");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"a")]);
    std::fs::remove_dir_all(place.share()).unwrap();
    std::fs::create_dir(place.share()).unwrap();
    place.write("b", b"b");
    library.rescan(&place.share()).unwrap();
    wait_for_files(&library, &[("b", b"b")]);
    place.write("c", b"c");
    wait_for_files(&library, &[("b", b"b"), ("c", b"c")]);
}

/// The bytes change and size and times do not: only who reads the file can tell.
#[test]
fn a_doubted_file_is_taken_back_and_hashed_again() {
    let place = Place::new();
    let path = place.write("a", b"before");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"before")]);
    let times = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, b"AFTER!").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(times).unwrap();
    let opened = library.open_content(content(b"before")).unwrap();
    let seq = library.position().seq;
    library.doubt(opened.key, content(b"other"));
    library.doubt(opened.key, content(b"before"));
    wait_for_files(&library, &[("a", b"AFTER!")]);
    assert!(matches!(library.open_content(content(b"before")), Err(OpenContentError::Unknown)));
    let first = library.changes_since(seq).unwrap().into_iter().next();
    let taken_back = matches!(&first, Some(Change::Put(entry)) if entry.content.is_none());
    assert!(taken_back, "others hear at once that it is not there: {first:?}");
}

/// Each commit waits for the disk, and is an announcement of its own.
#[test]
fn a_stream_of_changes_is_committed_now_and_then() {
    let place = Place::new();
    let library = place.open();
    library.share(&place.share()).unwrap();
    place.write("first", b"first");
    wait_for_files(&library, &[("first", b"first")]);
    // Each time that what is announced changes.
    let mut news = library.changed();
    let count = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let mut commits = 0_u32;
            while news.changed().await.is_ok() {
                commits += 1;
            }
            commits
        })
    };
    let counting = std::thread::Builder::new().name("counting".to_owned()).spawn(count).unwrap();
    let began = SystemTime::now();
    let names: Vec<String> = (0..400).map(|number| format!("file {number}")).collect();
    for name in &names {
        place.write(name, name.as_bytes());
        std::thread::sleep(Duration::from_millis(3));
    }
    let mut expected: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    expected.push(("first", b"first"));
    wait_for_files(&library, &expected);
    let tenths = began.elapsed().unwrap().as_millis() / 100;
    drop(library);
    let commits = counting.join().unwrap();
    assert!(commits > 1, "they are seen meanwhile");
    // Twice as many where each comes late, on a machine that is busy.
    assert!(u128::from(commits) <= 2 * tenths + 4, "{commits} commits in {tenths} tenths of a second");
}

#[test]
fn a_deleted_file_is_gone_and_comes_off_the_list() {
    let place = Place::new();
    let path = place.write("a", b"a file");
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for_files(&library, &[("a", b"a file")]);
    std::fs::remove_file(path).unwrap();
    let opened = library.open_content(content(b"a file"));
    assert!(matches!(opened, Err(OpenContentError::Gone | OpenContentError::Unknown)), "{opened:?}");
    wait_for_files(&library, &[]);
}
