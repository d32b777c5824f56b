//! The order of names as a person expects it: without regard to case and accents, and still one order.

use crate::base::FileName;
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

/// By the folded names, then by the bytes: different names are never equal.
pub(super) fn by_name(own: &str, other: &str) -> Ordering {
    folded(own, other).then_with(|| own.cmp(other))
}

/// As `fold(own).cmp(&fold(other))`. Folding goes character by character, and of most names it is enough to look
/// at the bytes.
fn folded(own: &str, other: &str) -> Ordering {
    for (at, (a, b)) in own.bytes().zip(other.bytes()).enumerate() {
        if !a.is_ascii() || !b.is_ascii() {
            // Everything before is ASCII: here a character begins in both.
            return fold(&own[at..]).cmp(&fold(&other[at..]));
        }
        let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
        if a != b {
            return a.cmp(&b);
        }
    }
    let shorter = own.len().min(other.len());
    fold(&own[shorter..]).cmp(&fold(&other[shorter..]))
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
            ["10", "9", "A.txt", "a.txt", "Ágata.txt", "água.txt", "b.txt", "e", "é", "E2", "Z"]
        );
    }

    proptest! {
        #[test]
        fn it_is_the_order_of_the_folded_names(own in "[aAáÁbB\u{301}ß. ]{0,6}", other in "[aAáÁbB\u{301}ß. ]{0,6}") {
            let expected = fold(&own).cmp(&fold(&other)).then_with(|| own.cmp(&other));
            prop_assert_eq!(by_name(&own, &other), expected);
        }
    }
}
