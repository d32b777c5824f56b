//! Operators, orders, pages and classes against a slow reference that works on the terms themselves.

use super::*;
use crate::base::{FileKind, natural_parts};
use crate::engine::index::fold;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};

/// A term of a query and what it means, said a second time.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Word(&'static str),
    Ext(&'static str),
    Kind(FileKind),
    Larger(u64),
    Between(u64, u64),
    Peer(u8),
}

#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) is_excluded: bool,
    pub(super) term: Term,
}

pub(super) type Lists = Vec<(PeerId, Vec<FileEntry>)>;

pub(super) fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

pub(super) fn names() -> BTreeMap<PeerId, String> {
    [(1, "Ana Maria"), (2, "José"), (3, "peer-3")]
        .map(|(number, name)| (peer(number), name.to_owned()))
        .into()
}

impl Signed {
    pub(super) fn text(&self) -> String {
        let sign = if self.is_excluded { "-" } else { "" };
        let text = match &self.term {
            Term::Word(word) if word.contains(' ') => format!("\"{word}\""),
            Term::Word(word) => (*word).to_owned(),
            Term::Ext(ext) => format!("ext:{ext}"),
            Term::Kind(kind) => format!("type:{}", kind.name()),
            Term::Larger(size) => format!("size:>{size}"),
            Term::Between(from, to) => format!("size:{from}..{to}"),
            Term::Peer(number) => format!("peer:\"{}\"", names()[&peer(*number)]),
        };
        format!("{sign}{text}")
    }

    /// Whether one file fits; who has it is looked at elsewhere.
    pub(super) fn fits(&self, file: &FileEntry) -> bool {
        let name = fold(file.name.as_str());
        let fits = match &self.term {
            Term::Word(word) => name.contains(&fold(word)),
            Term::Ext(ext) => ext.split(',').any(|ext| name.ends_with(&format!(".{ext}"))),
            Term::Kind(kind) => FileKind::of_name(&name) == *kind,
            Term::Larger(size) => file.size > *size,
            Term::Between(from, to) => *from <= file.size && file.size < *to,
            Term::Peer(_) => return true,
        };
        fits != self.is_excluded
    }
}

/// What a group is known by: its content, or the one file.
pub(super) type GroupKey = (Option<ContentId>, Option<(PeerId, u64)>);

/// The groups that fit, with the peers that have them under a name that fits.
pub(super) fn groups(lists: &Lists, terms: &[Signed]) -> BTreeMap<GroupKey, BTreeSet<PeerId>> {
    let key =
        |peer: PeerId, file: &FileEntry| (file.content, file.content.is_none().then_some((peer, file.key)));
    let of_peers = |excluded: bool| {
        terms.iter().filter(move |term| term.is_excluded == excluded).filter_map(|term| match term.term {
            Term::Peer(number) => Some(peer(number)),
            _ => None,
        })
    };
    let mut groups: BTreeMap<GroupKey, BTreeSet<PeerId>> = BTreeMap::new();
    for (peer, files) in lists {
        for file in files.iter().filter(|file| terms.iter().all(|term| term.fits(file))) {
            groups.entry(key(*peer, file)).or_default().insert(*peer);
        }
    }
    groups.retain(|key, holders| {
        let has = |peer: PeerId| match key {
            (Some(content), _) => lists.iter().any(|(owner, files)| {
                *owner == peer && files.iter().any(|file| file.content == Some(*content))
            }),
            (None, owner) => owner.is_some_and(|(owner, _)| owner == peer),
        };
        of_peers(false).all(|peer| holders.contains(&peer)) && !of_peers(true).any(has)
    });
    let chosen: BTreeSet<_> = of_peers(false).collect();
    if !chosen.is_empty() {
        // Who is not chosen does not count.
        for holders in groups.values_mut() {
            holders.retain(|peer| chosen.contains(peer));
        }
    }
    groups
}

pub(super) fn some_lists() -> impl Strategy<Value = Lists> {
    let stem = select(vec!["a", "b sea", "ação", "report a", "b", "b 2", "b 10", "b 02", "10"]);
    let end = select(vec![".pdf", ".PDF", ".tar.gz", ".mp3", ".mkv", ".rs", ""]);
    let size = select(vec![0_u64, 5, 10, 2_000_000, 1_000_000_000]);
    let folder = select(vec!["", "x", "x 10", "x 2/y"]);
    let file = (stem, end, size, proptest::option::of(0_u8..6), folder);
    let list = proptest::collection::vec(file, 0..10).prop_map(|files| {
        type Made = (usize, (&'static str, &'static str, u64, Option<u8>, &'static str));
        let entry = |(key, (stem, end, size, content, folder)): Made| FileEntry {
            size,
            folder: FolderPath::new(folder).expect("a path"),
            ..file_entry(key as u64, &format!("{stem}{end}"), content)
        };
        files.into_iter().enumerate().map(entry).collect::<Vec<_>>()
    });
    proptest::collection::vec(list, 3).prop_map(|lists| (1..=3).map(peer).zip(lists).collect())
}

fn file_entry(key: u64, name: &str, content: Option<u8>) -> FileEntry {
    super::file(key, name, content)
}

pub(super) fn some_terms() -> impl Strategy<Value = Vec<Signed>> {
    let term = prop_oneof![
        3 => select(vec!["a", "b", "sea", "b sea", "ÁÇ", "report", "2", "b 1", "1", "10"]).prop_map(Term::Word),
        1 => select(vec!["pdf", "gz", "tar.gz", "pdf,rs"]).prop_map(Term::Ext),
        1 => select(FileKind::ALL.to_vec()).prop_map(Term::Kind),
        1 => select(vec![0_u64, 5, 2_000_000]).prop_map(Term::Larger),
        1 => (0_u64..11, 11_u64..3_000_000).prop_map(|(from, to)| Term::Between(from, to)),
        1 => (1_u8..=3).prop_map(Term::Peer),
    ];
    let signed =
        (proptest::bool::weighted(0.3), term).prop_map(|(is_excluded, term)| Signed { is_excluded, term });
    proptest::collection::vec(signed, 0..4)
}

pub(super) fn indexed(lists: &Lists) -> Index {
    let mut index = Index::default();
    for (peer, files) in lists {
        assert_eq!(index.begin(*peer, announcement(1, files)), Ok(Begun::SendAll));
        assert_eq!(index.chunk(*peer, chunk(0, true, files)), Ok(Taken::Accepted));
    }
    index
}

pub(super) fn ask(index: &Index, words: &str, page: Page) -> Matches {
    let query = Query::parse(words).unwrap_or_else(|error| panic!("{words}: {error}"));
    search(index, &query, &query.chosen_peers(&names()).expect("they are there"), page)
}

fn key_of(lists: &Lists, found: &Found) -> GroupKey {
    let owner = found.sources.first().filter(|_| found.content.is_none()).map(|source| {
        let (_, files) = lists.iter().find(|(peer, _)| *peer == source.peer).expect("its owner");
        let fits =
            |file: &&FileEntry| file.content.is_none() && file.name == source.name && file.size == found.size;
        // Files of one name without a hash are alike to whoever searches: the first one stands for all.
        (source.peer, files.iter().find(fits).expect("the file").key)
    });
    (found.content, owner)
}

/// The same, so that alike files count as one.
fn alike(lists: &Lists, key: &GroupKey) -> GroupKey {
    let Some((owner, number)) = key.1 else { return *key };
    let (_, files) = lists.iter().find(|(peer, _)| *peer == owner).expect("its owner");
    let this = files.iter().find(|file| file.key == number).expect("the file");
    let same = |file: &&FileEntry| file.content.is_none() && file.name == this.name && file.size == this.size;
    (None, Some((owner, files.iter().find(same).expect("itself").key)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn operators_find_what_the_slow_search_finds(lists in some_lists(), terms in some_terms()) {
        let index = indexed(&lists);
        let words = terms.iter().map(Signed::text).collect::<Vec<_>>().join(" ");
        let matches = ask(&index, &words, Page::from(100));
        let expected = groups(&lists, &terms);
        prop_assert_eq!(matches.total, expected.len() as u64, "{}", words);
        let found: BTreeSet<_> = matches.results.iter().map(|found| key_of(&lists, found)).collect();
        let keys: BTreeSet<_> = expected.keys().map(|key| alike(&lists, key)).collect();
        prop_assert_eq!(found, keys, "{}", words);
        // Everybody who has it is named, by whatever name.
        for found in &matches.results {
            if let Some(content) = found.content {
                let holders: Vec<_> = found.sources.iter().map(|source| source.peer).collect();
                let all: Vec<_> = index.sources(content).1.iter().map(|source| source.peer).collect();
                prop_assert_eq!(holders, all);
            }
        }
        for (peer, count) in matches.facets.peers() {
            let with = expected.values().filter(|holders| holders.contains(&peer)).count();
            prop_assert_eq!(count, with as u64, "{} of {:?}", words, peer);
        }
        let kinds: u64 = matches.facets.kinds().map(|(_, count)| count).sum();
        let sizes: u64 = matches.facets.sizes().map(|(_, count)| count).sum();
        prop_assert_eq!((kinds, sizes), (matches.total, matches.total));
    }

    #[test]
    fn a_class_added_to_the_words_leaves_just_that_class(lists in some_lists(), word in select(vec!["", "a", "b"])) {
        let index = indexed(&lists);
        let matches = ask(&index, word, Page::from(100));
        let kinds = matches.facets.kinds().map(|(kind, count)| (format!("type:{}", kind.name()), count));
        let sizes = matches.facets.sizes().map(|(term, count)| (term.to_owned(), count));
        let peers = matches.facets.peers().map(|(peer, count)| (format!("peer:\"{}\"", names()[&peer]), count));
        for (term, count) in kinds.chain(sizes).chain(peers) {
            let rest = ask(&index, &format!("{word} {term}"), Page::from(100));
            // A content of two names may be of two kinds: its best name counts, and any is found.
            prop_assert!(rest.total >= count, "{} has {} of {}", term, rest.total, count);
        }
    }

    #[test]
    fn pages_side_by_side_are_the_whole(
        lists in some_lists(), key in select(SortKey::ALL.to_vec()), size in 1_u32..7, descending in any::<bool>(),
        far in any::<Pick>()
    ) {
        let index = indexed(&lists);
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        let page = |offset, limit| Page { offset, limit, sort: Sort { key, direction } };
        let whole = ask(&index, "", page(0, 1_000)).results;
        let mut parts = Vec::new();
        while parts.len() < whole.len() {
            let part = ask(&index, "", page(parts.len() as u64, size)).results;
            prop_assert!(!part.is_empty() && part.len() <= size as usize);
            parts.extend(part);
        }
        prop_assert_eq!(&parts, &whole);
        prop_assert_eq!(ask(&index, "", page((whole.len() + far.index(1_000_000)) as u64, size)).results, []);
        let nothing = || natural_parts("");
        let value = |found: &Found| match key {
            SortKey::Relevance => (0, nothing()),
            SortKey::Name => (0, natural_parts(&fold(found.name.as_str()))),
            SortKey::Size => (found.size, nothing()),
            SortKey::Sources => (found.sources.len() as u64, nothing()),
            SortKey::Type => (FileKind::of_name(found.name.as_str()) as u64, nothing()),
        };
        let ordered = whole.windows(2).all(|pair| {
            let (first, second) = (value(&pair[0]), value(&pair[1]));
            if descending { first >= second } else { first <= second }
        });
        prop_assert!(ordered, "{:?} {:?}", key, whole);
    }

    #[test]
    fn nothing_that_is_typed_panics(text in "(ext:|size:|peer:|type:|cardume:\\?h=)?[-\"a:.,><=0-9MGkB é\u{fdfa}]{0,24}") {
        let index = indexed(&vec![(peer(1), vec![file(1, "a.pdf", Some(1))])]);
        if let Ok(query) = Query::parse(&text)
            && let Ok(chosen) = query.chosen_peers(&names())
        {
            prop_assert!(index.search(&query, &chosen, Page::from(10)).total <= 1);
        }
    }
}

#[test]
fn a_link_and_a_hash_find_the_content_whatever_it_is_called() {
    let hash = ContentId::from_bytes([4; 32]);
    let lists = vec![
        (peer(1), vec![file(1, "a.pdf", Some(4)), file(2, &format!("{hash}.torrent"), Some(5))]),
        (peer(2), vec![file(1, "b.pdf", Some(4))]),
    ];
    let index = indexed(&lists);
    let found = |words: &str| -> Vec<Option<ContentId>> {
        ask(&index, words, Page::from(10)).results.iter().map(|found| found.content).collect()
    };
    assert_eq!(found(&format!("cardume:?h={hash}&n=other.txt")), [Some(hash)]);
    assert_eq!(found(&format!(" {hash} ")), [Some(hash), Some(ContentId::from_bytes([5; 32]))]);
    assert_eq!(found(&format!("cardume:?h={}", ContentId::from_bytes([9; 32]))), []);
    let sources = ask(&index, &hash.to_string(), Page::from(1)).results.remove(0).sources;
    assert_eq!(sources.iter().map(|source| source.peer).collect::<Vec<_>>(), [peer(1), peer(2)]);
}
