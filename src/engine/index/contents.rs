//! The contents of all lists by number: a hash stands here once, however many files of however many peers
//! have it, and small dense numbers are grouped, compared and marked faster than hashes.
//!
//! Invariant: the number of each content stands in `slots` at the place that its hash points at or behind
//! it, with no free slot between. What is absent on purpose: counts of references. What no list has any
//! more is found by marking, when there may be much of it ([`super::Index`] says when).

use super::bits::Bits;
use super::column;
use crate::base::ContentId;
use std::hash::{DefaultHasher, Hasher};

/// In place of a number: no content.
pub(super) const NO_CONTENT: u32 = u32::MAX;
/// In `slots`: free.
const FREE: u32 = u32::MAX;
/// The fewest slots that are made.
const MIN_SLOTS: usize = 64;

/// The table.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// Peers choose hashes. Who does not know the seed cannot choose those that meet in one place.
    seed: u64,
    hashes: Vec<ContentId>,
    slots: Vec<u32>,
    /// Those of which some list had two files at once; maybe not any more.
    repeated: Bits,
}

impl Contents {
    /// An empty table.
    pub(super) fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let numbers = self.slots.capacity() * size_of::<u32>();
        self.hashes.capacity() * size_of::<ContentId>() + numbers + self.repeated.bytes()
    }

    /// The content with this number; `None` for [`NO_CONTENT`].
    pub(super) fn get(&self, number: u32) -> Option<ContentId> {
        self.hashes.get(number as usize).copied()
    }

    /// The number of a content, if it has one.
    pub(super) fn find(&self, content: ContentId) -> Option<u32> {
        let number = *self.slots.get(self.slot_of(content)?)?;
        (number != FREE).then_some(number)
    }

    /// The number of a content, which gets one if it has none.
    pub(super) fn number(&mut self, content: ContentId) -> u32 {
        // Above three quarters the ways become long.
        if self.hashes.len() * 4 >= self.slots.len() * 3 {
            self.resize((self.slots.len() + self.slots.len() / 2).max(MIN_SLOTS));
        }
        let Some(slot) = self.slot_of(content) else { return NO_CONTENT };
        if self.slots[slot] == FREE {
            self.slots[slot] = column::number(self.hashes.len());
            column::push(&mut self.hashes, content);
        }
        self.slots[slot]
    }

    /// A list has two files of a content.
    pub(super) fn repeat(&mut self, number: u32) {
        self.repeated.insert_anywhere(number);
    }

    /// The contents of which a list may have two files.
    pub(super) fn repeated(&self) -> &Bits {
        &self.repeated
    }

    /// Forgets all contents but these, and which are repeated. The others are numbered anew in the same order: the
    /// result says how, by their old numbers.
    pub(super) fn retain(&mut self, used: &Bits) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(self.hashes.len());
        let mut kept = 0;
        for old in 0..self.hashes.len() {
            let is_used = used.contains(column::number(old));
            numbers.push(if is_used { column::number(kept) } else { NO_CONTENT });
            if is_used {
                self.hashes[kept] = self.hashes[old];
                kept += 1;
            }
        }
        self.repeated = Bits::default();
        self.hashes.truncate(kept);
        self.hashes.shrink_to_fit();
        self.resize((kept + kept / 2).max(MIN_SLOTS));
        numbers
    }

    fn resize(&mut self, slots: usize) {
        self.slots = vec![FREE; slots];
        for number in 0..self.hashes.len() {
            if let Some(slot) = self.slot_of(self.hashes[number]) {
                self.slots[slot] = column::number(number);
            }
        }
    }

    /// The slot of a content, or the free one where it belongs; `None` if there are no slots yet.
    fn slot_of(&self, content: ContentId) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write(content.as_bytes());
        let product = u128::from(hasher.finish()) * self.slots.len() as u128;
        let mut slot = usize::try_from(product >> 64).ok().filter(|slot| *slot < self.slots.len())?;
        // Ends: a quarter of the slots is free.
        while let number = self.slots[slot]
            && number != FREE
            && self.hashes[number as usize] != content
        {
            slot = if slot + 1 == self.slots.len() { 0 } else { slot + 1 };
        }
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(number: u32) -> ContentId {
        let mut bytes = [0; 32];
        bytes[28..].copy_from_slice(&number.to_be_bytes());
        ContentId::from_bytes(bytes)
    }

    proptest! {
        #[test]
        fn each_content_has_one_number_and_each_number_one_content(
            wanted in proptest::collection::vec(0_u32..500, 0..800), kept in proptest::collection::btree_set(0_u32..500, 0..300),
            seed in any::<u64>()
        ) {
            let mut contents = Contents::seeded(seed);
            let mut reference: Vec<u32> = Vec::new();
            for it in wanted {
                let known = reference.iter().position(|other| *other == it);
                prop_assert_eq!(contents.find(content(it)), known.map(column::number));
                let number = contents.number(content(it));
                if known.is_none() {
                    reference.push(it);
                }
                prop_assert_eq!(contents.get(number), Some(content(it)));
            }
            prop_assert_eq!(contents.len(), reference.len());
            let mut used = Bits::below(contents.len());
            for it in &kept {
                if let Some(number) = contents.find(content(*it)) {
                    used.insert(number);
                }
            }
            let numbers = contents.retain(&used);
            for (old, it) in reference.iter().enumerate() {
                let now = contents.find(content(*it));
                prop_assert_eq!(now.is_some(), kept.contains(it));
                prop_assert_eq!(now.unwrap_or(NO_CONTENT), numbers[old]);
                prop_assert_eq!(now.and_then(|number| contents.get(number)), now.map(|_| content(*it)));
            }
            prop_assert!(numbers.iter().filter(|it| **it != NO_CONTENT).is_sorted(), "in the same order");
        }
    }

    #[test]
    fn without_contents_nothing_is_found() {
        assert_eq!(Contents::default().find(content(1)), None);
        assert_eq!(Contents::default().get(NO_CONTENT), None);
    }
}
