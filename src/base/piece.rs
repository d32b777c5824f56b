//! The geometry of a content: how its bytes fall into pieces. Only a layout makes a [`PieceIndex`], so
//! an index out of range cannot exist.

use std::ops::Range;

/// Sizes that do not make a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PieceLayoutError {
    /// The piece size is not a power of two from 128 KiB to 4 MiB.
    #[error("a piece is a power of two from 128 KiB to 4 MiB")]
    PieceSize,
    /// The content is larger than JSON carries exactly.
    #[error("a content has at most 2^53 - 1 bytes")]
    Size,
}

/// Which piece of a layout: from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceIndex(u32);

impl PieceIndex {
    /// Its number, from 0.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The pieces of a content: all of `piece_size` bytes, the last one shorter. A content of 0 bytes has
/// one empty piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PieceLayout {
    size: u64,
    piece_size: u32,
}

impl PieceLayout {
    /// The smallest piece, in bytes.
    pub const MIN_PIECE_BYTES: u32 = 128 * 1024;
    /// The largest piece, in bytes: what one request holds in memory.
    pub const MAX_PIECE_BYTES: u32 = 4 * 1024 * 1024;
    /// The largest content, in bytes (exact in JSON, and `u32` pieces of 4 MiB).
    pub const MAX_BYTES: u64 = (1 << 53) - 1;
    /// How many pieces the default layout aims at: enough to spread over sources.
    const AIM_PIECES: u64 = 1024;

    /// The layout that every peer uses for a content of `size` bytes: the smallest piece size that
    /// gives at most 1,024 pieces, within the limits.
    ///
    /// # Errors
    /// If `size` is too large.
    pub fn of(size: u64) -> Result<Self, PieceLayoutError> {
        let mut piece_size = Self::MIN_PIECE_BYTES;
        while piece_size < Self::MAX_PIECE_BYTES && size.div_ceil(u64::from(piece_size)) > Self::AIM_PIECES {
            piece_size *= 2;
        }
        Self::new(size, piece_size)
    }

    /// A layout with this piece size.
    ///
    /// # Errors
    /// If a size is out of its limits.
    pub fn new(size: u64, piece_size: u32) -> Result<Self, PieceLayoutError> {
        let in_range = (Self::MIN_PIECE_BYTES..=Self::MAX_PIECE_BYTES).contains(&piece_size);
        if !in_range || !piece_size.is_power_of_two() {
            return Err(PieceLayoutError::PieceSize);
        }
        let pieces = size.div_ceil(u64::from(piece_size));
        if size > Self::MAX_BYTES || pieces >= u64::from(u32::MAX) {
            return Err(PieceLayoutError::Size);
        }
        Ok(Self { size, piece_size })
    }

    /// Bytes of the content.
    #[must_use]
    pub const fn size(self) -> u64 {
        self.size
    }

    /// Bytes of every piece but the last.
    #[must_use]
    pub const fn piece_size(self) -> u32 {
        self.piece_size
    }

    /// How many pieces; at least one.
    #[must_use]
    pub fn count(self) -> u32 {
        let pieces = self.size.div_ceil(u64::from(self.piece_size)).max(1);
        u32::try_from(pieces).unwrap_or(u32::MAX)
    }

    /// The piece with this number; `None` if there is none.
    #[must_use]
    pub fn piece(self, number: u32) -> Option<PieceIndex> {
        (number < self.count()).then_some(PieceIndex(number))
    }

    /// The last piece.
    #[must_use]
    pub fn last(self) -> PieceIndex {
        PieceIndex(self.count() - 1)
    }

    /// Every piece, in order.
    pub fn pieces(self) -> impl Iterator<Item = PieceIndex> {
        (0..self.count()).map(PieceIndex)
    }

    /// The bytes of a piece, as offsets into the content.
    #[must_use]
    pub fn range(self, piece: PieceIndex) -> Range<u64> {
        let start = u64::from(piece.0) * u64::from(self.piece_size);
        start.min(self.size)..(start + u64::from(self.piece_size)).min(self.size)
    }
}
