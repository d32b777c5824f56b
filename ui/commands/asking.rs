//! How a command asks the running peer of a profile.

use super::{Failure, Outcome};
use crate::args::Global;
use cardume::node::config::Home;
use cardume::node::{Remote, RemoteError};
use std::future::Future;

/// The home that the options name.
pub(crate) fn home(global: &Global) -> Result<Home, Failure> {
    Ok(Home::choose(global.home.as_deref())?)
}

/// Connects to the running peer and lets `ask` talk to it.
pub(crate) fn with_peer<F: Future<Output = Outcome>>(
    global: &Global,
    ask: impl FnOnce(Remote) -> F,
) -> Outcome {
    let home = home(global)?;
    block_on(async {
        let remote = Remote::connect(&home, global.profile.as_deref()).await.map_err(no_peer)?;
        ask(remote).await
    })
}

/// Runs what waits, on this thread: a command does one thing at a time.
pub(crate) fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn no_peer(error: RemoteError) -> Failure {
    match error {
        RemoteError::Home(error) => error.into(),
        other => Failure::no_peer(other.to_string()),
    }
}
