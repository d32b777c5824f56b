//! What a query asks of the signatures of names ([`crate::engine::index::signature`]).

use super::{Filter, Query, Test, Wanted};
use crate::engine::index::frequent::Frequent;
use crate::engine::index::signature::{Exact, Signature};

/// What is asked of signatures, as numbers of bits.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::index) struct AskedBits {
    /// A name has these if and only if it has some of the words:
    pub(in crate::engine::index) exact: Vec<usize>,
    /// those, by number.
    pub(in crate::engine::index) exact_words: u32,
    /// A name that has all the others, and an extension that is asked for, has these.
    pub(in crate::engine::index) maybe: Signature,
    /// A name that fits better than [`super::Rank::Inside`] has these.
    pub(in crate::engine::index) starts: Vec<usize>,
}

impl Query {
    /// What the signatures of a list in which these parts are frequent say of its names.
    pub(in crate::engine::index) fn asked_bits(&self, frequent: &Frequent) -> AskedBits {
        let of = |text: &str| Signature::of_part(text, frequent);
        let ends = self.filters.iter().map(|filter| match (filter.wanted, &filter.test) {
            (Wanted::With, Test::Extension(ends)) => {
                ends.iter().map(|end| of(end)).reduce(Signature::common).unwrap_or_default()
            }
            _ => Signature::default(),
        });
        let mut asked =
            AskedBits { maybe: ends.fold(Signature::default(), Signature::with), ..AskedBits::default() };
        for (word, number) in self.words.iter().zip(0..) {
            if let Some(exact) = Exact::of(&word.text, frequent) {
                asked.exact.push(exact.inside);
                asked.exact_words |= 1 << number;
                asked.starts.push(exact.start);
            } else {
                asked.maybe = asked.maybe.with(of(&word.text));
                asked.starts.extend(Exact::beginnings(&word.text, frequent).map(|exact| exact.start));
            }
        }
        asked
    }

    /// Whether a name need not be looked at once its signature says that it may fit.
    pub(in crate::engine::index) fn is_decided_by_signature(&self, frequent: &Frequent) -> bool {
        let is_of_names = |filter: &Filter| matches!(filter.test, Test::Extension(_));
        self.words.iter().all(|word| Exact::of(&word.text, frequent).is_some())
            && self.without.is_empty()
            && !self.filters.iter().any(is_of_names)
    }
}
