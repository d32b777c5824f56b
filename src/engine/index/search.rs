//! Searching the lists of all peers: grouped by content, the best first.

use super::Index;
use super::entry::FileEntry;
use super::facets::Facets;
use super::list::{Hit, List};
use super::page::{Direction, Page, SortKey};
use super::query::{ChosenPeers, Query, Rank};
use crate::base::{ContentId, FileName, FolderPath, PeerId};
use std::cmp::Ordering;

/// Up to so many matches are sorted by how many peers really have them: each costs a look into every list.
/// Beyond, by how many have them under a name that fits.
const EXACT_SOURCES: usize = 20_000;

/// A peer that has a content, and what it calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The peer.
    pub peer: PeerId,
    /// The folder that the file lies in there; empty: not said.
    pub folder: FolderPath,
    /// The file's name there (of several, the one that fits best).
    pub name: FileName,
}

impl Source {
    fn of(peer: PeerId, entry: &FileEntry) -> Self {
        Self { peer, folder: entry.folder.clone(), name: entry.name.clone() }
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

/// The best file of a content.
#[derive(Clone, Copy)]
struct Best<'a> {
    /// The first bytes of the content: a million of them are sorted without looking at the files.
    key: u64,
    /// The number of the peer among those that are present.
    peer: u8,
    /// Whether nobody who answers has it under a name that fits.
    fades: bool,
    /// How many peers have it; counted only to sort by it.
    sources: u8,
    /// The peers that have it under a name that fits, one bit for each ([`Index::MAX_PEERS`] are 64).
    holders: u64,
    hit: Hit<'a>,
}

impl Best<'_> {
    fn content(&self) -> Option<ContentId> {
        self.hit.entry.content
    }

    /// The same contents stand together, the best file of each first.
    fn by_content(&self, other: &Self) -> Ordering {
        let content = || self.content().cmp(&other.content()).then_with(|| self.order(other));
        self.key.cmp(&other.key).then_with(content)
    }

    fn is_same_content(&self, other: &Self) -> bool {
        self.key == other.key && self.content().is_some() && self.content() == other.content()
    }

    /// The best first. Peers are numbered in the order of their ids, those that answer first.
    fn order(&self, other: &Self) -> Ordering {
        (self.fades.cmp(&other.fades))
            .then_with(|| self.hit.rank.cmp(&other.hit.rank))
            .then_with(|| self.hit.folded.cmp(other.hit.folded))
            .then_with(|| self.hit.entry.name.cmp(&other.hit.entry.name))
            .then_with(|| self.content().cmp(&other.content()))
            .then_with(|| self.peer.cmp(&other.peer))
            .then_with(|| self.hit.entry.key.cmp(&other.hit.entry.key))
    }

    fn by(&self, other: &Self, key: SortKey) -> Ordering {
        match key {
            SortKey::Relevance => self.hit.rank.cmp(&other.hit.rank),
            SortKey::Name => self.hit.folded.cmp(other.hit.folded),
            SortKey::Size => self.hit.entry.size.cmp(&other.hit.entry.size),
            SortKey::Sources => self.sources.cmp(&other.sources),
            SortKey::Type => self.hit.kind.cmp(&other.hit.kind),
        }
    }
}

/// The present lists with their peers, by number.
type Lists<'a> = [(&'a PeerId, &'a List)];

impl Index {
    /// The results when nobody says how many.
    pub const DEFAULT_RESULTS: u32 = 200;
    /// The most results at once: some MiB of JSON.
    pub const MAX_RESULTS: u32 = 10_000;

    /// Files of present peers that fit the query, grouped by content; those of `page`, and never more than
    /// [`Index::MAX_RESULTS`]. `chosen` are the peers that the query means ([`Query::chosen_peers`]).
    #[must_use]
    pub fn search(&self, query: &Query, chosen: &ChosenPeers, page: Page) -> Matches {
        let lists: Vec<_> = self.present_lists().collect();
        // Those that do not answer come last in the list.
        let answering = lists.iter().filter(|(peer, _)| self.answers(peer)).count();
        let mut groups = groups(query, chosen, &lists, u8::try_from(answering).unwrap_or(u8::MAX));
        let facets = facets(&groups, &lists);
        let total = groups.len() as u64;
        if page.sort.key == SortKey::Sources {
            count_sources(&mut groups, &lists);
        }
        let results = part(&mut groups, page).iter().map(|best| found(query, best, &lists)).collect();
        Matches { total, facets, results }
    }

    /// Who has a content, by peer, and its size as the first of them says (`None`: nobody has it).
    #[must_use]
    pub fn sources(&self, content: ContentId) -> (Option<u64>, Vec<Source>) {
        let mut size = None;
        let mut sources = Vec::new();
        for (peer, list) in self.present_lists() {
            let Some(entry) = list.with_content(content).min_by(|a, b| a.name.cmp(&b.name)) else { continue };
            size = size.or(Some(entry.size));
            sources.push(Source::of(*peer, entry));
        }
        (size, sources)
    }
}

/// `answering` of the lists, the first ones, are of peers that answer.
fn groups<'a>(query: &Query, chosen: &ChosenPeers, lists: &Lists<'a>, answering: u8) -> Vec<Best<'a>> {
    let mut groups = Vec::new();
    // What is meant by its hash comes before what only has the hash in its name.
    let highest = if query.content().is_some() { Rank::Prefix } else { Rank::Exact };
    for (number, (peer, list)) in (0_u8..).zip(lists) {
        // Who is not chosen contributes neither a match nor its name.
        if !chosen.all_of.is_empty() && !chosen.all_of.iter().any(|set| set.contains(*peer)) {
            continue;
        }
        let fades = number >= answering;
        let best =
            |hit| Best { key: key_of(hit), peer: number, fades, sources: 0, holders: 1 << number, hit };
        if let Some(content) = query.content() {
            groups.extend(list.hits_of_content(content).map(best));
        }
        if query.asks_for_names() {
            list.for_each_hit(query, |hit| groups.push(best(Hit { rank: hit.rank.max(highest), ..hit })));
        }
    }
    // The best of each content comes first; files without one are groups of their own.
    groups.sort_unstable_by(Best::by_content);
    groups.dedup_by(|later, first| {
        let same = later.is_same_content(first);
        first.holders |= if same { later.holders } else { 0 };
        same
    });
    choose(&mut groups, chosen, lists);
    groups
}

/// Leaves what all chosen peers have and no excluded one.
fn choose(groups: &mut Vec<Best<'_>>, chosen: &ChosenPeers, lists: &Lists<'_>) {
    for set in &chosen.all_of {
        let mask: u64 = (0_u8..)
            .zip(lists)
            .filter(|(_, (peer, _))| set.contains(*peer))
            .map(|(number, _)| 1 << number)
            .sum();
        groups.retain(|best| best.holders & mask != 0);
    }
    for (number, (_, list)) in (0_u8..).zip(lists).filter(|(_, (peer, _))| chosen.none_of.contains(*peer)) {
        let has = |best: &Best<'_>| match best.content() {
            Some(content) => list.has_content(content),
            None => best.peer == number,
        };
        groups.retain(|best| !has(best));
    }
}

fn facets(groups: &[Best<'_>], lists: &Lists<'_>) -> Facets {
    let mut facets = Facets::default();
    let mut peers = vec![0; lists.len()];
    for best in groups {
        facets.count(best.hit.kind, best.hit.entry.size);
        let mut holders = best.holders;
        while holders != 0 {
            if let Some(count) = peers.get_mut(holders.trailing_zeros() as usize) {
                *count += 1;
            }
            holders &= holders - 1;
        }
    }
    facets.with_peers(lists.iter().map(|(peer, _)| **peer).zip(peers).collect())
}

fn count_sources(groups: &mut [Best<'_>], lists: &Lists<'_>) {
    let exact = groups.len() <= EXACT_SOURCES;
    let count = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    for best in groups {
        best.sources = match best.content() {
            Some(content) if exact => {
                count(lists.iter().filter(|(_, list)| list.has_content(content)).count())
            }
            _ => count(best.holders.count_ones() as usize),
        };
    }
}

/// The groups of a page, in its order.
fn part<'g, 'a>(groups: &'g mut [Best<'a>], page: Page) -> &'g [Best<'a>] {
    let order = |one: &Best<'_>, other: &Best<'_>| {
        let by_key = one.by(other, page.sort.key);
        let by_key = if page.sort.direction == Direction::Descending { by_key.reverse() } else { by_key };
        one.fades.cmp(&other.fades).then(by_key).then_with(|| one.order(other))
    };
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = page.limit.min(Index::MAX_RESULTS) as usize;
    if offset >= groups.len() || limit == 0 {
        return &[];
    }
    if offset > 0 {
        groups.select_nth_unstable_by(offset, order);
    }
    let mut part = &mut groups[offset..];
    if part.len() > limit {
        part.select_nth_unstable_by(limit, order);
        part = &mut part[..limit];
    }
    part.sort_unstable_by(order);
    part
}

fn found(query: &Query, best: &Best<'_>, lists: &Lists<'_>) -> Found {
    let entry = best.hit.entry;
    let sources = match (entry.content, lists.get(usize::from(best.peer))) {
        (Some(content), _) => sources_of(query, content, lists),
        (None, Some((peer, _))) => vec![Source::of(**peer, entry)],
        (None, None) => Vec::new(),
    };
    Found { content: entry.content, name: entry.name.clone(), size: entry.size, sources }
}

fn sources_of(query: &Query, content: ContentId, lists: &Lists<'_>) -> Vec<Source> {
    let key = |entry: &FileEntry| {
        let folded = super::fold::fold_name(entry.name.as_str());
        // Names that do not fit come last.
        (query.rank(&folded).map_or((1, Rank::Inside), |rank| (0, rank)), folded)
    };
    let mut sources = Vec::new();
    for (peer, list) in lists {
        let best = list.with_content(content).min_by_key(|entry| (key(entry), &entry.name, &entry.folder));
        if let Some(entry) = best {
            sources.push(Source::of(**peer, entry));
        }
    }
    sources
}

fn key_of(hit: Hit<'_>) -> u64 {
    let bytes = hit.entry.content.and_then(|content| content.as_bytes().first_chunk().copied());
    bytes.map_or(0, u64::from_be_bytes)
}
