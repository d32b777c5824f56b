//! `index_`: checks what comes in and hands it to the tracker's task.

use crate::base::{ContentId, Epoch, PeerId};
use crate::engine::index::{Announcement, Chunk, Delta, IndexPosition, Page};
use crate::wire::Caller;
use crate::wire::codes::{Code, Refused};
use crate::wire::convert::{
    bad, changes_from_wire, files_from_wire, number, page_from_wire, parse_content_id, parse_digest,
    parse_epoch, parse_index_id,
};
use crate::wire::index::{
    AnnounceAnswer, BeginAnswer, Change, FileEntry, IndexServer, SearchAnswer, SourcesAnswer,
};
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::{Extensions, RpcModule};
use std::future::Future;

/// The most bytes of names and folders in a chunk or a delta: with it a request stays near 1 MiB of JSON.
const MAX_NAME_BYTES: usize = 1024 * 1024;

/// What serves the index: the tracker's task. Parameters are checked when they get here, all but the
/// epoch against the present one and the caller against the members.
pub trait IndexService: Send + Sync + 'static {
    /// See [`IndexServer::announce_begin`].
    fn announce_begin(
        &self,
        caller: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> impl Future<Output = Result<BeginAnswer, Refused>> + Send;

    /// See [`IndexServer::announce_chunk`].
    fn announce_chunk(
        &self,
        caller: PeerId,
        epoch: Epoch,
        chunk: Chunk,
    ) -> impl Future<Output = Result<AnnounceAnswer, Refused>> + Send;

    /// See [`IndexServer::announce_delta`].
    fn announce_delta(
        &self,
        caller: PeerId,
        epoch: Epoch,
        delta: Delta,
    ) -> impl Future<Output = Result<AnnounceAnswer, Refused>> + Send;

    /// See [`IndexServer::search`].
    fn search(
        &self,
        caller: PeerId,
        words: String,
        page: Page,
    ) -> impl Future<Output = Result<SearchAnswer, Refused>> + Send;

    /// See [`IndexServer::sources`].
    fn sources(
        &self,
        caller: PeerId,
        content: ContentId,
    ) -> impl Future<Output = Result<SourcesAnswer, Refused>> + Send;
}

/// The methods of `index_`, served by `service`. Every request must carry its [`Caller`].
pub fn index_methods(service: impl IndexService) -> RpcModule<impl Send + Sync + 'static> {
    IndexHandlers(service).into_rpc()
}

struct IndexHandlers<S>(S);

#[async_trait]
impl<S: IndexService> IndexServer for IndexHandlers<S> {
    async fn announce_begin(
        &self,
        ext: &Extensions,
        epoch: u64,
        index_id: String,
        last_seq: u64,
        count: u64,
        digest: String,
        standby: Option<bool>,
    ) -> RpcResult<BeginAnswer> {
        let position =
            IndexPosition { index_id: parse_index_id("index_id", &index_id)?, seq: number("seq", last_seq)? };
        let count = number("count", count)?;
        let announced = Announcement { position, count, digest: parse_digest("digest", &digest)? };
        let (caller, epoch) = (caller(ext)?, parse_epoch("epoch", epoch)?);
        self.0.announce_begin(caller, epoch, announced, standby.unwrap_or_default()).await
    }

    async fn announce_chunk(
        &self,
        ext: &Extensions,
        epoch: u64,
        index_id: String,
        number: u32,
        last: bool,
        files: Vec<FileEntry>,
    ) -> RpcResult<AnnounceAnswer> {
        check_names("files", files.iter().map(name_bytes).sum())?;
        let index_id = parse_index_id("index_id", &index_id)?;
        let chunk = Chunk { index_id, number, last, files: files_from_wire(&files)? };
        self.0.announce_chunk(caller(ext)?, parse_epoch("epoch", epoch)?, chunk).await
    }

    async fn announce_delta(
        &self,
        ext: &Extensions,
        epoch: u64,
        index_id: String,
        prev_seq: u64,
        last_seq: u64,
        changes: Vec<Change>,
    ) -> RpcResult<AnnounceAnswer> {
        let name = |change: &Change| if let Change::Put(file) = change { name_bytes(file) } else { 0 };
        check_names("changes", changes.iter().map(name).sum())?;
        let index_id = parse_index_id("index_id", &index_id)?;
        let (prev_seq, seq) = (number("prev_seq", prev_seq)?, number("seq", last_seq)?);
        let delta = Delta { index_id, prev_seq, seq, changes: changes_from_wire(&changes)? };
        self.0.announce_delta(caller(ext)?, parse_epoch("epoch", epoch)?, delta).await
    }

    async fn search(
        &self,
        ext: &Extensions,
        words: String,
        limit: Option<u32>,
        offset: Option<u64>,
        sort: Option<String>,
    ) -> RpcResult<SearchAnswer> {
        self.0.search(caller(ext)?, words, page_from_wire(limit, offset, sort.as_deref())?).await
    }

    async fn sources(&self, ext: &Extensions, content: String) -> RpcResult<SourcesAnswer> {
        self.0.sources(caller(ext)?, parse_content_id("content", &content)?).await
    }
}

fn caller(ext: &Extensions) -> RpcResult<PeerId> {
    let found = ext.get::<Caller>().map(|caller| caller.peer);
    found.ok_or_else(|| {
        Code::NotAllowed.error("the connection does not say who calls; connect with a certificate")
    })
}

fn name_bytes(file: &FileEntry) -> usize {
    file.name.len() + file.folder.as_ref().map_or(0, String::len)
}

fn check_names(parameter: &str, bytes: usize) -> RpcResult<()> {
    if bytes > MAX_NAME_BYTES {
        return Err(bad(parameter, "a request has at most 1 MiB; send several"));
    }
    Ok(())
}
