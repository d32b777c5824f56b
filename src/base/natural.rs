//! The order of names as a person counts: `take 2` before `take 10`.
//!
//! Digits in a row are one number, of whatever length; everything else goes by its bytes. Texts that differ only in
//! zeros before a number go by their bytes too, so that different texts are never equal.

use std::cmp::Ordering;

/// A text in that order; what it is to be blind to (case, accents) is folded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Natural<'a>(pub &'a [u8]);

impl PartialOrd for Natural<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // Most that are compared to the end are the same name in two shares.
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        natural_order(self.0, other.0, |byte| byte)
    }
}

/// The order of two texts after each byte was mapped, without making the mapped texts. Digits must stay what they are.
pub fn natural_order(one: &[u8], other: &[u8], map: impl Fn(u8) -> u8) -> Ordering {
    let (mut own, mut theirs) = (one, other);
    while let ([first, rest @ ..], [their_first, their_rest @ ..]) = (own, theirs) {
        let order = if first.is_ascii_digit() && their_first.is_ascii_digit() {
            let (number, their_number);
            (number, own) = number_of(own);
            (their_number, theirs) = number_of(theirs);
            number.len().cmp(&their_number.len()).then_with(|| number.cmp(their_number))
        } else {
            (own, theirs) = (rest, their_rest);
            map(*first).cmp(&map(*their_first))
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    let mapped = |text: &[u8]| text.iter().map(|byte| map(*byte)).cmp(other.iter().map(|byte| map(*byte)));
    own.len().cmp(&theirs.len()).then_with(|| mapped(one))
}

/// The digits at the beginning without the zeros before them, and what follows.
fn number_of(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    (&digits[zeros..], rest)
}

/// The beginning of a text as a number that goes by the order: who has the smaller one comes first, of equal ones it
/// says nothing. Its first byte is that of the text, or a digit, if the text begins with one.
#[must_use]
pub fn natural_beginning(text: &[u8]) -> u64 {
    if let Some(first) = text.first_chunk::<8>()
        && !first.iter().fold(false, |any, byte| any | byte.is_ascii_digit())
    {
        return u64::from_be_bytes(*first);
    }
    let mut beginning = Beginning { value: 0, room: u64::BITS };
    let mut rest = text;
    while let [byte, behind @ ..] = rest
        && beginning.room > 0
    {
        if byte.is_ascii_digit() {
            let number;
            (number, rest) = number_of(rest);
            beginning.push_number(number);
        } else {
            beginning.push(*byte);
            rest = behind;
        }
    }
    beginning.value
}

/// Bytes in a number, the first one on top.
struct Beginning {
    value: u64,
    /// Bits that are free.
    room: u32,
}

impl Beginning {
    /// What has no room is left out.
    fn push(&mut self, byte: u8) {
        if self.room > 0 {
            self.room -= u8::BITS;
            self.value |= u64::from(byte) << self.room;
        }
    }

    /// First its length, which as a digit stands to other bytes as digits do.
    fn push_number(&mut self, digits: &[u8]) {
        if let Ok(length @ 0..=8) = u8::try_from(digits.len()) {
            self.push(b'0' + length);
        } else {
            let length = u32::try_from(digits.len()).unwrap_or(u32::MAX).to_be_bytes();
            [b'9'].iter().chain(&length).for_each(|byte| self.push(*byte));
        }
        digits.iter().take(8).for_each(|byte| self.push(*byte));
    }
}

/// Whole numbers by their length and digits, other bytes as they are; in the end the text.
#[cfg(test)]
pub(crate) fn natural_parts(text: &str) -> (Vec<(u8, usize, String)>, String) {
    let mut parts: Vec<(u8, usize, String)> = Vec::new();
    let mut is_number = false;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            if !is_number {
                parts.push((b'0', 0, String::new()));
            }
            if let Some((_, length, digits)) = parts.last_mut()
                && (byte != b'0' || *length > 0)
            {
                *length += 1;
                digits.push(char::from(byte));
            }
        } else {
            parts.push((byte, 0, String::new()));
        }
        is_number = byte.is_ascii_digit();
    }
    (parts, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_go_by_their_value() {
        let names = [
            "",
            " ",
            "007",
            "7",
            "8",
            "10",
            "100000000",
            "200000000",
            "1000000000",
            "2026-01-02",
            "2026-1-10",
            "2026-10-01",
            "20260101",
            "a",
            "a-1",
            "a0",
            "a00",
            "a1",
            "a1b",
            "a02",
            "a2",
            "a10",
            "aa",
            "b",
            "take 2.wav",
            "take 10.wav",
            "é1",
        ];
        let mut sorted = names.to_vec();
        sorted.sort_by_key(|name| Natural(name.as_bytes()));
        let mut expected = names.to_vec();
        expected.sort_by_key(|name| natural_parts(name));
        assert_eq!(sorted, expected);
        let place = |name: &str| sorted.iter().position(|other| *other == name);
        for (one, other) in [
            ("take 2.wav", "take 10.wav"),
            ("007", "7"),
            ("7", "10"),
            ("200000000", "1000000000"),
            ("a10", "aa"),
        ] {
            assert!(place(one) < place(other), "{one} before {other}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_order_of_the_parts(own in "[a0-2/:é]{0,12}|[0-9]{0,30}", other in "[a0-2/:é]{0,12}|[0-9]{0,30}") {
            let order = Natural(own.as_bytes()).cmp(&Natural(other.as_bytes()));
            prop_assert_eq!(order, natural_parts(&own).cmp(&natural_parts(&other)));
            let (beginning, others) = (natural_beginning(own.as_bytes()), natural_beginning(other.as_bytes()));
            prop_assert!(beginning.cmp(&others) == order || beginning == others, "{:?} {:?}", own, other);
        }

        #[test]
        fn the_first_byte_is_that_of_the_text_or_a_digit(text in "[a-c0-9.é]{1,12}") {
            let first = text.as_bytes()[0];
            let [found, ..] = natural_beginning(text.as_bytes()).to_be_bytes();
            prop_assert!(found == first || found.is_ascii_digit() && first.is_ascii_digit());
        }
    }
}
