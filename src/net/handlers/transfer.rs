//! `transfer_`: manifests and parts of contents, to any member.
//!
//! Every read is positioned, blocks on a thread of its own, and is at most 1 MiB; at most
//! [`TransferHandler::MAX_READS`] run at once, the others wait their turn. What is read is not trusted by
//! the reader: it verifies each piece.

use crate::base::{ContentId, FolderPath, PieceLayout};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use crate::wire::codes::Code;
use crate::wire::convert::{
    MAX_FOLDER_FILES, MAX_PAGE_PIECES, MAX_PART_BYTES, ManifestPage, bad, files_to_wire, manifest_to_wire,
    parse_content_id, part_to_wire,
};
use crate::wire::transfer::{FolderPage, Manifest, Part, TransferServer};
use jsonrpsee::Extensions;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::types::ErrorObjectOwned;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Why a content is not given.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// It is not shared here.
    #[error("no such content is shared here; ask the tracker for its sources again")]
    Unknown,
    /// The file changed since it was hashed.
    #[error("the file changed since it was hashed; it will be announced anew")]
    Changed,
    /// The disk failed.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The contents that this peer shares. Calls may block on the disk.
pub trait SharedContents: Send + Sync + 'static {
    /// The layout and the pieces of a content.
    ///
    /// # Errors
    /// If it is not (or no longer) shared.
    fn manifest(&self, content: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError>;

    /// A file with this content, and its length.
    ///
    /// # Errors
    /// If it is not (or no longer) shared.
    fn open(&self, content: &ContentId) -> Result<(File, u64), ContentError>;

    /// The shared files in a folder and below it, by key, after the key `after`, at most `limit`.
    fn folder(&self, folder: &FolderPath, after: Option<u64>, limit: usize) -> Vec<FileEntry> {
        // Contents without files have no folders.
        let _ = (folder, after, limit);
        Vec::new()
    }
}

/// Serves `transfer_`.
#[derive(Clone)]
pub struct TransferHandler {
    contents: Arc<dyn SharedContents>,
    reads: Arc<Semaphore>,
}

impl TransferHandler {
    /// The most calls that read the disk at once: 4 MiB of buffers, and enough for any disk.
    pub const MAX_READS: usize = 4;

    /// A handler on these contents.
    #[must_use]
    pub fn new(contents: Arc<dyn SharedContents>) -> Self {
        Self { contents, reads: Arc::new(Semaphore::new(Self::MAX_READS)) }
    }

    /// Runs `work` on a thread that may block, in its turn.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SharedContents) -> RpcResult<T> + Send + 'static,
    ) -> RpcResult<T> {
        let contents = self.contents.clone();
        let internal = || Code::Internal.error("the peer is stopping; ask another one");
        let turn = self.reads.clone().acquire_owned().await.map_err(|_| internal())?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&*contents);
            drop(turn);
            result
        });
        done.await.map_err(|_| internal())?
    }
}

// Whoever got through the handshake is a member, and any member may read: who calls does not matter here.
#[async_trait]
impl TransferServer for TransferHandler {
    async fn manifest(&self, _: &Extensions, content: String, first: Option<u32>) -> RpcResult<Manifest> {
        let content = parse_content_id("content", &content)?;
        self.blocking(move |contents| page(contents, content, first.unwrap_or(0))).await
    }

    async fn read(&self, _: &Extensions, content: String, offset: u64, length: u32) -> RpcResult<Part> {
        let content = parse_content_id("content", &content)?;
        self.blocking(move |contents| part(contents, content, offset, length)).await
    }

    async fn folder(&self, _: &Extensions, folder: String, after: Option<u64>) -> RpcResult<FolderPage> {
        let folder = FolderPath::new(&folder).map_err(|error| bad("folder", error))?;
        if folder.is_empty() {
            return Err(bad("folder", "which folder is to be said"));
        }
        self.blocking(move |contents| {
            let mut files = contents.folder(&folder, after, MAX_FOLDER_FILES + 1);
            let more = files.len() > MAX_FOLDER_FILES;
            files.truncate(MAX_FOLDER_FILES);
            Ok(FolderPage { files: files_to_wire(&files), more })
        })
        .await
    }
}

fn page(contents: &dyn SharedContents, content: ContentId, first: u32) -> RpcResult<Manifest> {
    let (layout, pieces) = contents.manifest(&content).map_err(|error| refusal(&error))?;
    let first = layout.piece(first).ok_or_else(|| {
        Code::BadRange.error(format!("`first` is {first}, but the content has {} pieces", layout.count()))
    })?;
    let pieces = pieces.iter().skip(first.number() as usize).take(MAX_PAGE_PIECES).copied().collect();
    Ok(manifest_to_wire(&ManifestPage { content, layout, first, pieces }))
}

fn part(contents: &dyn SharedContents, content: ContentId, offset: u64, length: u32) -> RpcResult<Part> {
    if length == 0 || length > MAX_PART_BYTES {
        return Err(
            Code::BadRange.error(format!("`length` is {length}, but 1 to {MAX_PART_BYTES} is possible"))
        );
    }
    let (file, size) = contents.open(&content).map_err(|error| refusal(&error))?;
    if offset.checked_add(u64::from(length)).is_none_or(|end| end > size) {
        return Err(Code::BadRange.error(format!(
            "{length} bytes from {offset} are not in the content's {size}; ask within them"
        )));
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, offset).map_err(|error| match error.kind() {
        // It was longer when it was hashed.
        io::ErrorKind::UnexpectedEof => refusal(&ContentError::Changed),
        _ => refusal(&ContentError::Io(error)),
    })?;
    Ok(part_to_wire(offset, &bytes))
}

fn refusal(error: &ContentError) -> ErrorObjectOwned {
    let code = match error {
        ContentError::Unknown => Code::UnknownContent,
        ContentError::Changed => Code::ContentChanged,
        ContentError::Io(error) => {
            tracing::warn!(%error, "a shared file cannot be read");
            // Which file and where is nobody else's business.
            return Code::Internal.error("the file cannot be read here; ask another source");
        }
    };
    code.error(error.to_string())
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
mod tests {
    use super::*;
    use crate::engine::transfer::manifest::piece_hash;
    use std::collections::BTreeMap;
    use std::io::Write;

    const PIECE: u64 = PieceLayout::MIN_PIECE_BYTES as u64;

    /// A content in memory, and what its file really holds.
    struct Shelf(BTreeMap<ContentId, (Vec<u8>, Vec<u8>)>);

    impl SharedContents for Shelf {
        fn manifest(&self, content: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
            let (bytes, _) = self.0.get(content).ok_or(ContentError::Unknown)?;
            let layout = PieceLayout::of(bytes.len() as u64).expect("small");
            let hash = |piece| {
                let range = layout.range(piece);
                piece_hash(layout, piece, &bytes[range.start as usize..range.end as usize]).expect("whole")
            };
            Ok((layout, Arc::new(layout.pieces().map(hash).collect())))
        }

        fn open(&self, content: &ContentId) -> Result<(File, u64), ContentError> {
            let (bytes, on_disk) = self.0.get(content).ok_or(ContentError::Unknown)?;
            let mut file = tempfile::tempfile()?;
            file.write_all(on_disk)?;
            Ok((file, bytes.len() as u64))
        }
    }

    fn handler(bytes: &[u8], on_disk: &[u8]) -> (TransferHandler, String) {
        let content = ContentId::from_bytes(*blake3::hash(bytes).as_bytes());
        let shelf = Shelf(BTreeMap::from([(content, (bytes.to_vec(), on_disk.to_vec()))]));
        (TransferHandler::new(Arc::new(shelf)), content.to_string())
    }

    #[tokio::test]
    async fn the_manifest_comes_in_pages() {
        let bytes = vec![1; (3 * PIECE + 1) as usize];
        let (handler, content) = handler(&bytes, &bytes);
        let whole = handler.manifest(&Extensions::new(), content.clone(), None).await.expect("shared");
        assert_eq!((whole.size, whole.piece_size, whole.first), (3 * PIECE + 1, 131_072, 0));
        assert_eq!(whole.pieces.len(), 4);
        let rest = handler.manifest(&Extensions::new(), content.clone(), Some(2)).await.expect("shared");
        assert_eq!((rest.first, &rest.pieces[..]), (2, &whole.pieces[2..]));
        for first in [4, u32::MAX] {
            let error = handler
                .manifest(&Extensions::new(), content.clone(), Some(first))
                .await
                .expect_err("no such piece");
            assert_eq!(error.code(), Code::BadRange as i32);
        }
    }

    #[tokio::test]
    async fn a_part_is_within_the_content() {
        let bytes = b"0123456789";
        let (handler, content) = handler(bytes, bytes);
        let part = handler.read(&Extensions::new(), content.clone(), 3, 4).await.expect("within");
        assert_eq!(part, Part { offset: 3, data: "MzQ1Ng==".to_owned() });
        for (offset, length) in
            [(0, 0), (0, 11), (10, 1), (u64::MAX, 1), (0, MAX_PART_BYTES + 1), (0, u32::MAX)]
        {
            let error =
                handler.read(&Extensions::new(), content.clone(), offset, length).await.expect_err("outside");
            assert_eq!(error.code(), Code::BadRange as i32, "{length} from {offset}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let (handler, content) = handler(b"0123456789", b"01234");
        let shrunk = handler.read(&Extensions::new(), content, 3, 4).await.expect_err("the file shrank");
        assert_eq!(shrunk.code(), Code::ContentChanged as i32);
        let unknown = handler.read(&Extensions::new(), "0".repeat(64), 0, 1).await.expect_err("unknown");
        assert_eq!(unknown.code(), Code::UnknownContent as i32);
        let unknown = handler.manifest(&Extensions::new(), "0".repeat(64), None).await.expect_err("unknown");
        assert_eq!(unknown.code(), Code::UnknownContent as i32);
        for content in ["", "0", &"g".repeat(64), &"A".repeat(64)] {
            let bad =
                handler.manifest(&Extensions::new(), content.to_owned(), None).await.expect_err("no hash");
            assert_eq!(bad.code(), Code::BadParameter as i32);
        }
    }
}
