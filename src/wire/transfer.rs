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
}
