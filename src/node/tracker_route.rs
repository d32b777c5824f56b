//! The way to whoever is tracker: this peer's own task, or another peer over its connection.

use super::tracker_task::TrackerHandle;
use crate::base::{ContentId, Epoch, PeerId};
use crate::engine::index::{Announcement, Chunk, Delta, Page};
use crate::net::handlers::index::IndexService as _;
use crate::net::{CallError, IndexCalls};
use crate::wire::index::{AnnounceAnswer, BeginAnswer, SearchAnswer, SourcesAnswer};

/// [`IndexCalls`] that reach this peer's own tracker task without a socket.
#[derive(Clone, Debug)]
pub struct TrackerRoute<R> {
    /// This peer.
    pub me: PeerId,
    /// Its own task.
    pub local: TrackerHandle,
    /// The way to all others.
    pub remote: R,
}

impl<R: IndexCalls> IndexCalls for TrackerRoute<R> {
    async fn begin(
        &self,
        to: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> Result<BeginAnswer, CallError> {
        if to != self.me {
            return self.remote.begin(to, epoch, announced, standby).await;
        }
        self.local.announce_begin(self.me, epoch, announced, standby).await.map_err(CallError::Refused)
    }

    async fn chunk(&self, to: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, CallError> {
        if to != self.me {
            return self.remote.chunk(to, epoch, chunk).await;
        }
        self.local.announce_chunk(self.me, epoch, chunk).await.map_err(CallError::Refused)
    }

    async fn delta(&self, to: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, CallError> {
        if to != self.me {
            return self.remote.delta(to, epoch, delta).await;
        }
        self.local.announce_delta(self.me, epoch, delta).await.map_err(CallError::Refused)
    }

    async fn search(&self, to: PeerId, words: &str, page: Page) -> Result<SearchAnswer, CallError> {
        if to != self.me {
            return self.remote.search(to, words, page).await;
        }
        self.local.search(self.me, words.to_owned(), page).await.map_err(CallError::Refused)
    }

    async fn sources(&self, to: PeerId, content: ContentId) -> Result<SourcesAnswer, CallError> {
        if to != self.me {
            return self.remote.sources(to, content).await;
        }
        self.local.sources(self.me, content).await.map_err(CallError::Refused)
    }
}
