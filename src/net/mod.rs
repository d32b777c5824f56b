//! Sockets: who may connect, how calls and contents travel, how connections are kept.
//!
//! Every connection is TLS 1.3 with both sides authenticated by the group's certificate authority
//! ([`identity`]); who calls is known from the connection and from nothing else. What is absent on
//! purpose: decisions about elections, the index or transfers, and everything about disks except reading a
//! file that [`content::ContentRoute`] opened.

pub mod caller;
mod checked;
pub mod content;
mod fetch;
pub mod handlers;
pub mod identity;
mod index_calls;
mod many;
pub mod names_link;
pub mod peer_link;
mod route;
pub mod server;
mod stream;
#[cfg(test)]
mod tests;
pub mod uploads;

pub use caller::{CallError, CallerLimits, Client, ConnectError, belongs_to_others, call, connect};
pub use checked::OpenContent;
pub use content::{ContentRefusal, ContentRoute, ContentService};
pub use fetch::{ContentBody, ContentClient, FetchError};
pub use identity::{Credentials, GroupKey, Identity, IdentityError, PeerKey, peer_id_of};
pub use index_calls::{CALL_TIMEOUT, ClientSource, IndexCalls, RemoteIndex};
pub use many::{MAX_MANY, MAX_SMALL_BYTES};
pub use peer_link::{LinkError, PeerLinks};
pub use server::{Server, ServerHandle, ServerLimits};
pub use uploads::{UploadChanges, UploadPhase, UploadRow, Uploads};

use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Whether this machine has the address, so that a service can be started there.
#[must_use]
pub fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()
}
