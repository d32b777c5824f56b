//! How a name is spelled, told by how it differs from its folded form: of most names a few capitals and accents,
//! so that the names themselves need not be kept beside the folded ones.
//!
//! The changes go from the front to the back. One byte says what is done (the upper two bits) and how many bytes of
//! the folded name stay as they are before that:
//!
//! - 0: nothing, for there are more such bytes than fit into the number;
//! - 1: the next byte is a capital;
//! - 2: a character takes the place of as many bytes as the next two bits say; it follows as UTF-8;
//! - 3: the name follows as it is. That is how a name is told that the others do not fit.
//!
//! What is absent on purpose: folding. A spelling is read without knowing how names are folded.

use std::borrow::Cow;
use std::string::FromUtf8Error;

const NOTHING: u8 = 0;
const CAPITAL: u8 = 1 << 6;
const CHARACTER: u8 = 2 << 6;
const WHOLE: u8 = 3 << 6;
const KINDS: u8 = WHOLE;
/// The most bytes that stay before a capital.
const MOST_BEFORE_CAPITAL: usize = 63;
/// The most bytes that stay before a character.
const MOST_BEFORE_CHARACTER: usize = 15;
/// How far up the number of bytes stands that a character takes the place of.
const PLACE: u8 = 4;

/// The spelling of a name; empty if it is spelled as it is folded.
pub(super) fn spelling(name: &str, folded: &str) -> Vec<u8> {
    if name == folded {
        return Vec::new();
    }
    changes(name, folded.as_bytes()).unwrap_or_else(|| [&[WHOLE], name.as_bytes()].concat())
}

/// The name that is spelled so.
pub(super) fn spelled<'a>(folded: &'a str, spelling: &'a [u8]) -> Cow<'a, str> {
    if let [WHOLE, name @ ..] = spelling {
        return String::from_utf8_lossy(name);
    }
    if spelling.is_empty() {
        return Cow::Borrowed(folded);
    }
    let (mut name, mut rest, mut changes) = (Vec::new(), folded.as_bytes(), spelling);
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count.min(rest.len()));
        rest = left;
        taken
    };
    while let [change, behind @ ..] = changes {
        changes = behind;
        match change & KINDS {
            CHARACTER => {
                name.extend(take(usize::from(*change) % (1 << PLACE)));
                take(usize::from((change & !KINDS) >> PLACE));
                let (character, behind) = changes.split_at(length(changes).min(changes.len()));
                name.extend(character);
                changes = behind;
            }
            kind => {
                name.extend(take(usize::from(change & !KINDS)));
                let capitals = usize::from(kind == CAPITAL);
                name.extend(take(capitals).iter().map(u8::to_ascii_uppercase));
            }
        }
    }
    name.extend(take(usize::MAX));
    // Whatever a spelling says, what comes out is a text.
    let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    Cow::Owned(String::from_utf8(name).unwrap_or_else(lossy))
}

/// The changes; `None` if there are no such ones.
fn changes(name: &str, folded: &[u8]) -> Option<Vec<u8>> {
    let (mut changes, mut at, mut same) = (Vec::new(), 0, 0);
    for character in name.chars() {
        let mut room = [0; 4];
        let bytes = character.encode_utf8(&mut room).as_bytes();
        let rest = folded.get(at..)?;
        if rest.starts_with(bytes) {
            (at, same) = (at + bytes.len(), same + bytes.len());
            continue;
        }
        let (kind, most) = match character {
            'A'..='Z' => (CAPITAL, MOST_BEFORE_CAPITAL),
            _ => (CHARACTER, MOST_BEFORE_CHARACTER),
        };
        while same > most {
            let skipped = same.min(MOST_BEFORE_CAPITAL);
            changes.push(NOTHING | u8::try_from(skipped).ok()?);
            same -= skipped;
        }
        if kind == CAPITAL {
            if rest.first() != Some(&bytes[0].to_ascii_lowercase()) {
                return None;
            }
            changes.push(CAPITAL | u8::try_from(same).ok()?);
            at += 1;
        } else {
            // Any place will do as long as the name comes out: of an accent none, or else that of one character.
            let place = if is_accent(character) { 0 } else { length(rest) };
            let place_bits = u8::try_from(place).ok().filter(|place| *place < 4)? << PLACE;
            changes.push(CHARACTER | place_bits | u8::try_from(same).ok()?);
            changes.extend(bytes);
            at += place;
        }
        same = 0;
    }
    (at == folded.len() && changes.len() <= name.len()).then_some(changes)
}

/// An accent that stands behind its letter, as some file systems have them.
fn is_accent(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

/// The bytes of the character that a text begins with.
fn length(text: &[u8]) -> usize {
    match text.first() {
        None => 0,
        Some(0..0xC0) => 1,
        Some(0xC0..0xE0) => 2,
        Some(0xE0..0xF0) => 3,
        Some(0xF0..) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::fold_name;
    use super::*;
    use proptest::prelude::*;

    fn bytes_of(name: &str) -> usize {
        let folded = fold_name(name);
        let spelling = spelling(name, &folded);
        assert_eq!(spelled(&folded, &spelling), name);
        spelling.len()
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_were_written(name in "[A-Cé_ ]{0,200}|[aBÇãЖЖжa\u{303}ﬁ한\u{200b}🐟🐠ǅ.]{0,40}|\\PC{0,40}") {
            bytes_of(&name);
        }

        #[test]
        fn whatever_is_read_is_a_text(folded in "\\PC{0,20}", spelling in any::<Vec<u8>>()) {
            drop(spelled(&folded, &spelling));
        }
    }

    #[test]
    fn most_are_told_in_a_few_bytes() {
        let cases = [
            ("report.pdf", 0),
            ("IMG_2041.JPG", 6),
            ("Relatório da seção norte.pdf", 1 + 3 + 3 + 3),
            ("Отчёт.pdf", 3 + 3),
            ("annual report of the harbour and of all that is in it, second copy, Final.PDF", 2 + 3),
        ];
        for (name, expected) in cases {
            assert_eq!(bytes_of(name), expected, "{name}");
        }
        assert_eq!(bytes_of("ﬁsh"), 1 + "ﬁsh".len(), "a whole name");
        assert_eq!(bytes_of(&"é".repeat(500)), 1 + 1000, "its folded form is cut off");
    }
}
