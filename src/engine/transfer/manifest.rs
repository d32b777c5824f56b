//! Pieces are BLAKE3 subtrees; their chaining values merge to the content's hash.

use crate::base::{ContentId, PieceIndex, PieceLayout};

/// The BLAKE3 chaining value of a piece (of a content of one piece: the content's hash itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceHash(pub [u8; 32]);

/// The hash of a piece of a content. `None` if `bytes` has not the length that the layout says.
#[must_use]
pub fn piece_hash(layout: PieceLayout, piece: PieceIndex, bytes: &[u8]) -> Option<PieceHash> {
    let range = layout.range(piece);
    if range.end - range.start != bytes.len() as u64 {
        return None;
    }
    let mut hasher = PieceHasher::new(layout, piece);
    hasher.update(bytes);
    hasher.finish()
}

/// Hashes a piece whose bytes come in parts.
#[derive(Clone, Debug)]
pub struct PieceHasher {
    hasher: blake3::Hasher,
    /// Whether the piece is the whole content.
    is_only: bool,
    /// Bytes that are to come; `None` after too many.
    left: Option<u64>,
}

impl PieceHasher {
    /// Nothing of the piece came yet.
    #[must_use]
    pub fn new(layout: PieceLayout, piece: PieceIndex) -> Self {
        use blake3::hazmat::HasherExt;
        let range = layout.range(piece);
        let is_only = layout.count() == 1;
        let mut hasher = blake3::Hasher::new();
        if !is_only {
            // Offsets are multiples of a power-of-two piece size and pieces are no longer than it: what
            // `set_input_offset` asks for.
            hasher.set_input_offset(range.start);
        }
        Self { hasher, is_only, left: Some(range.end - range.start) }
    }

    /// The next bytes of the piece; what goes beyond its end makes the hash fail.
    pub fn update(&mut self, bytes: &[u8]) {
        let left = self.left.and_then(|left| left.checked_sub(bytes.len() as u64));
        if left.is_some() {
            self.hasher.update(bytes);
        }
        self.left = left;
    }

    /// The hash. `None` if not exactly the piece's length came.
    #[must_use]
    pub fn finish(&self) -> Option<PieceHash> {
        use blake3::hazmat::HasherExt;
        if self.left != Some(0) {
            return None;
        }
        let hash =
            if self.is_only { *self.hasher.finalize().as_bytes() } else { self.hasher.finalize_non_root() };
        Some(PieceHash(hash))
    }
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

    #[test]
    fn a_piece_in_parts_has_the_same_hash() {
        let min = PieceLayout::MIN_PIECE_BYTES as usize;
        for length in [0, 1, min, min + 1, 3 * min + 5] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 37 % 253) as u8).collect();
            let layout = PieceLayout::of(length as u64).expect("small");
            for piece in layout.pieces() {
                let range = layout.range(piece);
                let bytes = &bytes[range.start as usize..range.end as usize];
                for part in [1_000, 1_024, 65_536, min] {
                    let mut hasher = PieceHasher::new(layout, piece);
                    for part in bytes.chunks(part) {
                        hasher.update(part);
                    }
                    assert_eq!(hasher.finish(), piece_hash(layout, piece, bytes), "{length} by {part}");
                    hasher.update(&[0]);
                    assert_eq!(hasher.finish(), None, "a byte too many");
                }
                if !bytes.is_empty() {
                    let mut hasher = PieceHasher::new(layout, piece);
                    hasher.update(&bytes[1..]);
                    assert_eq!(hasher.finish(), None, "a byte too few");
                }
            }
        }
    }
}
