//! The index alone, on one thread.

use crate::files;
use crate::table::{say, searches, timed};
use cardume::engine::index::{
    Announcement, ChosenPeers, Chunk, EntryHash, Index, IndexPosition, ListDigest, Page, Query, Taken,
};
use std::time::Duration;

/// The peers that share.
pub(crate) const PEERS: u8 = 5;
/// As many files go into one chunk.
const CHUNK: usize = 4_000;
const INDEX_ID: [u8; 16] = [1; 16];

/// What a peer announces, without keeping the list: its memory would be counted.
pub(crate) fn announcement(peer: u8, count: u64) -> Announcement {
    let mut digest = ListDigest::default();
    files::files(peer, count).for_each(|file| digest.add(EntryHash::of(&file)));
    let position = IndexPosition { index_id: INDEX_ID, seq: 1 };
    Announcement { position, count, digest: digest.to_bytes() }
}

/// The list in chunks.
pub(crate) fn chunks(peer: u8, count: u64) -> impl Iterator<Item = Chunk> {
    let mut files = files::files(peer, count).peekable();
    (0..).map_while(move |number| {
        files.peek()?;
        let part = files.by_ref().take(CHUNK).collect();
        Some(Chunk { index_id: INDEX_ID, number, last: files.peek().is_none(), files: part })
    })
}

/// The index of so many files of each peer, and how long they took to be taken.
pub(crate) fn announced(peers: u8, count: u64) -> (Index, Duration) {
    let mut index = Index::seeded(1);
    let mut spent = Duration::ZERO;
    for peer in 1..=peers {
        index.begin(files::peer(peer), announcement(peer, count)).expect("within the limits");
        for chunk in chunks(peer, count) {
            let (taken, took) = timed(|| index.chunk(files::peer(peer), chunk));
            assert_eq!(taken, Ok(Taken::Accepted));
            spent += took;
        }
    }
    (index, spent)
}

/// The first page of an answer, as the window asks for it; how many matches there are.
pub(crate) fn search(index: &Index, words: &str, page: Page) -> u64 {
    let query = Query::parse(words).expect("within the limits");
    index.search(&query, &ChosenPeers::default(), page).total
}

/// Bytes of this process that are in memory; 0 where nobody says.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    // The size of a page on the processors that Linux runs on here; others say too little, never too much.
    pages.unwrap_or(0) * 4096
}

/// Measures with so many files of each of five peers.
pub(crate) fn run(count: u64) {
    let all = count * u64::from(PEERS);
    let before = resident();
    let (index, spent) = announced(PEERS, count);
    let bytes = resident().saturating_sub(before);
    say(&format!("\n{PEERS} peers with {count} files each, in the engine:\n"));
    say(&format!(
        "announced in {:.2} s; {} bytes of memory for each of {all} files\n",
        spent.as_secs_f64(),
        bytes / all
    ));
    searches(if all > 1_000_000 { 3 } else { 10 }, |words| {
        search(&index, words, Page::from(Index::DEFAULT_RESULTS))
    });
    say("\n| page of 200 | ms |\n| --- | ---: |");
    for (words, sort, offset) in [
        ("pdf", "name", 0),
        ("pdf", "-size", 0),
        ("pdf", "-sources", 0),
        ("pdf", "type", 0),
        ("e", "name", count),
    ] {
        let page = Page { offset, limit: 200, sort: sort.parse().expect("an order") };
        let (total, took) = timed(|| search(&index, words, page));
        say(&format!("| `{words}` by {sort} from {offset} of {total} | {:.2} |", took.as_secs_f64() * 1e3));
    }
}
