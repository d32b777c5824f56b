//! What the beginning of a name says of how well it fits: bounds that cost next to nothing.

use super::{Query, Rank, Word};

/// How well names can fit, by how they begin: it costs next to nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::index) enum BestRanks {
    /// Nothing is asked of them.
    NoWord,
    /// One word.
    Word {
        /// The bytes that it begins with, and how many bits those are.
        beginning: u64,
        bits: u32,
        /// These are all its bytes.
        is_whole: bool,
    },
    /// One word that begins with a digit.
    Number,
    /// Several words, in whatever order.
    Words,
}

/// So many bytes of a word are compared: one less than [`super::super::rows::Rows`] has in a column.
const COMPARED: usize = 3;

impl BestRanks {
    /// A name that fits and begins so (as [`crate::base::natural_beginning`] says) does not fit better than this.
    /// If a word begins with the only word, and this is not [`Rank::Exact`], it fits exactly so.
    pub(in crate::engine::index) fn of(self, name: u64) -> Rank {
        match self {
            Self::NoWord => Rank::Inside,
            Self::Word { beginning, bits, .. } if (name ^ beginning) >> (u64::BITS - bits) != 0 => {
                Rank::WordStart
            }
            Self::Word { bits, is_whole: true, .. }
                if !matches!((name << bits).to_be_bytes()[0], 0 | b'.') =>
            {
                Rank::Prefix
            }
            Self::Number if !name.to_be_bytes()[0].is_ascii_digit() => Rank::WordStart,
            Self::Word { .. } | Self::Number | Self::Words => Rank::Exact,
        }
    }
}

impl Query {
    /// A bound for the ranks of names that fit, by how they begin.
    pub(in crate::engine::index) fn best_ranks(&self) -> BestRanks {
        let word = match self.words.as_slice() {
            [] => return BestRanks::NoWord,
            [word] if word.text == self.phrase => word.text.as_bytes(),
            _ => return BestRanks::Words,
        };
        // Numbers do not stand among the others with their own bytes.
        let compared = word.iter().take(COMPARED).take_while(|byte| !byte.is_ascii_digit());
        let mut bytes = [0; size_of::<u64>()];
        let mut bits = 0;
        for (byte, compared) in bytes.iter_mut().zip(compared) {
            (*byte, bits) = (*compared, bits + u8::BITS);
        }
        if bits == 0 {
            return BestRanks::Number;
        }
        let is_whole = bits as usize == word.len() * 8;
        BestRanks::Word { beginning: u64::from_be_bytes(bytes), bits, is_whole }
    }

    /// So many bytes at the beginning are the same in all names of the rank [`Rank::Prefix`] or better, and end
    /// before a number that may go on.
    pub(in crate::engine::index) fn in_common(&self) -> usize {
        let Some((longest, others)) = self.words.split_first() else { return 0 };
        // All at the beginning of a name, without the phrase: `"by the sea" by`, `by by`.
        let is_prefix = |word: &Word| longest.text.starts_with(&word.text);
        let can_overlap = self.phrase != longest.text && others.iter().all(is_prefix);
        if can_overlap { 0 } else { self.phrase.trim_end_matches(|c: char| c.is_ascii_digit()).len() }
    }
}
