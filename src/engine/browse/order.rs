//! The order of names as a person expects it: without regard to case and accents, numbers by
//! their value, and still one order.

use crate::base::{FileName, natural_order};
use crate::engine::index::fold;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A name that is ordered as [`by_name`] says. Names are compared ten times for each that is taken in, so nothing is
/// made for that: what an ASCII name is folded to is seen byte by byte, and what another one is folded to is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByName {
    name: FileName,
    /// Of a name that is not ASCII.
    folded: Option<Box<str>>,
}

impl ByName {
    pub(super) fn new(name: FileName) -> Self {
        let folded = match folded(name.as_str()) {
            Cow::Borrowed(_) => None,
            Cow::Owned(folded) => Some(folded.into_boxed_str()),
        };
        Self { name, folded }
    }

    pub(super) fn name(&self) -> &FileName {
        &self.name
    }

    fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(self.name.as_str())
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        by_folded(self.folded(), other.folded()).then_with(|| self.name.as_str().cmp(other.name.as_str()))
    }
}

/// By the folded names, numbers in them by their value, then by the bytes: different names are never equal.
pub(super) fn by_name(own: &str, other: &str) -> Ordering {
    by_folded(&folded(own), &folded(other)).then_with(|| own.cmp(other))
}

/// The folded name, but for what [`by_folded`] does to ASCII.
fn folded(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { name.into() } else { fold(name).into() }
}

fn by_folded(own: &str, other: &str) -> Ordering {
    // To what is folded already it does nothing.
    let fold_ascii = |byte: u8| if byte.is_ascii_whitespace() { b' ' } else { byte.to_ascii_lowercase() };
    natural_order(own.as_bytes(), other.as_bytes(), fold_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Natural;
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
        fn it_is_the_order_of_the_folded_names(own in "[aAáÁbB\u{301}ß.\t 019]{0,6}", other in "[aAáÁbB\u{301}ß.\t 019]{0,6}") {
            let (folded, others) = (fold(&own), fold(&other));
            let order = Natural(folded.as_bytes()).cmp(&Natural(others.as_bytes()));
            let expected = order.then_with(|| own.cmp(&other));
            prop_assert_eq!(by_name(&own, &other), expected);
            if let (Ok(own), Ok(other)) = (FileName::new(&own), FileName::new(&other)) {
                prop_assert_eq!(ByName::new(own).cmp(&ByName::new(other)), expected);
            }
        }
    }
}
