//! The journal cut and flipped everywhere, and on a disk that forgets what was not synced.

use super::*;
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

const INODE: u64 = 77;

fn layout(pieces: u32) -> PieceLayout {
    let piece = u64::from(PieceLayout::MIN_PIECE_BYTES);
    PieceLayout::of(u64::from(pieces) * piece - 5).expect("valid")
}

/// A made-up manifest and the content that it merges to.
fn manifest(layout: PieceLayout) -> (ContentId, Vec<PieceHash>) {
    let hash = |piece: PieceIndex| PieceHash(*blake3::hash(&piece.number().to_le_bytes()).as_bytes());
    let pieces: Vec<_> = layout.pieces().map(hash).collect();
    (root_of(layout, &pieces).expect("as many"), pieces)
}

/// A disk in memory: the pieces that were written, those that were synced, and the journal's bytes, of
/// which any beginning may survive.
#[derive(Debug, Default)]
struct Volatile {
    written: Vec<u32>,
    synced: Vec<u32>,
    journal: Vec<u8>,
    fails: bool,
}

#[derive(Clone, Debug, Default)]
struct Disk(Rc<RefCell<Volatile>>);

impl Steps for Disk {
    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        if disk.fails {
            return Err(io::Error::other("injected"));
        }
        disk.synced = disk.written.clone();
        Ok(())
    }

    fn write_journal(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        let offset = usize::try_from(offset).expect("small");
        disk.journal.truncate(offset);
        assert_eq!(disk.journal.len(), offset, "no gap");
        disk.journal.extend(bytes);
        Ok(())
    }
}

fn begun(pieces: u32) -> (Disk, Marker<Disk>, ContentId, PieceLayout) {
    let (disk, layout) = (Disk::default(), layout(pieces));
    let (content, hashes) = manifest(layout);
    let marker = Marker::begin(disk.clone(), content, layout, &hashes, INODE).expect("written");
    (disk, marker, content, layout)
}

fn numbers(set: &PieceSet) -> Vec<u32> {
    set.iter().map(PieceIndex::number).collect()
}

fn all(layout: PieceLayout, numbers: &[u32]) -> Vec<PieceIndex> {
    numbers.iter().map(|number| layout.piece(*number).expect("in range")).collect()
}

#[test]
fn what_was_marked_is_read_again_and_gone_on_with() {
    let (disk, mut marker, content, layout) = begun(20);
    marker.mark(&all(layout, &[3, 1, 2, 9])).expect("marked");
    let entries = read(&disk.0.borrow().journal, content, INODE).expect("a journal");
    assert_eq!((entries.layout, &entries.pieces), (layout, &manifest(layout).1));
    assert_eq!(numbers(&entries.marked), [1, 2, 3, 9]);
    let mut marker = Marker::go_on(disk.clone(), &entries);
    marker.mark(&all(layout, &[19])).expect("marked");
    marker.mark(&[]).expect("nothing to do");
    let entries = read(&disk.0.borrow().journal, content, INODE).expect("a journal");
    assert_eq!(numbers(&entries.marked), [1, 2, 3, 9, 19]);
}

#[test]
fn the_journal_of_something_else_says_nothing() {
    let (disk, _, content, _) = begun(3);
    let bytes = disk.0.borrow().journal.clone();
    assert!(read(&bytes, content, INODE).is_some());
    assert_eq!(read(&bytes, content, INODE + 1), None, "another file");
    assert_eq!(read(&bytes, ContentId::from_bytes([1; 32]), INODE), None, "another content");
    assert_eq!(read(b"", content, INODE), None);
    assert_eq!(read(&[0; 4096], content, INODE), None);
}

#[test]
fn cut_at_every_byte_it_says_only_what_was_marked() {
    let (disk, mut marker, content, layout) = begun(6);
    let header = disk.0.borrow().journal.len();
    for piece in [4, 0, 2] {
        marker.mark(&all(layout, &[piece])).expect("marked");
    }
    let bytes = disk.0.borrow().journal.clone();
    for length in 0..=bytes.len() {
        let expected = (length >= header).then(|| {
            let mut marked = [4, 0, 2][..(length - header) / RECORD].to_vec();
            marked.sort_unstable();
            marked
        });
        let read = read(&bytes[..length], content, INODE);
        assert_eq!(read.as_ref().map(|read| numbers(&read.marked)), expected, "cut at {length}");
        // Whatever is left, marking goes on from there.
        if let Some(entries) = read {
            disk.0.borrow_mut().journal = bytes[..length].to_vec();
            Marker::go_on(disk.clone(), &entries).mark(&all(layout, &[5])).expect("marked");
            let again = super::read(&disk.0.borrow().journal, content, INODE).expect("a journal");
            assert!(again.marked.contains(layout.piece(5).expect("in range")), "cut at {length}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_marks_nothing_that_was_not_marked() {
    let (disk, mut marker, content, layout) = begun(6);
    for piece in [4, 0] {
        marker.mark(&all(layout, &[piece])).expect("marked");
    }
    let bytes = disk.0.borrow().journal.clone();
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        if let Some(entries) = read(&flipped, content, INODE) {
            assert!(numbers(&entries.marked).iter().all(|piece| [0, 4].contains(piece)), "bit {at}");
            assert_eq!(entries.pieces, manifest(layout).1, "bit {at}");
        }
    }
}

#[test]
fn records_do_not_count_at_another_place() {
    let (disk, mut marker, content, layout) = begun(6);
    let header = disk.0.borrow().journal.len();
    marker.mark(&all(layout, &[4])).expect("marked");
    let mut bytes = disk.0.borrow().journal.clone();
    let copy = bytes[header..].to_vec();
    bytes.extend(copy);
    let entries = read(&bytes, content, INODE).expect("a journal");
    assert_eq!((numbers(&entries.marked), entries.end), (vec![4], bytes.len() as u64));
}

#[test]
fn the_journal_of_ten_gib_is_read_in_no_time() {
    let layout = PieceLayout::of(10 << 30).expect("valid");
    let (disk, (content, hashes)) = (Disk::default(), manifest(layout));
    let mut marker = Marker::begin(disk.clone(), content, layout, &hashes, INODE).expect("written");
    for piece in layout.pieces().filter(|piece| piece.number() % 2 == 0) {
        marker.mark(&[piece]).expect("marked");
    }
    let bytes = disk.0.borrow().journal.clone();
    let begun = tokio::time::Instant::now();
    let entries = read(&bytes, content, INODE).expect("a journal");
    assert_eq!(entries.marked.len(), layout.count().div_ceil(2));
    assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
}

#[derive(Clone, Debug)]
enum Step {
    Write(u32),
    Mark,
    FailingMark,
    /// The power fails: unsynced data is gone, and so is the end of the journal from some byte on.
    PowerLoss(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u32..40).prop_map(Step::Write),
        3 => Just(Step::Mark),
        1 => Just(Step::FailingMark),
        1 => (0usize..200).prop_map(Step::PowerLoss),
    ]
}

proptest! {
    #[test]
    fn what_is_marked_survives_every_power_loss(steps in prop::collection::vec(step(), 0..80)) {
        let (disk, mut marker, content, layout) = begun(40);
        let header = disk.0.borrow().journal.len();
        let mut pending = Vec::new();
        for step in steps {
            match step {
                Step::Write(number) => {
                    disk.0.borrow_mut().written.push(number);
                    pending.push(layout.piece(number).expect("in range"));
                }
                Step::Mark => {
                    marker.mark(&pending).expect("marked");
                    pending.clear();
                }
                Step::FailingMark => {
                    disk.0.borrow_mut().fails = true;
                    prop_assert_eq!(marker.mark(&pending).is_err(), !pending.is_empty());
                    disk.0.borrow_mut().fails = false;
                }
                Step::PowerLoss(lost) => {
                    {
                        let mut disk = disk.0.borrow_mut();
                        disk.written = disk.synced.clone();
                        let kept = disk.journal.len().saturating_sub(lost).max(header);
                        disk.journal.truncate(kept);
                    }
                    pending.clear();
                    let entries = read(&disk.0.borrow().journal, content, INODE).expect("a journal");
                    marker = Marker::go_on(disk.clone(), &entries);
                }
            }
            let disk = disk.0.borrow();
            let marked = read(&disk.journal, content, INODE).expect("a journal").marked;
            for piece in marked.iter() {
                prop_assert!(disk.synced.contains(&piece.number()), "{piece:?} is marked and not there");
            }
        }
    }
}
