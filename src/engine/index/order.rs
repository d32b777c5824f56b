//! The rows of a list in the order of a value that each has, for look-ups by binary search.
//!
//! Four bytes a row, and nothing that a peer can unbalance by what it chooses. New rows that do not belong
//! at the end wait in a small tree until there are enough to merge them. Rows are never taken out: who
//! looks up passes over those that are gone ([`Order::retain`] forgets them).

use super::column;
use std::collections::BTreeSet;

/// At least so many rows wait before they are merged, or a sixteenth of all.
const MIN_RECENT: usize = 1024;

/// The rows in the order of their `K`s. What a row's is, is said by whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Order<K> {
    rows: Vec<u32>,
    recent: BTreeSet<(K, u32)>,
}

impl<K> Default for Order<K> {
    fn default() -> Self {
        Self { rows: Vec::new(), recent: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Order<K> {
    /// These rows, in their order.
    pub(super) fn of(value_of: impl Fn(u32) -> K, rows: impl Iterator<Item = u32>) -> Self {
        let mut rows: Vec<u32> = rows.collect();
        rows.sort_by_key(|row| value_of(*row));
        rows.shrink_to_fit();
        Self { rows, recent: BTreeSet::new() }
    }

    /// The memory that it takes, without what waits.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<u32>()
    }

    /// Takes in a row that has its value. The value must not change afterwards.
    pub(super) fn insert(&mut self, value_of: impl Fn(u32) -> K, row: u32) {
        let value = value_of(row);
        let is_last = self.rows.last().is_none_or(|last| (value_of(*last), *last) < (value, row));
        if is_last && self.recent.is_empty() {
            column::push(&mut self.rows, row);
            return;
        }
        self.recent.insert((value, row));
        if self.recent.len() > MIN_RECENT.max(self.rows.len() / 16) {
            self.settle(value_of);
        }
    }

    /// Of the rows with this value, the one that came last.
    pub(super) fn last(&self, value_of: impl Fn(u32) -> K, value: K) -> Option<u32> {
        if let Some((_, row)) = self.recent.range((value, 0)..=(value, u32::MAX)).next_back() {
            return Some(*row);
        }
        let end = match self.rows.last() {
            // Values mostly come in their order.
            Some(last) if value_of(*last) < value => return None,
            _ => self.rows.partition_point(|row| value_of(*row) <= value),
        };
        let row = *self.rows.get(end.checked_sub(1)?)?;
        (value_of(row) == value).then_some(row)
    }

    /// The rows with this value.
    pub(super) fn with(&self, value_of: impl Fn(u32) -> K, value: K) -> impl Iterator<Item = u32> {
        let start = self.rows.partition_point(|row| value_of(*row) < value);
        let settled = self.rows[start..].iter().take_while(move |row| value_of(**row) == value);
        let recent = self.recent.range((value, 0)..=(value, u32::MAX)).map(|(_, row)| *row);
        settled.copied().chain(recent)
    }

    /// All rows in their order.
    pub(super) fn all(&self, value_of: impl Fn(u32) -> K) -> impl Iterator<Item = u32> {
        let mut settled = self.rows.iter().copied().peekable();
        let mut recent = self.recent.iter().copied().peekable();
        std::iter::from_fn(move || match (settled.peek(), recent.peek()) {
            (Some(row), Some(other)) if (value_of(*row), *row) > *other => recent.next().map(|(_, row)| row),
            (Some(_), _) => settled.next(),
            (None, _) => recent.next().map(|(_, row)| row),
        })
    }

    /// Merges what waits.
    pub(super) fn settle(&mut self, value_of: impl Fn(u32) -> K) {
        if !self.recent.is_empty() {
            let mut rows = Vec::with_capacity(self.rows.len() + self.recent.len());
            rows.extend(self.all(value_of));
            *self = Self { rows, recent: BTreeSet::new() };
        }
    }

    /// Forgets all rows but these.
    pub(super) fn retain(&mut self, value_of: impl Fn(u32) -> K, mut is_kept: impl FnMut(u32) -> bool) {
        self.settle(value_of);
        self.rows.retain(|row| is_kept(*row));
    }

    /// Gives back the room for more rows.
    pub(super) fn shrink(&mut self, value_of: impl Fn(u32) -> K) {
        self.settle(value_of);
        self.rows.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(order: &Order<u8>, column: &[u8], taken: &[u32]) -> Result<(), TestCaseError> {
        let mut all: Vec<(u8, u32)> = taken.iter().map(|row| (column[*row as usize], *row)).collect();
        all.sort_unstable();
        let rows: Vec<u32> = all.iter().map(|(_, row)| *row).collect();
        prop_assert_eq!(order.all(|row| column[row as usize]).collect::<Vec<_>>(), rows);
        for value in 0..12 {
            let mut with: Vec<u32> = order.with(|row| column[row as usize], value).collect();
            with.sort_unstable();
            let expected: Vec<u32> =
                all.iter().filter(|(other, _)| *other == value).map(|(_, row)| *row).collect();
            prop_assert_eq!(order.last(|row| column[row as usize], value), expected.last().copied());
            prop_assert_eq!(with, expected);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn it_is_what_sorting_gives(values in proptest::collection::vec(0_u8..10, 0..60), settled in any::<u64>()) {
            let mut order = Order::default();
            let mut taken = Vec::new();
            for row in 0..values.len() {
                let row = column::number(row);
                order.insert(|row| values[row as usize], row);
                taken.push(row);
                if settled >> row & 1 == 1 {
                    order.settle(|row| values[row as usize]);
                }
                check(&order, &values, &taken)?;
            }
            check(&Order::of(|row| values[row as usize], taken.iter().copied()), &values, &taken)?;
            order.retain(|row| values[row as usize], |row| row % 3 != 0);
            taken.retain(|row| row % 3 != 0);
            check(&order, &values, &taken)?;
        }
    }

    #[test]
    fn many_that_come_backwards_are_merged() {
        let values: Vec<u64> = (0..20_000).rev().collect();
        let mut order = Order::default();
        for row in 0..20_000 {
            order.insert(|row| values[row as usize], row);
        }
        assert!(order.recent.len() <= MIN_RECENT.max(20_000 / 16));
        assert!(order.all(|row| values[row as usize]).eq((0..20_000).rev()));
    }
}
