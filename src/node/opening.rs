//! Opens what a peer keeps and binds its two listeners: everything that may block or fail before any task
//! runs.

use super::address_book::Addresses;
use super::config::{HomeError, PeerConfig, Ports, WantedPort};
use crate::base::PeerUri;
use crate::engine::election::SavedState;
use crate::net::identity::{GroupKey, Identity, IdentityError, PeerKey};
use crate::store::downloads::{DownloadStore, SavedDownload};
use crate::store::{Library, LibraryError, Loaded, RealDisk, StateError, StateStore, machine_id};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

/// Why a peer could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The home or the profile cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The library cannot be opened.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The election's state cannot be saved.
    #[error(transparent)]
    State(#[from] StateError),
    /// The keys make no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No listener.
    #[error(
        "cannot listen on {address}: {error}; stop the program that listens there, or choose another port with \
         --port or --election-port, or another address with --listen"
    )]
    Listen {
        /// What the system says.
        error: std::io::Error,
        /// Where; port 0: any.
        address: SocketAddr,
    },
    /// A thread or a runtime could not be made.
    #[error("the system gives no thread or socket: {0}; close other programs and try again")]
    System(#[from] std::io::Error),
    /// The timing thread ended before it served.
    #[error("the election could not start; the log says why")]
    Timing,
}

/// What is opened before anything runs.
pub(super) struct Opened {
    pub(super) identity: Identity,
    pub(super) store: StateStore,
    pub(super) saved: SavedState,
    pub(super) library: Arc<Library>,
    pub(super) downloads: Option<(DownloadStore, Vec<SavedDownload>)>,
    pub(super) general: TcpListener,
    pub(super) election: TcpListener,
    pub(super) here: Addresses,
}

/// Everything that blocks.
pub(super) fn open(config: &PeerConfig) -> Result<Opened, StartError> {
    let profile = &config.profile;
    profile.clear_runtime()?;
    for dir in [&profile.state_dir, &profile.library_dir] {
        std::fs::create_dir_all(dir)?;
    }
    let (identity, store, saved) = open_state(config)?;
    let library = Library::open_beside(&profile.library_dir, config.home.never_shared())?;
    let downloads = DownloadStore::open(&profile.dir, RealDisk);
    let downloads = downloads.inspect_err(|error| tracing::error!(%error, "downloads are not kept")).ok();
    let general = listen(config.listen, config.port)?;
    let election = listen(config.listen, config.election_port)?;
    let (general_at, election_at) = (general.local_addr()?, election.local_addr()?);
    let ports = Ports { general: general_at.port(), election: election_at.port() };
    profile.remember_ports(ports)?;
    let uri = |address: SocketAddr| {
        let unspecified = std::io::Error::other("the address to listen on must be one that others can use");
        PeerUri::new(address).ok_or(StartError::Listen { error: unspecified, address })
    };
    let here = Addresses { uri: uri(general_at)?, election_uri: uri(election_at)? };
    Ok(Opened { identity, store, saved, library, downloads, general, election, here })
}

/// The vote's state, under the identity that made it. Where the state is lost or not certainly this
/// peer's newest, the peer takes a new identity: under the old one it could vote twice.
fn open_state(config: &PeerConfig) -> Result<(Identity, StateStore, SavedState), StartError> {
    let profile = &config.profile;
    let machine = machine_id(&profile.state_dir)?;
    let group = GroupKey::from_bytes(*config.group_key.as_bytes());
    let identity = Identity::new(&group, &PeerKey::from_seed(config.peer_key.as_bytes()))?;
    let (store, loaded) = StateStore::open(&profile.state_dir, machine, identity.peer_id(), RealDisk)?;
    let refusal = match loaded {
        Loaded::Found(saved) => return Ok((identity, store, saved)),
        Loaded::Fresh => None,
        Loaded::Refused(refusal) => Some(refusal),
    };
    let identity = match refusal {
        None if !profile.has_begun(identity.peer_id()) => identity,
        reason => {
            let reason = reason.map_or_else(|| "it is missing".to_owned(), |reason| reason.to_string());
            tracing::warn!(reason, "the election's state is not usable: this peer takes a new identity");
            let key = profile.renew_peer_key()?;
            Identity::new(&group, &PeerKey::from_seed(key.as_bytes()))?
        }
    };
    // The mark first: a crash in between costs an identity that never voted.
    profile.mark_begun(identity.peer_id())?;
    let (store, saved) = StateStore::begin(&profile.state_dir, machine, identity.peer_id(), RealDisk)?;
    Ok((identity, store, saved))
}

/// Binds the port. Where a port that nobody ordered is not to be had, any.
fn listen(ip: IpAddr, port: WantedPort) -> Result<TcpListener, StartError> {
    let bind = |port| {
        let address = SocketAddr::new(ip, port);
        TcpListener::bind(address).map_err(|error| StartError::Listen { error, address })
    };
    match (port, bind(port.number())) {
        (WantedPort::Remembered(port), Err(StartError::Listen { error, .. })) if gives_way(port, &error) => {
            tracing::info!(port, %error, "the port of the last run is not to be had: another one is taken");
            bind(0)
        }
        (_, bound) => bound,
    }
}

/// Whether another port than the remembered one may do.
fn gives_way(port: u16, error: &std::io::Error) -> bool {
    port != 0 && matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_remembered_port_gives_way_and_one_that_was_ordered_does_not() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let other = TcpListener::bind((here, 0)).expect("a port");
        let taken = other.local_addr().expect("bound");
        let moved = listen(here, WantedPort::Remembered(taken.port())).expect("another port");
        assert_ne!(moved.local_addr().expect("bound").port(), taken.port());
        let refused = listen(here, WantedPort::Ordered(taken.port())).expect_err("it is taken").to_string();
        assert!(refused.contains(&taken.to_string()) && refused.contains("--port"), "{refused}");
        drop(other);
        for free in [WantedPort::Remembered(taken.port()), WantedPort::Ordered(0)] {
            listen(here, free).expect("a port");
        }
        let unknown = IpAddr::from([192, 0, 2, 1]);
        assert!(listen(unknown, WantedPort::Remembered(taken.port())).is_err());
    }
}
