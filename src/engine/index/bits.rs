//! A set of small numbers, one bit for each: a million of them take 125 kB and are cleared in no time.

/// The set.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// No number yet; room for the numbers below `limit`.
    pub(super) fn below(limit: usize) -> Self {
        Self(vec![0; limit.div_ceil(64)])
    }

    /// Takes a number in; whether it is new.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = place(number);
        let Some(word) = self.0.get_mut(word) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Takes a number in, making room for it; whether it is new.
    pub(super) fn insert_anywhere(&mut self, number: u32) -> bool {
        let (word, _) = place(number);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.insert(number)
    }

    /// Takes in what two sets have in common, and all of `more` in there: the numbers that were seen twice.
    pub(super) fn insert_common(&mut self, seen: &mut Self, more: &Self) {
        for ((twice, seen), more) in self.0.iter_mut().zip(&mut seen.0).zip(&more.0) {
            *twice |= *seen & more;
            *seen |= more;
        }
    }

    /// Takes in all numbers of another set that there is room for.
    pub(super) fn insert_all(&mut self, more: &Self) {
        for (own, more) in self.0.iter_mut().zip(&more.0) {
            *own |= more;
        }
    }

    /// How many numbers of 64 bits it is.
    pub(super) fn words(&self) -> usize {
        self.0.len()
    }

    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }

    /// Whether the number is in it.
    pub(super) fn contains(&self, number: u32) -> bool {
        let (word, bit) = place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

const fn place(number: u32) -> (usize, u64) {
    (number as usize / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_in_once() {
        let mut bits = Bits::below(130);
        for number in [0, 63, 64, 129] {
            assert!(!bits.contains(number));
            assert!(bits.insert(number), "{number} is new");
            assert!(!bits.insert(number), "{number} is there");
        }
        let all: Vec<u32> = (0..300).filter(|number| bits.contains(*number)).collect();
        assert_eq!(all, [0, 63, 64, 129]);
        assert!(!bits.insert(1_000), "beyond its room there is nothing");
        bits.insert_anywhere(1_000);
        assert!(bits.contains(1_000) && bits.contains(129) && !bits.contains(999));
    }
}
