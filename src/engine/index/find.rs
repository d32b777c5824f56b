//! Finding the hits of a search: in one go, or in stretches of rows that are searched side by side and then
//! dealt out by content, so that what follows can be done side by side too.

use super::bits::Bits;
use super::contents::NO_CONTENT;
use super::fitting::{Fitting, for_each_fitting};
use super::hits::{Abandoned, Group, Hit, Hits, Parting, Searched};
use super::query::{ChosenPeers, Columns, Rank, TakenClasses};
use super::rows::Rows;
use super::workers::Workers;
use crate::base::natural_beginning;
use std::ops::Range;
use std::sync::OnceLock;

/// So many contents that were numbered one after the other go to one share: they mostly stand in rows that
/// are near each other. Tests have few.
const TOGETHER: u32 = if cfg!(test) { 1 } else { 64 };

/// Fewer hits than these are not worth to be dealt out: what is left to do with them takes a millisecond. Tests have
/// fewer, and deal out all the same.
const FEW: usize = if cfg!(test) { 3 } else { 32_768 };

/// With so many hits of a stretch at once the columns are read nearly from the front to the back.
const DENSE: usize = 2_048;

/// After so many hits it is asked which contents are in one file only. Tests have fewer hits, and ask all the same.
const MANY: usize = if cfg!(test) { 2 } else { 1_024 };

/// And after one for so many numbers that are read to know it: they take about as long as is won by it.
const WORDS_FOR_A_HIT: usize = if cfg!(test) { usize::MAX } else { 64 };

/// Takes what is a group as soon as it is found: a file that is alone with its content, or has none.
pub(super) trait Groups: Send {
    /// Takes one.
    fn take(&mut self, group: &Group<'_>);
}

/// Some rows of one list, by the number of its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stretch {
    peer: u8,
    rows: Range<usize>,
}

/// What is looked for.
#[derive(Debug)]
struct Finding<'a> {
    searched: &'a Searched<'a>,
    /// The number of the content that is meant by its hash.
    meant: Option<u32>,
    columns: Columns,
    classes: Option<TakenClasses>,
    by_name: bool,
    /// How much of the beginnings of names that fit well is in all of them, and says nothing of their order.
    skipped: usize,
    /// The contents that may be in several files.
    shared: OnceLock<Bits>,
}

/// Tells the hits of contents that are in one file only, once it is worth while to know that.
struct Loners<'a> {
    finding: &'a Finding<'a>,
    /// So many hits come before.
    before: usize,
    shared: Option<&'a Bits>,
}

/// Finds all hits, those of each content in one of as many [`Hits`] as the workers want, or, if it is alone, in one of
/// the `new` groups. Who is not chosen contributes neither a match nor its name. The names' numbers go by the order
/// of all names, if that is `by_name`, or else of those that fit equally well.
///
/// # Errors
/// If nobody waits any more.
pub(super) fn find<G: Groups>(
    searched: &Searched<'_>,
    chosen: &ChosenPeers,
    by_name: bool,
    workers: &impl Workers,
    is_abandoned: &(impl Fn() -> bool + Sync),
    new: &(impl Fn() -> G + Sync),
) -> Result<(Vec<Hits>, Vec<G>), Abandoned> {
    let query = searched.query;
    let columns = query.columns();
    let finding = Finding {
        searched,
        meant: query.content().and_then(|content| searched.contents.find(content)),
        classes: columns.classes(),
        columns,
        by_name,
        skipped: if by_name || searched.are_names_short { 0 } else { query.in_common() },
        shared: OnceLock::new(),
    };
    let lists = chosen_lists(searched, chosen);
    let parts = workers.parts(lists.iter().map(|stretch| stretch.rows.len()).sum()).max(1);
    if parts == 1 {
        let (mut firsts, mut parting) = (Vec::new(), Parting::new(searched.contents));
        let (mut groups, mut loners) = (new(), finding.loners());
        finding.look(&lists, is_abandoned, |hit| {
            if loners.has(hit) {
                groups.take(&Group::alone(hit));
            } else if parting.is_first(hit) {
                firsts.push(hit);
            }
        })?;
        return Ok((vec![parting.hits(vec![firsts])], vec![groups]));
    }
    let look = |stretches: Vec<Stretch>| {
        let finding = &finding;
        move || -> Result<(Vec<Vec<Hit>>, G), Abandoned> {
            let (mut shares, mut groups, mut loners) = (vec![Vec::new(); parts], new(), finding.loners());
            finding.look(&stretches, is_abandoned, |hit| {
                if loners.has(hit) {
                    groups.take(&Group::alone(hit));
                } else {
                    shares[share_of(hit, parts)].push(hit);
                }
            })?;
            Ok((shares, groups))
        }
    };
    let (mut found, mut all) = (Vec::with_capacity(parts), Vec::with_capacity(parts));
    for part in workers.each(cut(lists, parts).into_iter().map(look).collect()) {
        let (shares, groups) = part?;
        found.push(shares);
        all.push(groups);
    }
    if found.iter().flatten().map(Vec::len).sum::<usize>() < FEW {
        let hits = found.into_iter().flatten().collect();
        return Ok((vec![parted(hits, searched)], all));
    }
    let share = |share: usize| {
        let hits = found.iter_mut().map(|shares| std::mem::take(&mut shares[share])).collect();
        move || parted(hits, searched)
    };
    Ok((workers.each((0..parts).map(share).collect()), all))
}

fn parted(mut hits: Vec<Vec<Hit>>, searched: &Searched<'_>) -> Hits {
    let mut parting = Parting::new(searched.contents);
    for hits in &mut hits {
        hits.retain(|hit| parting.is_first(*hit));
    }
    parting.hits(hits)
}

/// The whole lists of those who are chosen.
fn chosen_lists(searched: &Searched<'_>, chosen: &ChosenPeers) -> Vec<Stretch> {
    let is_chosen = |peer| chosen.all_of.is_empty() || chosen.all_of.iter().any(|set| set.contains(peer));
    let lists = (0..).zip(&searched.lists).filter(|(_, (peer, _))| is_chosen(peer));
    lists.map(|(peer, (_, list))| Stretch { peer, rows: 0..list.rows().len() }).collect()
}

/// So many parts of about equally many rows, in their order.
fn cut(stretches: Vec<Stretch>, parts: usize) -> Vec<Vec<Stretch>> {
    let all: usize = stretches.iter().map(|stretch| stretch.rows.len()).sum();
    let each = all.div_ceil(parts.max(1)).max(1);
    let mut cut = vec![Vec::new(); parts];
    let mut before = 0;
    for Stretch { peer, rows } in stretches {
        let mut start = rows.start;
        // Once at least: a list without rows is in a part too.
        loop {
            let part = (before / each).min(parts.saturating_sub(1));
            let end = rows.end.min(start + (each * (part + 1)).saturating_sub(before));
            cut[part].push(Stretch { peer, rows: start..end });
            before += end - start;
            start = end;
            if start >= rows.end {
                break;
            }
        }
    }
    cut
}

fn share_of(hit: Hit, shares: usize) -> usize {
    let number = if hit.content == NO_CONTENT { hit.row } else { hit.content };
    (number / TOGETHER) as usize % shares
}

impl Loners<'_> {
    /// Whether this is surely the only file of its content.
    fn has(&mut self, hit: Hit) -> bool {
        match (self.shared, self.before.checked_sub(1)) {
            (Some(shared), _) => hit.content == NO_CONTENT || !shared.contains(hit.content),
            (None, Some(before)) => {
                self.before = before;
                hit.content == NO_CONTENT
            }
            (None, None) => {
                self.shared = Some(self.finding.shared());
                self.has(hit)
            }
        }
    }
}

impl Finding<'_> {
    fn loners(&self) -> Loners<'_> {
        let words: usize = self.searched.lists.iter().map(|(_, list)| list.had().words()).sum();
        // A file that is meant by its hash may be found by its name too.
        let before = if self.meant.is_some() { usize::MAX } else { MANY.max(words / WORDS_FOR_A_HIT) };
        Loners { finding: self, before, shared: None }
    }

    fn shared(&self) -> &Bits {
        self.shared.get_or_init(|| {
            let contents = self.searched.contents;
            let (mut shared, mut seen) = (Bits::below(contents.len()), Bits::below(contents.len()));
            shared.insert_all(contents.repeated());
            for (_, list) in &self.searched.lists {
                shared.insert_common(&mut seen, list.had());
            }
            shared
        })
    }

    /// Takes the hits in these stretches.
    fn look(
        &self,
        stretches: &[Stretch],
        is_abandoned: &impl Fn() -> bool,
        mut take: impl FnMut(Hit),
    ) -> Result<(), Abandoned> {
        for Stretch { peer, rows: stretch } in stretches {
            let list = self.searched.lists[usize::from(*peer)].1;
            let rows = list.rows();
            let with_content = self.meant.into_iter().flat_map(|content| list.with_content(content));
            for row in with_content.filter(|row| stretch.contains(&(*row as usize))) {
                let name = self.number_of(rows.folded_bytes(row as usize));
                let fitting = Fitting { row, rank: Some(Rank::Exact), name: Some(name) };
                Hit::of(*peer, rows, fitting).into_iter().for_each(&mut take);
            }
            if self.searched.query.asks_for_names() {
                self.look_at_names(*peer, rows, stretch.clone(), is_abandoned, &mut take)?;
            }
        }
        Ok(())
    }

    /// The number of a name that fits so well, if it has to be more than what the column has.
    fn name(&self, folded: &[u8], rank: Rank) -> Option<u64> {
        if rank.is_name_short() && !self.by_name {
            return None;
        }
        let skipped = if rank.is_name_short() { 0 } else { self.skipped };
        Some(self.number_of(folded.get(skipped..).unwrap_or_default()))
    }

    fn number_of(&self, text: &[u8]) -> u64 {
        self.searched.common_number(natural_beginning(text))
    }

    fn look_at_names(
        &self,
        peer: u8,
        rows: &Rows,
        stretch: Range<usize>,
        is_abandoned: &impl Fn() -> bool,
        take: &mut impl FnMut(Hit),
    ) -> Result<(), Abandoned> {
        let (query, highest, classes) = (self.searched.query, self.searched.highest(), self.classes.as_ref());
        let taken = |row: u32, classes: &TakenClasses| {
            rows.classes[row as usize].map_or(Some(false), |class| classes[class.number()])
        };
        // Sizes are far away: they are read where the name fits.
        let may_be_taken = |row| classes.is_none_or(|classes| taken(row, classes) != Some(false));
        let wanted = classes.is_some().then_some(&may_be_taken);
        let name = |folded: &[u8], rank| self.name(folded, rank);
        let mut hits = Vec::new();
        for_each_fitting(rows, stretch, query, wanted, name, is_abandoned, |fitting| {
            let is_taken = |fitting: &&Fitting| {
                let depends_on_size = |classes| taken(fitting.row, classes).is_none();
                !classes.is_some_and(depends_on_size) || self.columns.take_size(rows.row(fitting.row).size)
            };
            let highest =
                |&fitting: &Fitting| Fitting { rank: fitting.rank.map(|rank| rank.max(highest)), ..fitting };
            let found = fitting.iter().filter(is_taken).map(highest).filter_map(|it| Hit::of(peer, rows, it));
            if fitting.len() > DENSE {
                found.for_each(&mut *take);
            } else {
                // All at once: their columns are far away, and so the processor waits for many together.
                hits.extend(found);
                hits.drain(..).for_each(&mut *take);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_parts_are_the_whole_and_about_as_long(lengths in proptest::collection::vec(0_usize..40, 0..6), parts in 1_usize..9) {
            let lists: Vec<Stretch> =
                (0..).zip(&lengths).map(|(peer, length)| Stretch { peer, rows: 0..*length }).collect();
            let cut = cut(lists, parts);
            prop_assert_eq!(cut.len(), parts);
            let each = lengths.iter().sum::<usize>().div_ceil(parts);
            let mut rows = Vec::new();
            for part in &cut {
                prop_assert!(part.iter().map(|stretch| stretch.rows.len()).sum::<usize>() <= each);
                rows.extend(part.iter().flat_map(|stretch| stretch.rows.clone().map(|row| (stretch.peer, row))));
            }
            let all: Vec<_> =
                (0..).zip(&lengths).flat_map(|(peer, length)| (0..*length).map(move |row| (peer, row))).collect();
            prop_assert_eq!(rows, all);
        }
    }
}
