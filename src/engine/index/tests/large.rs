//! What only shows when there are many files: blocks, pages far behind, gaps, forgotten contents, searches
//! that are given up.

use super::*;
use crate::base::natural_parts;
use crate::engine::index::fold;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const ENDS: [&str; 5] = ["pdf", "mp3", "tar.gz", "JPG", "txt"];

/// Files of a peer with names that others have too; a third of the contents as well.
fn many(peer: u8, count: u64) -> Vec<FileEntry> {
    let name = |key: u64| {
        format!(
            "{} Ação {} of {}.{}",
            key % 7,
            key * 31 % 1009,
            key % 89,
            ENDS[usize::try_from(key % 5).expect("small")]
        )
    };
    let content = |key: u64| {
        let owner = if key.is_multiple_of(3) { 0 } else { peer };
        ContentId::from_bytes(*blake3::hash(&[&key.to_le_bytes()[..], &[owner]].concat()).as_bytes())
    };
    let entry = |key: u64| FileEntry {
        size: key * 7919 % 3_000_000,
        content: Some(content(key)),
        ..file(key, &name(key), None)
    };
    (0..count).map(entry).collect()
}

fn announce(index: &mut Index, peer: PeerId, files: &[FileEntry]) {
    assert_eq!(index.begin(peer, announcement(1, files)), Ok(Begun::SendAll));
    assert_eq!(index.chunk(peer, chunk(0, true, files)), Ok(Taken::Accepted));
}

#[test]
fn a_page_is_a_part_of_the_whole_wherever_it_is() {
    let mut index = Index::default();
    // More than one block, and many more than a page.
    announce(&mut index, PEER, &many(1, 17_000));
    announce(&mut index, OTHER, &many(2, 3_000));
    for key in SortKey::ALL {
        for direction in [Direction::Ascending, Direction::Descending] {
            for (words, least) in [("17 \"of 3\" pdf", 3), ("a", 18_000), ("size:<1M", 5_000)] {
                let sort = Sort { key, direction };
                let (total, whole) = find(&index, words, Page { offset: 0, limit: 5_100, sort });
                assert!(total >= least, "{words}: {total}");
                for (offset, limit) in [(0, 1), (0, 200), (37, 300), (5_000, 100)] {
                    let (_, part) = find(&index, words, Page { offset, limit, sort });
                    let offset = usize::try_from(offset).expect("small");
                    let expected: Vec<_> = whole.iter().skip(offset).take(limit as usize).cloned().collect();
                    assert_eq!(part, expected, "{words} by {sort} from {offset}");
                }
            }
        }
    }
}

/// Whether a page is the beginning of the whole, of which nothing is let go, when the rare names stand behind many.
fn rare_ones_are_found(many: impl Fn(u64) -> String, rare: &[&str], queries: &[&str]) {
    let files: Vec<_> = (0..6_000_u64)
        .map(|key| {
            let late = key.checked_sub(5_900).map(|late| usize::try_from(late).expect("small"));
            let name = late.map_or_else(|| many(key), |late| rare[late % rare.len()].to_owned());
            let content = Some(ContentId::from_bytes(*blake3::hash(&(key / 2).to_le_bytes()).as_bytes()));
            FileEntry { size: key * 31 % 1_009, content, ..file(key, &name, None) }
        })
        .collect();
    // Another peer has so many others before them that nothing of their names is frequent.
    let others = (0..4_200).map(|key| file(key, "zzzz", None));
    let same =
        files[3_000..].iter().map(|same| FileEntry { key: same.key + 5_000, content: None, ..same.clone() });
    let mut index = Index::default();
    announce(&mut index, PEER, &files);
    announce(&mut index, OTHER, &others.chain(same).collect::<Vec<_>>());
    for words in queries {
        let query = Query::parse(words).expect("a query");
        for key in SortKey::ALL {
            for direction in [Direction::Ascending, Direction::Descending] {
                let sort = Sort { key, direction };
                let (_, whole) = find(&index, words, Page { offset: 0, limit: 10_000, sort });
                if sort == Sort::default() {
                    let order = |found: &Found| {
                        let folded = fold(found.name.as_str());
                        (query.rank(&folded).expect("it fits"), natural_parts(&folded))
                    };
                    assert!(whole.is_sorted_by_key(order), "{words:?}");
                }
                let (_, page) = find(&index, words, Page { offset: 0, limit: 20, sort });
                assert_eq!(page, whole[..whole.len().min(20)], "{words:?} by {sort}");
            }
        }
    }
}

#[test]
fn the_few_that_fit_best_are_found_behind_many_that_fit() {
    // These fit well, but not best.
    let early = |key: u64| if key < 1_400 { "abacaxi" } else { "casa" };
    let many = |key: u64| format!("{} {} banana.txt", early(key), key * 7 % 1_009);
    let rare = [
        "a.txt",
        "A",
        "ab 3.pdf",
        "açaí.jpg",
        "b a.mp3",
        "a b.txt",
        "abacaxi",
        "abacate",
        "a.b.c",
        "a a.txt",
        "a 1.txt",
    ];
    rare_ones_are_found(many, &rare, &["a", "ab", "a b", "aba", "", "n", "a a", "ana", "banana"]);
}

#[test]
fn so_are_those_with_numbers() {
    let many = |key: u64| match (key * 7 % 1_009, usize::try_from(key % 4).expect("small")) {
        (number, width) if key < 3_000 => format!("log 1{number:0width$} banana.txt"),
        (number, _) => format!("{number} banana 12.txt"),
    };
    let rare = ["12", "12.txt", "1", "log 1", "log 12.txt", "12 a", "log 1.pdf", "012 b", "log 0001"];
    rare_ones_are_found(many, &rare, &["12", "1", "log 1", "1 2", "log", "banana 12", "0", "01"]);
}

#[test]
fn so_are_those_that_begin_alike_and_do_not_fit_alike() {
    let many = |key: u64| match key * 7 % 1_009 {
        number if key < 3_000 => format!("abacaxi {number} abacate"),
        number => format!("abacate {number}"),
    };
    rare_ones_are_found(many, &["abacate", "abacaxi abacate", "abacateiro"], &["abacate", "abacat"]);
}

#[test]
fn a_file_that_is_meant_and_called_by_its_hash_is_found_once() {
    let content = ContentId::from_bytes([7; 32]);
    let names = ["a", "b", "c", "d"].map(|name| format!("{name} {content}"));
    let other = (0..).zip(&names[..3]).map(|(key, name)| file(key, name, None));
    let meant = FileEntry { content: Some(content), ..file(9, &names[3], None) };
    let mut index = Index::default();
    announce(&mut index, PEER, &other.chain([meant]).collect::<Vec<_>>());
    let (total, found) = find(&index, &content.to_string(), Page::from(10));
    let found: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
    assert_eq!((total, found), (4, [3, 0, 1, 2].map(|at| names[at].as_str()).to_vec()));
}

#[test]
fn a_number_that_goes_on_behind_the_words_is_one() {
    let mut index = Index::default();
    let names = ["log 100", "log 11", "log 1 a", "log 1", "log 012", "log 1.pdf", "log 10"];
    let files: Vec<_> = (0..).zip(names).map(|(key, name)| file(key, name, None)).collect();
    announce(&mut index, PEER, &files);
    let (_, found) = find(&index, "log 1", Page::from(10));
    let found: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(found, ["log 1", "log 1.pdf", "log 1 a", "log 10", "log 11", "log 100", "log 012"]);
}

#[test]
fn words_that_overlap_leave_names_in_their_order() {
    let mut index = Index::default();
    let names = ["b sea.tar.gz", "b sea.pdf", "b sea b.txt", "b sea"];
    let files: Vec<_> = (0..).zip(names).map(|(key, name)| file(key, name, None)).collect();
    announce(&mut index, PEER, &files);
    for (words, expected) in [
        ("\"b sea\" b", ["b sea b.txt", "b sea", "b sea.pdf", "b sea.tar.gz"]),
        ("b b", ["b sea", "b sea b.txt", "b sea.pdf", "b sea.tar.gz"]),
    ] {
        let (_, found) = find(&index, words, Page::from(10));
        let found: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(found, expected, "{words}");
    }
}

#[test]
fn what_is_gone_is_not_found_and_its_neighbours_are() {
    let files: Vec<_> = (0..4_000).map(|key| file(key, &format!("name {key}.txt"), None)).collect();
    let mut index = with(&files);
    for (round, words) in ["36", "1", "x", "36 name", ""].into_iter().enumerate() {
        let round = round as u64;
        let gone = round * 700..(round + 1) * 700;
        let changes = gone.clone().map(Change::Remove).collect();
        assert_eq!(index.delta(PEER, delta(5 + round, 6 + round, changes)), Ok(Taken::Accepted));
        let fits = |key: &u64| words.split(' ').all(|word| format!("name {key}.txt").contains(word));
        let expected = (gone.end..4_000).filter(fits).count() as u64;
        assert_eq!(find(&index, words, 0).0, expected, "{words}");
    }
    let index = with(&[file(1, "ab", None), file(2, "cd", None)]);
    for words in ["bc", "b c", "b\nc", "abcd"] {
        assert_eq!(find(&index, words, 10).0, 0, "no hit crosses two names");
    }
}

#[test]
fn contents_that_nobody_has_any_more_are_forgotten() {
    let mut index = Index::default();
    announce(&mut index, OTHER, &many(2, 500));
    let hashed = |key: u64, round: u64| {
        let content = ContentId::from_bytes(
            *blake3::hash(&[key.to_le_bytes(), round.to_le_bytes()].concat()).as_bytes(),
        );
        FileEntry { content: Some(content), ..file(key, &format!("file {key}"), None) }
    };
    announce(&mut index, PEER, &(0..500).map(|key| hashed(key, 0)).collect::<Vec<_>>());
    let before = find(&index, "of", 1_000);
    for round in 1..40 {
        let changes = (0..500).map(|key| Change::Put(hashed(key, round))).collect();
        assert_eq!(index.delta(PEER, delta(round, round + 1, changes)), Ok(Taken::Accepted));
        assert_eq!(find(&index, "file 49", 20).0, 15);
        for (key, round, is_there) in [(7, round, true), (7, round - 1, false), (499, round, true)] {
            let content = hashed(key, round).content.expect("hashed");
            assert_eq!(index.sources(content).0.is_some(), is_there);
        }
        assert!(index.contents.len() <= 1_000 + Index::MAX_OLD_CONTENTS);
    }
    assert_eq!(find(&index, "of", 1_000), before, "the others' are as they were");
    index.remove_peer(PEER);
    index.remove_peer(OTHER);
    announce(&mut index, PEER, &many(1, 6_000));
    assert_eq!(find(&index, "acao", 0).0, 6_000);
}

#[test]
fn a_search_that_nobody_waits_for_stops() {
    let mut index = Index::default();
    announce(&mut index, PEER, &many(1, 40_000));
    let query = Query::parse("acao").expect("a query");
    let asked = AtomicU32::new(0);
    for workers in [1, 3] {
        let search = |patience: u32| {
            asked.store(0, Relaxed);
            index.search_unless_abandoned(
                &query,
                &ChosenPeers::default(),
                Page::from(10),
                &Cut(workers),
                || asked.fetch_add(1, Relaxed) >= patience,
            )
        };
        let whole = search(u32::MAX);
        assert_eq!(whole, Some(index.search(&query, &ChosenPeers::default(), Page::from(10))));
        let often = asked.load(Relaxed);
        assert!(often >= 4, "{often} times");
        for patience in 0..often {
            assert_eq!(search(patience), None);
            // Each part asks once more.
            assert!(
                asked.load(Relaxed) <= patience + u32::try_from(workers).expect("few"),
                "it stops at once"
            );
        }
    }
}
