//! `group_`: served by the tracker. Membership.

use super::election::Stamp;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};

/// One member of a roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// 64 hexadecimal digits.
    pub peer_id: String,
    /// What a person calls it.
    pub name: String,
    /// Its general listener, `wss://host:port/`.
    pub uri: String,
    /// Its election listener.
    pub election_uri: String,
    /// Whether it counts for the quorum.
    pub voter: bool,
}

/// The members of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// 32 hexadecimal digits.
    pub founding: String,
    /// Its version.
    pub stamp: Stamp,
    /// The number of founders.
    pub min_voters: u8,
    /// The members, in the order of their ids; at most 64.
    pub members: Vec<Member>,
}

/// The answer to `join` and `leave`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The tracker's epoch.
    pub epoch: u64,
    /// Whether the caller is a member.
    pub member: bool,
    /// Whether it counts for the quorum (yet).
    pub voter: bool,
    /// The tracker's roster.
    pub roster: Roster,
}

/// Membership of a group, and the fault drill.
#[rpc(client, server, namespace = "group", namespace_separator = "_")]
pub trait Group {
    /// The caller wants to be a member. Repeated until it is a voter.
    #[method(name = "join", param_kind = map, with_extensions)]
    async fn join(&self, name: String, uri: String, election_uri: String) -> RpcResult<Membership>;

    /// The caller gives up its seat for good.
    #[method(name = "leave", param_kind = map, with_extensions)]
    async fn leave(&self) -> RpcResult<Membership>;

    /// A fault drill (served by every peer): be silent as after a crash for so long, at most 60,000 ms.
    /// Accepted from members on the same machine, and from everywhere where drills are switched on.
    #[method(name = "crash", param_kind = map, with_extensions)]
    async fn crash(&self, for_millis: u64) -> RpcResult<()>;
}
