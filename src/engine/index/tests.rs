//! The protocol case by case, and random histories against slow references.

use super::*;
use crate::base::{ContentId, FileName, FolderPath};

mod large;
mod operators;
mod pages;
mod random;

const PEER: PeerId = PeerId::from_bytes([1; 32]);
const OTHER: PeerId = PeerId::from_bytes([2; 32]);
const ID: [u8; 16] = [7; 16];

fn file(key: u64, name: &str, content: Option<u8>) -> FileEntry {
    let name = FileName::new(name).expect("a plain name");
    let content = content.map(|byte| ContentId::from_bytes([byte; 32]));
    FileEntry { key, folder: FolderPath::default(), name, size: 10, content }
}

pub(super) fn files(keys: std::ops::Range<u64>) -> Vec<FileEntry> {
    keys.map(|key| file(key, &format!("file {key}"), None)).collect()
}

fn announcement(seq: u64, files: &[FileEntry]) -> Announcement {
    let position = IndexPosition { index_id: ID, seq };
    Announcement { position, count: files.len() as u64, digest: digest(files) }
}

fn chunk(number: u32, last: bool, files: &[FileEntry]) -> Chunk {
    Chunk { index_id: ID, number, last, files: files.to_vec() }
}

fn delta(prev_seq: u64, seq: u64, changes: Vec<Change>) -> Delta {
    Delta { index_id: ID, prev_seq, seq, changes }
}

/// An index that has these files of the peer, as of change 5.
pub(super) fn with(files: &[FileEntry]) -> Index {
    let mut index = Index::default();
    assert_eq!(index.begin(PEER, announcement(5, files)), Ok(Begun::SendAll));
    assert_eq!(index.chunk(PEER, chunk(0, true, files)), Ok(Taken::Accepted));
    index
}

fn list(index: &Index) -> Vec<FileEntry> {
    index.entries(PEER).collect()
}

/// Cuts every search into so many parts, and does the last one first.
struct Cut(usize);

impl Workers for Cut {
    fn parts(&self, _: usize) -> usize {
        self.0
    }

    fn each<T: Send, F: FnOnce() -> T + Send>(&self, parts: Vec<F>) -> Vec<T> {
        let mut done: Vec<T> = parts.into_iter().rev().map(|part| part()).collect();
        done.reverse();
        done
    }
}

/// The whole answer, which is the same however the search is cut.
fn search(index: &Index, query: &Query, chosen: &ChosenPeers, page: Page) -> Matches {
    let matches = index.search(query, chosen, page);
    for parts in [2, 5] {
        let cut = index.search_unless_abandoned(query, chosen, page, &Cut(parts), || false);
        assert_eq!(cut.as_ref(), Some(&matches), "{query:?} in {parts} parts");
    }
    matches
}

/// The number of matches and the page that is asked for, in a group without names.
fn find(index: &Index, words: &str, page: impl Into<Page>) -> (u64, Vec<Found>) {
    let query = Query::parse(words).expect("a query");
    let matches = search(index, &query, &ChosenPeers::default(), page.into());
    (matches.total, matches.results)
}

fn only(peers: &[PeerId]) -> BTreeSet<PeerId> {
    peers.iter().copied().collect()
}

#[test]
fn a_snapshot_shows_only_when_it_is_whole() {
    let old = files(0..3);
    let new = files(2..9);
    let mut index = with(&old);
    assert_eq!(index.begin(PEER, announcement(9, &new)), Ok(Begun::SendFrom(5)));
    assert_eq!(index.chunk(PEER, chunk(0, false, &new[..3])), Ok(Taken::Accepted));
    assert_eq!(index.chunk(PEER, chunk(0, false, &new[..3])), Ok(Taken::Accepted), "repeated");
    assert_eq!(list(&index), old);
    assert_eq!(index.complete(&only(&[PEER])), (0, 1));
    assert_eq!(index.chunk(PEER, chunk(1, false, &new[3..5])), Ok(Taken::Accepted));
    assert_eq!(index.chunk(PEER, chunk(2, true, &new[5..])), Ok(Taken::Accepted));
    assert_eq!(index.chunk(PEER, chunk(2, true, &new[5..])), Ok(Taken::Accepted), "repeated");
    assert_eq!(list(&index), new);
    assert_eq!(index.complete(&only(&[PEER])), (1, 1));
    assert_eq!(index.begin(PEER, announcement(9, &new)), Ok(Begun::UpToDate));
}

#[test]
fn an_empty_list_is_a_list() {
    let mut index = Index::default();
    assert_eq!(index.begin(PEER, announcement(0, &[])), Ok(Begun::SendAll));
    assert_eq!(index.complete(&only(&[PEER])), (0, 1));
    assert_eq!(index.chunk(PEER, chunk(0, true, &[])), Ok(Taken::Accepted));
    assert_eq!(index.complete(&only(&[PEER])), (1, 1));
}

/// The call is answered with a gap after change 5 (`None`: with no list at all), and changes nothing.
fn check_gap(case: &str, have: Option<u64>, call: impl Fn(&mut Index) -> Result<Taken, AnnounceError>) {
    let mut index = with(&files(0..3));
    assert_eq!(call(&mut index), Ok(Taken::Gap(have)), "{case}");
    assert_eq!(list(&index), files(0..3), "{case}");
    assert_eq!(index.complete(&only(&[PEER])), (0, 1), "{case}");
}

#[test]
fn chunks_that_do_not_fit_are_a_gap_and_change_nothing() {
    check_gap("not announced", Some(5), |index| index.chunk(PEER, chunk(1, true, &[])));
    let cases = [
        ("a chunk is missing", 9, chunk(1, false, &files(0..2))),
        ("more files than announced", 2, chunk(0, false, &files(0..3))),
        ("fewer files than announced", 9, chunk(0, true, &files(0..8))),
        ("other files than announced", 3, chunk(0, true, &files(1..4))),
        ("a file twice", 2, chunk(0, true, &[files(0..1), files(0..1)].concat())),
    ];
    for (case, announced, chunk) in cases {
        check_gap(case, Some(5), |index| {
            index.begin(PEER, announcement(9, &files(0..announced)))?;
            index.chunk(PEER, chunk.clone())
        });
    }
    assert_eq!(Index::default().chunk(PEER, chunk(0, true, &[])), Ok(Taken::Gap(None)));
}

#[test]
fn deltas_that_do_not_fit_are_a_gap_and_change_nothing() {
    let removes = |prev_seq, seq| delta(prev_seq, seq, vec![Change::Remove(0)]);
    check_gap("one is missing", Some(5), |index| index.delta(PEER, removes(6, 7)));
    check_gap("another database", None, |index| {
        index.delta(PEER, Delta { index_id: [0; 16], ..removes(5, 6) })
    });
    check_gap("it ends elsewhere than announced", Some(6), |index| {
        index.begin(PEER, announcement(6, &files(0..2)))?;
        index.delta(PEER, delta(5, 6, Vec::new()))
    });
    assert_eq!(Index::default().delta(PEER, delta(0, 1, Vec::new())), Ok(Taken::Gap(None)));
}

#[test]
fn deltas_are_applied_once() {
    let mut index = with(&files(0..3));
    let changes = vec![Change::Put(file(1, "renamed", None)), Change::Remove(0), Change::Remove(77)];
    assert_eq!(index.delta(PEER, delta(5, 8, changes.clone())), Ok(Taken::Accepted));
    assert_eq!(index.delta(PEER, delta(5, 8, changes)), Ok(Taken::Accepted), "repeated");
    assert_eq!(index.delta(PEER, delta(4, 5, vec![Change::Remove(2)])), Ok(Taken::Accepted), "late");
    assert_eq!(list(&index), [file(1, "renamed", None), file(2, "file 2", None)]);
    assert_eq!(index.position(PEER), Some(IndexPosition { index_id: ID, seq: 8 }));
    assert_eq!(index.delta(PEER, delta(8, 8, Vec::new())), Err(AnnounceError::BadOrder));
    assert_eq!(index.delta(PEER, delta(9, 8, Vec::new())), Err(AnnounceError::BadOrder));
}

#[test]
fn a_new_epoch_starts_warm_and_counts_anew() {
    let mut index = with(&files(0..3));
    assert_eq!(index.complete(&only(&[PEER, OTHER])), (1, 2));
    index.begin_epoch();
    assert_eq!(index.complete(&only(&[PEER, OTHER])), (0, 2));
    assert_eq!(index.files(), 3);
    assert_eq!(index.begin(PEER, announcement(5, &files(0..3))), Ok(Begun::UpToDate));
    assert_eq!(index.complete(&only(&[PEER, OTHER])), (1, 2));

    index.begin_epoch();
    let newer = [files(0..3), files(7..8)].concat();
    assert_eq!(index.begin(PEER, announcement(6, &newer)), Ok(Begun::SendFrom(5)));
    assert_eq!(index.complete(&only(&[PEER])), (0, 1));
    let put = Change::Put(files(7..8).remove(0));
    assert_eq!(index.delta(PEER, delta(5, 6, vec![put])), Ok(Taken::Accepted));
    assert_eq!(index.complete(&only(&[PEER])), (1, 1));
}

#[test]
fn an_older_list_and_another_database_are_sent_whole() {
    let mut index = with(&files(0..3));
    assert_eq!(index.begin(PEER, announcement(4, &files(0..2))), Ok(Begun::SendAll));
    let position = IndexPosition { index_id: [0; 16], seq: 9 };
    assert_eq!(
        index.begin(PEER, Announcement { position, ..announcement(9, &files(0..2)) }),
        Ok(Begun::SendAll)
    );
}

#[test]
fn peers_come_and_go() {
    let mut index = with(&files(0..3));
    index.set_present(&only(&[OTHER]), &only(&[PEER]));
    assert_eq!((index.files(), index.complete(&only(&[PEER]))), (3, (0, 1)), "it fades");
    index.set_present(&only(&[PEER]), &only(&[]));
    assert_eq!((index.files(), index.complete(&only(&[PEER]))), (3, (0, 1)), "it has to announce again");
    index.set_present(&only(&[OTHER]), &only(&[PEER]));
    assert_eq!(index.begin(PEER, announcement(5, &files(0..3))), Ok(Begun::UpToDate));
    assert_eq!(index.complete(&only(&[PEER])), (0, 1), "what does not answer does not count");
    index.set_present(&only(&[OTHER]), &only(&[]));
    assert_eq!((index.files(), index.complete(&only(&[PEER]))), (0, (0, 1)));
    index.set_present(&only(&[PEER]), &only(&[]));
    assert_eq!((index.files(), index.complete(&only(&[PEER]))), (3, (1, 1)), "it has announced");
    index.set_present(&only(&[]), &only(&[]));
    index.set_present(&only(&[PEER]), &only(&[]));
    assert_eq!(index.complete(&only(&[PEER])), (0, 1), "that counts once");
    index.keep(&only(&[PEER]));
    assert_eq!(index.files(), 3);
    index.keep(&only(&[OTHER]));
    assert_eq!(index.files(), 0);
    let mut index = with(&files(0..3));
    index.remove_peer(PEER);
    assert_eq!(index.position(PEER), None);
}

#[test]
fn limits_refuse_with_a_reason() {
    let mut index = Index::default();
    let huge = |count| Announcement { count, ..announcement(1, &[]) };
    assert_eq!(index.begin(PEER, huge(10_000_000)), Err(AnnounceError::TooManyFiles));
    assert_eq!(index.begin(PEER, huge(u64::MAX)), Err(AnnounceError::TooManyFiles));
    assert_eq!(index.begin(PEER, huge(1_000_000)), Ok(Begun::SendAll));
    for number in 2..=64 {
        assert_eq!(index.begin(PeerId::from_bytes([number; 32]), huge(0)), Ok(Begun::SendAll));
    }
    assert_eq!(index.begin(PeerId::from_bytes([65; 32]), huge(0)), Err(AnnounceError::TooManyPeers));
    assert_eq!(index.begin(PEER, huge(0)), Ok(Begun::SendAll));
}

/// An index that has just the room that it takes, with files 0 to 2.
fn full(room: impl Fn(&Index) -> Room) -> Index {
    let mut index = with(&files(0..3));
    index.room = room(&index);
    index
}

fn bytes(index: &Index) -> usize {
    index.lists().map(List::bytes).sum::<usize>() + index.contents.bytes()
}

#[test]
fn a_full_index_takes_what_needs_no_room() {
    let full_of_files = || full(|_| Room { files: 3, ..Room::default() });
    let full_of_bytes = || full(|index| Room { bytes: bytes(index), ..Room::default() });
    let put = |key, name| Change::Put(file(key, name, Some(1)));
    let hashed = vec![put(0, "file 0"), put(1, "file 1"), put(2, "file 2"), put(0, "file 0")];
    let needless = [hashed, vec![Change::Remove(1), Change::Remove(9)], Vec::new()];
    for changes in needless {
        for mut index in [full_of_files(), full_of_bytes()] {
            assert_eq!(index.delta(PEER, delta(5, 9, changes.clone())), Ok(Taken::Accepted), "{changes:?}");
        }
    }
    let renamed = vec![put(1, "renamed")];
    let replaced = vec![put(7, "new"), Change::Remove(2), Change::Remove(2)];
    for changes in [renamed, replaced] {
        assert_eq!(full_of_files().delta(PEER, delta(5, 9, changes.clone())), Ok(Taken::Accepted));
        let refused = full_of_bytes().delta(PEER, delta(5, 9, changes));
        assert_eq!(refused, Err(AnnounceError::IndexFull), "a name takes memory");
    }
    for mut index in [full_of_files(), full_of_bytes()] {
        let more = vec![put(0, "file 0"), Change::Remove(9), put(7, "new")];
        assert_eq!(index.delta(PEER, delta(5, 9, more)), Err(AnnounceError::IndexFull));
        assert_eq!(list(&index), files(0..3));
        assert_eq!(index.chunk(PEER, chunk(0, true, &files(0..1))), Err(AnnounceError::IndexFull));
        // Who has no list takes no room.
        assert_eq!(index.delta(OTHER, delta(0, 1, vec![put(0, "a")])), Ok(Taken::Gap(None)));
    }
}

#[test]
fn results_are_grouped_ranked_and_limited() {
    let mut index = Index::default();
    let mine = [
        file(1, "Relatório.pdf", Some(1)),
        file(2, "meu relatorio.pdf", Some(2)),
        file(3, "relatorio", None),
        file(4, "xrelatorio", Some(3)),
        file(5, "other", Some(4)),
    ];
    let theirs = [
        file(1, "cópia do relatório.pdf", Some(1)),
        file(2, "unrelated name", Some(2)),
        file(3, "relatorio anual", None),
    ];
    for (peer, list) in [(PEER, &mine[..]), (OTHER, &theirs[..])] {
        assert_eq!(index.begin(peer, announcement(1, list)), Ok(Begun::SendAll));
        assert_eq!(index.chunk(peer, chunk(0, true, list)), Ok(Taken::Accepted));
    }
    let name = |text: &str| FileName::new(text).expect("a plain name");
    let source = |peer, text| Source { peer, folder: FolderPath::default(), name: name(text) };
    let found = |content: Option<u8>, text, sources| Found {
        content: content.map(|byte| ContentId::from_bytes([byte; 32])),
        name: name(text),
        size: 10,
        sources,
    };
    let all = vec![
        found(None, "relatorio", vec![source(PEER, "relatorio")]),
        found(
            Some(1),
            "Relatório.pdf",
            vec![source(PEER, "Relatório.pdf"), source(OTHER, "cópia do relatório.pdf")],
        ),
        found(None, "relatorio anual", vec![source(OTHER, "relatorio anual")]),
        found(
            Some(2),
            "meu relatorio.pdf",
            vec![source(PEER, "meu relatorio.pdf"), source(OTHER, "unrelated name")],
        ),
        found(Some(3), "xrelatorio", vec![source(PEER, "xrelatorio")]),
    ];
    assert_eq!(find(&index, "RELATÓRIO", 200), (5, all.clone()));
    assert_eq!(find(&index, "RELATÓRIO", 2), (5, all[..2].to_vec()));
    assert_eq!(find(&index, "RELATÓRIO", 0), (5, Vec::new()));
    let (total, everything) = find(&index, " ", u32::MAX);
    assert_eq!((total, everything.len()), (6, 6));
    assert_eq!(
        index.sources(ContentId::from_bytes([2; 32])),
        (Some(10), vec![source(PEER, "meu relatorio.pdf"), source(OTHER, "unrelated name")])
    );
    assert_eq!(index.sources(ContentId::from_bytes([9; 32])), (None, Vec::new()));
    // Who stopped answering a moment ago comes last, whatever fits better or is asked for.
    index.set_present(&only(&[OTHER]), &only(&[PEER]));
    let theirs_first = |page: Page| -> Vec<_> {
        find(&index, "RELATÓRIO", page).1.into_iter().map(|found| found.name.to_string()).collect()
    };
    let names = theirs_first(Page::from(200));
    assert_eq!(names[..2], ["relatorio anual", "cópia do relatório.pdf"]);
    assert_eq!(names[2..], ["relatorio", "meu relatorio.pdf", "xrelatorio"]);
    let names = theirs_first(Page { sort: "-name".parse().expect("an order"), ..Page::from(200) });
    assert_eq!(names[..2], ["relatorio anual", "cópia do relatório.pdf"]);
    assert_eq!(names[2..], ["xrelatorio", "relatorio", "meu relatorio.pdf"]);
    index.set_present(&only(&[OTHER]), &only(&[]));
    assert_eq!(index.sources(ContentId::from_bytes([1; 32])).1, [source(OTHER, "cópia do relatório.pdf")]);
}
