//! The results that are there, in pages.

use super::{MAX_PAGES, MAX_SHOWN, PAGE};
use cardume::node::Page;
use cardume::wire::index::Found;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The results that are there, in pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    /// How many there are in all, as far as they can be shown.
    pub(super) len: usize,
    pub(super) pages: BTreeMap<u32, Loaded>,
    /// Pages of the last search that are under way.
    pub(super) asked: BTreeSet<u32>,
}

/// A page that is there.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// Of which search.
    pub(super) number: u64,
    /// From its beginning on; an answer that would be too long is cut.
    pub(super) found: Vec<Found>,
    /// There was no more when more was asked for.
    pub(super) is_over: bool,
}

/// The page that a result lies in, and where in it.
pub(super) fn place(result: usize) -> (u32, usize) {
    let page = PAGE as usize;
    (u32::try_from(result / page).unwrap_or(u32::MAX), result % page)
}

impl Results {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The result with this number, if its page is there.
    pub(crate) fn get(&self, result: usize) -> Option<&Found> {
        let (page, within) = place(result);
        self.pages.get(&page)?.found.get(within).filter(|_| result < self.len)
    }

    /// Those that are there, with their numbers.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = (usize, &Found)> {
        let first = |page: u32| page as usize * PAGE as usize;
        self.pages.iter().flat_map(move |(page, loaded)| (first(*page)..).zip(&loaded.found))
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first of these results that is not there.
    pub(crate) fn first_missing(&self, mut of: Range<usize>) -> Option<usize> {
        of.find(|result| self.get(*result).is_none())
    }

    /// Takes an answer of the search with this number.
    pub(super) fn take(&mut self, number: u64, page: Page, total: u64, results: Vec<Found>) {
        self.len = usize::try_from(total.min(MAX_SHOWN)).unwrap_or(usize::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        self.page_mut(number, place(first).0).is_over = results.is_empty();
        for (result, found) in (first..).zip(results) {
            let (page, within) = place(result);
            let loaded = self.page_mut(number, page);
            if within == loaded.found.len() {
                loaded.found.push(found);
            } else if let Some(known) = loaded.found.get_mut(within) {
                *known = found;
            }
            // Else what is before it was forgotten meanwhile: all of it is asked for again.
        }
        let pages = self.len.div_ceil(PAGE as usize);
        self.pages.retain(|page, _| (*page as usize) < pages);
    }

    /// A page of the search with this number, which comes in place of an older one. It is not asked for any more.
    fn page_mut(&mut self, number: u64, page: u32) -> &mut Loaded {
        self.asked.remove(&page);
        let new = || Loaded { number, found: Vec::new(), is_over: false };
        let loaded = self.pages.entry(page).or_insert_with(new);
        if loaded.number != number {
            *loaded = new();
        }
        loaded
    }

    /// Forgets the pages that are farthest from `middle`, but none of `keep`.
    pub(super) fn forget_far(&mut self, middle: u32, keep: &BTreeSet<u32>) {
        while self.pages.len() > MAX_PAGES {
            let far = self.pages.keys().copied().filter(|page| !keep.contains(page));
            let Some(farthest) = far.max_by_key(|page| page.abs_diff(middle)) else { return };
            self.pages.remove(&farthest);
        }
    }
}
