//! `transfer_`: manifests and parts of contents, to any member.
//!
//! Every read blocks on a thread of its own, is at most 1 MiB, is checked against the content's pieces,
//! and takes a turn among all uploads ([`crate::net::Uploads`]). At most [`TransferHandler::MAX_READS`]
//! manifests are read at once, the others wait.

use crate::base::{ContentId, FileName, FolderPath, PeerId, PieceLayout};
use crate::engine::browse::{Ask, Listing};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use crate::net::checked::{ReadFault, Reader};
use crate::net::content::{ContentRefusal, ContentService};
use crate::net::uploads::Uploads;
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
    reads: Arc<Semaphore>,
}

impl TransferHandler {
    /// The most manifests that are read at once: enough for any disk.
    pub const MAX_READS: usize = 4;

    /// A handler on these contents; parts of them come from `service`.
    #[must_use]
    pub fn new(contents: Arc<dyn SharedContents>, service: ContentService) -> Self {
        Self { contents, service, reads: Arc::new(Semaphore::new(Self::MAX_READS)) }
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
        work: impl FnOnce(&dyn SharedContents) -> RpcResult<T> + Send + 'static,
    ) -> RpcResult<T> {
        let contents = self.contents.clone();
        let turn = self.reads.clone().acquire_owned().await.map_err(|_| stopping())?;
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
    async fn manifest(&self, _: &Extensions, content: String, first: Option<u32>) -> RpcResult<Manifest> {
        let content = parse_content_id("content", &content)?;
        self.blocking(move |contents| page(contents, content, first.unwrap_or(0))).await
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

    async fn hurry(&self, _: &Extensions, folder: String, name: String) -> RpcResult<Hurried> {
        let folder = FolderPath::new(&folder).map_err(|error| bad("folder", error))?;
        let name = FileName::new(&name).map_err(|error| bad("name", error))?;
        self.blocking(move |contents| Ok(contents.hurry(&folder, &name))).await
    }

    async fn browse(
        &self,
        _: &Extensions,
        folder: Option<String>,
        after: Option<shape::Place>,
        limit: Option<u32>,
        filter: Option<String>,
    ) -> RpcResult<shape::Listing> {
        let folder = FolderPath::new(&folder.unwrap_or_default()).map_err(|error| bad("folder", error))?;
        let ask = ask_from_wire(after.as_ref(), limit, filter)?;
        self.blocking(move |contents| {
            let listing = contents.browse(&folder, &ask);
            let listing = listing.ok_or_else(|| {
                Code::NotFound.error("no such folder is shared here; look into the one above it")
            })?;
            Ok(listing_to_wire(&listing))
        })
        .await
    }
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
mod tests {
    use super::*;
    use crate::engine::transfer::manifest::piece_hash;
    use crate::net::{ContentRoute, OpenContent};
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};

    const PIECE: u64 = PieceLayout::MIN_PIECE_BYTES as u64;

    /// A content in memory, and what its file really holds; and how often it was found spoiled.
    struct Shelf(BTreeMap<ContentId, (Vec<u8>, Vec<u8>)>, AtomicU64);

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

    impl ContentRoute for Shelf {
        fn open(&self, _: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal> {
            let (file, size) = SharedContents::open(self, &content)?;
            let pieces = Some(self.manifest(&content)?);
            Ok(OpenContent { file, size, name: "shelf.bin".to_owned(), tag: 7, pieces })
        }

        fn spoiled(&self, _: ContentId, tag: u64) {
            self.1.fetch_add(tag, Ordering::Relaxed);
        }
    }

    fn shelf(bytes: &[u8], on_disk: &[u8]) -> (Arc<Shelf>, TransferHandler, String) {
        let content = ContentId::from_bytes(*blake3::hash(bytes).as_bytes());
        let shelf = BTreeMap::from([(content, (bytes.to_vec(), on_disk.to_vec()))]);
        let shelf = Arc::new(Shelf(shelf, AtomicU64::new(0)));
        let service = ContentService { route: shelf.clone(), uploads: Uploads::new(Uploads::LIMITS) };
        (shelf.clone(), TransferHandler::new(shelf, service), content.to_string())
    }

    fn handler(bytes: &[u8], on_disk: &[u8]) -> (TransferHandler, String) {
        let (_, handler, content) = shelf(bytes, on_disk);
        (handler, content)
    }

    fn called() -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Caller { peer: PeerId::from_bytes([1; 32]), address: None });
        extensions
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
        let part = handler.read(&called(), content.clone(), 3, 4).await.expect("within");
        assert_eq!(part, Part { offset: 3, data: "MzQ1Ng==".to_owned() });
        for (offset, length) in
            [(0, 0), (0, 11), (10, 1), (u64::MAX, 1), (0, MAX_PART_BYTES + 1), (0, u32::MAX)]
        {
            let error = handler.read(&called(), content.clone(), offset, length).await.expect_err("outside");
            assert_eq!(error.code(), Code::BadRange as i32, "{length} from {offset}");
        }
    }

    #[tokio::test]
    async fn a_changed_byte_is_noticed_wherever_it_is() {
        let bytes: Vec<u8> = (0..2 * PIECE + 9).map(|at| (at % 251) as u8).collect();
        let mut on_disk = bytes.clone();
        on_disk[PIECE as usize + 5] ^= 1;
        let (shelf, handler, content) = shelf(&bytes, &on_disk);
        for (offset, length, is_right) in [
            (0, 9, true),
            (PIECE - 9, 9, true),
            (PIECE + 90, 9, false),
            (PIECE - 9, 10, false),
            (2 * PIECE, 9, true),
        ] {
            let part = handler.read(&called(), content.clone(), offset, length).await;
            let code = part.as_ref().err().map(ErrorObjectOwned::code);
            let expected = (!is_right).then_some(Code::ContentChanged as i32);
            assert_eq!(code, expected, "{length} bytes from {offset}");
        }
        assert_eq!(shelf.1.load(Ordering::Relaxed), 2 * 7, "it is told each time, with the file's tag");
        let rows = handler.service.uploads.rows();
        let (name, sent) = (rows[0].name.as_str(), rows[0].sent);
        assert_eq!((rows.len(), name, sent), (1, "shelf.bin", 9 + 9 + 9), "{rows:?}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let (handler, content) = handler(b"0123456789", b"01234");
        let shrunk = handler.read(&called(), content, 3, 4).await.expect_err("the file shrank");
        assert_eq!(shrunk.code(), Code::ContentChanged as i32);
        let unknown = handler.read(&called(), "0".repeat(64), 0, 1).await.expect_err("unknown");
        assert_eq!(unknown.code(), Code::UnknownContent as i32);
        let unknown = handler.manifest(&Extensions::new(), "0".repeat(64), None).await.expect_err("unknown");
        assert_eq!(unknown.code(), Code::UnknownContent as i32);
        for content in ["", "0", &"g".repeat(64), &"A".repeat(64)] {
            let bad =
                handler.manifest(&Extensions::new(), content.to_owned(), None).await.expect_err("no hash");
            assert_eq!(bad.code(), Code::BadParameter as i32);
        }
    }

    /// Files of one byte in folders.
    struct Tree(crate::engine::browse::Folders);

    impl SharedContents for Tree {
        fn manifest(&self, _: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
            Err(ContentError::Unknown)
        }

        fn open(&self, _: &ContentId) -> Result<(File, u64), ContentError> {
            Err(ContentError::Unknown)
        }

        fn browse(&self, folder: &FolderPath, ask: &Ask) -> Option<Listing> {
            self.0.page(folder, ask, |_| Some(ONE))
        }
    }

    const ONE: crate::engine::browse::FileState = crate::engine::browse::FileState { size: 1, content: None };

    fn tree() -> TransferHandler {
        let mut folders = crate::engine::browse::Folders::default();
        for (key, (folder, name)) in
            (0..).zip([("Music/Live", "a"), ("Music", "b"), ("Music", "c"), ("Books", "d")])
        {
            let folder = FolderPath::new(folder).expect("a path");
            folders.insert(&folder, &crate::base::FileName::new(name).expect("a name"), key, &ONE);
        }
        let (shelf, ..) = shelf(b"", b"");
        let service = ContentService { route: shelf, uploads: Uploads::new(Uploads::LIMITS) };
        TransferHandler::new(Arc::new(Tree(folders)), service)
    }

    #[tokio::test]
    async fn a_folder_comes_in_pages() {
        let handler = tree();
        let ask = |after, limit| handler.look(Some("Music"), after, limit, None);
        let whole = ask(None, None).await.expect("shared");
        assert_eq!(
            serde_json::to_value(&whole).expect("JSON"),
            serde_json::json!({
                "below": { "files": 3, "bytes": 3, "hashing": 3 },
                "folder_count": 1,
                "file_count": 2,
                "folders": [{ "name": "Live", "files": 1, "bytes": 1, "hashing": 1 }],
                "files": [{ "name": "b", "key": 1, "size": 1 }, { "name": "c", "key": 2, "size": 1 }],
            })
        );
        let first = ask(None, Some(2)).await.expect("shared");
        assert_eq!(first.next, Some(shape::Place { name: "b".to_owned(), key: Some(1) }));
        let second = ask(first.next, Some(2)).await.expect("shared");
        assert_eq!((second.files.len(), second.next), (1, None));
        let behind =
            ask(Some(shape::Place { name: "zz".to_owned(), key: Some(9) }), None).await.expect("shared");
        assert_eq!((behind.folders.len(), behind.files.len(), behind.file_count), (0, 0, 2));
        let shared = handler.look(None, None, None, Some("MUS")).await.expect("shared");
        assert_eq!((shared.folders.len(), shared.folder_count), (1, 2));
    }

    #[tokio::test]
    async fn bad_folders_and_pages_are_refused() {
        let handler = tree();
        let (long, deep) = (["x"; 600].join("/"), "x".repeat(300));
        for folder in ["..", "Music/..", "/", "/etc", "Music/", "a//b", r"Music\Live", "C:", &long, &deep] {
            let refused = handler.look(Some(folder), None, None, None).await.expect_err("no folder");
            assert_eq!(refused.code(), Code::BadParameter as i32, "{folder}");
        }
        for folder in ["Nothing", "music", "Music/Live/a", "Musi"] {
            let refused = handler.look(Some(folder), None, None, None).await.expect_err("not shared");
            assert_eq!(refused.code(), Code::NotFound as i32, "{folder}");
        }
        for limit in [0, 4_097, u32::MAX] {
            let refused = handler.look(None, None, Some(limit), None).await.expect_err("no page");
            assert_eq!(refused.code(), Code::BadParameter as i32, "{limit}");
        }
        for (name, key) in [("..", None), ("", None), ("a/b", Some(1)), ("a", Some(u64::MAX))] {
            let after = Some(shape::Place { name: name.to_owned(), key });
            let refused = handler.look(None, after, None, None).await.expect_err("no place");
            assert_eq!(refused.code(), Code::BadParameter as i32, "{name}");
        }
        let refused = handler.look(None, None, None, Some(&"x".repeat(256))).await.expect_err("no name");
        assert_eq!(refused.code(), Code::BadParameter as i32);
    }

    impl TransferHandler {
        async fn look(
            &self,
            folder: Option<&str>,
            after: Option<shape::Place>,
            limit: Option<u32>,
            filter: Option<&str>,
        ) -> RpcResult<shape::Listing> {
            let extensions = Extensions::new();
            let text = |text: &str| text.to_owned();
            TransferServer::browse(self, &extensions, folder.map(text), after, limit, filter.map(text)).await
        }
    }
}
