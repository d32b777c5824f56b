//! A content that this peer has already, as one more source: copied from its own disk, and verified as if
//! it came from anybody.

use super::network::{Connection, Network, SourceAddress, Way};
use crate::base::{ContentId, PeerId};
use crate::engine::transfer::source::Fault;
use crate::net::handlers::transfer::{ContentError, SharedContents};
use crate::wire::convert::{MAX_PAGE_PIECES, ManifestPage};
use futures_util::future::{BoxFuture, FutureExt};
use hyper::body::Bytes;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// The bytes that are read at once: a fraction of a piece.
const READ_BYTES: u64 = 256 * 1024;

/// The network, where this peer itself is a source of what it shares.
pub(super) struct WithLocal {
    pub(super) me: PeerId,
    pub(super) contents: Arc<dyn SharedContents>,
    pub(super) others: Arc<dyn Network>,
}

impl Network for WithLocal {
    fn manifest(
        &self,
        source: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>> {
        if source.peer != self.me {
            return self.others.manifest(source, content, first);
        }
        let contents = self.contents.clone();
        blocking(move || {
            let (layout, pieces) = contents.manifest(&content).map_err(|error| fault(&error))?;
            let first = layout.piece(first).ok_or(Fault::Changed)?;
            let pieces = pieces.iter().skip(first.number() as usize).take(MAX_PAGE_PIECES).copied().collect();
            Ok(ManifestPage { content, layout, first, pieces })
        })
        .boxed()
    }

    fn connect(
        &self,
        source: &SourceAddress,
        content: ContentId,
        way: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
        if source.peer != self.me {
            return self.others.connect(source, content, way);
        }
        let contents = self.contents.clone();
        blocking(move || {
            let (file, _) = contents.open(&content).map_err(|error| fault(&error))?;
            let connection: Box<dyn Connection> = Box::new(LocalFile { file: Arc::new(file), rest: 0..0 });
            Ok(connection)
        })
        .boxed()
    }
}

struct LocalFile {
    file: Arc<File>,
    rest: Range<u64>,
}

impl Connection for LocalFile {
    fn turn_to(&mut self, _: ContentId) {
        // It is a file: whoever wants another content opens it.
    }

    fn is_open(&self) -> bool {
        true
    }

    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
        self.rest = range;
        std::future::ready(Ok(())).boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
        let start = self.rest.start;
        let end = self.rest.end.min(start + READ_BYTES);
        self.rest.start = end;
        let file = self.file.clone();
        blocking(move || {
            let length = usize::try_from(end - start).map_err(|_| Fault::Changed)?;
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, start).map_err(|_| Fault::Changed)?;
            Ok(Bytes::from(bytes))
        })
        .boxed()
    }
}

fn fault(error: &ContentError) -> Fault {
    match error {
        ContentError::Unknown => Fault::NotShared,
        ContentError::Changed => Fault::Changed,
        ContentError::Io(_) => Fault::Busy,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Busy)?
}
