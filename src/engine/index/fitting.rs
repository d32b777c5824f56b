//! The rows of a list whose names fit a query.
//!
//! First the signatures, bit by bit; then the names that they leave, or, where they leave many,
//! all names at once. What is read here and there is read for many rows before any is looked at: so the
//! processor waits for many far places of memory at once, not for one after the other.

use super::column::number;
use super::hits::Abandoned;
use super::query::{BestRanks, Known, Query, Rank};
use super::rows::Rows;
use memchr::memmem::Finder;
use std::ops::Range;

/// After so many rows it is asked whether somebody still waits: some hundred microseconds.
const BLOCK: usize = 16_384;

/// Where the signatures leave more than one in so many, reading all names one after the other is faster
/// than here and there.
const FEW: usize = 8;

/// Of what words only may be in, so many bits are read.
const MOST_BITS: usize = 12;

/// Of so many rows something is read before it is looked at: it stays in the nearest cache.
const BATCH: usize = 64;

/// A row whose name fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitting {
    pub(super) row: u32,
    /// How well, if that was seen.
    pub(super) rank: Option<Rank>,
    /// The number of its name, if that was looked at and wanted.
    pub(super) name: Option<u64>,
}

/// Of these rows, those that are `wanted` and whose names and extensions fit, from the first to the last,
/// some at a time; of a gap that is wanted the name is no file's. `name` gives the number of a name that fits
/// so well, if it is wanted.
///
/// # Errors
/// If nobody waits any more.
pub(super) fn for_each_fitting(
    rows: &Rows,
    stretch: Range<usize>,
    query: &Query,
    wanted: Option<&impl Fn(u32) -> bool>,
    name: impl Fn(&[u8], Rank) -> Option<u64>,
    is_abandoned: &impl Fn() -> bool,
    mut take: impl FnMut(&[Fitting]),
) -> Result<(), Abandoned> {
    let asking = Asking::new(rows, query);
    let mut candidates = Vec::new();
    let mut fitting = Vec::new();
    for start in stretch.clone().step_by(BLOCK) {
        if is_abandoned() {
            return Err(Abandoned);
        }
        let block = start..stretch.end.min(start + BLOCK);
        candidates.clear();
        rows.slices.rows_with(block.clone(), &asking.bits, &mut candidates);
        let left = &mut candidates[..];
        let left = match wanted {
            Some(wanted) => keep(left, wanted),
            None => left,
        };
        let word = query.rarest().filter(|_| left.len() > block.len() / FEW);
        if asking.is_decided {
            fitting.extend(left.iter().map(|row| asking.decided(*row)));
        } else if let Some(word) = word {
            scan(rows, block, word, |row, place| {
                if wanted.is_some_and(|wanted| !wanted(number(row))) {
                    return;
                }
                fitting.extend(asking.look(
                    number(row),
                    rows.folded_bytes(row),
                    Known { place: Some(place), ..Known::default() },
                    &name,
                ));
            });
        } else {
            look(&asking, left, &name, &mut fitting);
        }
        take(&fitting);
        fitting.clear();
    }
    Ok(())
}

/// What a query asks of the rows of one list.
struct Asking<'a> {
    rows: &'a Rows,
    query: &'a Query,
    /// Rows that fit have these bits.
    bits: Vec<usize>,
    /// Rows that have them fit: no name need be looked at.
    is_decided: bool,
    /// Rows that have the bits have these words, by number.
    words: u32,
    /// Rows that fit better than [`Rank::Inside`] have these.
    starts: Vec<usize>,
    best_ranks: BestRanks,
}

impl<'a> Asking<'a> {
    fn new(rows: &'a Rows, query: &'a Query) -> Self {
        let mut asked = query.asked_bits(&rows.frequent);
        asked.starts.sort_by_key(|bit| rows.slices.count(*bit));
        let mut maybe: Vec<_> = asked.maybe.bits().collect();
        // The rarest: the others say little more.
        maybe.sort_by_key(|bit| rows.slices.count(*bit));
        maybe.truncate(MOST_BITS);
        let mut bits = asked.exact;
        bits.extend(maybe);
        Self {
            rows,
            query,
            bits,
            is_decided: query.is_decided_by_signature(&rows.frequent),
            words: asked.exact_words,
            starts: asked.starts,
            best_ranks: query.best_ranks(),
        }
    }

    fn decided(&self, row: u32) -> Fitting {
        let rank = if self.is_inside(row) {
            Some(Rank::Inside)
        } else {
            // If it may begin the name, somebody has to look.
            let best = self.best_ranks.of(u64::from(self.rows.beginnings[row as usize]) << 32);
            (best != Rank::Exact).then_some(best)
        };
        Fitting { row, rank, name: None }
    }

    fn look(
        &self,
        row: u32,
        folded: &[u8],
        known: Known,
        name: impl Fn(&[u8], Rank) -> Option<u64>,
    ) -> Option<Fitting> {
        let known = Known { is_inside: self.is_inside(row), starts: self.words, ..known };
        let rank = self.query.rank_with_extension(folded, &known)?;
        Some(Fitting { row, rank: Some(rank), name: name(folded, rank) })
    }

    fn is_inside(&self, row: u32) -> bool {
        !self.starts.iter().all(|bit| self.rows.slices.has(row, *bit))
    }
}

/// Those of the rows of which something holds.
fn keep(rows: &mut [u32], holds: impl Fn(u32) -> bool) -> &mut [u32] {
    let mut left = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        rows[left] = row;
        left += usize::from(holds(row));
    }
    &mut rows[..left]
}

/// The candidates whose names fit.
fn look(
    asking: &Asking<'_>,
    candidates: &[u32],
    number: impl Fn(&[u8], Rank) -> Option<u64>,
    fitting: &mut Vec<Fitting>,
) {
    let mut names: [&[u8]; BATCH] = [&[]; BATCH];
    for batch in candidates.chunks(BATCH) {
        for (name, row) in names.iter_mut().zip(batch) {
            *name = asking.rows.folded_bytes(*row as usize);
        }
        let ends = |name: &&[u8]| name.first().copied().unwrap_or(0) ^ name.last().copied().unwrap_or(0);
        // Nothing is done with it: the names are near then.
        std::hint::black_box(names.iter().map(ends).fold(0, |all, it| all ^ it));
        for (name, row) in names.iter().zip(batch) {
            let known = Known { words: asking.words, ..Known::default() };
            fitting.extend(asking.look(*row, name, known, &number));
        }
    }
}

/// The rows of a block that have a word in their names, and where it first begins in the name.
fn scan(rows: &Rows, block: Range<usize>, word: &Finder<'_>, mut take: impl FnMut(usize, usize)) {
    let ends = &rows.ends[..block.end];
    let names = &rows.folded.as_bytes()[..rows.start(block.end)];
    let mut row = block.start;
    while row < block.end {
        let from = rows.start(row);
        let Some(distance) = word.find(&names[from..]) else { return };
        row = row_at(ends, row, from + distance);
        take(row, from + distance - rows.start(row));
        row += 1;
    }
}

/// The row of a place in the names that lies in `from` or behind it: looked for in steps that double, for
/// it is mostly near.
fn row_at(ends: &[u32], from: usize, place: usize) -> usize {
    let is_before = |row: usize| ends.get(row).is_some_and(|end| (*end as usize) < place);
    let (mut low, mut step) = (from, 1);
    while is_before(low + step - 1) {
        low += step;
        step *= 2;
    }
    let high = ends.len().min(low + step);
    low + ends.get(low..high).map_or(0, |ends| ends.partition_point(|end| (*end as usize) < place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_a_place_is_found_from_everywhere_before_it() {
        let ends: Vec<u32> = (0..100).map(|row| row * 3 + row % 3).collect();
        for place in 0..=300 {
            let expected = ends.iter().position(|end| *end as usize >= place).unwrap_or(ends.len());
            for from in 0..=expected {
                assert_eq!(row_at(&ends, from, place), expected, "{place} from {from}");
            }
        }
    }
}
