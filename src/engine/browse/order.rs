//! The order of names as a person expects it: without regard to case and accents, numbers by
//! their value, and still one order.

use crate::base::{FileName, Natural};
use crate::engine::index::fold;
use std::cmp::Ordering;

/// A name that is ordered as [`by_name`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByName(pub(super) FileName);

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        by_name(self.0.as_str(), other.0.as_str())
    }
}

/// By the folded names, numbers in them by their value, then by the bytes: different names are never equal.
pub(super) fn by_name(own: &str, other: &str) -> Ordering {
    folded(own, other).then_with(|| own.cmp(other))
}

/// The order of the folded names. Of most pairs it is enough to look at the beginnings, which nothing has to be
/// allocated for.
fn folded(own: &str, other: &str) -> Ordering {
    let letter = |byte: u8| (byte.is_ascii() && !byte.is_ascii_digit()).then(|| byte.to_ascii_lowercase());
    for (own, other) in own.bytes().map(letter).zip(other.bytes().map(letter)) {
        match (own, other) {
            (Some(own), Some(other)) if own != other => return own.cmp(&other),
            (Some(_), Some(_)) => {}
            // A number or another alphabet begins.
            _ => break,
        }
    }
    let (own, other) = (fold(own), fold(other));
    Natural(own.as_bytes()).cmp(&Natural(other.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_accents_do_not_matter() {
        let mut names = ["b.txt", "Ágata.txt", "a.txt", "Z", "água.txt", "A.txt", "é", "e", "E2", "10", "9"];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(
            names,
            ["9", "10", "A.txt", "a.txt", "Ágata.txt", "água.txt", "b.txt", "e", "é", "E2", "Z"]
        );
    }

    proptest! {
        #[test]
        fn it_is_the_order_of_the_folded_names(own in "[aAáÁbB\u{301}ß. 019]{0,6}", other in "[aAáÁbB\u{301}ß. 019]{0,6}") {
            let (folded, others) = (fold(&own), fold(&other));
            let order = Natural(folded.as_bytes()).cmp(&Natural(others.as_bytes()));
            let expected = order.then_with(|| own.cmp(&other));
            prop_assert_eq!(by_name(&own, &other), expected);
        }
    }
}
