//! How long a million files take: prints figures, and fails where the promise is missed.
//! `cargo test --release --test index_million -- --ignored --nocapture`

use cardume::base::{ContentId, FileName, FolderPath, PeerId};
use cardume::engine::index::{
    Announcement, ChosenPeers, Chunk, FileEntry, Index, IndexPosition, Page, Query, Taken, digest,
};
use std::time::{Duration, Instant};

const PEERS: u8 = 5;
const FILES: u64 = 200_000;

fn list(peer: u8) -> Vec<FileEntry> {
    let entry = |key: u64| {
        // A fifth of the contents are shared by all.
        let owner = if key.is_multiple_of(5) { 0 } else { peer };
        let content = blake3::hash(&[&key.to_le_bytes()[..], &[owner]].concat());
        let name = format!("Relatório {key} da seção {} v{}.pdf", key % 977, key % 13);
        FileEntry {
            key,
            folder: FolderPath::default(),
            name: FileName::new(&name).expect("a plain name"),
            size: key,
            content: Some(ContentId::from_bytes(*content.as_bytes())),
        }
    };
    (0..FILES).map(entry).collect()
}

#[expect(clippy::disallowed_methods, reason = "a measurement is what reads the clock")]
fn timed<T>(what: &str, call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = call();
    let took = start.elapsed();
    println!("{what}: {took:?}");
    (result, took)
}

#[test]
#[ignore = "takes seconds and measures"]
fn a_million_files_are_announced_and_searched_in_time() {
    let lists: Vec<_> = (1..=PEERS).map(|peer| (PeerId::from_bytes([peer; 32]), list(peer))).collect();
    let mut index = Index::default();
    let ((), announced) = timed("announce 1,000,000 files", || {
        for (peer, files) in &lists {
            let position = IndexPosition { index_id: [1; 16], seq: 1 };
            let count = files.len() as u64;
            index.begin(*peer, Announcement { position, count, digest: digest(files) }).expect("in limits");
            let parts: Vec<_> = files.chunks(4_000).collect();
            for (number, part) in parts.iter().enumerate() {
                let last = number + 1 == parts.len();
                let number = u32::try_from(number).expect("small");
                let chunk = Chunk { index_id: [1; 16], number, last, files: part.to_vec() };
                assert_eq!(index.chunk(*peer, chunk), Ok(Taken::Accepted));
            }
        }
    });
    assert!(announced < Duration::from_secs(10));
    let everybody = ChosenPeers::default();
    let queries =
        ["199999", "secao 976 v12", "relatorio 77", "pdf", "zzz", "", "a", "type:video", "size:>190k"];
    for words in queries {
        let query = Query::parse(words).expect("in limits");
        let (matches, _) =
            timed(&format!("search {words:?}"), || index.search(&query, &everybody, Page::from(200)));
        println!("    {} contents", matches.total);
    }
    for sort in ["name", "-size", "-sources"] {
        let page = Page { offset: 400_000, limit: 200, sort: sort.parse().expect("an order") };
        let query = Query::parse("pdf").expect("in limits");
        timed(&format!("page in the middle by {sort}"), || index.search(&query, &everybody, page));
    }
}
