//! The signatures of rows, turned on their side: for each bit, which rows have it. So a search reads only the
//! bits that it asks for, and of 64 rows at once.

use super::column::{number, push_with_room};
use super::signature::{BITS, Signature};
use std::ops::Range;

/// What a column has room for at first, in numbers: few, for there are many columns.
const MIN_ROOM: usize = 4;

/// One column of bits for each bit of a signature: it is read from the front to the back, as fast as memory is.
#[derive(Clone, Debug)]
pub(super) struct Slices {
    /// 64 rows in each number.
    columns: Vec<Vec<u64>>,
    rows: usize,
    /// How many rows have each bit.
    counts: Vec<u32>,
}

impl Default for Slices {
    fn default() -> Self {
        Self { columns: vec![Vec::new(); BITS], rows: 0, counts: vec![0; BITS] }
    }
}

impl Slices {
    /// Appends a row.
    pub(super) fn push(&mut self, signature: Signature) {
        let (word, bit) = (self.rows / 64, self.rows % 64);
        if bit == 0 {
            for column in &mut self.columns {
                push_with_room(column, 0, MIN_ROOM);
            }
        }
        for number in signature.bits() {
            self.columns[number][word] |= 1 << bit;
            self.counts[number] += 1;
        }
        self.rows += 1;
    }

    /// Whether a row has a bit.
    pub(super) fn has(&self, row: u32, bit: usize) -> bool {
        self.columns[bit][row as usize / 64] >> (row % 64) & 1 != 0
    }

    /// How many rows have a bit.
    pub(super) fn count(&self, bit: usize) -> u32 {
        self.counts[bit]
    }

    /// Appends the rows of a range that have all these bits.
    pub(super) fn rows_with(&self, range: Range<usize>, bits: &[usize], rows: &mut Vec<u32>) {
        let words = range.start / 64..range.end.div_ceil(64);
        let mut left: Vec<u64> = words.clone().map(|word| among(&range, word * 64)).collect();
        for bit in bits {
            for (left, has) in left.iter_mut().zip(&self.columns[*bit][words.clone()]) {
                *left &= has;
            }
        }
        for (word, mut left) in words.zip(left) {
            while left != 0 {
                rows.push(number(word * 64) + left.trailing_zeros());
                left &= left - 1;
            }
        }
    }

    /// The memory that they take.
    pub(super) fn bytes(&self) -> usize {
        let bits: usize = self.columns.iter().map(|column| column.capacity() * size_of::<u64>()).sum();
        bits + self.columns.len() * size_of::<Vec<u64>>()
    }

    /// Gives back the room for more rows.
    pub(super) fn shrink(&mut self) {
        self.columns.iter_mut().for_each(Vec::shrink_to_fit);
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
            for signature in &signatures {
                slices.push(*signature);
            }
            let range = start.min(end).min(names.len())..end.min(names.len());
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
