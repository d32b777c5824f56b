//! What is selected: it stays the same when the rows move.

use super::{Row, Search, Wanted, key_of};
use cardume::wire::index::{Found, Source};

/// A selected result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// The result.
    pub found: Found,
    /// Where it was seen last: its number among the results.
    pub place: usize,
}

/// What stands in a row, whichever row that is: a result by its key, or one of its sources.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spot {
    key: String,
    source: Option<Source>,
}

impl Search {
    /// Nothing is selected any more.
    pub(crate) fn unselect(&mut self) {
        self.chosen.clear();
        (self.cursor, self.anchor, self.choosing) = (None, None, None);
    }

    /// Selects the best result, if these words are answered: with words typed, Enter takes it; without any, nothing is
    /// taken by accident.
    pub(crate) fn select_best(&mut self) {
        if self.words.trim().is_empty() || !self.is_of_now() {
            return;
        }
        self.cursor = (self.row_count() > 0).then_some(0);
        if let Some(best) = self.results.get(0) {
            self.chosen.insert(key_of(best), Chosen { found: best.clone(), place: 0 });
        }
    }

    /// What an action is about: the selection in the order of its rows, or the row that the keyboard is at.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        if !self.chosen.is_empty() {
            let mut chosen: Vec<&Chosen> = self.chosen.values().collect();
            chosen.sort_by_key(|chosen| chosen.place);
            return chosen.into_iter().map(|it| Wanted { found: it.found.clone(), source: None }).collect();
        }
        let Some(row) = self.cursor_row() else { return Vec::new() };
        let Some(found) = self.results.get(row.result()).cloned() else { return Vec::new() };
        let source = if let Row::Source(_, source) = row { Some(source) } else { None };
        vec![Wanted { found, source }]
    }

    /// What stands in this row, if it is there.
    pub(crate) fn spot(&self, row: usize) -> Option<Spot> {
        let row = self.row(row)?;
        let found = self.results.get(row.result())?;
        let source = match row {
            Row::Content(_) => None,
            Row::Source(_, source) => Some(found.sources.get(source)?.clone()),
        };
        Some(Spot { key: key_of(found), source })
    }

    /// The row of what stood in `row` before an answer came. A source that is gone is replaced by no other, nor by all of
    /// them; a result that is not seen any more leaves its row.
    pub(crate) fn row_after(&self, row: usize, spot: &Spot) -> Option<usize> {
        if self.spot(row).as_ref() == Some(spot) {
            return Some(row);
        }
        let is_it = |(result, found): (usize, &Found)| (key_of(found) == spot.key).then_some(result);
        let result = self.results.loaded().find_map(is_it);
        let Some(source) = &spot.source else {
            let stays = Some(row).filter(|_| !self.chosen.is_empty());
            return result.map(|result| self.row_of(result)).or(stays);
        };
        let result = result.filter(|result| self.is_open(*result))?;
        let sources = &self.results.get(result)?.sources;
        let same = sources.iter().position(|it| it == source);
        let of_peer = || sources.iter().position(|it| it.peer == source.peer);
        Some(self.row_of(result) + 1 + same.or_else(of_peer)?)
    }

    /// Learns where the selected results are now.
    pub(crate) fn place_chosen(&mut self) {
        if self.chosen.len() < 2 {
            return;
        }
        for (result, found) in self.results.loaded() {
            if let Some(chosen) = self.chosen.get_mut(&key_of(found)) {
                chosen.place = result;
            }
        }
    }
}
