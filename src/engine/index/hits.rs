//! The files that fit a query, and the contents that they are of.
//!
//! What is absent on purpose: hashes and names. A hit is the number of a peer and of a row; whatever else
//! is asked for is read from the columns, by those who need it.

use super::bits::Bits;
use super::column::number;
use super::contents::{Contents, NO_CONTENT};
use super::facets::Class;
use super::list::List;
use super::query::{ChosenPeers, Query, Rank};
use super::rows::{Row, Rows};
use crate::base::PeerId;
use memchr::memmem::Finder;
use std::cmp::Ordering;
use std::ops::Range;

/// After so many rows it is asked whether somebody still waits: some hundred microseconds.
const BLOCK: usize = 16_384;

/// Where the signatures leave more than one in so many, reading all names one after the other is faster
/// than here and there.
const FEW: usize = 8;

/// Nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abandoned;

/// A file that fits, with what is asked of most hits: columns are far away once the search has gone on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) row: u32,
    /// The number of its content.
    pub(super) content: u32,
    /// The first bytes of its folded name ([`Row::beginning`]).
    pub(super) beginning: u32,
    /// The number of the peer among those that are present.
    pub(super) peer: u8,
    /// How well it fits, if that was seen when it was found.
    rank: Option<Rank>,
    pub(super) class: Class,
}

/// The files that fit and are of one content, or one that is of none yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The one that fits best.
    pub(super) best: Hit,
    /// The peers that have one, one bit for each ([`super::Index::MAX_PEERS`] are 64).
    pub(super) holders: u64,
}

/// What is searched: the present lists with their peers, by number: those that answer in the
/// order of their ids, then the others.
#[derive(Debug)]
pub(super) struct Searched<'a> {
    pub(super) query: &'a Query,
    pub(super) lists: Vec<(PeerId, &'a List)>,
    /// So many of the lists, the first ones, are of peers that answer; what the others have comes last.
    pub(super) answering: usize,
    pub(super) contents: &'a Contents,
}

/// All hits.
#[derive(Debug)]
pub(super) struct Hits {
    /// The first of each content, and those without one.
    firsts: Vec<Hit>,
    /// The others, by content.
    others: Vec<Hit>,
    /// The contents of the others.
    many: Bits,
}

impl Searched<'_> {
    /// The columns that it stands in.
    pub(super) fn rows(&self, hit: Hit) -> &Rows {
        self.lists[usize::from(hit.peer)].1.rows()
    }

    /// What is known of its file.
    pub(super) fn row(&self, hit: Hit) -> &Row {
        self.rows(hit).row(hit.row)
    }

    /// Its folded name, of which the order is that of the text.
    pub(super) fn folded(&self, hit: Hit) -> &[u8] {
        self.rows(hit).folded_bytes(hit.row as usize)
    }

    /// How well it fits.
    pub(super) fn rank(&self, hit: Hit) -> Rank {
        hit.rank.unwrap_or_else(|| self.query.rank_of_fitting(self.folded(hit)).max(self.highest()))
    }

    /// A bound that costs next to nothing: it does not fit better than so.
    pub(super) fn best_rank(&self, hit: Hit) -> Rank {
        hit.rank.unwrap_or_else(|| self.query.best_rank_of_beginning(hit.beginning))
    }

    /// What is meant by its hash comes before what only has the hash in its name.
    fn highest(&self) -> Rank {
        if self.query.content().is_some() { Rank::Prefix } else { Rank::Exact }
    }

    /// Whether its peer does not answer at the moment.
    pub(super) fn fades(&self, hit: Hit) -> bool {
        usize::from(hit.peer) >= self.answering
    }

    /// The best first.
    pub(super) fn order(&self, one: Hit, other: Hit) -> Ordering {
        let (rows, other_rows) = (self.rows(one), self.rows(other));
        // Most that are compared are of one content, and called the same.
        let names = rows.name(one.row).cmp(other_rows.name(other.row));
        let ranks = || match (one.rank, other.rank) {
            (None, None) if names == Ordering::Equal => Ordering::Equal,
            _ => self.rank(one).cmp(&self.rank(other)),
        };
        let folded = || match names {
            Ordering::Equal => Ordering::Equal,
            _ => self.folded(one).cmp(self.folded(other)),
        };
        let contents = || match (one.content, other.content) {
            (content, other) if content == other => Ordering::Equal,
            (content, other) => self.contents.get(content).cmp(&self.contents.get(other)),
        };
        (self.fades(one).cmp(&self.fades(other)))
            .then_with(ranks)
            .then_with(folded)
            .then(names)
            .then_with(contents)
            .then_with(|| one.peer.cmp(&other.peer))
            .then_with(|| rows.keys[one.row as usize].cmp(&other_rows.keys[other.row as usize]))
    }
}

impl Hits {
    /// Finds them. Who is not chosen contributes neither a match nor its name.
    ///
    /// # Errors
    /// If nobody waits any more.
    pub(super) fn find(
        searched: &Searched<'_>,
        chosen: &ChosenPeers,
        is_abandoned: &impl Fn() -> bool,
    ) -> Result<Self, Abandoned> {
        let query = searched.query;
        let meant = query.content().map(|content| searched.contents.find(content).unwrap_or(NO_CONTENT));
        let mut seen = Bits::below(searched.contents.len());
        let mut hits =
            Self { firsts: Vec::new(), others: Vec::new(), many: Bits::below(searched.contents.len()) };
        for (peer, (id, list)) in (0_u8..).zip(&searched.lists) {
            if !chosen.all_of.is_empty() && !chosen.all_of.iter().any(|set| set.contains(id)) {
                continue;
            }
            let mut take = |row: u32, rank: Option<Rank>| {
                let Row { content, size, beginning, .. } = *list.rows().row(row);
                let class = Class::of(list.rows().kinds[row as usize].unwrap_or_default(), size);
                let hit = Hit { row, content, beginning, peer, rank, class };
                if content == NO_CONTENT || seen.insert(content) {
                    hits.firsts.push(hit);
                } else {
                    hits.many.insert(content);
                    hits.others.push(hit);
                }
            };
            if let Some(content) = meant.filter(|content| *content != NO_CONTENT) {
                list.with_content(content).for_each(|row| take(row, Some(Rank::Exact)));
            }
            if query.asks_for_names() {
                let highest = searched.highest();
                for_each_fitting(list.rows(), query, is_abandoned, |row, rank| {
                    take(row, rank.map(|rank| rank.max(highest)));
                })?;
            }
        }
        hits.others.sort_by_key(|hit| hit.content);
        Ok(hits)
    }

    /// The groups, in no particular order.
    pub(super) fn groups(&self, searched: &Searched<'_>) -> impl Iterator<Item = Group> {
        let mut next = 0;
        self.firsts.iter().map(move |first| {
            let mut group = Group { best: *first, holders: 1 << first.peer };
            let content = first.content;
            if content != NO_CONTENT && self.many.contains(content) {
                // Contents are numbered as they come, so the next ones are mostly those of the next group.
                if self.others.get(next).is_none_or(|other| other.content != content) {
                    next = self.others.partition_point(|other| other.content < content);
                }
                let others = self.others[next..].iter().take_while(|other| other.content == content);
                for other in others {
                    next += 1;
                    group.holders |= 1 << other.peer;
                    if searched.order(*other, group.best) == Ordering::Less {
                        group.best = *other;
                    }
                }
            }
            group
        })
    }
}

/// The rows whose files fit, from the first to the last, and how well if that had to be seen. Who has a
/// file is not asked.
fn for_each_fitting(
    rows: &Rows,
    query: &Query,
    is_abandoned: &impl Fn() -> bool,
    mut take: impl FnMut(u32, Option<Rank>),
) -> Result<(), Abandoned> {
    let signature = query.signature();
    let columns = query.columns();
    let is_decided = query.is_decided_by_signature();
    let is_taken =
        |row: usize| rows.kinds[row].is_some_and(|kind| columns.take(kind, || rows.rows[row].size));
    for start in (0..rows.len()).step_by(BLOCK) {
        if is_abandoned() {
            return Err(Abandoned);
        }
        let block = start..rows.len().min(start + BLOCK);
        let signatures = &rows.signatures[block.clone()];
        let fitting = || {
            let signed = block.clone().zip(signatures).filter(|(_, it)| it.may_contain(signature));
            signed.map(|(row, _)| row).filter(|row| is_taken(*row))
        };
        if is_decided {
            fitting().for_each(|row| take(number(row), None));
            continue;
        }
        let left = signatures.iter().filter(|it| it.may_contain(signature)).count();
        if let Some(word) = query.rarest().filter(|_| left > block.len() / FEW) {
            scan(rows, block, word, |row, place| {
                if is_taken(row)
                    && let Some(rank) = query.rank_from(rows.folded_bytes(row), place)
                {
                    take(number(row), Some(rank));
                }
            });
            continue;
        }
        for row in fitting() {
            if let Some(rank) = query.rank_with_extension(rows.folded_bytes(row)) {
                take(number(row), Some(rank));
            }
        }
    }
    Ok(())
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
