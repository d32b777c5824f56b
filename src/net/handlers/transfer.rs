//! `transfer_`: manifests and parts of contents, to any member.
//!
//! Every read blocks on a thread of its own, is at most 1 MiB, is checked against the content's pieces,
//! and takes a turn among all uploads ([`crate::net::Uploads`]). Manifests and lists of folders are read in turns of
//! their own ([`TransferHandler::READS`]), which are fair between peers too: who asks for very many waits behind
//! who asks for one.

use crate::base::{ContentId, FileName, FolderPath, PeerId, PieceLayout};
use crate::engine::browse::{Ask, Listing};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use crate::engine::upload::turns::TurnLimits;
use crate::net::checked::{ReadFault, Reader};
use crate::net::content::{ContentRefusal, ContentService};
use crate::net::uploads::{Gate, Uploads};
use crate::wire::Caller;
use crate::wire::codes::Code;
use crate::wire::convert::{
    MAX_FOLDER_FILES, MAX_PAGE_PIECES, MAX_PART_BYTES, ManifestPage, ask_from_wire, bad, files_to_wire,
    listing_to_wire, manifest_to_wire, parse_content_id, part_to_wire,
};
use crate::wire::transfer::{self as shape, FolderPage, Hurried, Manifest, Part, TransferServer};
use jsonrpsee::Extensions;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::types::ErrorObjectOwned;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A page of a folder's files: little enough to come over a slow link before the connection is thought to be dead, for nothing
/// else passes it meanwhile.
const MAX_PAGE_BYTES: usize = 256 * 1024;
/// What an entry takes besides its name and folder.
const ENTRY_BYTES: usize = 110;
/// So many fit on a page at the most.
const MAX_PAGE_FILES: usize = MAX_PAGE_BYTES / ENTRY_BYTES;
const _: () = assert!(MAX_PAGE_FILES <= MAX_FOLDER_FILES);

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

    /// Has a file without a content yet hashed before others.
    fn hurry(&self, folder: &FolderPath, name: &FileName) -> Hurried {
        // These all have one.
        let _ = (folder, name);
        Hurried { state: "unknown".to_owned(), content: None }
    }

    /// A page of what lies right in a folder; `None`: there is no such folder.
    fn browse(&self, folder: &FolderPath, ask: &Ask) -> Option<Listing> {
        let _ = ask;
        folder.is_empty().then(Listing::default)
    }
}

/// Serves `transfer_`.
#[derive(Clone)]
pub struct TransferHandler {
    contents: Arc<dyn SharedContents>,
    service: ContentService,
    reads: Gate,
}

impl TransferHandler {
    /// Manifests and lists that are read at once, enough for any disk, and requests that wait.
    pub const READS: TurnLimits = TurnLimits { all: 4, per_peer: 2, waiting: 1024, waiting_per_peer: 256 };

    /// A handler on these contents; parts of them come from `service`.
    #[must_use]
    pub fn new(contents: Arc<dyn SharedContents>, service: ContentService) -> Self {
        Self { contents, service, reads: Gate::new(Self::READS) }
    }

    /// A part of a content, when it is its turn.
    async fn part(&self, caller: PeerId, content: ContentId, asked: Range<u64>) -> RpcResult<Part> {
        let route = self.service.route.clone();
        let opening = tokio::task::spawn_blocking(move || route.open(caller, content));
        let opened = opening.await.map_err(|_| stopping())?.map_err(|refused| refusal(&refused))?;
        if asked.end > opened.size {
            return Err(Code::BadRange.error(format!(
                "{} bytes from {} are not in the content's {}; ask within them",
                asked.end - asked.start,
                asked.start,
                opened.size
            )));
        }
        let uploads = &self.service.uploads;
        let mut upload = uploads.begin(caller, content, &opened.name, opened.size);
        let turn = uploads.turn(caller).await.map_err(|busy| refusal(&busy.into()))?;
        upload.sending();
        let (route, offset) = (self.service.route.clone(), asked.start);
        let reading = tokio::task::spawn_blocking(move || {
            let mut reader = Reader::new(opened, asked);
            reader.rest().inspect_err(|_| route.spoiled(content, reader.tag()))
        });
        let read = reading.await.map_err(|_| stopping())?;
        let bytes = read.map_err(|fault| {
            upload.spoiled();
            refusal(&match fault {
                ReadFault::Changed => ContentRefusal::Changed,
                ReadFault::Io(error) => ContentRefusal::Unreadable(error.to_string()),
            })
        })?;
        let mut left = bytes.len();
        while left > 0 {
            left = left.saturating_sub(upload.part(left).await);
        }
        upload.sent(bytes.len());
        drop(turn);
        Ok(part_to_wire(offset, &bytes))
    }

    /// Runs `work` on a thread that may block, in its turn.
    async fn blocking<T: Send + 'static>(
        &self,
        extensions: &Extensions,
        work: impl FnOnce(&dyn SharedContents) -> RpcResult<T> + Send + 'static,
    ) -> RpcResult<T> {
        let contents = self.contents.clone();
        let caller = extensions.get::<Caller>().ok_or_else(stopping)?;
        let turn = self.reads.turn(caller.peer, Uploads::WAIT).await.map_err(|busy| refusal(&busy.into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&*contents);
            drop(turn);
            result
        });
        done.await.map_err(|_| stopping())?
    }
}

// Whoever got through the handshake is a member, and any member may read.
#[async_trait]
impl TransferServer for TransferHandler {
    async fn manifest(
        &self,
        extensions: &Extensions,
        content: String,
        first: Option<u32>,
    ) -> RpcResult<Manifest> {
        let content = parse_content_id("content", &content)?;
        self.blocking(extensions, move |contents| page(contents, content, first.unwrap_or(0))).await
    }

    async fn read(
        &self,
        extensions: &Extensions,
        content: String,
        offset: u64,
        length: u32,
    ) -> RpcResult<Part> {
        let content = parse_content_id("content", &content)?;
        let caller = extensions.get::<Caller>().ok_or_else(stopping)?;
        if length == 0 || length > MAX_PART_BYTES {
            return Err(
                Code::BadRange.error(format!("`length` is {length}, but 1 to {MAX_PART_BYTES} is possible"))
            );
        }
        self.part(caller.peer, content, offset..offset.saturating_add(u64::from(length))).await
    }

    async fn folder(
        &self,
        extensions: &Extensions,
        folder: String,
        after: Option<u64>,
    ) -> RpcResult<FolderPage> {
        let folder = FolderPath::new(&folder).map_err(|error| bad("folder", error))?;
        if folder.is_empty() {
            return Err(bad("folder", "which folder is to be said"));
        }
        self.blocking(extensions, move |contents| {
            let mut files = contents.folder(&folder, after, MAX_PAGE_FILES + 1);
            let page = files_of_page(&files);
            let more = files.len() > page;
            files.truncate(page);
            Ok(FolderPage { files: files_to_wire(&files), more })
        })
        .await
    }

    async fn hurry(&self, extensions: &Extensions, folder: String, name: String) -> RpcResult<Hurried> {
        let folder = FolderPath::new(&folder).map_err(|error| bad("folder", error))?;
        let name = FileName::new(&name).map_err(|error| bad("name", error))?;
        self.blocking(extensions, move |contents| Ok(contents.hurry(&folder, &name))).await
    }

    async fn browse(
        &self,
        extensions: &Extensions,
        folder: Option<String>,
        after: Option<shape::Place>,
        limit: Option<u32>,
        filter: Option<String>,
    ) -> RpcResult<shape::Listing> {
        let folder = FolderPath::new(&folder.unwrap_or_default()).map_err(|error| bad("folder", error))?;
        let ask = ask_from_wire(after.as_ref(), limit, filter)?;
        self.blocking(extensions, move |contents| {
            let listing = contents.browse(&folder, &ask);
            let listing = listing.ok_or_else(|| {
                Code::NotFound.error("no such folder is shared here; look into the one above it")
            })?;
            Ok(listing_to_wire(&listing))
        })
        .await
    }
}

/// How many of these files go on one page.
fn files_of_page(files: &[FileEntry]) -> usize {
    let (mut bytes, mut before) = (0, "");
    for (count, file) in files.iter().enumerate() {
        let folder = file.folder.as_str();
        bytes += ENTRY_BYTES + file.name.as_str().len() + if folder == before { 0 } else { folder.len() };
        if bytes > MAX_PAGE_BYTES {
            return count;
        }
        before = folder;
    }
    files.len()
}

fn page(contents: &dyn SharedContents, content: ContentId, first: u32) -> RpcResult<Manifest> {
    let (layout, pieces) = contents.manifest(&content).map_err(|error| refusal(&error.into()))?;
    let first = layout.piece(first).ok_or_else(|| {
        Code::BadRange.error(format!("`first` is {first}, but the content has {} pieces", layout.count()))
    })?;
    let pieces = pieces.iter().skip(first.number() as usize).take(MAX_PAGE_PIECES).copied().collect();
    Ok(manifest_to_wire(&ManifestPage { content, layout, first, pieces }))
}

fn stopping() -> ErrorObjectOwned {
    Code::Internal.error("the peer is stopping; ask another one")
}

impl From<ContentError> for ContentRefusal {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Unknown => Self::Unknown,
            ContentError::Changed => Self::Changed,
            ContentError::Io(error) => Self::Unreadable(error.to_string()),
        }
    }
}

fn refusal(refused: &ContentRefusal) -> ErrorObjectOwned {
    match refused {
        ContentRefusal::Unknown | ContentRefusal::Gone => Code::UnknownContent
            .error("no such content is shared here; ask the tracker for its sources again"),
        ContentRefusal::Changed => Code::ContentChanged.error(refused.to_string()),
        ContentRefusal::Busy => {
            let millis = u64::try_from(Uploads::RETRY_AFTER.as_millis()).unwrap_or(u64::MAX);
            let data = serde_json::json!({ "retry_after_millis": millis });
            Code::Busy.error_with(refused.to_string(), &data)
        }
        ContentRefusal::Unreadable(error) => {
            tracing::warn!(%error, "a shared file cannot be read");
            // Which file and where is nobody else's business.
            Code::Internal.error("the file cannot be read here; ask another source")
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
#[path = "transfer_tests.rs"]
mod tests;
