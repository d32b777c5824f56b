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
    target.write_small(0, b"a").expect("written");
    target.write_small(1, b"bb").expect("written");
    assert!(!to.path().join("F/a").exists(), "no name before the sync");
    let mut other = target.try_clone().expect("another handle");
    other.commit(&files, vec![0, 1]).expect("named");
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
    target.write_small(0, b"new").expect("written");
    target.commit(&[a], vec![0]).expect("named");
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
    target.write_small(0, b"a").expect("written");
    target.commit(&files, vec![0]).expect("named");
    target.write_small(1, b"b").expect("written");
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
    target.write_small(0, b"a").expect("written");
    inject(to.path(), Fault::SyncFails(Duration::ZERO));
    assert!(matches!(target.commit(&files, vec![0]), Err(PartialError::Unsynced(_))));
    assert!(!to.path().join("F/a").exists());
    target.write_small(0, b"a").expect("written again");
    target.commit(&files, vec![0]).expect("named");
}

#[test]
fn what_a_killed_process_left_of_small_files_is_removed_and_nothing_else() {
    let to = tempfile::tempdir().expect("a folder");
    let (target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    target.save_list(&[file("", "a", b"a")]).expect("saved");
    let hidden = to.path().join("F/.cardume");
    let ours = ["0.small", "4294967295.small", "folder.list.new"];
    let others = ["01.small", "4294967296.small", "x.small", "small", "7.small.txt", "8.part"];
    for name in ours.iter().chain(&others) {
        std::fs::write(hidden.join(name), b"x").expect("written");
    }
    std::fs::create_dir(hidden.join("9.small")).expect("made");
    let left = || {
        let entries = std::fs::read_dir(&hidden).expect("there");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
        names.collect::<BTreeSet<_>>()
    };
    let all = left();
    drop(FolderTarget::open(to.path(), &called).expect("opened"));
    assert_eq!(left(), all, "somebody has it open");
    drop(target);
    drop(FolderTarget::open(to.path(), &called).expect("opened"));
    let stays = others.iter().chain(&["9.small", "folder.list"]).map(|name| (*name).to_owned());
    assert_eq!(left(), stays.collect());
}

#[test]
fn nothing_is_written_into_a_folder_that_was_moved() {
    let to = tempfile::tempdir().expect("a folder");
    let (mut target, called) = FolderTarget::begin(to.path(), &name("F")).expect("made");
    let files = [file("x", "a", b"a")];
    let x = FolderPath::new("x").expect("a path");
    target.write_small(0, b"a").expect("written");
    std::fs::rename(to.path().join("F"), to.path().join("G")).expect("moved");
    assert!(matches!(target.commit(&files, vec![0]), Err(PartialError::Gone(_))));
    assert!(matches!(target.subfolder(&x), Err(PartialError::Gone(_))));
    assert!(matches!(FolderTarget::open(to.path(), &called), Err(PartialError::Gone(_))));
    // Another one in its place is not it.
    std::fs::create_dir(to.path().join("F")).expect("made");
    assert!(matches!(target.check_place(), Err(PartialError::Gone(_))));
    std::fs::remove_dir(to.path().join("F")).expect("removed");
    assert!(!to.path().join("G/x").exists());
    std::fs::rename(to.path().join("G"), to.path().join("F")).expect("moved back");
    target.commit(&files, vec![0]).expect("named");
    assert!(to.path().join("F/x/a").exists());
    // A folder in it is made again, and its files come to where the list says.
    std::fs::rename(to.path().join("F/x"), to.path().join("elsewhere")).expect("moved");
    assert!(target.subfolder(&x).expect("made").is_dir());
}
