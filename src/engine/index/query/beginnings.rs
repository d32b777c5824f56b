//! What the beginning of a name says of how well it fits: bounds that cost next to nothing.

use super::{Query, Rank, Word};

/// How well names can fit, by how they begin: it costs next to nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::index) enum BestRanks {
    /// Nothing is asked of them.
    NoWord,
    /// One word of this letter.
    Letter(u8),
    /// One word that begins so.
    Word(u8),
    /// One word that begins with a digit.
    Number,
    /// Several words, in whatever order.
    Words,
}

impl BestRanks {
    /// A name that fits and begins so (as [`crate::base::natural_beginning`] says) does not fit better than this.
    pub(in crate::engine::index) fn of(self, name: u64) -> Rank {
        let [first, second, ..] = name.to_be_bytes();
        match self {
            Self::NoWord => Rank::Inside,
            Self::Letter(letter) if letter == first && !matches!(second, 0 | b'.') => Rank::Prefix,
            Self::Letter(letter) | Self::Word(letter) if letter != first => Rank::WordStart,
            Self::Number if !first.is_ascii_digit() => Rank::WordStart,
            Self::Letter(_) | Self::Word(_) | Self::Number | Self::Words => Rank::Exact,
        }
    }
}

impl Query {
    /// A bound for the ranks of names that fit, by how they begin.
    pub(in crate::engine::index) fn best_ranks(&self) -> BestRanks {
        match self.words.as_slice() {
            [] => BestRanks::NoWord,
            [word] => match *word.text.as_bytes() {
                [first, ..] if first.is_ascii_digit() => BestRanks::Number,
                [letter] => BestRanks::Letter(letter),
                [first, ..] => BestRanks::Word(first),
                [] => BestRanks::Words,
            },
            _ => BestRanks::Words,
        }
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
