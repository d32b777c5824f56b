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

    /// Says that it is there.
    #[method(name = "ping", param_kind = map, with_extensions)]
    async fn ping(&self) -> RpcResult<Pong>;
}
