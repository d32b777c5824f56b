//! Signatures: 96 bits of a folded text that hold all bits of the texts within it, so that most names that
//! cannot contain the words of a query are passed over without being read.
//!
//! A bit for each letter and digit of ASCII, and 60 bits over which pairs of neighbouring bytes are
//! spread: a name of 45 bytes has half of them. A text that lacks a bit of a word does not contain
//! it; one that has them all may contain it. For one letter or digit that is exact.

/// The bits of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature(u128);

/// From this bit on stand the pairs.
const PAIRS: u32 = 36;
/// Behind this one there are none.
const END: u32 = u64::BITS + u32::BITS;

impl Signature {
    /// The signature of a folded text.
    pub(super) fn of(text: &str) -> Self {
        let mut bits = 0;
        let mut before = None;
        for &byte in text.as_bytes() {
            bits |= match byte {
                b'a'..=b'z' => 1 << (byte - b'a'),
                b'0'..=b'9' => 1 << (26 + byte - b'0'),
                _ => 0,
            };
            bits |= before.map_or(0, |before| pair(before, byte));
            before = Some(byte);
        }
        Self(bits)
    }

    /// The letters, the digits and some pairs; the other pairs.
    #[expect(clippy::cast_possible_truncation, reason = "that is how it is cut")]
    pub(super) const fn parts(self) -> (u64, u32) {
        (self.0 as u64, (self.0 >> u64::BITS) as u32)
    }

    /// The bits that both have.
    pub(super) fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The bits of both.
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a text with this signature may contain what the other one is of.
    #[cfg(test)]
    fn may_contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether what it is of is contained in every text that may contain it: one letter or digit.
    pub(super) fn is_exact_for(text: &str) -> bool {
        matches!(text.as_bytes(), [b'a'..=b'z' | b'0'..=b'9'])
    }
}

fn pair(one: u8, other: u8) -> u128 {
    let spread = (u64::from(one) << 8 | u64::from(other)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    1 << (u64::from(PAIRS) + (((spread >> 32) * u64::from(END - PAIRS)) >> 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_contained_may_be_contained(before in "\\PC{0,20}", word in "\\PC{0,8}", after in "\\PC{0,20}") {
            let text = format!("{before}{word}{after}");
            prop_assert!(Signature::of(&text).may_contain(Signature::of(&word)));
        }

        #[test]
        fn one_letter_is_found_exactly(text in "[a-e0-3 é.]{0,8}", letter in "[a-z0-9]") {
            prop_assert!(Signature::is_exact_for(&letter));
            prop_assert_eq!(Signature::of(&text).may_contain(Signature::of(&letter)), text.contains(&letter));
        }
    }

    #[test]
    fn most_of_what_is_not_contained_is_ruled_out() {
        let names: Vec<String> =
            (0..1_000_u32).map(|n| format!("annual report {n} of the harbour.pdf")).collect();
        for (word, most) in [("sunset", 0), ("quartz", 0), ("reports", 0), ("harbor", 1_000), ("98765", 10)] {
            let may =
                names.iter().filter(|name| Signature::of(name).may_contain(Signature::of(word))).count();
            assert!(may <= most, "{word}: {may}");
        }
        assert!(
            !Signature::is_exact_for("ab") && !Signature::is_exact_for("é") && !Signature::is_exact_for("")
        );
    }
}
