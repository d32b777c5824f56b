//! `names_`: served by the name service.

use super::group::Roster;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names and values that a registration carries: at most 16 of at most 256 bytes.
pub type Metadata = BTreeMap<String, String>;

/// What is registered under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The general listener, `wss://host:port/`.
    pub uri: String,
    /// The election listener, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub election_uri: Option<String>,
    /// The key that the name belongs to: 64 hexadecimal digits.
    pub peer_id: String,
    /// What the registration carries.
    pub metadata: Metadata,
}

/// The answer to `register` and `renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// How long the registration stays without a renewal; renew at a third of it.
    pub lease_millis: u64,
    /// The highest epoch x of any `Tracker_Epoca_x` ever accepted; 0 for none.
    pub highest_epoch: u64,
    /// The registration of that epoch.
    pub tracker: Option<Entry>,
    /// The founding roster, once the group is founded or adopted.
    pub founding: Option<Roster>,
    /// Peers registered so far while the founding waits for `expected`.
    pub registered: u32,
    /// With how many peers the group is founded.
    pub expected: u32,
}

/// The answer to `ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// `cardume names` and its version.
    pub service: String,
    /// Its process.
    pub pid: u32,
    /// How many names are registered.
    pub count: u64,
    /// The highest epoch ever accepted.
    pub highest_epoch: u64,
}

/// What happened to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was registered, or registered anew with another address or by another key.
    Registered,
    /// It was removed; a tracker: it has fallen out of the history.
    Removed,
    /// Its lease ended.
    Expired,
    /// Only what its registration carries changed.
    Metadata,
}

/// A change that whoever looks a name up can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number; they have no gaps.
    pub number: u64,
    /// Of which name.
    pub name: String,
    /// What happened to it.
    pub what: What,
    /// What is registered since then, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}

/// The answer to `watch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// The changes, the oldest first.
    pub changes: Vec<Change>,
    /// The number after which to go on.
    pub newest: u64,
    /// Whether changes were missed, which are not kept any more: list anew.
    pub missed: bool,
}

/// Where things are found. The quorum, not this service, is what makes them true.
#[rpc(client, server, namespace = "names", namespace_separator = "_")]
pub trait Names {
    /// Registers the caller under a name, after calling back `uri` (and `election_uri`). `roster` is the
    /// caller's, if it belongs to a group; as `Tracker_Epoca_x` it is required.
    #[method(name = "register", param_kind = map, with_extensions)]
    async fn register(
        &self,
        name: String,
        uri: String,
        election_uri: Option<String>,
        metadata: Option<Metadata>,
        lease_millis: Option<u64>,
        roster: Option<Roster>,
    ) -> RpcResult<Registered>;

    /// Renews the lease of a name of the caller's; `UnknownName` asks for a new registration.
    #[method(name = "renew", param_kind = map, with_extensions)]
    async fn renew(&self, name: String, lease_millis: Option<u64>) -> RpcResult<Registered>;

    /// What is registered under a name.
    #[method(name = "lookup", param_kind = map, with_extensions)]
    async fn lookup(&self, name: String) -> RpcResult<Entry>;

    /// Everything whose name begins with `prefix`, in whose name the regular expression `pattern` is found and
    /// which carries all of `metadata`, by name; `Tracker_Epoca_x` includes the history.
    #[method(name = "list", param_kind = map, with_extensions)]
    async fn list(
        &self,
        prefix: Option<String>,
        pattern: Option<String>,
        metadata: Option<Metadata>,
    ) -> RpcResult<BTreeMap<String, Entry>>;

    /// Removes a name of the caller's; says whether it was there. `Tracker_Epoca_x` is never removed.
    #[method(name = "remove", param_kind = map, with_extensions)]
    async fn remove(&self, name: String) -> RpcResult<bool>;

    /// Replaces what a registration of the caller's carries, until it is registered anew; the entry as it is then.
    #[method(name = "set_metadata", param_kind = map, with_extensions)]
    async fn set_metadata(&self, name: String, metadata: Metadata) -> RpcResult<Entry>;

    /// How many names are registered.
    #[method(name = "count", param_kind = map, with_extensions)]
    async fn count(&self) -> RpcResult<u64>;

    /// What changed after that number, at once or within the time; without a number only the newest one.
    #[method(name = "watch", param_kind = map, with_extensions)]
    async fn watch(&self, after: Option<u64>, wait_millis: Option<u64>) -> RpcResult<Watched>;

    /// Says that it is there.
    #[method(name = "ping", param_kind = map, with_extensions)]
    async fn ping(&self) -> RpcResult<Pong>;
}
