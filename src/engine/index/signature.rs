//! Signatures: bits of a folded text that hold all bits of the texts within it, so that most names that cannot
//! contain the words of a query are passed over without being read.
//!
//! A bit for each letter and digit of ASCII, one for each that begins a word, 120 bits over which pairs of
//! neighbouring bytes are spread (a name of 45 bytes has a third of them), and two for each of the list's frequent
//! parts ([`Frequent`]): it is there, and it begins a word. A text that lacks a bit of a word does not contain it;
//! one that has them all may contain it. For one letter, digit or frequent part that is exact.

use super::frequent::{Frequent, MOST};

/// The bits of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature([u64; WORDS]);

/// How many letters and digits there are.
const LETTERS: usize = 36;
/// From this bit on stand those that begin words.
const STARTS: usize = LETTERS;
/// From here on stand the pairs.
const PAIRS: usize = STARTS + LETTERS;
/// From here on the frequent parts.
const PARTS: usize = PAIRS + 120;
/// And from here on those that begin words.
const PART_STARTS: usize = PARTS + MOST;
/// So many bits there are.
pub(super) const BITS: usize = PART_STARTS + MOST;
const WORDS: usize = BITS.div_ceil(64);
const _: () = assert!(BITS == WORDS * 64, "none is wasted");

/// The bits of something that is known exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    /// It is in the text.
    pub(super) inside: usize,
    /// It begins a word of it.
    pub(super) start: usize,
}

impl Exact {
    /// Of a text of one letter or digit, or of a frequent part.
    pub(super) fn of(text: &str, frequent: &Frequent) -> Option<Self> {
        if let [byte] = *text.as_bytes() {
            return letter(byte).map(|number| Self { inside: number, start: STARTS + number });
        }
        frequent.find(text.as_bytes()).map(Self::of_part)
    }

    /// Of what a text begins with.
    pub(super) fn beginnings(text: &str, frequent: &Frequent) -> impl Iterator<Item = Self> {
        let parts = frequent.beginning(text.as_bytes()).map(Self::of_part);
        text.get(..1).and_then(|first| Self::of(first, frequent)).into_iter().chain(parts)
    }

    fn of_part(number: usize) -> Self {
        Self { inside: PARTS + number, start: PART_STARTS + number }
    }
}

impl Signature {
    /// The signature of a folded name.
    pub(super) fn of_name(name: &str, frequent: &Frequent) -> Self {
        Self::of(name, true, frequent)
    }

    /// That of a part of folded names, of which nobody knows whether it begins a word.
    pub(super) fn of_part(part: &str, frequent: &Frequent) -> Self {
        Self::of(part, false, frequent)
    }

    fn of(text: &str, begins_word: bool, frequent: &Frequent) -> Self {
        let mut signature = Self::default();
        let (bytes, mut is_start) = (text.as_bytes(), begins_word);
        for (at, &byte) in bytes.iter().enumerate() {
            let rest = &bytes[at..];
            if let Some(number) = letter(byte) {
                signature.set(number);
                if is_start {
                    signature.set(STARTS + number);
                }
            }
            if let [one, other, ..] = *rest {
                signature.set(pair(one, other));
            }
            for number in frequent.beginning(rest) {
                signature.set(PARTS + number);
                if is_start {
                    signature.set(PART_STARTS + number);
                }
            }
            is_start = match byte {
                0..0x80 => !byte.is_ascii_alphanumeric(),
                // In the middle of a character nothing begins.
                _ => text.is_char_boundary(at + 1) && !ends_with_alphanumeric(&text[..=at]),
            };
        }
        signature
    }

    /// The numbers of its bits.
    pub(super) fn bits(self) -> impl Iterator<Item = usize> {
        (0..).zip(self.0).flat_map(|(word, mut bits): (usize, u64)| {
            std::iter::from_fn(move || {
                let bit = (bits != 0).then_some(bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }

    /// The bits that both have.
    pub(super) fn common(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// The bits of both.
    pub(super) fn with(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Whether a text with this signature may contain what the other one is of.
    #[cfg(test)]
    fn may_contain(self, other: Self) -> bool {
        self.common(other) == other
    }

    fn set(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }
}

fn letter(byte: u8) -> Option<usize> {
    match byte {
        b'a'..=b'z' => Some(usize::from(byte - b'a')),
        b'0'..=b'9' => Some(26 + usize::from(byte - b'0')),
        _ => None,
    }
}

fn pair(one: u8, other: u8) -> usize {
    let spread = (u32::from(one) << 8 | u32::from(other)).wrapping_mul(0x9E37_79B9);
    PAIRS + (((spread >> 16) as usize * (PARTS - PAIRS)) >> 16)
}

fn ends_with_alphanumeric(text: &str) -> bool {
    text.chars().next_back().is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_contained_may_be_contained(before in "\\PC{0,20}", word in "[ab. é]{0,6}|\\PC{0,8}", after in "\\PC{0,20}") {
            let frequent = Frequent::these(&["ab", "ba", "aab", "bé"]);
            let text = format!("{before}{word}{after}");
            let (name, part) = (Signature::of_name(&text, &frequent), Signature::of_part(&word, &frequent));
            prop_assert!(name.may_contain(part));
        }

        #[test]
        fn what_is_exact_is_found_exactly(text in "[a-c0-1é中_ .]{0,9}") {
            let frequent = Frequent::these(&["ab", "abc", "a0", "cab", "éa"]);
            let signature: Vec<_> = Signature::of_name(&text, &frequent).bits().collect();
            for part in ["a", "b", "0", "1", "z", "ab", "abc", "a0", "cab", "éa"] {
                let exact = Exact::of(part, &frequent).expect("a letter or frequent");
                let mut places = text.match_indices(part).map(|(at, _)| &text[..at]);
                let starts = places.clone().any(|before| !ends_with_alphanumeric(before));
                prop_assert_eq!(signature.contains(&exact.inside), places.next().is_some(), "{}", part);
                prop_assert_eq!(signature.contains(&exact.start), starts, "{} begins a word", part);
            }
        }
    }

    #[test]
    fn most_of_what_is_not_contained_is_ruled_out() {
        let none = Frequent::default();
        let names: Vec<String> =
            (0..1_000_u32).map(|n| format!("annual report {n} of the harbour.pdf")).collect();
        for (word, most) in [("sunset", 0), ("quartz", 0), ("reports", 0), ("harbor", 1_000), ("98765", 10)] {
            let part = Signature::of_part(word, &none);
            let may = names.iter().filter(|name| Signature::of_name(name, &none).may_contain(part)).count();
            assert!(may <= most, "{word}: {may}");
        }
        for text in ["ab", "é", ""] {
            assert_eq!(Exact::of(text, &none), None, "{text}");
        }
    }
}
