//! Searching the lists of all peers: grouped by content, the best first.

use super::Index;
use super::entry::FileEntry;
use super::list::Hit;
use super::query::{Query, Rank};
use crate::base::{ContentId, FileName, FolderPath, PeerId};
use std::cmp::Ordering;

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
    /// How many contents (and files without one) fit, also those beyond the limit.
    pub total: u64,
    /// The best of them: by rank, then by folded name.
    pub results: Vec<Found>,
}

/// The best file of a content.
#[derive(Clone, Copy)]
struct Best<'a> {
    /// The first bytes of the content: a million of them are sorted without looking at the files.
    key: u64,
    peer: &'a PeerId,
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

    fn order(&self, other: &Self) -> Ordering {
        let key = |best: &Self| (best.hit.rank, *best.peer, best.hit.entry.key);
        let (rank, peer, number) = key(self);
        let (other_rank, other_peer, other_number) = key(other);
        (rank.cmp(&other_rank))
            .then_with(|| self.hit.folded.cmp(other.hit.folded))
            .then_with(|| self.hit.entry.name.cmp(&other.hit.entry.name))
            .then_with(|| self.hit.entry.content.cmp(&other.hit.entry.content))
            .then_with(|| peer.cmp(&other_peer))
            .then_with(|| number.cmp(&other_number))
    }
}

impl Index {
    /// The results when nobody says how many.
    pub const DEFAULT_RESULTS: usize = 200;
    /// The most results: more than anybody scrolls through, and some MiB of JSON.
    pub const MAX_RESULTS: usize = 10_000;

    /// Files of present peers of which the names have all the words, grouped by content. A query of no
    /// words fits every file. At most `limit` results, and never more than [`Index::MAX_RESULTS`].
    #[must_use]
    pub fn search(&self, query: &Query, limit: usize) -> Matches {
        let mut groups = self.groups(query);
        let total = groups.len() as u64;
        let limit = limit.min(Self::MAX_RESULTS);
        if groups.len() > limit {
            groups.select_nth_unstable_by(limit, Best::order);
            groups.truncate(limit);
        }
        groups.sort_unstable_by(Best::order);
        Matches { total, results: groups.iter().map(|best| self.found(query, best)).collect() }
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

    fn groups(&self, query: &Query) -> Vec<Best<'_>> {
        let mut groups = Vec::new();
        for (peer, list) in self.present_lists() {
            list.for_each_hit(query, |hit| groups.push(Best { key: key_of(hit), peer, hit }));
        }
        // The best of each content comes first; files without one are groups of their own.
        groups.sort_unstable_by(Best::by_content);
        groups.dedup_by(|later, first| later.is_same_content(first));
        groups
    }

    fn found(&self, query: &Query, best: &Best<'_>) -> Found {
        let entry = best.hit.entry;
        let sources = match entry.content {
            None => vec![Source::of(*best.peer, entry)],
            Some(content) => self.sources_of(query, content),
        };
        Found { content: entry.content, name: entry.name.clone(), size: entry.size, sources }
    }

    fn sources_of(&self, query: &Query, content: ContentId) -> Vec<Source> {
        let key = |entry: &FileEntry| {
            let folded = super::fold::fold_name(entry.name.as_str());
            // Names that do not fit come last.
            (query.rank(&folded).map_or((1, Rank::Inside), |rank| (0, rank)), folded)
        };
        let mut sources = Vec::new();
        for (peer, list) in self.present_lists() {
            let best =
                list.with_content(content).min_by_key(|entry| (key(entry), &entry.name, &entry.folder));
            if let Some(entry) = best {
                sources.push(Source::of(*peer, entry));
            }
        }
        sources
    }
}

fn key_of(hit: Hit<'_>) -> u64 {
    let bytes = hit.entry.content.and_then(|content| content.as_bytes().first_chunk().copied());
    bytes.map_or(0, u64::from_be_bytes)
}
