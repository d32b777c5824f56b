//! Who a peer is and where it listens.

use std::fmt;
use std::str::FromStr;

/// Text that is not the lower-case hexadecimal form of an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is {expected} lower-case hexadecimal digits")]
pub struct ParseIdError {
    pub(super) expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The first eight hexadecimal digits, for a person to tell ids apart.
            #[must_use]
            pub fn short(&self) -> String {
                data_encoding::HEXLOWER.encode(&self.0[..4])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError { expected: 2 * $bytes };
                let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| error.clone())?;
                Ok(Self(bytes.try_into().map_err(|_| error)?))
            }
        }
    };
}
pub(super) use id;

id! {
    /// Who a peer is: the BLAKE3 hash of its Ed25519 public key, taken from the verified connection.
    PeerId, 32
}
id! {
    /// Which founding a group goes back to. Two foundings never mix: with the same one there could be
    /// two trackers.
    FoundingId, 16
}
id! {
    /// Which machine a state file was made on, so that a cloned image does not vote twice.
    MachineId, 16
}

/// Not a URI of a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerUriError {
    /// Not of the form `wss://host:port/`.
    #[error("a peer's URI has the form wss://host:port/")]
    Form,
    /// The host is not an IP address.
    #[error("the host in a peer's URI is an IP address")]
    Host,
    /// The port is 0 or not a number up to 65535.
    #[error("the port in a peer's URI is a number from 1 to 65535")]
    Port,
}

/// Where a peer listens: `wss://host:port/`, usable by any JSON-RPC client as it is.
///
/// The host is an IP address: a name could mean another machine to every reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerUri(std::net::SocketAddr);

impl PeerUri {
    /// The URI of a listener; `None` for port 0 or the unspecified address.
    #[must_use]
    pub fn new(address: std::net::SocketAddr) -> Option<Self> {
        (address.port() != 0 && !address.ip().is_unspecified()).then_some(Self(address))
    }

    /// The address to connect to.
    #[must_use]
    pub const fn address(self) -> std::net::SocketAddr {
        self.0
    }
}

impl fmt::Display for PeerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wss://{}/", self.0)
    }
}

impl FromStr for PeerUri {
    type Err = PeerUriError;

    fn from_str(text: &str) -> Result<Self, PeerUriError> {
        let authority = text
            .strip_prefix("wss://")
            .and_then(|rest| rest.strip_suffix('/'))
            .filter(|authority| authority.len() <= 64)
            .ok_or(PeerUriError::Form)?;
        let (host, port) = authority.rsplit_once(':').ok_or(PeerUriError::Form)?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0).ok_or(PeerUriError::Port)?;
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        let ip: std::net::IpAddr = bare.parse().map_err(|_| PeerUriError::Host)?;
        if ip.is_ipv6() == (bare.len() == host.len()) {
            return Err(PeerUriError::Host);
        }
        Self::new(std::net::SocketAddr::new(ip, port)).ok_or(PeerUriError::Host)
    }
}
