//! Folders that are downloaded, on a real disk.

use super::*;
use crate::base::PieceLayout;
use crate::store::partial::faults::{Fault, inject};
use std::time::Duration;

fn file(folder: &str, name: &str, bytes: &[u8]) -> FolderFile {
    FolderFile {
        folder: FolderPath::new(folder).expect("a path"),
        name: FileName::new(name).expect("a name"),
        size: bytes.len() as u64,
        content: ContentId::from_bytes(*blake3::hash(bytes).as_bytes()),
    }
}

fn name(text: &str) -> FileName {
    FileName::new(text).expect("a name")
}

/// A batch with these files at their places.
fn batch(target: &FolderTarget, number: usize, files: &[(u32, &[u8])]) -> Batch {
    let mut batch = target.batch(number).expect("made");
    for (place, bytes) in files {
        batch.write(*place, bytes).expect("written");
    }
    batch
}

#[test]
fn a_folder_is_never_mixed_with_one_that_is_there() {
    let to = tempfile::tempdir().expect("a folder");
    let (first, called) = FolderTarget::begin(to.path(), &name("Music")).expect("made");
    assert_eq!((called.as_str(), first.path()), ("Music", to.path().join("Music").as_path()));
    let (_, called) = FolderTarget::begin(to.path(), &name("Music")).expect("made");
    assert_eq!(called.as_str(), "Music (2)");
}

#[test]
fn small_files_get_their_names_together_and_are_remembered() {
    let to = tempfile::tempdir().expect("a folder");
    let files = [file("", "a", b"a"), file("x/y", "b", b"bb"), file("x", "a", b"")];
    let (target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    assert_eq!(target.load(), None);
    target.save_list(&files).expect("saved");
    let batch = batch(&target, 0, &[(0, b"a"), (1, b"bb")]);
    assert!(!to.path().join("F/a").exists(), "no name before the sync");
    let mut other = target.try_clone().expect("another handle");
    assert_eq!(other.commit(&files, &batch).expect("named"), [0, 1]);
    assert_eq!(std::fs::read(to.path().join("F/a")).expect("there"), b"a");
    target.mark_done(&files, &[0, 1]).expect("remembered");
    assert_eq!(std::fs::read(to.path().join("F/x/y/b")).expect("there"), b"bb");
    let mut again = FolderTarget::open(to.path(), &called).expect("opened");
    assert_eq!(again.load(), Some((files.to_vec(), BTreeSet::from([0, 1]))));
    assert!(again.is_there(&files[0], || false) && !again.is_there(&files[2], || false));
    assert!(!again.is_there(&files[0], || true), "it was to stop");
    // Another file at a place is not done.
    let mut changed = files.to_vec();
    changed[1] = file("x/y", "b", b"other");
    again.save_list(&changed).expect("saved");
    assert_eq!(again.load().map(|(_, done)| done), Some(BTreeSet::from([0])));
    drop((target, other));
    again.close();
    assert!(!to.path().join("F/.cardume").exists());
}

#[test]
fn taken_names_are_kept_and_links_are_not_followed() {
    let to = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let (mut target, _) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    std::fs::write(to.path().join("F/a"), b"mine").expect("written");
    let a = file("", "a", b"new");
    let batch = batch(&target, 0, &[(0, b"new")]);
    target.commit(&[a], &batch).expect("named");
    assert_eq!(std::fs::read(to.path().join("F/a (2)")).expect("there"), b"new");
    assert_eq!(std::fs::read(to.path().join("F/a")).expect("there"), b"mine");
    std::os::unix::fs::symlink(outside.path(), to.path().join("F/link")).expect("linked");
    assert!(target.subfolder(&FolderPath::new("link/deep").expect("a path")).is_err());
    assert!(std::fs::read_dir(outside.path()).expect("readable").next().is_none());
}

#[test]
fn a_cancelled_folder_leaves_what_is_done() {
    let to = tempfile::tempdir().expect("a folder");
    let (mut target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    let files = [file("x", "a", b"a"), file("y", "b", b"b")];
    target.save_list(&files).expect("saved");
    let named = batch(&target, 0, &[(0, b"a")]);
    target.commit(&files, &named).expect("named");
    batch(&target, 1, &[(1, b"b")]);
    target.subfolder(&files[1].folder).expect("made");
    drop(target);
    FolderTarget::remove(to.path(), &called).expect("removed");
    assert!(to.path().join("F/x/a").exists());
    assert!(!to.path().join("F/y").exists() && !to.path().join("F/.cardume").exists());
    FolderTarget::remove(to.path(), &called).expect("nothing to remove");
    assert!(to.path().join("F/x/a").exists());
}

#[test]
fn a_cancelled_folder_leaves_what_others_download_into_it() {
    let to = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let (mut target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    let files = [file("x", "a", b"a"), file("x/y", "b", b"b"), file("link/deep", "c", b"c")];
    target.save_list(&files).expect("saved");
    let [x, y] = ["x", "x/y"].map(|path| {
        let path = FolderPath::new(path).expect("a path");
        target.subfolder(&path).expect("made")
    });
    drop(target);
    // An own one that was left, one that somebody else is writing, and another content's.
    let make = |folder: &Path, bytes: &[u8]| {
        let layout = PieceLayout::of(bytes.len() as u64).expect("small");
        PartialFile::create(folder, ContentId::from_bytes(*blake3::hash(bytes).as_bytes()), layout)
    };
    drop(make(&x, b"a").expect("made"));
    let held = make(&y, b"b").expect("made");
    drop(make(&y, b"other").expect("made"));
    std::fs::create_dir(outside.path().join("deep")).expect("made");
    drop(make(&outside.path().join("deep"), b"c").expect("made"));
    std::os::unix::fs::symlink(outside.path(), to.path().join("F/link")).expect("linked");
    FolderTarget::remove(to.path(), &called).expect("removed");
    let left = |folder: &Path| std::fs::read_dir(folder.join(".cardume")).map_or(0, Iterator::count);
    assert_eq!([&x, &y].map(|folder| left(folder)), [0, 2], "of others, and in use");
    assert_eq!(left(&outside.path().join("deep")), 1, "behind a link");
    assert!(!to.path().join("F/.cardume").exists());
    held.finish(&name("b")).expect("it was not touched");
}

#[test]
fn small_files_whose_sync_failed_get_no_names() {
    let to = tempfile::tempdir().expect("a folder");
    let (mut target, _) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    let files = [file("", "a", b"a")];
    let written = batch(&target, 0, &[(0, b"a")]);
    inject(to.path(), Fault::SyncFails(Duration::ZERO));
    assert!(matches!(target.commit(&files, &written), Err(PartialError::Unsynced(_))));
    assert!(!to.path().join("F/a").exists());
    let again = batch(&target, 0, &[(0, b"a")]);
    target.commit(&files, &again).expect("named");
}

#[test]
fn what_a_killed_process_left_of_small_files_is_removed_and_nothing_else() {
    let to = tempfile::tempdir().expect("a folder");
    let (target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    target.save_list(&[file("", "a", b"a")]).expect("saved");
    let hidden = to.path().join("F/.cardume");
    let ours = [
        "small-0/0.small",
        "small-0/9.small",
        "small-0/4294967295.small",
        "small-1/0.small",
        "folder.list.new",
    ];
    let others =
        ["0.small", "small-1/01.small", "small-1/4294967296.small", "small-1/x.small", "small-1/small"];
    let others = others.into_iter().chain(["small-1/7.small.txt", "small-2", "8.part"]);
    for waiting in ["small-0", "small-0/8.small", "small-1", "small-1/9.small"] {
        std::fs::create_dir(hidden.join(waiting)).expect("made");
    }
    for name in ours.into_iter().chain(others.clone()) {
        std::fs::write(hidden.join(name), b"x").expect("written");
    }
    let is_there = |name: &&'static str| hidden.join(name).exists();
    drop(FolderTarget::open(to.path(), &called).expect("opened"));
    assert!(ours.iter().all(is_there), "somebody has it open");
    drop(target);
    drop(FolderTarget::open(to.path(), &called).expect("opened"));
    assert!(!ours.iter().any(is_there));
    assert!(others.chain(["small-0/8.small", "small-1/9.small", "folder.list"]).all(|name| is_there(&name)));
    std::fs::remove_dir(hidden.join("small-0/8.small")).expect("empty");
    drop(FolderTarget::open(to.path(), &called).expect("opened"));
    assert!(!hidden.join("small-0").exists(), "nothing is in it");
}

#[test]
fn batches_are_written_beside_each_other_and_links_are_not_followed() {
    let to = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let (mut target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    let files = [file("", "a", b"a"), file("", "b", b"b"), file("", "c", b"c")];
    target.save_list(&files).expect("saved");
    let (a, b) = (batch(&target, 0, &[(0, b"a")]), batch(&target, 1, &[(1, b"b")]));
    let hidden = to.path().join("F/.cardume");
    assert!(hidden.join("small-0/0.small").exists() && hidden.join("small-1/1.small").exists());
    assert_eq!(target.commit(&files, &b).expect("named"), [1]);
    assert_eq!(target.commit(&files, &a).expect("named"), [0]);
    let c = batch(&target, 2, &[(2, b"c")]);
    assert!(hidden.join("small-0/2.small").exists(), "in turns");
    assert_eq!(target.commit(&files, &c).expect("named"), [2]);
    std::fs::remove_dir(hidden.join("small-0")).expect("empty");
    std::fs::write(outside.path().join("0.small"), b"mine").expect("written");
    std::os::unix::fs::symlink(outside.path(), hidden.join("small-0")).expect("linked");
    assert!(matches!(target.batch(0), Err(PartialError::Foreign(_))));
    drop(target);
    FolderTarget::open(to.path(), &called).expect("opened").close();
    assert_eq!(std::fs::read(outside.path().join("0.small")).expect("there"), b"mine");
}

#[test]
fn nothing_is_written_into_a_folder_that_was_moved() {
    let to = tempfile::tempdir().expect("a folder");
    let (mut target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    let files = [file("x", "a", b"a")];
    let x = FolderPath::new("x").expect("a path");
    let batch = batch(&target, 0, &[(0, b"a")]);
    std::fs::rename(to.path().join("F"), to.path().join("G")).expect("moved");
    assert!(matches!(target.commit(&files, &batch), Err(PartialError::Gone(_))));
    assert!(matches!(target.subfolder(&x), Err(PartialError::Gone(_))));
    assert!(matches!(FolderTarget::open(to.path(), &called), Err(PartialError::Gone(_))));
    // Another one in its place is not it.
    std::fs::create_dir(to.path().join("F")).expect("made");
    assert!(matches!(target.check_place(), Err(PartialError::Gone(_))));
    std::fs::remove_dir(to.path().join("F")).expect("removed");
    assert!(!to.path().join("G/x").exists());
    std::fs::rename(to.path().join("G"), to.path().join("F")).expect("moved back");
    target.commit(&files, &batch).expect("named");
    assert!(to.path().join("F/x/a").exists());
    // A folder in it is made again, and its files come to where the list says.
    std::fs::rename(to.path().join("F/x"), to.path().join("elsewhere")).expect("moved");
    assert!(target.subfolder(&x).expect("made").is_dir());
}
