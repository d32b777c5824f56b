//! `election_`: served by every peer on its election port only, by the timing thread.

use super::group::Roster;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};

/// A roster's stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The epoch of the tracker that made the roster.
    pub epoch: u64,
    /// The number of the change within it.
    pub version: u64,
}

/// Where the sender of an election call listens, so that a peer that moved is found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Its general listener.
    pub uri: String,
    /// Its election listener.
    pub election_uri: String,
}

/// The answer to `pre_vote` and `vote`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteAnswer {
    /// The epoch that was asked for.
    pub epoch: u64,
    /// The round of the request.
    pub round: u64,
    /// Whether the vote is granted.
    pub granted: bool,
    /// Why not: `old_epoch`, `old_roster`, `not_a_voter`, `voted_for_other`, `tracker_known`, `sticky`,
    /// `absurd_epoch`, `two_groups`, `cannot_vote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The answerer's own epoch.
    pub current_epoch: u64,
    /// The answerer's roster stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
}

/// Where a peer's list of files stands, so that a lost announcement is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPosition {
    /// The peer's local database: 32 hexadecimal digits, new when the database is new.
    pub index_id: String,
    /// The number of the last change.
    pub seq: u64,
}

/// The answer to `heartbeat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatReply {
    /// The replier's epoch.
    pub epoch: u64,
    /// The round of the heartbeat.
    pub round: u64,
    /// The stamp of the replier's durable roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// Where the replier's own list of files stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexPosition>,
}

/// How the tracker's index stands, told with every heartbeat so that nobody has to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexSummary {
    /// Files in the index.
    pub files: u64,
    /// Peers whose list is in it.
    pub have: u32,
    /// Peers that are expected to announce.
    pub of: u32,
    /// Grows with every announced change, within an epoch: an answer of before may be out of date.
    pub revision: u64,
}

/// The answer to `handover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverAnswer {
    /// The epoch of the handover.
    pub epoch: u64,
}

/// Elections and heartbeats.
#[rpc(client, server, namespace = "election", namespace_separator = "_")]
pub trait Election {
    /// Asks whether a vote would be granted; changes nothing at the receiver.
    #[method(name = "pre_vote", param_kind = map, with_extensions)]
    async fn pre_vote(&self, epoch: u64, round: u64, roster: Roster, sender: Sender)
    -> RpcResult<VoteAnswer>;

    /// Asks for a vote. The answer comes after the vote is durable.
    #[method(name = "vote", param_kind = map, with_extensions)]
    async fn vote(&self, epoch: u64, round: u64, roster: Roster, sender: Sender) -> RpcResult<VoteAnswer>;

    /// The tracker's sign of life, every 100 ms. `roster` for a receiver that lags; `index` once it serves,
    /// and with it `known`, where the receiver's list stands there, if it is known to be up to date.
    #[method(name = "heartbeat", param_kind = map, with_extensions)]
    async fn heartbeat(
        &self,
        epoch: u64,
        round: u64,
        stamp: Stamp,
        sender: Sender,
        roster: Option<Roster>,
        index: Option<IndexSummary>,
        known: Option<IndexPosition>,
    ) -> RpcResult<HeartbeatReply>;

    /// A stopping tracker names its successor (hexadecimal peer id).
    #[method(name = "handover", param_kind = map, with_extensions)]
    async fn handover(&self, epoch: u64, successor: String) -> RpcResult<HandoverAnswer>;
}
