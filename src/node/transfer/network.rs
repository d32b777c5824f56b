//! What a download needs of the network: sources, manifests, bytes. No promise is made about any of it:
//! whoever answers may lie.

use crate::base::{ContentId, FolderPath, PeerId};
use crate::engine::transfer::source::Fault;
use crate::node::CommandError;
use crate::store::folder::FolderFile;
use crate::wire::convert::ManifestPage;
use futures_util::future::{BoxFuture, FutureExt};
use hyper::body::Bytes;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

/// A peer that has a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAddress {
    /// Who.
    pub peer: PeerId,
    /// What a person calls it.
    pub name: String,
    /// Its general listener.
    pub address: SocketAddr,
    /// What it calls the file; not checked.
    pub file_name: String,
}

/// Who has a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundSources {
    /// Its bytes, as the tracker was told; `None` if nobody has it.
    pub size: Option<u64>,
    /// The sources.
    pub sources: Vec<SourceAddress>,
}

/// Who knows the sources: the tracker.
pub trait SourceFinder: Send + Sync + 'static {
    /// The sources of a content at this moment. An error is tried again with growing pauses, but soon while there is
    /// nobody to ask.
    fn sources(&self, content: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>>;
}

/// Why a folder cannot be listed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListError {
    /// Its peer cannot be asked.
    Away(String),
    /// So many of its files are still being hashed.
    Hashing(usize),
    /// Its list has no end, or goes beyond what is taken, in this way.
    TooLong(String),
}

/// Told how many files are known so far.
pub type Counted = Arc<dyn Fn(usize) + Send + Sync>;

/// Who knows what is in a peer's folder: the peer.
pub trait FolderLister: Send + Sync + 'static {
    /// The files of the folder and below it, with their folders as the peer calls them. While they come it is told how
    /// many are known.
    fn list(
        &self,
        peer: PeerId,
        folder: FolderPath,
        counted: Counted,
    ) -> BoxFuture<'_, Result<Vec<FolderFile>, ListError>>;
}

/// By which way the bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `GET /content/<hash>` with `Range`.
    Http,
    /// `transfer_read`, as any JSON-RPC client.
    Rpc,
}

/// The way to sources. Every call may hang: the caller bounds it.
pub trait Network: Send + Sync + 'static {
    /// The page of the manifest that begins with piece `first`.
    fn manifest(
        &self,
        source: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>>;

    /// A connection for the bytes of a content.
    fn connect(
        &self,
        source: &SourceAddress,
        content: ContentId,
        way: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>>;
}

/// A connection for the bytes of one content.
pub trait Connection: Send {
    /// Whether it can be used again, as far as is known.
    fn is_open(&self) -> bool;

    /// The next ranges are of this content.
    fn turn_to(&mut self, content: ContentId);

    /// Asks for small contents, at most [`crate::net::MAX_MANY`]. Gives them in their order, each or why it does not
    /// come: at least one, maybe not all. A connection on which that is not possible gives none.
    fn many<'a>(&'a mut self, _: &'a [ContentId]) -> BoxFuture<'a, Result<Vec<Result<Bytes, Fault>>, Fault>> {
        std::future::ready(Err(Fault::Closed)).boxed()
    }

    /// Asks for a range, which is not empty. What is left of the one before is given up.
    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>>;

    /// The next bytes of the range; empty at the end of what the source sends, be it too early. A source
    /// that sends more than it was asked for may give more here too.
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>>;

    /// Appends the next bytes of the range to `bytes`, which is to have `length` in all; what came beyond
    /// goes to `rest`. Gives how many came; 0 at the end, as [`Connection::next`].
    fn read<'a>(
        &'a mut self,
        bytes: &'a mut Vec<u8>,
        length: usize,
        rest: &'a mut Bytes,
    ) -> BoxFuture<'a, Result<usize, Fault>> {
        async move {
            *rest = self.next().await?;
            let came = rest.len();
            let part = rest.split_to(came.min(length.saturating_sub(bytes.len())));
            bytes.extend_from_slice(&part);
            Ok(came)
        }
        .boxed()
    }
}
