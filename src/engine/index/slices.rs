//! The signatures of rows, turned on their side: for each bit, which rows have it. So a search reads only the
//! bits that it asks for, and 64 rows at once.

use super::column::{number, push};
use super::signature::{BITS, Signature};
use std::ops::Range;

/// The rows of a group, one bit each.
type Slice = [u64; 8];
/// So many rows stand together in a group: one slice is one line of the nearest cache.
const GROUP: usize = 512;
const _: () = assert!(GROUP == size_of::<Slice>() * 8);

/// The slices of all groups: [`BITS`] for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Slices {
    words: Vec<Slice>,
    rows: usize,
    /// How many rows have each bit.
    counts: Vec<u32>,
}

impl Slices {
    /// Appends a row.
    pub(super) fn push(&mut self, signature: Signature) {
        let (group, at) = (self.rows / GROUP * BITS, self.rows % GROUP);
        if at == 0 {
            (0..BITS).for_each(|_| push(&mut self.words, Slice::default()));
        }
        self.counts.resize(BITS, 0);
        for bit in signature.bits() {
            self.words[group + bit][at / 64] |= 1 << (at % 64);
            self.counts[bit] += 1;
        }
        self.rows += 1;
    }

    /// Whether a row has a bit.
    pub(super) fn has(&self, row: u32, bit: usize) -> bool {
        let (group, at) = (row as usize / GROUP * BITS, row as usize % GROUP);
        self.words[group + bit][at / 64] >> (at % 64) & 1 != 0
    }

    /// How many rows have a bit.
    pub(super) fn count(&self, bit: usize) -> u32 {
        self.counts.get(bit).copied().unwrap_or(0)
    }

    /// Appends the rows of a range that have all these bits.
    pub(super) fn rows_with(&self, range: Range<usize>, bits: &[usize], rows: &mut Vec<u32>) {
        for start in (range.start / GROUP * GROUP..range.end).step_by(GROUP) {
            let group = &self.words[start / GROUP * BITS..][..BITS];
            let mut left = Slice::default();
            for (word, left) in left.iter_mut().enumerate() {
                *left = among(&range, start + word * 64);
            }
            for bit in bits {
                for (left, has) in left.iter_mut().zip(&group[*bit]) {
                    *left &= has;
                }
                if left == Slice::default() {
                    break;
                }
            }
            for (word, mut left) in left.into_iter().enumerate() {
                while left != 0 {
                    rows.push(number(start + word * 64) + left.trailing_zeros());
                    left &= left - 1;
                }
            }
        }
    }

    /// The memory that they take.
    pub(super) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<Slice>()
    }

    /// Gives back the room for more rows.
    pub(super) fn shrink(&mut self) {
        self.words.shrink_to_fit();
    }
}

/// Which of the 64 rows from here on are in a range.
fn among(range: &Range<usize>, from: usize) -> u64 {
    let below = |end: usize| match end.saturating_sub(from) {
        count @ 0..64 => (1 << count) - 1,
        _ => u64::MAX,
    };
    below(range.end) & !below(range.start)
}

#[cfg(test)]
mod tests {
    use super::super::frequent::Frequent;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rows_are_found_by_their_bits(
            names in proptest::collection::vec("[a-d]{0,3}", 0..1_300), start in 0_usize..1_300, end in 0_usize..1_300
        ) {
            let none = Frequent::default();
            let signatures: Vec<_> = names.iter().map(|name| Signature::of_name(name, &none)).collect();
            let mut slices = Slices::default();
            signatures.iter().for_each(|signature| slices.push(*signature));
            let range = start.min(names.len())..end.min(names.len());
            for part in ["", "a", "ab", "dcb"] {
                let bits: Vec<_> = Signature::of_part(part, &none).bits().collect();
                let mut found = Vec::new();
                slices.rows_with(range.clone(), &bits, &mut found);
                let has = |row: &usize| bits.iter().all(|bit| signatures[*row].bits().any(|other| other == *bit));
                let expected: Vec<_> = range.clone().filter(has).map(number).collect();
                prop_assert_eq!(&found, &expected);
                for bit in &bits {
                    let has = signatures.iter().filter(|signature| signature.bits().any(|other| other == *bit));
                    prop_assert_eq!(slices.count(*bit) as usize, has.count());
                }
                prop_assert!(found.iter().all(|row| bits.iter().all(|bit| slices.has(*row, *bit))));
            }
        }
    }
}
