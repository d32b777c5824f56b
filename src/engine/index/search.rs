//! Searching the lists of all peers: grouped by content, the best first.

use super::Index;
use super::bits::Bits;
use super::contents::NO_CONTENT;
use super::facets::Facets;
use super::find::{Groups, find};
use super::hits::{Abandoned, Group, Hits, Searched};
use super::list::List;
use super::page::{Page, SortKey};
use super::query::{ChosenPeers, Query, Rank};
use super::select::{Selected, Selection};
use super::workers::{Alone, Workers};
use crate::base::{ContentId, FileName, FolderPath, Natural, PeerId};

/// Up to so many matches are sorted by how many peers really have them: each costs a look into every list.
/// Beyond, by how many have them under a name that fits.
const EXACT_SOURCES: u64 = 20_000;
/// After so many groups it is asked whether somebody still waits.
const BLOCK: u64 = 16_384;

/// A peer that has a content, and what it calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The peer.
    pub peer: PeerId,
    /// The folder that the file lies in there; empty: not said.
    pub folder: FolderPath,
    /// The file's name there: of several, of those that fit the whole query the one that fits best, or else any.
    pub name: FileName,
}

impl Source {
    fn of(peer: PeerId, list: &List, row: u32) -> Self {
        Self { peer, folder: list.rows().folder(row).clone(), name: list.rows().file_name(row) }
    }
}

/// One content that fits a query, or one file that has no content yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `None` while the file is being hashed.
    pub content: Option<ContentId>,
    /// The name that fits best.
    pub name: FileName,
    /// Bytes, as the peer with that name says.
    pub size: u64,
    /// Who has it, by peer; each peer once.
    pub sources: Vec<Source>,
}

/// The answer to a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// How many contents (and files without one) fit, also those outside of the page.
    pub total: u64,
    /// How all of them are distributed.
    pub facets: Facets,
    /// The page.
    pub results: Vec<Found>,
}

impl Index {
    /// The results when nobody says how many.
    pub const DEFAULT_RESULTS: u32 = 200;
    /// The most results at once: some MiB of JSON.
    pub const MAX_RESULTS: u32 = 10_000;
    /// The last match that a page begins behind, for whatever is before a page is kept until all are seen. The
    /// window shows as many.
    pub const MAX_OFFSET: u64 = 500_000;

    /// Files of present peers that fit the query, grouped by content; those of `page`, and never more than
    /// [`Index::MAX_RESULTS`], nor any behind [`Index::MAX_OFFSET`]. `chosen` are the peers that the query means ([`Query::chosen_peers`]).
    #[must_use]
    pub fn search(&self, query: &Query, chosen: &ChosenPeers, page: Page) -> Matches {
        self.search_unless_abandoned(query, chosen, page, &Alone, || false).unwrap_or_default()
    }

    /// The same, done by `workers`; `None` soon after `is_abandoned` begins to say that nobody waits for the
    /// answer any more. It is asked again after a fraction of a millisecond's work.
    pub fn search_unless_abandoned(
        &self,
        query: &Query,
        chosen: &ChosenPeers,
        page: Page,
        workers: &impl Workers,
        is_abandoned: impl Fn() -> bool + Sync,
    ) -> Option<Matches> {
        let lists: Vec<_> = self.present_lists().map(|(peer, list)| (*peer, list)).collect();
        // Those that do not answer come last in the list.
        let answering = lists.iter().filter(|(peer, _)| self.answers(peer)).count();
        let searched = Searched::new(query, lists, answering, &self.contents);
        matches(&searched, chosen, page, workers, &is_abandoned).ok()
    }

    /// Who has a content, by peer, and its size as the first of them says (`None`: nobody has it).
    #[must_use]
    pub fn sources(&self, content: ContentId) -> (Option<u64>, Vec<Source>) {
        let mut size = None;
        let mut sources = Vec::new();
        let Some(number) = self.contents.find(content) else { return (size, sources) };
        for (peer, list) in self.present_lists() {
            let rows = list.rows();
            let Some(row) = list.with_content(number).min_by_key(|row| rows.name(*row)) else { continue };
            size = size.or(Some(rows.row(row).size));
            sources.push(Source::of(*peer, list, row));
        }
        (size, sources)
    }
}

fn matches(
    searched: &Searched<'_>,
    chosen: &ChosenPeers,
    page: Page,
    workers: &impl Workers,
    is_abandoned: &(impl Fn() -> bool + Sync),
) -> Result<Matches, Abandoned> {
    let by_name = page.sort.key == SortKey::Name;
    let wanted = PeerTest::new(searched, chosen);
    let new = || Sorted::new(searched, &wanted, page);
    let (hits, alone) = find(searched, chosen, by_name, workers, is_abandoned, &new)?;
    let groups = || hits.iter().flat_map(Hits::groups).filter(|group| wanted.has(group));
    let are_sources_asked = page.sort.key == SortKey::Sources;
    let are_they_exact = are_sources_asked && groups().count() as u64 <= EXACT_SOURCES;
    let mut alone = alone.into_iter();
    let sort = |hits| {
        let sorted = alone.next().unwrap_or_else(new);
        move || sorted.with_groups(hits, are_they_exact, is_abandoned)
    };
    let sorted: Result<Vec<_>, _> = workers.each(hits.iter().map(sort).collect()).into_iter().collect();
    let all = sorted?.into_iter().chain(alone).reduce(Sorted::with);
    let Some(Sorted { total, facets, peers, selection, .. }) = all else { return Ok(Matches::default()) };
    let facets = facets.with_peers(searched.lists.iter().map(|(peer, _)| *peer).zip(peers).collect());
    let results = selection.page().into_iter().map(|group| found(searched, &hits, group)).collect();
    Ok(Matches { total, facets, results })
}

/// What is known of the groups of some contents.
struct Sorted<'a> {
    searched: &'a Searched<'a>,
    wanted: &'a PeerTest,
    total: u64,
    facets: Facets,
    /// How many each peer has.
    peers: Vec<u64>,
    selection: Selection<'a>,
}

impl<'a> Sorted<'a> {
    /// Of none yet.
    fn new(searched: &'a Searched<'a>, wanted: &'a PeerTest, page: Page) -> Self {
        Self {
            searched,
            wanted,
            total: 0,
            facets: Facets::default(),
            peers: vec![0; searched.lists.len()],
            selection: Selection::new(searched, page),
        }
    }

    /// And of these.
    fn with_groups(
        mut self,
        hits: &Hits,
        are_sources_exact: bool,
        is_abandoned: &impl Fn() -> bool,
    ) -> Result<Self, Abandoned> {
        let (searched, wanted) = (self.searched, self.wanted);
        let mut until_asked = 0;
        // Inside of the iterator: its two loops are then no more than two loops.
        hits.groups().filter(|group| wanted.has(group)).try_for_each(|group| {
            if until_asked == 0 && is_abandoned() {
                return Err(Abandoned);
            }
            until_asked = (until_asked + 1) % BLOCK;
            let sources = if are_sources_exact {
                sources_count(searched, &group)
            } else {
                group.holders.count_ones() as usize
            };
            self.count(&group, sources);
            Ok(())
        })?;
        Ok(self)
    }

    /// And of this one, which so many have.
    fn count(&mut self, group: &Group<'_>, sources: usize) {
        self.total += 1;
        self.facets.count(group.class(self.searched));
        count_holders(&mut self.peers, group.holders);
        self.selection.offer(group, sources);
    }

    /// Both together.
    fn with(mut self, other: Self) -> Self {
        self.total += other.total;
        self.facets = self.facets.with(&other.facets);
        for (count, more) in self.peers.iter_mut().zip(other.peers) {
            *count += more;
        }
        self.selection.join(other.selection);
        self
    }
}

impl Groups for Sorted<'_> {
    fn take(&mut self, group: &Group<'_>) {
        if self.wanted.has(group) {
            self.count(group, 1);
        }
    }
}

fn count_holders(peers: &mut [u64], mut holders: u64) {
    while holders != 0 {
        if let Some(count) = peers.get_mut(holders.trailing_zeros() as usize) {
            *count += 1;
        }
        holders &= holders - 1;
    }
}

/// How many peers have it, under whatever name.
fn sources_count(searched: &Searched<'_>, group: &Group<'_>) -> usize {
    match group.content() {
        NO_CONTENT => 1,
        content => {
            let has = |list: &List| list.with_content(content).next().is_some();
            searched.lists.iter().filter(|(_, list)| has(list)).count()
        }
    }
}

/// What `peer:` says of who has a group.
struct PeerTest {
    /// Of each set of peers, one has it under a name that fits.
    all_of: Vec<u64>,
    /// None of these has it.
    none_of: u64,
    /// What they have.
    none_of_contents: Bits,
}

impl PeerTest {
    fn new(searched: &Searched<'_>, chosen: &ChosenPeers) -> Self {
        let mask = |is_in: &dyn Fn(&PeerId) -> bool| {
            let peers = (0_u8..).zip(&searched.lists).filter(|(_, (peer, _))| is_in(peer));
            peers.fold(0, |mask, (number, _)| mask | 1 << number)
        };
        let all_of = chosen.all_of.iter().map(|set| mask(&|peer| set.contains(peer))).collect();
        let none_of = mask(&|peer| chosen.none_of.contains(peer));
        let excluded = || searched.lists.iter().filter(|(peer, _)| chosen.none_of.contains(peer));
        let room = if none_of == 0 { 0 } else { searched.contents.len() };
        let mut none_of_contents = Bits::below(room);
        excluded().for_each(|(_, list)| list.mark(&mut none_of_contents));
        Self { all_of, none_of, none_of_contents }
    }

    fn has(&self, group: &Group<'_>) -> bool {
        let is_excluded = || match group.content() {
            NO_CONTENT => self.none_of & 1 << group.peer() != 0,
            content => self.none_of_contents.contains(content),
        };
        self.all_of.iter().all(|mask| group.holders & mask != 0) && !(self.none_of != 0 && is_excluded())
    }
}

fn found(searched: &Searched<'_>, hits: &[Hits], group: Selected) -> Found {
    let best = group.best;
    let rows = searched.rows(best);
    let name = rows.file_name(best.row);
    let sources = if best.content == NO_CONTENT {
        let (peer, list) = searched.lists[usize::from(best.peer)];
        vec![Source::of(peer, list, best.row)]
    } else {
        sources_of(searched, hits, group, &name)
    };
    Found { content: searched.contents.get(best.content), name, size: rows.row(best.row).size, sources }
}

/// Who has a content; the best one's name is this.
fn sources_of(searched: &Searched<'_>, hits: &[Hits], group: Selected, name: &FileName) -> Vec<Source> {
    let Selected { best, first } = group;
    let content = best.content;
    let known = || std::iter::once(first).chain(hits.iter().flat_map(|hits| hits.others(content)).copied());
    let mut sources = Vec::new();
    for (number, (peer, list)) in searched.lists.iter().enumerate() {
        let rows = list.rows();
        let key = |row: &u32| {
            let folded = rows.folded(*row);
            // Names that do not fit come last.
            let rank = searched.query.rank(folded).map_or((1, Rank::Inside), |rank| (0, rank));
            (
                rank,
                Natural(folded.as_bytes()),
                rows.name(*row),
                Natural(rows.folder(*row).as_str().as_bytes()),
            )
        };
        // What was found need not be looked for.
        let mut own = known().filter(|hit| usize::from(hit.peer) == number).map(|hit| hit.row);
        let row = match (own.next(), own.next()) {
            (Some(only), None) => Some(only),
            (Some(one), Some(other)) => [one, other].into_iter().chain(own).min_by_key(key),
            (None, _) => list.with_content(content).min_by_key(key),
        };
        let Some(row) = row else { continue };
        sources.push(if (usize::from(best.peer), best.row) == (number, row) {
            Source { peer: *peer, folder: rows.folder(row).clone(), name: name.clone() }
        } else {
            Source::of(*peer, list, row)
        });
    }
    sources
}
