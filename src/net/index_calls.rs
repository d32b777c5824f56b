//! The calls of `index_` as the caller makes them, over a connection that is already there.

use super::caller::{CallError, call};
use crate::base::{ContentId, Epoch, PeerId};
use crate::engine::index::{Announcement, Chunk, Delta, Page};
use crate::wire::convert::{changes_to_wire, files_to_wire, hexadecimal_text};
use crate::wire::index::{AnnounceAnswer, BeginAnswer, IndexClient, SearchAnswer, SourcesAnswer};
use jsonrpsee::core::client::Error as ClientError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How long one call may take, connecting included: a chunk of 1 MiB over a slow radio link. A tracker that
/// died is noticed by the election long before, and the caller gives up then.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The calls of `index_` to a given tracker. Cancel-safe: a call that is given up may still arrive there.
pub trait IndexCalls: Send + Sync + 'static {
    /// `index_announce_begin`; with `standby` to a voter that is not the tracker.
    fn begin(
        &self,
        to: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> impl Future<Output = Result<BeginAnswer, CallError>> + Send;

    /// `index_announce_chunk`.
    fn chunk(
        &self,
        tracker: PeerId,
        epoch: Epoch,
        chunk: Chunk,
    ) -> impl Future<Output = Result<AnnounceAnswer, CallError>> + Send;

    /// `index_announce_delta`.
    fn delta(
        &self,
        tracker: PeerId,
        epoch: Epoch,
        delta: Delta,
    ) -> impl Future<Output = Result<AnnounceAnswer, CallError>> + Send;

    /// `index_search`.
    fn search(
        &self,
        tracker: PeerId,
        words: &str,
        page: Page,
    ) -> impl Future<Output = Result<SearchAnswer, CallError>> + Send;

    /// `index_sources`.
    fn sources(
        &self,
        tracker: PeerId,
        content: ContentId,
    ) -> impl Future<Output = Result<SourcesAnswer, CallError>> + Send;
}

/// Where connections come from: one kept connection per peer.
pub trait ClientSource: Send + Sync + 'static {
    /// A JSON-RPC client.
    type Client: IndexClient + Send + Sync + 'static;

    /// The connection to a peer, waiting for it at most so long.
    fn client(
        &self,
        peer: PeerId,
        deadline: Duration,
    ) -> impl Future<Output = Result<Arc<Self::Client>, String>> + Send;
}

/// [`IndexCalls`] over kept connections.
#[derive(Clone, Debug)]
pub struct RemoteIndex<S>(pub S);

impl<S: ClientSource> RemoteIndex<S> {
    async fn call<T, F>(
        &self,
        peer: PeerId,
        ask: impl FnOnce(Arc<S::Client>) -> F + Send,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, ClientError>> + Send,
    {
        let answered = async {
            let client = self.0.client(peer, CALL_TIMEOUT).await.map_err(CallError::Broken)?;
            call(CALL_TIMEOUT, ask(client)).await
        };
        // Waiting for the connection counts too.
        let late = || CallError::TimedOut(CALL_TIMEOUT);
        tokio::time::timeout(CALL_TIMEOUT, answered).await.map_err(|_| late())?
    }
}

impl<S: ClientSource> IndexCalls for RemoteIndex<S> {
    async fn begin(
        &self,
        to: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> Result<BeginAnswer, CallError> {
        let Announcement { position, count, digest } = announced;
        let (id, digest) = (hexadecimal_text(&position.index_id), hexadecimal_text(&digest));
        let standby = standby.then_some(true);
        self.call(to, async move |client: Arc<S::Client>| {
            client.announce_begin(epoch.number(), id, position.seq, count, digest, standby).await
        })
        .await
    }

    async fn chunk(&self, tracker: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, CallError> {
        let id = hexadecimal_text(&chunk.index_id);
        let files = files_to_wire(&chunk.files);
        self.call(tracker, async move |client: Arc<S::Client>| {
            client.announce_chunk(epoch.number(), id, chunk.number, chunk.last, files).await
        })
        .await
    }

    async fn delta(&self, tracker: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, CallError> {
        let id = hexadecimal_text(&delta.index_id);
        let changes = changes_to_wire(&delta.changes);
        self.call(tracker, async move |client: Arc<S::Client>| {
            client.announce_delta(epoch.number(), id, delta.prev_seq, delta.seq, changes).await
        })
        .await
    }

    async fn search(&self, tracker: PeerId, words: &str, page: Page) -> Result<SearchAnswer, CallError> {
        let (words, sort) = (words.to_owned(), page.sort.to_string());
        self.call(tracker, async move |client: Arc<S::Client>| {
            client.search(words, Some(page.limit), Some(page.offset), Some(sort)).await
        })
        .await
    }

    async fn sources(&self, tracker: PeerId, content: ContentId) -> Result<SourcesAnswer, CallError> {
        let content = content.to_string();
        self.call(tracker, async move |client: Arc<S::Client>| client.sources(content).await).await
    }
}
