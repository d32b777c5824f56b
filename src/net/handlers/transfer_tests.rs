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
    called_by(1)
}

fn called_by(peer: u8) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(Caller { peer: PeerId::from_bytes([peer; 32]), address: None });
    extensions
}

/// A library that is asked for a folder and takes its time until the other end is dropped.
struct Slow(std::sync::mpsc::SyncSender<()>);

impl SharedContents for Slow {
    fn manifest(&self, _: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
        Err(ContentError::Unknown)
    }

    fn open(&self, _: &ContentId) -> Result<(File, u64), ContentError> {
        Err(ContentError::Unknown)
    }

    fn folder(&self, _: &FolderPath, _: Option<u64>, _: usize) -> Vec<FileEntry> {
        while self.0.send(()).is_ok() {}
        Vec::new()
    }
}

#[tokio::test]
async fn who_asks_for_very_much_holds_nobody_else_up() {
    let (begun, hold) = std::sync::mpsc::sync_channel(0);
    let (_, mut handler, content) = shelf(b"x", b"x");
    handler.contents = Arc::new(Slow(begun));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let handler = handler.clone();
            tokio::spawn(async move { handler.folder(&called_by(1), "Music".to_owned(), None).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let refused = handler.manifest(&called_by(2), content, None).await.expect_err("not in there");
    assert_eq!(refused.code(), Code::UnknownContent as i32, "the other one's turn came at once");
    drop(hold);
    for asked in asking {
        asked.await.expect("runs").expect("an empty folder");
    }
}

#[tokio::test]
async fn the_manifest_comes_in_pages() {
    let bytes = vec![1; (3 * PIECE + 1) as usize];
    let (handler, content) = handler(&bytes, &bytes);
    let whole = handler.manifest(&called(), content.clone(), None).await.expect("shared");
    assert_eq!((whole.size, whole.piece_size, whole.first), (3 * PIECE + 1, 131_072, 0));
    assert_eq!(whole.pieces.len(), 4);
    let rest = handler.manifest(&called(), content.clone(), Some(2)).await.expect("shared");
    assert_eq!((rest.first, &rest.pieces[..]), (2, &whole.pieces[2..]));
    for first in [4, u32::MAX] {
        let error =
            handler.manifest(&called(), content.clone(), Some(first)).await.expect_err("no such piece");
        assert_eq!(error.code(), Code::BadRange as i32);
    }
}

#[tokio::test]
async fn a_part_is_within_the_content() {
    let bytes = b"0123456789";
    let (handler, content) = handler(bytes, bytes);
    let part = handler.read(&called(), content.clone(), 3, 4).await.expect("within");
    assert_eq!(part, Part { offset: 3, data: "MzQ1Ng==".to_owned() });
    for (offset, length) in [(0, 0), (0, 11), (10, 1), (u64::MAX, 1), (0, MAX_PART_BYTES + 1), (0, u32::MAX)]
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
    let unknown = handler.manifest(&called(), "0".repeat(64), None).await.expect_err("unknown");
    assert_eq!(unknown.code(), Code::UnknownContent as i32);
    for content in ["", "0", &"g".repeat(64), &"A".repeat(64)] {
        let bad = handler.manifest(&called(), content.to_owned(), None).await.expect_err("no hash");
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
    let behind = ask(Some(shape::Place { name: "zz".to_owned(), key: Some(9) }), None).await.expect("shared");
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
        let extensions = called();
        let text = |text: &str| text.to_owned();
        TransferServer::browse(self, &extensions, folder.map(text), after, limit, filter.map(text)).await
    }
}

#[test]
fn a_page_of_long_names_is_shorter() {
    let entry = |key: u64, folder: &str, name: &str| FileEntry {
        key,
        folder: FolderPath::new(folder).expect("a path"),
        name: FileName::new(name).expect("a name"),
        size: 1,
        content: None,
    };
    let of = |folders: [&str; 2], name: &str| {
        let files: Vec<_> = (0..5_000).map(|key| entry(key, folders[key as usize % 2], name)).collect();
        files_of_page(&files)
    };
    let one = ENTRY_BYTES + 1;
    assert_eq!(of(["a", "a"], "b"), (MAX_PAGE_BYTES - 1) / one);
    let long = "x".repeat(255);
    assert_eq!(of(["aa", "bb"], &long), MAX_PAGE_BYTES / (ENTRY_BYTES + 257));
    let deep = [long.as_str(); 4].join("/");
    assert_eq!(of([&deep, &deep], "b"), (MAX_PAGE_BYTES - 1_023) / one, "a folder is said once");
    assert_eq!(of([&deep, "a"], "b"), MAX_PAGE_BYTES / (2 * one + 1_023 + 1) * 2);
    assert_eq!(files_of_page(&[]), 0);
}
