//! `index_`: served by the tracker. Who has which file.

use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};

/// A file of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The file's number in its peer's database: stays when it is renamed or changed.
    pub key: u64,
    /// The folder that it lies in, as `Music/Albums`, from the shared folder's own name on; empty: not said.
    /// Absent: that of the file before it in the same call (of the first one: empty).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Its name: one component.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the bytes, 64 hexadecimal digits; absent while it is being hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// A change of a peer's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Change {
    /// The file is new, renamed, changed or now hashed: replaces what has the same key.
    Put(FileEntry),
    /// The file with this key is gone.
    Remove(u64),
}

/// The answer to `announce_begin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeginAnswer {
    /// The tracker already has exactly this.
    UpToDate,
    /// Send the changes after this number.
    SendFrom(u64),
    /// Send everything.
    SendAll,
    /// Ask again after so many milliseconds.
    Busy(u64),
}

/// The answer to a chunk or a delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnounceAnswer {
    /// Taken; for the last chunk: count and digest match and the list is in use.
    Accepted,
    /// This was not expected: the tracker has the list up to here (absent: nothing). Begin again.
    Gap(Option<u64>),
}

/// How complete the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    /// Peers whose list is in the index.
    pub have: u32,
    /// Peers that are members and reachable.
    pub of: u32,
}

/// A peer that has a content, and what it calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// 64 hexadecimal digits.
    pub peer: String,
    /// What a person calls the peer.
    pub peer_name: String,
    /// The folder that the file lies in there, as `Music/Albums`; empty: not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// The file's name there.
    pub name: String,
    /// The peer's general listener.
    pub uri: String,
}

/// One content that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// BLAKE3, 64 hexadecimal digits; `null` while the file is being hashed.
    pub content: Option<String>,
    /// The name that matches best.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Who has it.
    pub sources: Vec<Source>,
}

/// How many matches are of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facet {
    /// The operator that, added to the words, leaves just these: as `type:video`.
    pub term: String,
    /// How many.
    pub count: u64,
}

/// The answer to `search`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchAnswer {
    /// The tracker's epoch; a lower one than known is refused by the asker.
    pub epoch: u64,
    /// How complete the index is.
    pub complete: Complete,
    /// All matches, also those outside of this part.
    pub total: u64,
    /// How all matches are distributed: by type, by size, by peer.
    #[serde(default)]
    pub facets: Vec<Facet>,
    /// From `offset` on, in the order that was asked for.
    pub results: Vec<Found>,
}

/// The answer to `sources`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesAnswer {
    /// The tracker's epoch.
    pub epoch: u64,
    /// How complete the index is.
    pub complete: Complete,
    /// Bytes; absent if nobody has it.
    pub size: Option<u64>,
    /// Who has it.
    pub sources: Vec<Source>,
}

/// The index of the group's files.
#[rpc(client, server, namespace = "index", namespace_separator = "_")]
pub trait Index {
    /// Begins an announcement of the caller's list: `index_id` 32 hexadecimal digits, `seq` its last
    /// change, `count` of its files, `digest` of all entries (64 hexadecimal digits). With `standby` a voter
    /// that is not the tracker takes it too, to have it when it is elected.
    #[method(name = "announce_begin", param_kind = map, with_extensions)]
    async fn announce_begin(
        &self,
        epoch: u64,
        index_id: String,
        #[argument(rename = "seq")] last_seq: u64,
        count: u64,
        digest: String,
        standby: Option<bool>,
    ) -> RpcResult<BeginAnswer>;

    /// A part of the whole list, at most 1 MiB of JSON. Chunks are numbered from 0 and may be repeated.
    #[method(name = "announce_chunk", param_kind = map, with_extensions)]
    async fn announce_chunk(
        &self,
        epoch: u64,
        index_id: String,
        number: u32,
        last: bool,
        files: Vec<FileEntry>,
    ) -> RpcResult<AnnounceAnswer>;

    /// Changes from `prev_seq` (exclusive) to `seq`.
    #[method(name = "announce_delta", param_kind = map, with_extensions)]
    async fn announce_delta(
        &self,
        epoch: u64,
        index_id: String,
        prev_seq: u64,
        #[argument(rename = "seq")] last_seq: u64,
        changes: Vec<Change>,
    ) -> RpcResult<AnnounceAnswer>;

    /// Files that fit the query `words`; from `offset` on, at most `limit`, in the order `sort`.
    #[method(name = "search", param_kind = map, with_extensions)]
    async fn search(
        &self,
        words: String,
        limit: Option<u32>,
        offset: Option<u64>,
        sort: Option<String>,
    ) -> RpcResult<SearchAnswer>;

    /// Who has a content.
    #[method(name = "sources", param_kind = map, with_extensions)]
    async fn sources(&self, content: String) -> RpcResult<SourcesAnswer>;
}
