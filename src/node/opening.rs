//! Opens what a peer keeps and binds its two listeners: everything that may block or fail before any task
//! runs.

use super::address_book::Addresses;
use super::config::{HomeError, PeerConfig, Ports};
use crate::base::PeerUri;
use crate::engine::election::SavedState;
use crate::net::identity::{GroupKey, Identity, IdentityError, PeerKey};
use crate::store::downloads::{DownloadStore, SavedDownload};
use crate::store::{Library, LibraryError, Loaded, RealDisk, StateError, StateStore, machine_id};
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
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// What the system says.
        error: std::io::Error,
        /// Where.
        address: IpAddr,
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
    let general = listen(config.listen, config.ports.general)?;
    let election = listen(config.listen, config.ports.election)?;
    let (general_at, election_at) = (general.local_addr()?, election.local_addr()?);
    let ports = Ports { general: general_at.port(), election: election_at.port() };
    profile.remember_ports(ports)?;
    let uri = |address: SocketAddr| {
        let unspecified = std::io::Error::other("the address to listen on must be one that others can use");
        PeerUri::new(address).ok_or(StartError::Listen { error: unspecified, address: address.ip() })
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

/// Binds the remembered port, or any if another program has it.
fn listen(ip: IpAddr, port: u16) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind((ip, port))
        .or_else(|error| if port == 0 { Err(error) } else { TcpListener::bind((ip, 0)) });
    bound.map_err(|error| StartError::Listen { error, address: ip })
}
