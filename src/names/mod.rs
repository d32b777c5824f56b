//! The name service: a process of its own that says where things are found. The quorum, not this service,
//! is what makes them true: while it is down, elections and transfers go on.
//!
//! Invariant: nothing is acknowledged before it is durable. [`crate::engine::registry`] decides, one
//! thread owns the registry and its storage, and the JSON-RPC handlers only check, call back and ask that
//! thread. Absent on purpose: any part in elections, and any repair of a damaged storage.

mod callback;
pub mod client;
mod handlers;
mod keeper;
mod places;
mod shape;
mod sieve;
pub mod start;
mod storage;
mod watchers;

pub use storage::StorageError;

use crate::engine::election::Roster;
use crate::engine::registry::{Founding, Registry};
use crate::net::names_link::LONGEST_ABSENCE;
use crate::net::{Identity, Server, ServerHandle, ServerLimits};
use crate::wire::names::NamesServer;
use callback::CallBack;
use handlers::Handlers;
use keeper::Keeper;
use sieve::Sieve;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;
use storage::Storage;
use tokio::net::TcpListener;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use watchers::Watchers;

/// How long a service that may found a group with a single peer waits after its start: until peers of a group
/// that exists have come back and brought theirs, even if the computer of the service was down. A second is for
/// their registration, with its call-backs. With several name services a peer may take longer.
pub const FOUNDING_GRACE: Duration = LONGEST_ABSENCE.saturating_add(Duration::from_secs(1));
/// How often the service looks at the time by itself: to note leases that ended and to found.
const TICK: Duration = Duration::from_millis(200);

/// How a name service runs.
#[derive(Clone, Debug)]
pub struct NamesConfig {
    /// Where its storage lies; made if absent.
    pub folder: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// With how many peers the group is founded, 1 to 7; `None`: as said at an earlier start, else 1.
    pub expect: Option<u8>,
    /// Its key and its group.
    pub identity: Identity,
    /// The pause before a group of one is founded; [`FOUNDING_GRACE`] outside of tests.
    pub founding_grace: Duration,
}

/// Why a name service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another process listens there; perhaps another name service.
    #[error(
        "another program (perhaps another name service) already listens at {0}; stop it, or choose another address with --listen"
    )]
    AddressInUse(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen at {address}: {source}; choose another address with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A number of founders that makes no roster.
    #[error("--expect is a number from 1 to {}", Roster::MAX_VOTERS)]
    Expect,
    /// The storage could not be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The server could not be started.
    #[error("cannot start the name service: {0}")]
    Start(String),
}

/// A running name service.
#[derive(Debug)]
pub struct NamesService {
    server: ServerHandle,
    thread: JoinHandle<()>,
    stop: CancellationToken,
    ticker: AbortOnDropHandle<()>,
    address: SocketAddr,
}

impl NamesService {
    /// Starts it: binds the address, opens the storage, serves. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the address or the storage cannot be used.
    pub async fn start(config: NamesConfig) -> Result<Self, ServeError> {
        let listener = bind(config.listen).await?;
        let started = Instant::now();
        let (folder, expect, grace) = (config.folder, config.expect, config.founding_grace);
        let opening = tokio::task::spawn_blocking(move || open(&folder, expect, grace));
        let (registry, storage) = opening.await.map_err(|error| ServeError::Start(error.to_string()))??;
        let failed = |error: io::Error| ServeError::Start(error.to_string());
        let (keeper, thread) = Keeper::start(registry, storage, started).map_err(failed)?;
        let call_back = CallBack::new(config.identity.clone());
        let stop = CancellationToken::new();
        let watchers = Watchers::new(keeper.recent(), stop.clone());
        let methods =
            Handlers { keeper: keeper.clone(), call_back, sieve: Sieve::new(), watchers }.into_rpc();
        let server = Server::start(listener, &config.identity, methods.into(), None, ServerLimits::GENERAL)
            .map_err(|error| ServeError::Start(error.to_string()))?;
        let ticker = AbortOnDropHandle::new(tokio::spawn(tick_task(keeper, stop.clone())));
        let address = server.local_addr();
        tracing::info!(%address, "the name service listens");
        Ok(Self { server, thread, stop, ticker, address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops gracefully: answers what was asked, then closes the storage.
    pub async fn stop(self) {
        self.stop.cancel();
        self.server.stop().await;
        drop(self.ticker.await);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the name service's registry thread ended badly");
        }
    }
}

/// Runs a name service until SIGTERM or Ctrl+C. `ready` is told the address when it serves.
///
/// # Errors
/// If it cannot start.
pub async fn serve(config: NamesConfig, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let service = NamesService::start(config).await?;
    ready(service.local_addr());
    stop_signal().await;
    tracing::info!("the name service stops");
    service.stop().await;
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::AddressInUse(address),
        _ => ServeError::Listen { address, source },
    })
}

fn open(
    folder: &std::path::Path,
    expect: Option<u8>,
    grace: Duration,
) -> Result<(Registry, Storage), ServeError> {
    let fits = |expect: u8| (1..=Roster::MAX_VOTERS).contains(&usize::from(expect));
    if expect.is_some_and(|expect| !fits(expect)) {
        return Err(ServeError::Expect);
    }
    let (mut storage, saved, expected_before) = Storage::open(folder)?;
    if let Some(expect) = expect
        && expected_before != Some(expect)
    {
        storage.save_expected(expect)?;
    }
    let expected = expect.or(expected_before).filter(|expected| fits(*expected)).unwrap_or(1);
    // Whoever says a number founds on purpose.
    let not_before = if expected == 1 { grace } else { Duration::ZERO };
    Ok((Registry::new(Founding { expected, not_before }, saved, Duration::ZERO), storage))
}

async fn tick_task(keeper: Keeper, stop: CancellationToken) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        keeper.tick();
    }
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                () = ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::warn!("cannot wait for SIGTERM: {error}");
            ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    ctrl_c().await;
}

async fn ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!("cannot wait for Ctrl+C: {error}");
        std::future::pending::<()>().await;
    }
}
