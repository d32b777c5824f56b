//! What waits to be hashed, the most useful first.
//!
//! Invariant: a key waits once. Of those that may be hashed now, what somebody asked for comes before
//! what others have too, and that before everything else; in each, small files before huge ones, and
//! files of about the same size in the order in which they were found, which is the order on the disk.

use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// How many files are hashed before their hashes are saved together.
const MAX_BATCH_FILES: usize = 4096;
/// How many bytes: a tenth of a second of reading.
const MAX_BATCH_BYTES: u64 = 64 * 1024 * 1024;
/// Files below this are alike; above, each doubling comes later.
const SMALL_SHIFT: u32 = 20;

/// Who gains when a file is hashed; the first one gains most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Benefit {
    /// Somebody waits for it.
    Asked,
    /// Others have a file of this name and size: one content of several sources comes of it.
    Elsewhere,
    /// Nobody in particular.
    Ordinary,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// When it has settled; `None`: it has.
    from: Option<Instant>,
    benefit: Benefit,
    class: u8,
}

/// What waits to be hashed.
#[derive(Debug, Default)]
pub(super) struct HashQueue {
    ready: BTreeSet<(Benefit, u8, u64)>,
    later: BTreeSet<(Instant, u64)>,
    by_key: BTreeMap<u64, Slot>,
}

impl HashQueue {
    /// Has a file of so many bytes hashed, from a time on. What was known of its benefit stays.
    pub(super) fn put(&mut self, key: u64, size: u64, from: Option<Instant>) {
        let benefit = self.remove(key).unwrap_or(Benefit::Ordinary);
        self.insert(key, Slot { from, benefit, class: class_of(size) });
    }

    /// Has it hashed at once and before others.
    pub(super) fn hurry(&mut self, key: u64, size: u64, benefit: Benefit) {
        let benefit = self.remove(key).map_or(benefit, |known| known.min(benefit));
        self.insert(key, Slot { from: None, benefit, class: class_of(size) });
    }

    fn insert(&mut self, key: u64, slot: Slot) {
        match slot.from {
            Some(from) => drop(self.later.insert((from, key))),
            None => drop(self.ready.insert((slot.benefit, slot.class, key))),
        }
        self.by_key.insert(key, slot);
    }

    /// Takes it out; gives its benefit.
    pub(super) fn remove(&mut self, key: u64) -> Option<Benefit> {
        let slot = self.by_key.remove(&key)?;
        match slot.from {
            Some(from) => self.later.remove(&(from, key)),
            None => self.ready.remove(&(slot.benefit, slot.class, key)),
        };
        Some(slot.benefit)
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Whether it may be hashed as far as its own times go.
    pub(super) fn is_ready(&self, key: u64) -> bool {
        self.by_key.get(&key).is_some_and(|slot| slot.from.is_none())
    }

    /// Whether the next one is waited for.
    pub(super) fn is_asked(&self) -> bool {
        self.ready.first().is_some_and(|slot| slot.0 == Benefit::Asked)
    }

    /// Those that come last, the last one first.
    pub(super) fn last_ones(&self) -> impl Iterator<Item = u64> {
        self.ready.iter().rev().take_while(|slot| slot.0 == Benefit::Ordinary).map(|slot| slot.2)
    }

    /// When there is something to hash.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        let ready = self.ready.first().map(|_| now);
        ready.or_else(|| self.later.first().map(|(from, _)| *from))
    }

    fn settle(&mut self, now: Instant) {
        while let Some((from, key)) = self.later.first().copied().filter(|(from, _)| *from <= now) {
            self.later.remove(&(from, key));
            if let Some(slot) = self.by_key.get_mut(&key) {
                slot.from = None;
                self.ready.insert((slot.benefit, slot.class, key));
            }
        }
    }

    /// The next batch of what may be hashed now, at most `least` in benefit. `size` gives a file's bytes.
    pub(super) fn take(&mut self, now: Instant, least: Benefit, size: impl Fn(u64) -> u64) -> Vec<u64> {
        self.settle(now);
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some((benefit, _, key)) = self.ready.first().copied() {
            bytes += size(key);
            let full = batch.len() >= MAX_BATCH_FILES || (bytes > MAX_BATCH_BYTES && !batch.is_empty());
            if benefit > least || full {
                break;
            }
            self.remove(key);
            batch.push(key);
        }
        batch
    }
}

fn class_of(size: u64) -> u8 {
    let bits = u64::BITS - (size >> SMALL_SHIFT).leading_zeros();
    u8::try_from(bits).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MIB: u64 = 1024 * 1024;

    fn order(queue: &mut HashQueue, now: Instant) -> Vec<u64> {
        queue.take(now, Benefit::Ordinary, |_| 0)
    }

    #[test]
    fn what_is_asked_for_comes_first_then_what_others_have_then_small_ones() {
        let (mut queue, now) = (HashQueue::default(), Instant::now());
        for (key, size) in [(1, 900 * MIB), (2, 10), (3, 5 * MIB), (4, 100), (5, 800 * MIB), (6, 2 * MIB)] {
            queue.put(key, size, None);
        }
        queue.hurry(5, 800 * MIB, Benefit::Asked);
        queue.hurry(3, 5 * MIB, Benefit::Elsewhere);
        queue.hurry(4, 100, Benefit::Elsewhere);
        assert_eq!(queue.last_ones().collect::<Vec<_>>(), [1, 6, 2]);
        assert_eq!(queue.take(now, Benefit::Asked, |_| 0), [5]);
        assert_eq!(order(&mut queue, now), [4, 3, 2, 6, 1]);
        assert_eq!((order(&mut queue, now), queue.next_at(now)), (vec![], None));
    }

    #[test]
    fn what_is_still_written_waits_unless_somebody_knows_better() {
        let (mut queue, now) = (HashQueue::default(), Instant::now());
        let soon = now + Duration::from_secs(1);
        queue.put(1, 1, Some(soon));
        queue.put(2, 1, Some(soon));
        assert_eq!((order(&mut queue, now), queue.next_at(now)), (vec![], Some(soon)));
        queue.put(2, 1, None);
        assert_eq!(queue.next_at(now), Some(now));
        assert_eq!(order(&mut queue, now), [2]);
        // Changed again: it waits anew, and is still what somebody asked for.
        queue.hurry(1, 1, Benefit::Asked);
        queue.put(1, 1, Some(soon));
        queue.put(3, 1, None);
        assert_eq!(order(&mut queue, now), [3]);
        assert_eq!(queue.take(soon, Benefit::Asked, |_| 0), [1]);
        queue.put(4, 1, Some(soon));
        assert!(queue.contains(4) && queue.remove(4).is_some() && !queue.contains(4));
        assert_eq!(queue.next_at(now), None);
    }

    #[test]
    fn batches_are_bounded_and_a_huge_file_goes_alone() {
        let (mut queue, now) = (HashQueue::default(), Instant::now());
        for key in 0..6_000 {
            queue.put(key, 1, None);
        }
        let mut take = |size: u64| queue.take(now, Benefit::Ordinary, |_| size).len();
        assert_eq!(take(1), MAX_BATCH_FILES);
        assert_eq!(take(40 * MIB), 1);
        assert_eq!(take(400 * MIB), 1);
        assert_eq!(take(20 * MIB), 3);
    }
}
