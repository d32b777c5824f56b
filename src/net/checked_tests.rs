//! Reading with a check, against the plain bytes; and every changed byte.

use super::*;
use crate::engine::transfer::manifest::piece_hash;
use std::io::{Seek, SeekFrom, Write};

const PIECE: usize = PieceLayout::MIN_PIECE_BYTES as usize;

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// A file with these bytes, read as the content that `bytes` are.
fn opened(bytes: &[u8], on_disk: &[u8]) -> OpenContent {
    let layout = PieceLayout::of(bytes.len() as u64).expect("small");
    let hash = |piece| {
        let range = layout.range(piece);
        piece_hash(layout, piece, &bytes[range.start as usize..range.end as usize]).expect("whole")
    };
    let pieces = Some((layout, Arc::new(layout.pieces().map(hash).collect())));
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(on_disk).expect("room");
    OpenContent { file, size: bytes.len() as u64, name: String::new(), tag: 0, pieces }
}

fn read(bytes: &[u8], on_disk: &[u8], range: Range<usize>) -> Result<Vec<u8>, ReadFault> {
    Reader::new(opened(bytes, on_disk), range.start as u64..range.end as u64).rest()
}

#[test]
fn every_range_is_read_as_it_is() {
    for length in [1, 100, PIECE, PIECE + 1, 5 * PIECE + 77] {
        let bytes = sample(length);
        let cuts = [0, 1, 99, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, length.saturating_sub(1), length];
        for start in cuts {
            for end in cuts.into_iter().filter(|end| start < *end && *end <= length) {
                let got = read(&bytes, &bytes, start..end).expect("as it was");
                assert!(got == bytes[start..end], "{start}..{end} of {length}");
            }
        }
    }
}

#[test]
fn no_piece_with_a_changed_byte_is_given_out_whole() {
    let bytes = sample(3 * PIECE + 9);
    for at in [0, PIECE - 1, PIECE, 2 * PIECE + 5, 3 * PIECE, 3 * PIECE + 8] {
        let mut on_disk = bytes.clone();
        on_disk[at] ^= 0x80;
        let changed = at / PIECE;
        for piece in 0..4 {
            let range = piece * PIECE..((piece + 1) * PIECE).min(bytes.len());
            let whole = read(&bytes, &on_disk, range.clone());
            let last = read(&bytes, &on_disk, range.end - 1..range.end);
            let first = read(&bytes, &on_disk, range.start..range.start + 1);
            for result in [whole, last, first] {
                assert_eq!(matches!(result, Err(ReadFault::Changed)), piece == changed, "{at} {piece}");
            }
        }
        // What comes before is given out, up to the changed piece.
        let mut reader = Reader::new(opened(&bytes, &on_disk), 0..bytes.len() as u64);
        let mut good = 0;
        while let Ok(block) = reader.next() {
            assert!(block == bytes[good..good + block.len()]);
            good += block.len();
        }
        assert!((changed * PIECE..(changed + 1) * PIECE).contains(&good), "{good} bytes before {at}");
    }
}

#[test]
fn a_shorter_file_and_a_wrong_layout_are_a_change() {
    let bytes = sample(2 * PIECE);
    for length in [0, 1, PIECE, 2 * PIECE - 1] {
        let result = read(&bytes, &bytes[..length], 0..2 * PIECE);
        assert!(matches!(result, Err(ReadFault::Changed)), "{length} bytes left");
    }
    let result = read(&bytes, &bytes, 0..3 * PIECE);
    assert!(matches!(result, Err(ReadFault::Changed)), "beyond the last piece");
}

#[test]
fn a_change_between_two_blocks_is_noticed() {
    // 4 blocks a piece: what was read is what was hashed, whenever it changes.
    let bytes = sample(5 * 1024 * 1024);
    let layout = PieceLayout::new(bytes.len() as u64, 1 << 20).expect("valid");
    let hash = |piece| {
        let range = layout.range(piece);
        piece_hash(layout, piece, &bytes[range.start as usize..range.end as usize]).expect("whole")
    };
    let mut open = opened(&bytes, &bytes);
    open.pieces = Some((layout, Arc::new(layout.pieces().map(hash).collect())));
    let mut writer = open.file.try_clone().expect("another handle");
    let mut reader = Reader::new(open, 0..bytes.len() as u64);
    assert!(reader.next().expect("the first block") == bytes[..256 * 1024]);
    for (at, is_read_already) in [(0, true), (900_000, false)] {
        writer.seek(SeekFrom::Start(at)).expect("seeks");
        writer.write_all(b"?").expect("writes");
        if is_read_already {
            assert!(reader.next().expect("not changed where it is read") == bytes[256 * 1024..512 * 1024]);
        }
    }
    assert!(reader.next().is_ok(), "the third block is before the change");
    assert!(matches!(reader.next(), Err(ReadFault::Changed)), "the last block completes the piece");
}
