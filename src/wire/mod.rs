//! The JSON-RPC contract: the traits, the JSON shapes and the error codes. Shapes are plain text and
//! numbers; [`convert`] checks every limit once and makes engine types of them. PROTOCOL.md documents
//! each method, and a test holds it against these traits.

pub mod check;
pub mod codes;
pub mod control;
pub mod convert;
pub mod election;
pub mod group;
pub mod index;
pub mod library;
pub mod names;
pub mod transfer;

/// Who calls, as proven by the TLS connection. The server puts it into the extensions of every request;
/// a handler that does not find it refuses the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The peer at the other end.
    pub peer: crate::base::PeerId,
    /// Its address, for the log and for call-backs.
    pub address: Option<std::net::SocketAddr>,
}
