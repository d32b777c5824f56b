//! A set of pieces of one layout: one bit each, so that a content of a million pieces takes 128 KiB.

use crate::base::{PieceIndex, PieceLayout};

/// A set of pieces. Only pieces of its own layout may be asked for; others are in no set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceSet {
    layout: PieceLayout,
    words: Vec<u64>,
    len: u32,
}

impl PieceSet {
    const BITS: u32 = u64::BITS;

    /// No piece.
    #[must_use]
    pub fn empty(layout: PieceLayout) -> Self {
        let words = layout.count().div_ceil(Self::BITS) as usize;
        Self { layout, words: vec![0; words], len: 0 }
    }

    /// Every piece.
    #[must_use]
    pub fn full(layout: PieceLayout) -> Self {
        let mut set = Self::empty(layout);
        for piece in layout.pieces() {
            set.insert(piece);
        }
        set
    }

    /// How many pieces are in it.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether no piece is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether every piece is in it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len == self.layout.count()
    }

    /// Whether the piece is in it.
    #[must_use]
    pub fn contains(&self, piece: PieceIndex) -> bool {
        let (word, bit) = Self::place(piece);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Puts a piece in; says whether it is new.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        let (word, bit) = Self::place(piece);
        let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) else { return false };
        *word |= bit;
        self.len += 1;
        true
    }

    /// Takes a piece out; says whether it was in.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        let (word, bit) = Self::place(piece);
        let Some(word) = self.words.get_mut(word).filter(|word| **word & bit != 0) else { return false };
        *word &= !bit;
        self.len -= 1;
        true
    }

    /// The lowest piece in it from `number` on.
    #[must_use]
    pub fn next_from(&self, number: u32) -> Option<PieceIndex> {
        let start = (number / Self::BITS) as usize;
        let mut mask = u64::MAX << (number % Self::BITS);
        for (index, word) in self.words.iter().enumerate().skip(start) {
            let bits = word & mask;
            if bits != 0 {
                let number = u32::try_from(index).ok()? * Self::BITS + bits.trailing_zeros();
                return self.layout.piece(number);
            }
            mask = u64::MAX;
        }
        None
    }

    /// The pieces in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> {
        let mut next = self.next_from(0);
        std::iter::from_fn(move || {
            let piece = next?;
            next = self.next_from(piece.number() + 1);
            Some(piece)
        })
    }

    /// The bytes of its pieces.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let whole = u64::from(self.len) * u64::from(self.layout.piece_size());
        if !self.contains(self.layout.last()) {
            return whole;
        }
        let last = self.layout.range(self.layout.last());
        whole - u64::from(self.layout.piece_size()) + (last.end - last.start)
    }

    fn place(piece: PieceIndex) -> (usize, u64) {
        ((piece.number() / Self::BITS) as usize, 1 << (piece.number() % Self::BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(count in 1u64..200, cut in 0u64..1000, steps in prop::collection::vec((any::<bool>(), 0u32..210), 0..300)) {
            let size = count * u64::from(PieceLayout::MIN_PIECE_BYTES) - cut;
            let layout = PieceLayout::new(size, PieceLayout::MIN_PIECE_BYTES).expect("valid");
            let mut set = PieceSet::empty(layout);
            let mut slow = BTreeSet::new();
            for (put, number) in steps {
                let Some(piece) = layout.piece(number) else { continue };
                let (changed, expected) = if put {
                    (set.insert(piece), slow.insert(piece))
                } else {
                    (set.remove(piece), slow.remove(&piece))
                };
                prop_assert_eq!(changed, expected);
                prop_assert_eq!(set.contains(piece), put);
                prop_assert_eq!(set.next_from(number), slow.range(piece..).next().copied());
            }
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), slow.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len() as usize, slow.len());
            let bytes: u64 = slow.iter().map(|piece| { let range = layout.range(*piece); range.end - range.start }).sum();
            prop_assert_eq!(set.bytes(), bytes);
        }
    }

    #[test]
    fn a_full_set_has_every_byte() {
        for size in [0, 1, 128 * 1024, 64 * 128 * 1024, 64 * 128 * 1024 + 1] {
            let layout = PieceLayout::of(size).expect("valid");
            let set = PieceSet::full(layout);
            assert!(set.is_full());
            assert_eq!(set.bytes(), size);
        }
    }
}
