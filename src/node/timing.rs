//! The timing thread: election, heartbeats and their connections on a runtime and sockets of their own.
//! Hashing, disk, transfers and drawing never run here, it never waits for them, and it goes before them where the
//! system allows that.

use super::address_book::Addresses;
use super::election_calls::ElectionCalls;
use super::election_handlers::ElectionHandlers;
use super::election_task::{TaskEvent, Wiring, election_task};
use crate::engine::index::IndexPosition;
use crate::net::caller::CallerLimits;
use crate::net::identity::Identity;
use crate::net::peer_link::PeerLinks;
use crate::net::server::{Server, ServerHandle, ServerLimits};
use crate::wire::election::ElectionServer;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What the thread needs to start.
pub(super) struct Timing {
    pub(super) identity: Identity,
    pub(super) listener: TcpListener,
    pub(super) here: Addresses,
    pub(super) position: watch::Receiver<IndexPosition>,
    pub(super) events: mpsc::Sender<TaskEvent>,
}

/// Starts the thread; `wire` completes the wiring with the calls that belong to it. Gives the election
/// port's server.
pub(super) fn start(
    timing: Timing,
    wire: impl FnOnce(ElectionCalls) -> Wiring + Send + 'static,
) -> std::io::Result<oneshot::Receiver<Arc<ServerHandle>>> {
    let (serve, served) = oneshot::channel();
    let runtime = super::priority::runtime()?;
    std::thread::Builder::new().name("cardume-timing".to_owned()).spawn(move || {
        let outcome: std::io::Result<()> = runtime.block_on(async move {
            tokio::spawn(super::priority::keep_first());
            timing.listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(timing.listener)?;
            let handlers = ElectionHandlers { events: timing.events.clone(), position: timing.position };
            let methods = handlers.into_rpc();
            let server = Arc::new(Server::start(
                listener,
                &timing.identity,
                methods.into(),
                None,
                ServerLimits::ELECTION,
            )?);
            // Whoever started this thread may be gone already: then it ends with the task below.
            drop(serve.send(Arc::clone(&server)));
            let links = PeerLinks::new(timing.identity, CallerLimits::ELECTION);
            let calls = ElectionCalls::new(links, timing.events, timing.here);
            election_task(wire(calls)).await;
            // Without the election nobody answers here; the process is about to end.
            drop(server);
            Ok(())
        });
        if let Err(error) = outcome {
            tracing::error!(%error, "the election could not start");
        }
    })?;
    Ok(served)
}
