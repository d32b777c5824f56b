//! Partial files on a real disk.

use super::*;
use crate::engine::transfer::manifest::piece_hash;
use std::os::unix::fs::symlink;

const PIECE: usize = PieceLayout::MIN_PIECE_BYTES as usize;

fn content() -> ContentId {
    ContentId::from_bytes([7; 32])
}

fn name(text: &str) -> FileName {
    FileName::new(text).expect("a valid name")
}

fn make(target: &Path, size: u64) -> Result<PartialFile, PartialError> {
    PartialFile::create(target, content(), PieceLayout::of(size).expect("valid"))
}

/// Names and lengths in a folder, in order.
fn listing(folder: &Path) -> Vec<(String, u64)> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("readable")
        .map(|entry| {
            let entry = entry.expect("readable");
            let metadata = entry.metadata().expect("there");
            let length = if metadata.is_file() { metadata.len() } else { 0 };
            (entry.file_name().into_string().expect("UTF-8"), length)
        })
        .collect();
    names.sort();
    names
}

fn write_all(partial: &PartialFile, bytes: &[u8]) {
    for piece in partial.layout.pieces() {
        let range = partial.layout.range(piece);
        let (start, end) = (range.start as usize, range.end as usize);
        partial.write_piece(piece, &bytes[start..end]).expect("room");
    }
}

#[test]
fn pieces_in_any_order_become_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes: Vec<u8> = (0..2 * PIECE + 5).map(|i| (i % 251) as u8).collect();
    let partial = make(folder.path(), bytes.len() as u64).expect("made");
    assert!(!partial.is_resumed());
    let pieces: Vec<_> = partial.layout.pieces().collect();
    for piece in [pieces[2], pieces[0], pieces[1]] {
        assert!(partial.is_hole(piece));
        let range = partial.layout.range(piece);
        partial.write_piece(piece, &bytes[range.start as usize..range.end as usize]).expect("written");
        assert!(!partial.is_hole(piece));
    }
    assert_eq!(listing(folder.path()), [(".cardume".to_owned(), 0)], "hidden until it is whole");
    let path = partial.finish(&name("film.mkv")).expect("finished");
    assert_eq!(path, folder.path().join("film.mkv"));
    assert_eq!(std::fs::read(path).expect("there"), bytes);
    assert_eq!(listing(folder.path()), [("film.mkv".to_owned(), bytes.len() as u64)]);
}

#[test]
fn large_pieces_become_the_file_wherever_in_memory_they_are() {
    const LARGE: usize = 1024 * 1024;
    let folder = tempfile::tempdir().expect("a folder");
    let bytes: Vec<u8> = (0..3 * LARGE + 5).map(|i| (i % 251) as u8).collect();
    let layout = PieceLayout::new(bytes.len() as u64, LARGE as u32).expect("a layout");
    let partial = PartialFile::create(folder.path(), content(), layout).expect("made");
    let pieces: Vec<_> = layout.pieces().collect();
    // Half of them at the beginning of a page, where a disk can take them from; the last one is too short for that.
    for (piece, beside) in [(pieces[3], 0), (pieces[1], 1), (pieces[0], 0), (pieces[2], 0)] {
        assert!(partial.is_hole(piece));
        let range = layout.range(piece);
        let mut memory = vec![9; LARGE + 2 * 4096];
        let start = memory.as_ptr().align_offset(4096) + beside;
        let end = start + (range.end - range.start) as usize;
        memory[start..end].copy_from_slice(&bytes[range.start as usize..range.end as usize]);
        partial.write_piece(piece, &memory[start..end]).expect("written");
        assert!(!partial.is_hole(piece));
        let mut back = Vec::new();
        partial.read_piece(piece, &mut back).expect("readable");
        assert!(back == memory[start..end]);
    }
    let path = partial.finish(&name("film.mkv")).expect("finished");
    assert!(std::fs::read(path).expect("there") == bytes);
}

#[test]
fn what_breaks_past_memory_is_written_through_it_or_said() {
    const LARGE: usize = 1024 * 1024;
    let layout = PieceLayout::new(2 * LARGE as u64, LARGE as u32).expect("a layout");
    let pieces: Vec<_> = layout.pieces().collect();
    let mut memory: Vec<u8> = (0..LARGE + 4096).map(|i| (i % 251) as u8).collect();
    let start = memory.as_ptr().align_offset(4096);
    for error in [Errno::INVAL, Errno::IO, Errno::NOSPC] {
        let folder = tempfile::tempdir().expect("a folder");
        let partial = PartialFile::create(folder.path(), content(), layout).expect("made");
        if partial.direct.is_none() {
            eprintln!("skipped: this volume does not write past memory");
            return;
        }
        faults::inject(folder.path(), faults::Fault::DirectFails(error));
        let written = partial.write_piece(pieces[0], &memory[start..start + LARGE]);
        if error == Errno::NOSPC {
            assert!(matches!(written, Err(PartialError::DiskFull)), "{written:?}");
        } else {
            written.expect("in the ordinary way");
            let mut back = Vec::new();
            partial.read_piece(pieces[0], &mut back).expect("readable");
            assert!(back == memory[start..start + LARGE], "the part and the rest, {error}");
        }
        faults::heal(folder.path());
        // Whether it goes past memory again or not, each piece is what it should be.
        memory[start] = memory[start].wrapping_add(1);
        for piece in &pieces {
            partial.write_piece(*piece, &memory[start..start + LARGE]).expect("written");
        }
        let mut back = Vec::new();
        for piece in &pieces {
            partial.read_piece(*piece, &mut back).expect("readable");
            assert!(back == memory[start..start + LARGE], "{error}");
        }
    }
}

#[test]
fn a_taken_name_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.tar.gz"), b"mine").expect("written");
    symlink("/nowhere", folder.path().join("a (2).tar.gz")).expect("linked");
    let partial = make(folder.path(), 3).expect("made");
    write_all(&partial, b"new");
    let path = partial.finish(&name("a.tar.gz")).expect("finished");
    assert_eq!(path, folder.path().join("a (3).tar.gz"));
    assert_eq!(std::fs::read(path).expect("there"), b"new");
    assert_eq!(std::fs::read(folder.path().join("a.tar.gz")).expect("there"), b"mine");
}

#[test]
fn the_way_by_a_hard_link_does_not_overwrite_either() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a"), b"mine").expect("written");
    let partial = make(folder.path(), 3).expect("made");
    write_all(&partial, b"new");
    assert_eq!(partial.link_to("a"), Err(Errno::EXIST));
    assert_eq!(partial.link_to("b"), Ok(()));
    assert_eq!(std::fs::read(folder.path().join("a")).expect("there"), b"mine");
    assert_eq!(std::fs::read(folder.path().join("b")).expect("there"), b"new");
}

#[test]
fn numbers_go_before_the_extension() {
    let long = "ü".repeat(127);
    let table = [
        ("a.txt", 1, "a.txt".to_owned()),
        ("a.txt", 2, "a (2).txt".to_owned()),
        ("a", 12, "a (12)".to_owned()),
        ("a.b.tar.xz", 2, "a.b (2).tar.xz".to_owned()),
        (long.as_str(), 2, format!("{} (2)", "ü".repeat(125))),
    ];
    for (text, number, expected) in table {
        assert_eq!(numbered(&name(text), number), expected);
        assert!(FileName::new(&expected).is_ok(), "{expected} is a valid name itself");
    }
}

#[test]
fn a_file_left_by_a_crash_is_resumed_and_a_cancelled_one_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = 3 * PIECE as u64;
    let partial = make(folder.path(), size).expect("made");
    let pieces: Vec<_> = partial.layout.pieces().collect();
    partial.write_piece(pieces[1], &vec![9; PIECE]).expect("written");
    drop(partial);
    let partial = make(folder.path(), size).expect("opened again");
    assert!(partial.is_resumed());
    let mut bytes = Vec::new();
    partial.read_piece(pieces[1], &mut bytes).expect("readable");
    assert_eq!(bytes, vec![9; PIECE]);
    partial.discard().expect("removed");
    assert_eq!(listing(folder.path()), []);
}

#[test]
fn the_disk_is_asked_without_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    std::fs::create_dir(&target).expect("made");
    let ask = |bytes| PartialFile::ask(&target, content(), bytes);
    for bytes in [0, 1, 3 * PIECE as u64] {
        ask(bytes).expect("room");
        assert_eq!(listing(&target), []);
    }
    assert!(matches!(ask(PieceLayout::MAX_BYTES), Err(PartialError::DiskFull)));
    assert_eq!(listing(&target), []);
    assert!(matches!(make(&target, PieceLayout::MAX_BYTES), Err(PartialError::DiskFull)));
    assert_eq!(listing(&target), [], "a refusal leaves nothing");
    // What is there stays, and belongs to whoever has it open.
    let partial = make(&target, 5).expect("made");
    assert!(matches!(ask(5), Err(PartialError::InUse)));
    drop(partial);
    ask(5).expect("room");
    assert_eq!(listing(&target.join(HIDDEN_FOLDER)).len(), 1);
    let other = folder.path().join("other");
    ask_folder(&other, u64::MAX).expect("room for a piece");
    assert_eq!(listing(&other), []);
    std::fs::write(other.join(HIDDEN_FOLDER), b"not ours").expect("written");
    assert!(matches!(ask_folder(&other, 1), Err(PartialError::Foreign(_))));
}

#[test]
fn two_at_once_into_one_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = make(folder.path(), 3).expect("made");
    assert!(matches!(make(folder.path(), 3), Err(PartialError::InUse)));
    drop(first);
    assert!(make(folder.path(), 3).is_ok());
}

#[test]
fn links_and_other_things_in_the_way_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let hidden = folder.path().join(HIDDEN_FOLDER);
    symlink(outside.path(), &hidden).expect("linked");
    assert!(matches!(make(folder.path(), 3), Err(PartialError::Foreign(_))));
    std::fs::remove_file(&hidden).expect("removed");
    std::fs::create_dir(&hidden).expect("made");
    let part = hidden.join(format!("{}.part", content()));
    std::fs::write(outside.path().join("victim"), b"mine").expect("written");
    symlink(outside.path().join("victim"), &part).expect("linked");
    assert!(matches!(make(folder.path(), 3), Err(PartialError::Foreign(_))));
    std::fs::remove_file(&part).expect("removed");
    std::fs::hard_link(outside.path().join("victim"), &part).expect("linked");
    assert!(matches!(make(folder.path(), 3), Err(PartialError::Foreign(_))));
    std::fs::remove_file(&part).expect("removed");
    std::fs::create_dir(&part).expect("made");
    assert!(matches!(make(folder.path(), 3), Err(PartialError::Foreign(_))));
    assert_eq!(std::fs::read(outside.path().join("victim")).expect("there"), b"mine");
    assert!(matches!(make(&folder.path().join("no"), 3), Err(PartialError::Folder(..))));
}

#[test]
fn no_room_is_said_before_anything_is_fetched() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(
        make(folder.path(), PieceLayout::MAX_BYTES / 2),
        Err(PartialError::DiskFull | PartialError::TooLarge)
    ));
}

#[test]
fn a_full_disk_has_its_own_name() {
    // `/dev/full` answers every write as a full disk does.
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let error = full.write_all_at(b"x", 0).expect_err("full");
    assert!(matches!(PartialError::from(error), PartialError::DiskFull));
    assert!(matches!(PartialError::from(Errno::DQUOT), PartialError::DiskFull));
    assert!(matches!(PartialError::from(Errno::FBIG), PartialError::TooLarge));
}

#[test]
fn bytes_of_another_length_are_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let partial = make(folder.path(), 3).expect("made");
    let only = partial.layout.last();
    assert!(matches!(partial.write_piece(only, b"ab"), Err(PartialError::Length)));
    assert!(matches!(partial.write_piece(only, b"abcd"), Err(PartialError::Length)));
}

#[test]
fn an_empty_file_is_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let partial = make(folder.path(), 0).expect("made");
    write_all(&partial, b"");
    partial.finish(&name("empty")).expect("finished");
    assert_eq!(listing(folder.path()), [("empty".to_owned(), 0)]);
}

#[test]
fn after_a_sync_that_failed_only_what_was_marked_before_counts() {
    let target = tempfile::tempdir().expect("a folder");
    let bytes = vec![7; 3 * PieceLayout::MIN_PIECE_BYTES as usize];
    let content = ContentId::from_bytes(*blake3::hash(&bytes).as_bytes());
    let layout = PieceLayout::of(bytes.len() as u64).expect("small");
    let hash = |piece| {
        let range = layout.range(piece);
        piece_hash(layout, piece, &bytes[range.start as usize..range.end as usize]).expect("whole")
    };
    let hashes: Vec<_> = layout.pieces().map(hash).collect();
    let partial = PartialFile::create(target.path(), content, layout).expect("made");
    let mut journal = partial.begin_journal(&hashes).expect("begun");
    for piece in layout.pieces() {
        let range = layout.range(piece);
        partial.write_piece(piece, &bytes[range.start as usize..range.end as usize]).expect("written");
    }
    let [first, second] = [0, 1].map(|number| layout.piece(number).expect("within"));
    journal.mark(&[first]).expect("marked");
    drop((partial, journal));
    // Also where there is no room for the rest.
    faults::inject(target.path(), faults::Fault::NoRoom);
    assert!(matches!(PartialFile::resume(target.path(), content), Err(PartialError::DiskFull)));
    PartialFile::forget_unmarked(target.path(), content).expect("forgotten");
    faults::heal(target.path());
    let Resumed { partial, marked, .. } =
        PartialFile::resume(target.path(), content).expect("read").expect("there");
    assert_eq!(marked.iter().collect::<Vec<_>>(), [first]);
    let mut read = Vec::new();
    partial.read_piece(first, &mut read).expect("read");
    assert!(read.iter().all(|byte| *byte == 7));
    partial.read_piece(second, &mut read).expect("read");
    assert!(read.iter().all(|byte| *byte == 0), "it is not there any more");
    drop(partial);
    // Without a journal nothing can be told apart.
    std::fs::remove_file(target.path().join(".cardume").join(journal_name(content))).expect("removed");
    PartialFile::forget_unmarked(target.path(), content).expect("forgotten");
    assert!(!target.path().join(".cardume").exists());
}

#[test]
fn nothing_is_written_below_a_folder_that_was_moved() {
    let to = tempfile::tempdir().expect("a folder");
    let [here, there] = ["here", "there"].map(|name| to.path().join(name));
    std::fs::create_dir(&here).expect("made");
    let partial = make(&here, 3).expect("made");
    std::fs::rename(&here, &there).expect("moved");
    let piece = partial.layout.last();
    assert!(matches!(partial.write_piece(piece, b"new"), Err(PartialError::Gone(_))));
    assert!(partial.is_hole(piece));
    assert!(matches!(partial.finish(&name("a")), Err(PartialError::Gone(_))));
    std::fs::rename(&there, &here).expect("moved back");
    partial.write_piece(piece, b"new").expect("written");
    assert_eq!(partial.finish(&name("a")).expect("finished"), here.join("a"));
}
