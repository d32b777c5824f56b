//! Where a peer keeps what, under which keys and settings it runs.
//!
//! Invariants: one group key per [`Home`], agreed on by processes that start at once; one process per
//! profile, held by [`ProfileLock`]; a file is either whole or absent (temporary file, sync, rename).
//! Absent on purpose: a settings file that people edit; every choice is an option or a command.

mod files;
mod home;
mod invite;
mod profile;

pub use crate::net::is_local;
pub use crate::store::ProfileLock;
pub use home::{DEFAULT_NAMES_ADDRESS, Home, Membership, NamesRuntime, Replace};
pub use invite::{Invite, InviteError};
pub use profile::{Ports, Profile, Runtime, WantedPort};

use crate::base::PeerName;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;

/// Something in the home folder that cannot be used: what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The platform has no folders for programs (no home folder is set).
    #[error("this account has no home folder; choose a folder with --home DIR")]
    NoPlatformFolders,
    /// The operating system refused.
    #[error("{what} failed ({source}): {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
        /// Where.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("the file is damaged: {what}; restore it, or remove it to begin anew: {}", path.display())]
    Damaged {
        /// What is wrong.
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// Not the name of a profile.
    #[error("{0:?} is not a profile's name: 1 to 64 letters, digits, `-` and `_`")]
    BadProfile(String),
    /// Another process runs in this profile.
    #[error("the profile {0} is in use by another process; stop it, or choose another with --profile")]
    InUse(String),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(String),
    /// Another group's key is here.
    #[error(
        "this home belongs to another group; to leave that group for good and join this one, add --replace: {}",
        .0.display()
    )]
    OtherGroup(PathBuf),
}

/// A secret of 32 bytes. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The secret with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Everything that a peer needs to start.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// Where group and name service are configured.
    pub home: Home,
    /// Where this peer keeps its state; the caller holds its [`ProfileLock`].
    pub profile: Profile,
    /// What a person calls the peer.
    pub name: PeerName,
    /// The group's key.
    pub group_key: Secret,
    /// The peer's own Ed25519 seed.
    pub peer_key: Secret,
    /// The address to listen on; never the unspecified one.
    pub listen: IpAddr,
    /// The port of the general listener.
    pub port: WantedPort,
    /// The port of the election listener.
    pub election_port: WantedPort,
    /// Where name services are, in the order of trying.
    pub names: Vec<SocketAddr>,
    /// Whether to start a name service where an address is this machine's and nobody answers there.
    pub start_names: bool,
    /// With how many peers a name service started by this peer founds the group.
    pub expect: u8,
    /// Whether any member may order a fault drill (`group_crash`) from another machine.
    pub drills: bool,
    /// The seed of the timers' generator; `None`: from the operating system.
    pub seed: Option<u64>,
}

impl PeerConfig {
    /// The founding size without `--expect`: the first peer founds, the others grow the group.
    pub const DEFAULT_EXPECT: u8 = 1;

    /// The usual configuration of a profile: its name and keys, the home's name services, the remembered
    /// ports, and the address from which the first name service is reached. Makes keys that are missing.
    ///
    /// # Errors
    /// If the home or the profile cannot be read or written.
    pub fn of_profile(home: &Home, mut profile: Profile) -> Result<Self, HomeError> {
        if let Some(chosen) = profile.chosen_download_folder()? {
            profile.download_folder = chosen;
        }
        home.sweep();
        let names = home.names_addresses()?;
        let ports = profile.remembered_ports();
        Ok(Self {
            home: home.clone(),
            name: profile.peer_name()?,
            group_key: home.group_key()?,
            peer_key: profile.peer_key()?,
            listen: listen_address(&names),
            port: WantedPort::Remembered(ports.general),
            election_port: WantedPort::Remembered(ports.election),
            names,
            start_names: true,
            expect: Self::DEFAULT_EXPECT,
            drills: false,
            seed: None,
            profile,
        })
    }
}

/// The address of this machine from which `names` are reached: loopback when all of them are on it,
/// else the one that the operating system routes from (asked without sending anything).
#[must_use]
pub fn listen_address(names: &[SocketAddr]) -> IpAddr {
    let away = names.iter().find(|address| !address.ip().is_loopback());
    let routed = away.and_then(|address| {
        let any: SocketAddr = if address.is_ipv6() { ([0_u16; 8], 0).into() } else { ([0_u8; 4], 0).into() };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(address).ok()?;
        socket.local_addr().ok().map(|local| local.ip()).filter(|ip| !ip.is_unspecified())
    });
    routed.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests;
