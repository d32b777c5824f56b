//! `transfer_`: served by every peer. Contents and their pieces. Cardume's own downloader takes the
//! bytes from `GET /content/<hash>` with `Range` on the same port.

use super::index::FileEntry;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};

/// A page of a manifest: the chaining values of the pieces, which merge to the content's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// BLAKE3 of the content.
    pub content: String,
    /// Bytes of the content.
    pub size: u64,
    /// Bytes of a piece: a power of two from 128 KiB to 4 MiB.
    pub piece_size: u32,
    /// The number of the first piece in this page.
    pub first: u32,
    /// The BLAKE3 chaining values of the pieces, 64 hexadecimal digits each (of one piece only: the
    /// content's hash).
    pub pieces: Vec<String>,
}

/// A part of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// The bytes as base64 (RFC 4648, section 4).
    pub data: String,
}

/// A part of what a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderPage {
    /// Files in the folder and below it, by key.
    pub files: Vec<FileEntry>,
    /// Whether there are more; ask again with `after` the last key.
    pub more: bool,
}

/// What came of the wish to have a file hashed before others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hurried {
    /// `next`: it is hashed next; `known`: it was; `paused`: a person paused its folder; `unknown`: no such
    /// file is shared.
    pub state: String,
    /// Its content, if it is known.
    pub content: Option<String>,
}

/// Where something stands in the order of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What it is called.
    pub name: String,
    /// Of a file: its key. A folder has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u64>,
}

/// What lies in a folder and below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Below {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that are still to be hashed.
    pub hashing: u64,
}

/// A folder in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubFolder {
    /// What it is called.
    pub name: String,
    /// What lies in it and below.
    #[serde(flatten)]
    pub below: Below,
}

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFile {
    /// What it is called.
    pub name: String,
    /// Its number in its peer's database.
    pub key: u64,
    /// Its bytes.
    pub size: u64,
    /// BLAKE3 of its content; absent while it is hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// A page of what lies right in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// What lies in the folder and below it.
    pub below: Below,
    /// How many folders lie right in it, whatever the filter.
    pub folder_count: u64,
    /// How many files lie right in it, whatever the filter.
    pub file_count: u64,
    /// The folders of this page.
    pub folders: Vec<SubFolder>,
    /// The files of this page, behind all folders.
    pub files: Vec<ListedFile>,
    /// Behind what to go on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Place>,
}

/// Contents and their pieces.
#[rpc(client, server, namespace = "transfer", namespace_separator = "_")]
pub trait Transfer {
    /// The manifest of a content, from piece `first`, at most 4,096 pieces a page.
    #[method(name = "manifest", param_kind = map, with_extensions)]
    async fn manifest(&self, content: String, first: Option<u32>) -> RpcResult<Manifest>;

    /// At most 1 MiB of a content.
    #[method(name = "read", param_kind = map, with_extensions)]
    async fn read(&self, content: String, offset: u64, length: u32) -> RpcResult<Part>;

    /// The shared files in `folder` (as `Music/Albums`) and below it, after the key `after`, at most 4,096 a
    /// page.
    #[method(name = "folder", param_kind = map, with_extensions)]
    async fn folder(&self, folder: String, after: Option<u64>) -> RpcResult<FolderPage>;

    /// Has the file `name` in `folder` hashed before others, because somebody waits for it.
    #[method(name = "hurry", param_kind = map, with_extensions)]
    async fn hurry(&self, folder: String, name: String) -> RpcResult<Hurried>;

    /// What lies right in `folder` (none: the shared folders), behind `after`: folders first, then files, by name;
    /// at most `limit` whose name contains `filter`.
    #[method(name = "browse", param_kind = map, with_extensions)]
    async fn browse(
        &self,
        folder: Option<String>,
        after: Option<Place>,
        limit: Option<u32>,
        filter: Option<String>,
    ) -> RpcResult<Listing>;
}
