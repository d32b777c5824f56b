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

/// Something that a peer did or noticed in an election. Which fields there are depends on `kind`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// Its number at that peer; numbers only grow, also over a restart.
    pub seq: u64,
    /// Microseconds since 1970 (UTC).
    pub unix_micros: u64,
    /// `timer_set`, `timer_stopped`, `timer_expired`, `role`, `epoch`, `tracker`, `sent`, `unsent`,
    /// `received`, `index`, `fault_began`, `fault_ended`.
    pub kind: String,
    /// How long a timer was set for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_micros: Option<u64>,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The other end of a message or of a cut link; the tracker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// `pre_vote`, `pre_vote_answer`, `vote`, `vote_answer`, `heartbeat`, `heartbeat_reply`, `handover`,
    /// `handover_answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The message's round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u64>,
    /// Why a vote was refused; an answer without it is a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// `crash`, `pause`, `cut`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Files in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Peers whose list is in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub have: Option<u32>,
    /// Peers that are expected to announce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
}

/// The answer to `trace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The answerer's clock, in microseconds since 1970 (UTC).
    pub now_unix_micros: u64,
    /// What it is.
    pub role: String,
    /// Its epoch.
    pub epoch: u64,
    /// Files that it shares.
    pub files: u64,
    /// The version of its program.
    pub version: String,
    /// The records, oldest first.
    pub records: Vec<TraceRecord>,
}

/// The answer to `ping`: what a member knows of its links to the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// Where the caller's connection comes from, `ip:port`.
    pub address: String,
    /// Whether there is a connection back to the caller's general port.
    pub linked: bool,
    /// Whether the caller's election port is reached too; `null` if the caller is no member here.
    pub election_linked: Option<bool>,
    /// The version of the program.
    pub version: String,
    /// The clock, in milliseconds since 1970 (UTC).
    pub unix_millis: u64,
    /// The tracker that it follows, if any.
    pub tracker: Option<String>,
    /// How regularly it hears that tracker; `null` if not at all.
    pub heartbeats: Option<Heartbeats>,
}

/// The intervals between the last heartbeats (up to 512).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeats {
    /// How many intervals.
    pub count: u32,
    /// Half of them are not longer.
    pub p50_micros: u32,
    /// 99 of 100 are not longer.
    pub p99_micros: u32,
    /// The longest.
    pub longest_micros: u32,
}

/// Membership of a group, the check of links, its recorded elections, and fault drills.
#[rpc(client, server, namespace = "group", namespace_separator = "_")]
pub trait Group {
    /// The caller wants to be a member. Repeated until it is a voter.
    #[method(name = "join", param_kind = map, with_extensions)]
    async fn join(&self, name: String, uri: String, election_uri: String) -> RpcResult<Membership>;

    /// The caller gives up its seat for good.
    #[method(name = "leave", param_kind = map, with_extensions)]
    async fn leave(&self) -> RpcResult<Membership>;

    /// What a member knows of its links to the caller (served by every peer), for the connection check.
    #[method(name = "ping", param_kind = map, with_extensions)]
    async fn ping(&self) -> RpcResult<Pong>;

    /// A fault drill (served by every peer): be silent as after a crash for so long, at most 60,000 ms.
    /// Accepted from members on the same machine, and from everywhere where drills are switched on.
    #[method(name = "crash", param_kind = map, with_extensions)]
    async fn crash(&self, for_millis: u64) -> RpcResult<()>;

    /// A fault drill (served by every peer): stand still for so long, at most 60,000 ms, as a stopped
    /// process does. Accepted as `crash` is.
    #[method(name = "pause", param_kind = map, with_extensions)]
    async fn pause(&self, for_millis: u64) -> RpcResult<()>;

    /// What the election of this peer did (served by every peer): the records after the number `after`,
    /// at most 1,000; without it the newest ones.
    #[method(name = "trace", param_kind = map, with_extensions)]
    async fn trace(&self, after: Option<u64>) -> RpcResult<Trace>;
}
