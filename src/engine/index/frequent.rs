//! The parts of two or three letters that many names of a list have in them: who looks for one of them looks for
//! much, and need not look at a single name.
//!
//! Invariant: each is of letters and digits alone, so that it never overlaps itself from the beginning of a word.

use std::cmp::Reverse;

/// The most parts of a list.
pub(super) const MOST: usize = 96;
/// Of these, so many may be of two letters: there are few such, and they are in nearly all names.
const MOST_PAIRS: usize = 24;
/// What is in fewer than one of so many names is quickly found by looking at them.
const RARE: usize = 64;
/// So many names say enough of all.
const SAMPLE: usize = 1_024;
/// The slots of the table: far more than parts.
const SLOTS: usize = 4_096;

/// The parts, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Frequent {
    /// As numbers; see [`packed`].
    parts: Vec<u32>,
    /// One more than the number of a part, by its hash; 0: none.
    slots: Vec<u8>,
}

impl Frequent {
    /// Those of these names.
    pub(super) fn among<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let step = names.len().div_ceil(SAMPLE).max(1);
        let (mut parts, mut all) = (Vec::new(), 0);
        for name in names.step_by(step) {
            all += 1;
            for (at, _) in name.char_indices() {
                let of = |length| name.get(at..at + length);
                let of_letters = [of(2), of(3)].into_iter().flatten().filter(|part| is_of_letters(part));
                parts.extend(of_letters.map(|part| packed(part.as_bytes())));
            }
        }
        parts.sort_unstable();
        let runs = parts.chunk_by(PartialEq::eq).filter(|run| run.len() * RARE >= all);
        let mut often: Vec<_> = runs.map(|run| (Reverse(run.len()), run[0])).collect();
        often.sort_unstable();
        let often = || often.iter().map(|(_, part)| *part);
        let pairs = often().filter(|part| is_pair(*part)).take(MOST_PAIRS);
        Self::of(pairs.chain(often().filter(|part| !is_pair(*part))))
    }

    /// These, as numbers; not more than there may be.
    fn of(parts: impl Iterator<Item = u32>) -> Self {
        let mut frequent = Self { parts: Vec::new(), slots: vec![0; SLOTS] };
        for part in parts.take(MOST) {
            let slot = &mut frequent.slots[slot_of(part)];
            // Of two in one slot the first one stays.
            if *slot == 0 {
                frequent.parts.push(part);
                *slot = u8::try_from(frequent.parts.len()).unwrap_or(0);
            }
        }
        frequent
    }

    /// These.
    #[cfg(test)]
    pub(super) fn these(parts: &[&str]) -> Self {
        Self::of(parts.iter().map(|part| packed(part.as_bytes())))
    }

    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.parts.capacity() * size_of::<u32>() + self.slots.capacity()
    }

    /// The number of a part.
    pub(super) fn find(&self, part: &[u8]) -> Option<usize> {
        if matches!(part.len(), 2 | 3) { self.number(packed(part)) } else { None }
    }

    /// The numbers of those that a text begins with.
    pub(super) fn beginning(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let of = |length| text.get(..length).and_then(|part| self.find(part));
        [of(2), of(3)].into_iter().flatten()
    }

    fn number(&self, part: u32) -> Option<usize> {
        let number = usize::from(*self.slots.get(slot_of(part))?).checked_sub(1)?;
        (self.parts[number] == part).then_some(number)
    }
}

/// At most three bytes as one number. No name has a NUL in it.
fn packed(part: &[u8]) -> u32 {
    part.iter().fold(0, |packed, byte| packed << 8 | u32::from(*byte))
}

fn is_pair(part: u32) -> bool {
    part < 1 << 16
}

fn is_of_letters(part: &str) -> bool {
    part.chars().all(char::is_alphanumeric)
}

fn slot_of(part: u32) -> usize {
    part.wrapping_mul(0x9E37_79B9) as usize >> (u32::BITS - SLOTS.ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_names_have_is_frequent() {
        let names: Vec<String> = (0..50_000).map(|n| format!("canção nº {n}.pdf")).collect();
        let folded: Vec<String> = names.iter().map(|name| super::super::fold(name)).collect();
        let frequent = Frequent::among(folded.iter().map(String::as_str));
        for part in ["can", "nca", "cao", "pdf", "ca", "no"] {
            assert!(frequent.find(part.as_bytes()).is_some(), "{part}");
        }
        for part in ["o n", ".pd", "xyz", "c", "canc", ""] {
            assert_eq!(frequent.find(part.as_bytes()), None, "{part:?}");
        }
        let numbers: Vec<_> = frequent.beginning(b"cancao").collect();
        assert_eq!(
            numbers,
            [frequent.find(b"ca"), frequent.find(b"can")].map(|number| number.expect("both"))
        );
        assert!(Frequent::among([].into_iter()).find(b"ca").is_none());
    }

    #[test]
    fn there_are_never_too_many() {
        let letters = || 'a'..='z';
        let all: String = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}{b}"))).collect();
        let frequent = Frequent::among([all.as_str()].into_iter());
        assert!(frequent.parts.len() <= MOST && frequent.parts.len() > MOST / 2, "{}", frequent.parts.len());
    }
}
