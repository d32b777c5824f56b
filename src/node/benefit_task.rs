//! Finds out which of the files that wait to be hashed others have too, by name and size: hashing those
//! first makes one content with several sources of them.
//!
//! Invariant: it costs the tracker a search or so in a second, however many files wait. Only large files
//! are asked about: small ones are hashed before the answer would help.

use super::search::Searcher;
use crate::base::PeerId;
use crate::engine::index::FileEntry;
use crate::net::IndexCalls;
use crate::store::Library;
use crate::wire::index::SearchAnswer;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often some files are asked about, while there are any.
const PAUSE: Duration = Duration::from_secs(3);
/// How many at a time: the largest ones that were not asked about.
const FILES_A_TIME: usize = 3;
/// How many of the largest ones are looked at for that.
const LARGEST: usize = 1_000;
/// Smaller files are hashed in a moment.
const LEAST_BYTES: u64 = 16 * 1024 * 1024;
/// The best matches of a name are enough: the name itself ranks first.
const RESULTS: u32 = 20;

/// Runs for as long as the library does.
pub(super) async fn benefit_task<C: IndexCalls>(library: Arc<Library>, searcher: Searcher<C>, me: PeerId) {
    let mut asked = BTreeSet::new();
    loop {
        sleep(PAUSE).await;
        if library.totals().hashing == 0 {
            asked.clear();
            continue;
        }
        let looking = Arc::clone(&library);
        let waiting = tokio::task::spawn_blocking(move || looking.largest_unhashed(LARGEST)).await;
        let Ok(Ok(waiting)) = waiting else { return };
        let large = waiting.into_iter().filter(|file| file.size >= LEAST_BYTES);
        let new: Vec<FileEntry> =
            large.filter(|file| !asked.contains(&file.key)).take(FILES_A_TIME).collect();
        for file in new {
            // In quotes: nothing in a name is an operator.
            let answer = searcher.search(&format!("\"{}\"", file.name), RESULTS).await;
            // Without a tracker it is asked again.
            let Ok(answer) = answer else { break };
            asked.insert(file.key);
            if others_have(&answer, &file, me) {
                library.prefer(vec![file.key]);
            }
        }
    }
}

/// Whether somebody else has a file of this name and size.
fn others_have(answer: &SearchAnswer, file: &FileEntry, me: PeerId) -> bool {
    let me = me.to_string();
    answer.results.iter().filter(|found| found.size == file.size).any(|found| {
        let same_name = |name: &str| name == file.name.as_str();
        found.sources.iter().any(|source| source.peer != me && same_name(&source.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FileName, FolderPath};
    use crate::wire::index::{Complete, Found, Source};

    #[test]
    fn only_the_same_name_and_size_at_another_peer_counts() {
        let me = PeerId::from_bytes([1; 32]);
        let answer = |peer: PeerId, name: &str, size| {
            let source = Source {
                peer: peer.to_string(),
                peer_name: "peer".to_owned(),
                folder: String::new(),
                name: name.to_owned(),
                uri: "wss://127.0.0.1:1/".to_owned(),
            };
            let found = Found { content: None, name: name.to_owned(), size, sources: vec![source] };
            let complete = Complete { have: 1, of: 1 };
            SearchAnswer { epoch: 1, complete, total: 1, facets: Vec::new(), results: vec![found] }
        };
        let name = FileName::new("film.mkv").expect("a plain name");
        let file = FileEntry { key: 1, folder: FolderPath::default(), name, size: 7, content: None };
        let other = PeerId::from_bytes([2; 32]);
        let table = [
            (other, "film.mkv", 7, true),
            (me, "film.mkv", 7, false),
            (other, "film.mkv", 8, false),
            (other, "film.mkv.part", 7, false),
        ];
        for (peer, name, size, expected) in table {
            assert_eq!(others_have(&answer(peer, name, size), &file, me), expected, "{name} {size}");
        }
    }
}
