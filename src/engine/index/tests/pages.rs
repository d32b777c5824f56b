//! Whole answers - order, page, totals and classes - against a slow reference that sorts everything.

use super::operators::{GroupKey, Lists, Signed, Term, ask, groups, indexed, peer, some_lists, some_terms};
use super::*;
use crate::base::{FileKind, natural_parts};
use crate::engine::index::fold;
use proptest::prelude::*;
use proptest::sample::select;
use std::cmp::Ordering;

/// A folded name, cut into numbers and bytes.
type Parts = (Vec<(u8, usize, String)>, String);

/// One file that fits, in the order of what decides between files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: Rank,
    folded: Parts,
    name: FileName,
    folder: Parts,
    content: Option<ContentId>,
    peer: PeerId,
    key: u64,
    size: u64,
}

impl Candidate {
    fn of(query: &Query, peer: PeerId, file: &FileEntry) -> Self {
        let folded = fold(file.name.as_str());
        let rank = query.rank(&folded).expect("it fits");
        let folded = natural_parts(&folded);
        let (name, content, key, size) = (file.name.clone(), file.content, file.key, file.size);
        let folder = natural_parts(file.folder.as_str());
        Self { rank, folded, name, folder, content, peer, key, size }
    }

    fn kind(&self) -> FileKind {
        FileKind::of_name(self.name.as_str())
    }
}

/// The best file of each group.
fn best(
    lists: &Lists,
    query: &Query,
    terms: &[Signed],
    wanted: &BTreeMap<GroupKey, BTreeSet<PeerId>>,
) -> Vec<Candidate> {
    let best_of = |((content, owner), holders): (&GroupKey, &BTreeSet<PeerId>)| {
        let files = lists.iter().flat_map(|(peer, files)| files.iter().map(move |file| (*peer, file)));
        files
            .filter(|(peer, file)| {
                let is_of_group = match owner {
                    Some(owner) => *owner == (*peer, file.key),
                    None => file.content == *content,
                };
                is_of_group && holders.contains(peer) && terms.iter().all(|term| term.fits(file))
            })
            .map(|(peer, file)| Candidate::of(query, peer, file))
            .min()
            .expect("a group has a file")
    };
    wanted.iter().map(best_of).collect()
}

/// Who has it; of several files of one peer, what `holders` have under a name that fits comes first.
fn sources(
    lists: &Lists,
    query: &Query,
    terms: &[Signed],
    holders: &BTreeSet<PeerId>,
    best: &Candidate,
) -> Vec<Source> {
    let source = |peer: PeerId, folder: &FolderPath, name: &FileName| {
        let (folder, name) = (folder.clone(), name.clone());
        Source { peer, folder, name }
    };
    if best.content.is_none() {
        let folder = FolderPath::new(&best.folder.1).expect("a path");
        return vec![source(best.peer, &folder, &best.name)];
    }
    let of = |(peer, files): &(PeerId, Vec<FileEntry>)| {
        let with = files.iter().filter(|file| file.content == best.content);
        let key = |file: &&FileEntry| {
            let folded = fold(file.name.as_str());
            let rank = query.rank(&folded);
            let is_hit = holders.contains(peer) && terms.iter().all(|term| term.fits(file));
            (
                !is_hit,
                rank.is_none(),
                rank,
                natural_parts(&folded),
                file.name.clone(),
                natural_parts(file.folder.as_str()),
            )
        };
        with.min_by_key(key).map(|file| source(*peer, &file.folder, &file.name))
    };
    lists.iter().filter_map(of).collect()
}

fn by(sort: Sort, lists: &Lists, one: &Candidate, other: &Candidate) -> Ordering {
    let count = |it: &Candidate| match it.content {
        None => 1,
        content => lists.iter().filter(|(_, files)| files.iter().any(|file| file.content == content)).count(),
    };
    let first = match sort.key {
        SortKey::Relevance => one.rank.cmp(&other.rank),
        SortKey::Name => one.folded.cmp(&other.folded),
        SortKey::Size => one.size.cmp(&other.size),
        SortKey::Sources => count(one).cmp(&count(other)),
        SortKey::Type => one.kind().cmp(&other.kind()),
    };
    let first = if sort.direction == Direction::Descending { first.reverse() } else { first };
    first.then_with(|| one.cmp(other))
}

/// How many there are of each class of sizes that has any.
fn size_classes(best: &[Candidate]) -> Vec<(&'static str, u64)> {
    let classes = [
        ("size:<1M", 0..1_000_000),
        ("size:1M..10M", 1_000_000..10_000_000),
        ("size:10M..100M", 10_000_000..100_000_000),
        ("size:100M..1G", 100_000_000..1_000_000_000),
        ("size:>=1G", 1_000_000_000..u64::MAX),
    ];
    let count =
        |range: &std::ops::Range<u64>| best.iter().filter(|it| range.contains(&it.size)).count() as u64;
    classes.iter().map(|(term, range)| (*term, count(range))).filter(|(_, count)| *count > 0).collect()
}

/// What happened to the first list after it was announced: these keys were removed, these came (back).
fn changed(lists: &mut Lists, index: &mut Index, gone: &BTreeSet<u64>, new: &[FileEntry]) {
    let removals = gone.iter().map(|key| Change::Remove(*key));
    let changes: Vec<_> = removals.chain(new.iter().cloned().map(Change::Put)).collect();
    assert_eq!(index.delta(peer(1), delta(1, 2, changes)), Ok(Taken::Accepted));
    let files = &mut lists[0].1;
    files.retain(|file| !gone.contains(&file.key) && !new.iter().any(|other| other.key == file.key));
    files.extend(new.iter().cloned());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_what_sorting_everything_gives(
        lists in some_lists(), terms in some_terms(), key in select(SortKey::ALL.to_vec()), descending in any::<bool>(),
        offset in 0_u64..8, limit in 0_u32..12, gone in proptest::collection::btree_set(0_u64..10, 0..3), more in some_lists()
    ) {
        let mut lists = lists;
        let mut index = indexed(&lists);
        changed(&mut lists, &mut index, &gone, &more[0].1);
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        let sort = Sort { key, direction };
        let words = terms.iter().map(Signed::text).collect::<Vec<_>>().join(" ");
        let query = Query::parse(&words).expect("a query");
        let matches = ask(&index, &words, Page { offset, limit, sort });

        let wanted = groups(&lists, &terms);
        let mut best = best(&lists, &query, &terms, &wanted);
        best.sort_by(|one, other| by(sort, &lists, one, other));
        let holders = |best: &Candidate| {
            wanted.get(&(best.content, None)).cloned().unwrap_or_default()
        };
        let found = |best: &Candidate| Found {
            content: best.content,
            name: best.name.clone(),
            size: best.size,
            sources: sources(&lists, &query, &terms, &holders(best), best),
        };
        let page: Vec<_> =
            best.iter().skip(usize::try_from(offset).expect("small")).take(limit as usize).map(found).collect();
        prop_assert_eq!(&matches.results, &page, "{} by {}", words, sort);
        prop_assert_eq!(matches.total, best.len() as u64);
        let mut kinds = BTreeMap::new();
        for it in &best {
            *kinds.entry(it.kind()).or_insert(0) += 1;
        }
        prop_assert_eq!(matches.facets.kinds().collect::<BTreeMap<_, _>>(), kinds);
        prop_assert_eq!(matches.facets.sizes().collect::<Vec<_>>(), size_classes(&best));
        let mut peers = BTreeMap::new();
        wanted.values().flatten().for_each(|peer| *peers.entry(*peer).or_insert(0) += 1);
        prop_assert_eq!(matches.facets.peers().collect::<BTreeMap<_, _>>(), peers);
        let is_peer = |term: &Signed| matches!(term.term, Term::Peer(_));
        prop_assert!(terms.iter().any(is_peer) || total_of(&index, &terms) == matches.total);
    }
}

/// The number of groups counted by another way: a page of none.
fn total_of(index: &Index, terms: &[Signed]) -> u64 {
    let words = terms.iter().map(Signed::text).collect::<Vec<_>>().join(" ");
    ask(index, &words, Page::from(0)).total
}
