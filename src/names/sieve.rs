//! Regular expressions on the names of a list, beside the thread that owns the registry: a hostile one takes two
//! seconds for three thousand names that were made for it, and nobody who registers shall wait for that.
//!
//! Invariant: at most one is looked for at a time, on a thread for blocking work.

use crate::engine::registry::{Entry, Pattern};
use crate::wire::codes::Code;
use crate::wire::convert::bad;
use jsonrpsee::types::ErrorObjectOwned;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a caller waits for its turn; an ordinary pattern takes less than a millisecond.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// When a caller that had no turn should try again.
const RETRY_AFTER_MILLIS: u64 = 500;

/// Looks for patterns, one after the other.
#[derive(Debug)]
pub(super) struct Sieve {
    turn: Arc<Semaphore>,
}

impl Sieve {
    /// Nothing is looked for yet.
    pub(super) fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)) }
    }

    /// Of what `listing` gives, that in whose names `pattern` is found.
    ///
    /// # Errors
    /// `BadParameter` if it is no pattern, `Busy` if others are looked for all the time; and those of `listing`.
    pub(super) async fn sift(
        &self,
        pattern: &str,
        listing: impl Future<Output = Result<BTreeMap<String, Entry>, ErrorObjectOwned>>,
    ) -> Result<BTreeMap<String, Entry>, ErrorObjectOwned> {
        let turn = timeout(MAX_WAIT, self.turn.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
        let pattern = Pattern::parse(pattern).map_err(|error| bad("pattern", error))?;
        let mut entries = listing.await?;
        let sifting = spawn_blocking(move || {
            entries.retain(|name, _| pattern.is_in(name));
            // Kept until here, also if the caller has gone away meanwhile.
            drop(turn);
            entries
        });
        sifting
            .await
            .map_err(|_| Code::Internal.error("the pattern could not be looked for; the log says why"))
    }
}

fn busy() -> ErrorObjectOwned {
    let data = serde_json::json!({ "retry_after_millis": RETRY_AFTER_MILLIS });
    Code::Busy.error_with("other patterns are being looked for; try again", &data)
}
