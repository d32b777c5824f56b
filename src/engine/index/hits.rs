//! The files that fit a query, and the contents that they are of.
//!
//! What is absent on purpose: hashes and names. A hit is the number of a peer and of a row; whatever else
//! is asked for is read from the columns, by those who need it.

use super::bits::Bits;
use super::contents::{Contents, NO_CONTENT};
use super::facets::Class;
use super::fitting::Fitting;
use super::list::List;
use super::query::{Query, Rank};
use super::rows::{Row, Rows};
use crate::base::{Natural, PeerId, natural_beginning};
use std::cmp::Ordering;

/// Nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abandoned;

/// A file that fits, with what is asked of most hits: columns are far away once the search has gone on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// A number that goes by the order of the names among the hits that fit equally well.
    pub(super) name: u64,
    pub(super) row: u32,
    /// The number of its content.
    pub(super) content: u32,
    /// The number of the peer among those that are present.
    pub(super) peer: u8,
    /// How well it fits, if that was seen when it was found.
    pub(super) rank: Option<Rank>,
    pub(super) class: Class,
}

/// The files that fit and are of one content, or one that is of none yet. Which of them fits best is seen
/// only where it matters: that is a look at every name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a> {
    first: Hit,
    others: &'a [Hit],
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
    /// In some list the names need not be looked at; so all their numbers have as much as the column has.
    pub(super) are_names_short: bool,
}

/// The hits of some contents.
#[derive(Debug)]
pub(super) struct Hits {
    /// The first of each content, and those without one.
    firsts: Vec<Vec<Hit>>,
    /// The others, by content.
    others: Vec<Hit>,
    /// The contents of the others.
    many: Bits,
}

/// Tells the first hits of their contents from the others.
#[derive(Debug)]
pub(super) struct Parting {
    seen: Bits,
    others: Vec<Hit>,
    many: Bits,
}

impl<'a> Searched<'a> {
    /// These lists, of which so many answer.
    pub(super) fn new(
        query: &'a Query,
        lists: Vec<(PeerId, &'a List)>,
        answering: usize,
        contents: &'a Contents,
    ) -> Self {
        let is_decided = |(_, list): &(PeerId, &List)| query.is_decided_by_signature(&list.rows().frequent);
        let are_names_short = lists.iter().any(is_decided);
        Self { query, lists, answering, contents, are_names_short }
    }

    /// As much of the number of a name as all have.
    pub(super) fn common_number(&self, name: u64) -> u64 {
        if self.are_names_short { name & u64::MAX << 32 } else { name }
    }

    /// With the whole number of its name.
    pub(super) fn looked_at(&self, hit: Hit) -> Hit {
        let is_name_short = self.are_names_short || hit.rank.is_none_or(Rank::is_name_short);
        if is_name_short { Hit { name: natural_beginning(self.folded(hit)), ..hit } } else { hit }
    }

    /// The columns that it stands in.
    pub(super) fn rows(&self, hit: Hit) -> &Rows {
        self.lists[usize::from(hit.peer)].1.rows()
    }

    /// What is known of its file.
    pub(super) fn row(&self, hit: Hit) -> &Row {
        self.rows(hit).row(hit.row)
    }

    /// Its folded name.
    fn folded(&self, hit: Hit) -> &[u8] {
        self.rows(hit).folded_bytes(hit.row as usize)
    }

    /// The same, in the order of names.
    pub(super) fn natural(&self, hit: Hit) -> Natural<'_> {
        Natural(self.folded(hit))
    }

    /// How well it fits.
    pub(super) fn rank(&self, hit: Hit) -> Rank {
        hit.rank.unwrap_or_else(|| self.query.rank_of_fitting(self.folded(hit)).max(self.highest()))
    }

    /// What is meant by its hash comes before what only has the hash in its name.
    pub(super) fn highest(&self) -> Rank {
        if self.query.content().is_some() { Rank::Prefix } else { Rank::Exact }
    }

    /// Whether its peer does not answer at the moment.
    pub(super) fn fades(&self, hit: Hit) -> bool {
        usize::from(hit.peer) >= self.answering
    }

    /// The best first. What is far away in memory is read only where what is near does not decide.
    pub(super) fn order(&self, one: Hit, other: Hit) -> Ordering {
        let near = match (one.rank, other.rank) {
            (Some(rank), Some(other)) => rank.cmp(&other),
            _ => Ordering::Equal,
        };
        self.fades(one).cmp(&self.fades(other)).then(near).then_with(|| self.order_by_names(one, other))
    }

    fn order_by_names(&self, one: Hit, other: Hit) -> Ordering {
        let folded = self.natural(one).cmp(&self.natural(other));
        if folded != Ordering::Equal {
            let ranks = match (one.rank, other.rank) {
                (Some(_), Some(_)) => Ordering::Equal,
                _ => self.rank(one).cmp(&self.rank(other)),
            };
            return ranks.then(folded);
        }
        let (rows, other_rows) = (self.rows(one), self.rows(other));
        let contents = || match (one.content, other.content) {
            (content, other) if content == other => Ordering::Equal,
            (content, other) => self.contents.get(content).cmp(&self.contents.get(other)),
        };
        let folders = || {
            let (folder, other_folder) = (rows.folder(one.row), other_rows.folder(other.row));
            Natural(folder.as_str().as_bytes()).cmp(&Natural(other_folder.as_str().as_bytes()))
        };
        let names = || match (rows.spelling(one.row), other_rows.spelling(other.row)) {
            (spelling, other) if spelling == other => Ordering::Equal,
            _ => rows.name(one.row).cmp(&other_rows.name(other.row)),
        };
        names()
            .then_with(folders)
            .then_with(contents)
            .then_with(|| one.peer.cmp(&other.peer))
            .then_with(|| rows.keys[one.row as usize].cmp(&other_rows.keys[other.row as usize]))
    }
}

impl Hit {
    /// A row that fits; `None` for a gap.
    pub(super) fn of(peer: u8, rows: &Rows, Fitting { row, rank, name }: Fitting) -> Option<Self> {
        let at = row as usize;
        let class = rows.classes[at]?;
        let name = name.unwrap_or_else(|| u64::from(rows.beginnings[at]) << 32);
        Some(Self { name, row, content: rows.contents[at], peer, rank, class })
    }
}

impl Parting {
    /// None was seen yet.
    pub(super) fn new(contents: &Contents) -> Self {
        let (seen, many) = (Bits::below(contents.len()), Bits::below(contents.len()));
        Self { seen, others: Vec::new(), many }
    }

    /// Whether it is the first one; if not, it is kept with the others.
    pub(super) fn is_first(&mut self, hit: Hit) -> bool {
        let is_first = hit.content == NO_CONTENT || self.seen.insert(hit.content);
        if !is_first {
            self.many.insert(hit.content);
            self.others.push(hit);
        }
        is_first
    }

    /// The hits, of which all that are first were `firsts`.
    pub(super) fn hits(self, firsts: Vec<Vec<Hit>>) -> Hits {
        let Self { mut others, many, .. } = self;
        others.sort_by_key(|hit| hit.content);
        Hits { firsts, others, many }
    }
}

impl Hits {
    /// The groups, in no particular order.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let mut next = 0;
        self.firsts.iter().flatten().map(move |&first| {
            let content = first.content;
            let mut holders = 1 << first.peer;
            if content == NO_CONTENT || !self.many.contains(content) {
                return Group { first, others: &[], holders };
            }
            // Contents are numbered as they come, so the next ones are mostly those of the next group.
            if self.others.get(next).is_none_or(|other| other.content != content) {
                next = self.others.partition_point(|other| other.content < content);
            }
            let others = self.run(next, content);
            next += others.len();
            for other in others {
                holders |= 1 << other.peer;
            }
            Group { first, others, holders }
        })
    }

    /// Those of a content that are not its first.
    pub(super) fn others(&self, content: u32) -> &[Hit] {
        if !self.many.contains(content) {
            return &[];
        }
        self.run(self.others.partition_point(|other| other.content < content), content)
    }

    /// Those of a content that stand together from here on.
    fn run(&self, start: usize, content: u32) -> &[Hit] {
        let rest = &self.others[start..];
        let count = rest.iter().take_while(|other| other.content == content).count();
        &rest[..count]
    }
}

impl Group<'_> {
    /// Of a file that is alone with its content, or has none yet.
    pub(super) fn alone(hit: Hit) -> Self {
        Group { first: hit, others: &[], holders: 1 << hit.peer }
    }

    /// The hit that came first.
    pub(super) fn first(&self) -> Hit {
        self.first
    }

    /// The number of the content.
    pub(super) fn content(&self) -> u32 {
        self.first.content
    }

    /// A peer that has it; the only one where there is no content.
    pub(super) fn peer(&self) -> u8 {
        self.first.peer
    }

    /// Whether something holds of all its files.
    #[inline]
    pub(super) fn all(&self, holds: impl Fn(Hit) -> bool) -> bool {
        holds(self.first) && self.others.iter().all(|other| holds(*other))
    }

    /// The one that fits best.
    pub(super) fn best(&self, searched: &Searched<'_>) -> Hit {
        self.others.iter().fold(self.first, |best, other| {
            if searched.order(*other, best) == Ordering::Less { *other } else { best }
        })
    }

    /// The class of the one that fits best.
    pub(super) fn class(&self, searched: &Searched<'_>) -> Class {
        let class = self.first.class;
        // Those of one content are nearly always of one class.
        if self.others.iter().all(|other| other.class == class) { class } else { self.best(searched).class }
    }
}
