//! Pieces are BLAKE3 subtrees; their chaining values merge to the content's hash.

use crate::base::{ContentId, PieceIndex, PieceLayout};

/// The BLAKE3 chaining value of a piece (of a content of one piece: the content's hash itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceHash(pub [u8; 32]);

/// The hash of a piece of a content. `None` if `bytes` has not the length that the layout says.
#[must_use]
pub fn piece_hash(layout: PieceLayout, piece: PieceIndex, bytes: &[u8]) -> Option<PieceHash> {
    use blake3::hazmat::HasherExt;
    let range = layout.range(piece);
    if range.end - range.start != bytes.len() as u64 {
        return None;
    }
    if layout.count() == 1 {
        return Some(PieceHash(*blake3::hash(bytes).as_bytes()));
    }
    // Offsets are multiples of a power-of-two piece size and pieces are no longer than it: what
    // `set_input_offset` asks for.
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(range.start);
    hasher.update(bytes);
    Some(PieceHash(hasher.finalize_non_root()))
}

/// The content that these pieces make up. `None` if their number is not the layout's.
#[must_use]
pub fn root_of(layout: PieceLayout, pieces: &[PieceHash]) -> Option<ContentId> {
    use blake3::hazmat::{Mode, merge_subtrees_root};
    if pieces.len() as u64 != u64::from(layout.count()) {
        return None;
    }
    if let [only] = pieces {
        return Some(ContentId::from_bytes(only.0));
    }
    let (left, right) = split(pieces);
    let root = merge_subtrees_root(&merged(left), &merged(right), Mode::Hash);
    Some(ContentId::from_bytes(*root.as_bytes()))
}

/// The chaining value of a row of pieces that is not the whole content.
fn merged(pieces: &[PieceHash]) -> [u8; 32] {
    use blake3::hazmat::{Mode, merge_subtrees_non_root};
    if let [only] = pieces {
        return only.0;
    }
    let (left, right) = split(pieces);
    merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
}

/// The left subtree of a BLAKE3 node is the largest power of two that is less than the whole
/// (BLAKE3 paper, section 2.1); pieces are power-of-two subtrees, so the same holds for pieces.
fn split(pieces: &[PieceHash]) -> (&[PieceHash], &[PieceHash]) {
    pieces.split_at(pieces.len().next_power_of_two() / 2)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
mod tests {
    use super::*;

    #[test]
    fn pieces_merge_to_the_plain_hash() {
        let min = PieceLayout::MIN_PIECE_BYTES as usize;
        for length in [0, 1, min - 1, min, min + 1, 2 * min, 3 * min, 5 * min + 77, 8 * min, 9 * min - 1] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
            let layout = PieceLayout::new(length as u64, PieceLayout::MIN_PIECE_BYTES).expect("valid");
            let pieces: Vec<PieceHash> = layout
                .pieces()
                .map(|piece| {
                    let range = layout.range(piece);
                    piece_hash(layout, piece, &bytes[range.start as usize..range.end as usize])
                        .expect("right length")
                })
                .collect();
            let whole = ContentId::from_bytes(*blake3::hash(&bytes).as_bytes());
            assert_eq!(root_of(layout, &pieces), Some(whole), "{length} bytes");
        }
    }
}
