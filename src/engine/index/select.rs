//! The groups of a page, selected out of all as they come.
//!
//! Invariant: never more groups are kept than twice those up to the end of the page, and none for a page that
//! begins behind [`Index::MAX_OFFSET`]; whatever comes behind the end is let go without a look at its name, for each
//! group has a number that goes by the order.

use super::Index;
use super::hits::{Group, Hit, Searched};
use super::page::{Direction, Page, Sort, SortKey};
use super::query::{BestRanks, Rank};
use std::cmp::Ordering;

/// At least so many are kept before it is worth while to let some go.
const MIN_KEPT: usize = 512;

/// Whether it fades, what it is sorted by, and what follows of the order.
type Key = (bool, u64, u64);

/// What a page has so far.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    searched: &'a Searched<'a>,
    page: Page,
    best_ranks: BestRanks,
    /// How many groups there are up to the end of the page.
    end: usize,
    kept: Vec<Kept>,
    /// The last of the best `end`, once there are so many.
    last: Option<Kept>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    /// The beginning of the order: who has the smaller one comes first, of equal ones it says nothing.
    key: Key,
    /// The same with as much of its name's number as all hits have: most are let go by that.
    short_key: Key,
    best: Hit,
    first: Hit,
}

/// A group of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selected {
    /// The file that fits best.
    pub(super) best: Hit,
    /// The one that was found first.
    pub(super) first: Hit,
}

impl<'a> Selection<'a> {
    /// Nothing yet.
    pub(super) fn new(searched: &'a Searched<'a>, page: Page) -> Self {
        let limit = page.limit.min(Index::MAX_RESULTS) as usize;
        let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let is_empty = limit == 0 || page.offset > Index::MAX_OFFSET;
        let end = if is_empty { 0 } else { offset.saturating_add(limit) };
        Self { searched, page, best_ranks: searched.query.best_ranks(), end, kept: Vec::new(), last: None }
    }

    /// Takes a group, which so many peers have; they are asked for only when it is sorted by them.
    pub(super) fn offer(&mut self, group: &Group<'_>, sources: usize) {
        if self.end == 0 {
            return;
        }
        // The one that fits best has one of these numbers, or a larger one.
        if self.last.is_some()
            && group.all(|file| self.is_behind(self.key(file, sources, self.best_rank(file))))
        {
            return;
        }
        let best = group.best(self.searched);
        let rank = self.searched.rank(best);
        let short_key = self.key(best, sources, rank);
        if self.is_behind(short_key) {
            return;
        }
        let best = self.searched.looked_at(best);
        let key = self.key(best, sources, rank);
        let kept = Kept { key, short_key, best, first: group.first() };
        if self.last.is_some_and(|last| self.order(kept, last) == Ordering::Greater) {
            return;
        }
        self.kept.push(kept);
        if self.kept.len() >= self.end.saturating_mul(2).max(MIN_KEPT) {
            self.let_go();
        }
    }

    /// Whether what has this key, with as much of its name's number as all have, is not on the page.
    fn is_behind(&self, key: Key) -> bool {
        self.last.is_some_and(|last| key > last.short_key)
    }

    /// A bound for what stands first in the order, that costs next to nothing.
    fn best_rank(&self, file: Hit) -> Rank {
        match self.page.sort {
            // The worst come first.
            Sort { key: SortKey::Relevance, direction: Direction::Descending } => Rank::Inside,
            _ => file.rank.unwrap_or_else(|| self.best_ranks.of(file.name)),
        }
    }

    /// Takes what was selected out of other groups.
    pub(super) fn join(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.let_go();
    }

    /// The page's groups, in its order.
    pub(super) fn page(mut self) -> Vec<Selected> {
        self.let_go();
        let offset = usize::try_from(self.page.offset).unwrap_or(usize::MAX);
        let mut kept = std::mem::take(&mut self.kept);
        if offset >= kept.len() {
            return Vec::new();
        }
        if offset > 0 {
            kept.select_nth_unstable_by(offset, |one, other| self.order(*one, *other));
        }
        let part = &mut kept[offset..];
        part.sort_unstable_by(|one, other| self.order(*one, *other));
        part.iter().map(|kept| Selected { best: kept.best, first: kept.first }).collect()
    }

    fn let_go(&mut self) {
        if self.kept.len() <= self.end {
            return;
        }
        let mut kept = std::mem::take(&mut self.kept);
        let (_, last, _) = kept.select_nth_unstable_by(self.end - 1, |one, other| self.order(*one, *other));
        self.last = Some(*last);
        kept.truncate(self.end);
        self.kept = kept;
    }

    fn order(&self, one: Kept, other: Kept) -> Ordering {
        let by_name = || match self.page.sort.key {
            SortKey::Name => {
                let names = self.searched.natural(one.best).cmp(&self.searched.natural(other.best));
                if self.is_descending() { names.reverse() } else { names }
            }
            // Of these the number says all.
            SortKey::Relevance | SortKey::Size | SortKey::Sources | SortKey::Type => Ordering::Equal,
        };
        one.key.cmp(&other.key).then_with(by_name).then_with(|| self.searched.order(one.best, other.best))
    }

    /// What it is sorted by, then rank and name, as far as numbers say it.
    fn key(&self, best: Hit, sources: usize, rank: Rank) -> Key {
        let turned = |value: u64| if self.is_descending() { !value } else { value };
        // The rank above, the beginning of the name below.
        let ties = || (rank as u64) << 56 | best.name >> 8;
        let (sorted, then) = match self.page.sort.key {
            SortKey::Relevance => (turned(rank as u64), best.name),
            SortKey::Name => (turned(best.name), 0),
            SortKey::Size => (turned(self.searched.row(best).size), ties()),
            SortKey::Sources => (turned(sources as u64), ties()),
            SortKey::Type => (turned(best.class.kind() as u64), ties()),
        };
        (self.searched.fades(best), sorted, then)
    }

    fn is_descending(&self) -> bool {
        self.page.sort.direction == Direction::Descending
    }
}

#[cfg(test)]
mod tests {
    use super::super::find::{Groups, find};
    use super::super::hits::Hits;
    use super::super::tests::{files, with};
    use super::super::{Alone, ChosenPeers, Query};
    use super::*;

    impl Groups for Selection<'_> {
        fn take(&mut self, group: &Group<'_>) {
            self.offer(group, 1);
        }
    }

    #[test]
    fn nothing_is_kept_for_a_page_too_far_behind() {
        let index = with(&files(0..3));
        let query = Query::parse("file").expect("a query");
        let lists = index.present_lists().map(|(peer, list)| (*peer, list)).collect();
        let searched = Searched::new(&query, lists, 1, &index.contents);
        let kept = |offset| {
            let new = || Selection::new(&searched, Page { offset, ..Page::from(10) });
            let found = find(&searched, &ChosenPeers::default(), false, &Alone, &|| false, &new);
            let (hits, mut selections) = found.expect("not given up");
            let selection = &mut selections[0];
            hits.iter().flat_map(Hits::groups).for_each(|group| selection.offer(&group, 1));
            selection.kept.len()
        };
        assert_eq!([0, Index::MAX_OFFSET, Index::MAX_OFFSET + 1, u64::MAX].map(kept), [3, 3, 0, 0]);
        // The others are counted all the same.
        let matches =
            |offset| index.search(&query, &ChosenPeers::default(), Page { offset, ..Page::from(10) });
        let (first, far) = (matches(0), matches(u64::MAX));
        assert_eq!((far.total, &far.facets, far.results.len()), (3, &first.facets, 0));
    }
}
