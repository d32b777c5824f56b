//! Those who wait for changes of names. They look at a picture that the thread which owns the registry publishes, and
//! ask it nothing.
//!
//! Invariant: a watcher takes a place among a bounded number and no thread, and both end with its connection, with
//! its time, or with the service. Absent on purpose: a memory of who has seen what - everybody brings a number.

use super::places::Places;
use super::shape::{MAX_ANSWER_BYTES, change_to_wire};
use crate::base::PeerId;
use crate::engine::registry::{Recent, Seen};
use crate::wire::codes::Code;
use crate::wire::names::Watched;
use jsonrpsee::types::ErrorObjectOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest time for which one call waits: shorter than what clients give a call, mostly half a minute.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How many callers of one bucket ([`Places`]) wait at once: 512 in all.
const MAX_PER_BUCKET: usize = 8;
/// When a caller that found no place should try again.
const RETRY_AFTER_MILLIS: u64 = 1_000;

/// The places of those who wait.
#[derive(Debug)]
pub(super) struct Watchers {
    recent: watch::Receiver<Recent>,
    stop: CancellationToken,
    places: Places,
}

impl Watchers {
    /// Nobody waits yet. After `stop` nobody waits any more.
    pub(super) fn new(recent: watch::Receiver<Recent>, stop: CancellationToken) -> Self {
        Self { recent, stop, places: Places::new(MAX_PER_BUCKET) }
    }

    /// What changed after that number; if nothing did, waits until something does, at most so long. Without a number
    /// only the newest one, at once.
    ///
    /// # Errors
    /// `Busy` if too many wait.
    pub(super) async fn watch(
        &self,
        caller: PeerId,
        after: Option<u64>,
        wait: Duration,
    ) -> Result<Watched, ErrorObjectOwned> {
        let _place = self.places.take(caller).ok_or_else(busy)?;
        let mut recent = self.recent.clone();
        let Some(after) = after else {
            return Ok(Watched { changes: Vec::new(), newest: recent.borrow().newest(), missed: false });
        };
        // A number of an earlier run is another one too, and waits for nothing.
        let changed = recent.wait_for(|recent| recent.newest() != after);
        // However the waiting ends, what there is now is told.
        drop(self.stop.run_until_cancelled(timeout(wait.min(MAX_WAIT), changed)).await);
        let (newest, changes) = {
            let recent = recent.borrow();
            (recent.newest(), recent.after(after))
        };
        Ok(match changes {
            None => Watched { changes: Vec::new(), newest, missed: true },
            Some(changes) => watched(after, &changes),
        })
    }
}

/// As many of the changes as one answer holds; the next call gets the others.
fn watched(after: u64, changes: &[(u64, Arc<Seen>)]) -> Watched {
    let mut answer = Watched { changes: Vec::new(), newest: after, missed: false };
    let mut bytes = 0;
    for (number, seen) in changes {
        let (change, more) = change_to_wire(*number, seen);
        bytes += more;
        if bytes > MAX_ANSWER_BYTES {
            break;
        }
        answer.newest = *number;
        answer.changes.push(change);
    }
    answer
}

fn busy() -> ErrorObjectOwned {
    let data = serde_json::json!({ "retry_after_millis": RETRY_AFTER_MILLIS });
    Code::Busy.error_with("too many calls wait for changes; end some of them, or try again", &data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PeerUri;
    use crate::engine::registry::{Entry, Metadata, Name, What};
    use std::net::SocketAddr;

    #[test]
    fn an_answer_holds_what_fits_and_the_next_one_goes_on() {
        let texts = (0..16).map(|number| (format!("{number}{}", "k".repeat(254)), "v".repeat(256)));
        let metadata = Metadata::new(texts.collect()).expect("within the limits");
        let uri = PeerUri::new(SocketAddr::from(([127, 0, 0, 1], 7000))).expect("an address");
        let entry = Entry { holder: PeerId::from_bytes([1; 32]), uri, election_uri: None, metadata };
        let name = Name::parse("peer-1").expect("a name");
        let mut recent = Recent::new(100);
        for _ in 0..Recent::KEPT {
            recent.add(Seen { name: name.clone(), what: What::Metadata(entry.clone()) });
        }
        let (mut after, mut numbers) = (100, Vec::new());
        while after < recent.newest() {
            let answer = watched(after, &recent.after(after).expect("are kept"));
            let text = serde_json::to_string(&answer).expect("a JSON form");
            assert!(text.len() < 3 << 20 && !answer.missed, "{} bytes", text.len());
            numbers.extend(answer.changes.iter().map(|change| change.number));
            assert_eq!(numbers.last(), Some(&answer.newest));
            after = answer.newest;
        }
        assert_eq!(numbers, (101..=1_124).collect::<Vec<_>>());
    }
}
