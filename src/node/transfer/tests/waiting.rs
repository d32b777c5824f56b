//! What waits does not hold up what need not, and what is there does not come again.

use super::*;
use crate::node::transfer::folder::FolderRequest;
use crate::node::transfer::limits::{DISK_PAUSE, MAX_STALLED};
use crate::node::transfer_task::Change;
use crate::store::RealDisk;
use crate::store::downloads::{DownloadStore, SavedDownload, SavedJob, SavedState};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A peer that has contents, some of them only later.
pub(super) struct Library {
    contents: BTreeMap<ContentId, Arc<Vec<u8>>>,
    away: Mutex<BTreeSet<ContentId>>,
    list: Mutex<Vec<FolderFile>>,
    /// Instead of the list, after so long.
    refuses: Mutex<Option<(Duration, ListError)>>,
    /// How often it was asked for a manifest, and for the list.
    pub(super) asked: (AtomicUsize, AtomicUsize),
}

/// Too large to come together with others.
pub(super) fn large(seed: u8) -> Vec<u8> {
    sample(3 * PIECE).iter().map(|byte| byte ^ seed).collect()
}

impl Library {
    /// Of so many files; nobody has these of them.
    pub(super) fn new(count: u8, away: &[u8]) -> Arc<Self> {
        let contents = (0..count).map(large).map(|bytes| (content_of(&bytes), Arc::new(bytes))).collect();
        let away = Mutex::new(away.iter().map(|seed| content_of(&large(*seed))).collect());
        let (list, refuses, asked) = Default::default();
        Arc::new(Self { contents, away, list, refuses, asked })
    }

    pub(super) fn put(&self, folder: &str, name: &str, seed: u8) {
        let (size, content) = (3 * PIECE, content_of(&large(seed)));
        let (folder, name) = (FolderPath::new(folder).expect("a path"), FileName::new(name).expect("a name"));
        let mut list = self.list.lock().expect("nobody panicked");
        list.retain(|file| (&file.folder, &file.name) != (&folder, &name));
        list.push(FolderFile { folder, name, size, content });
    }

    pub(super) fn comes_back(&self) {
        self.away.lock().expect("nobody panicked").clear();
    }

    pub(super) fn spawn(
        self: &Arc<Self>,
        kept: Option<(DownloadStore, Vec<SavedDownload>)>,
    ) -> TransferHandle {
        spawn(TransferDeps { kept, ..deps(self, watch::channel(Limits::default()).1) })
    }
}

impl FolderLister for Library {
    fn list(
        &self,
        _: PeerId,
        _: FolderPath,
        counted: Counted,
    ) -> BoxFuture<'_, Result<Vec<FolderFile>, ListError>> {
        self.asked.1.fetch_add(1, Ordering::Relaxed);
        let list = self.list.lock().expect("nobody panicked").clone();
        let refuses = self.refuses.lock().expect("nobody panicked").clone();
        async move {
            let Some((after, error)) = refuses else { return Ok(list) };
            counted(4_096);
            tokio::time::sleep(after).await;
            Err(error)
        }
        .boxed()
    }
}

impl SourceFinder for Library {
    fn sources(&self, content: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>> {
        let source = SourceAddress {
            peer: peer(1),
            name: "peer-1".to_owned(),
            address: ([127, 0, 0, 1], 1).into(),
            file_name: "x".to_owned(),
        };
        let is_away = self.away.lock().expect("nobody panicked").contains(&content);
        let sources = if is_away { Vec::new() } else { vec![source] };
        std::future::ready(Ok(FoundSources { size: (!is_away).then_some(3 * PIECE), sources })).boxed()
    }
}

impl Network for Library {
    fn manifest(
        &self,
        _: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>> {
        self.asked.0.fetch_add(1, Ordering::Relaxed);
        let bytes = &self.contents[&content];
        let layout = PieceLayout::of(bytes.len() as u64).expect("small");
        let first = layout.piece(first).expect("within");
        let page = ManifestPage { content, layout, first, pieces: hashes(layout, bytes) };
        std::future::ready(Ok(page)).boxed()
    }

    fn connect(
        &self,
        _: &SourceAddress,
        content: ContentId,
        _: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
        let connection = Line {
            bytes: self.contents[&content].clone(),
            peer: Peer { does: Does::Honest, late: false },
            range: 0..0,
            at: 0,
            requests: Arc::default(),
        };
        std::future::ready(Ok(Box::new(connection) as Box<dyn Connection>)).boxed()
    }
}

/// A file that is wanted, by what is in it.
pub(super) fn file(seed: u8, to: &Path) -> DownloadRequest {
    let (content, name) = (content_of(&large(seed)), FileName::new(&format!("{seed}")).ok());
    DownloadRequest { content, name, to: to.to_owned(), from: Vec::new(), via_rpc: false }
}

pub(super) fn folder(to: &Path) -> FolderRequest {
    FolderRequest::new(peer(1), FolderPath::new("Share").expect("a path"), to.to_owned())
}

pub(super) async fn until(
    transfers: &TransferHandle,
    id: u64,
    holds: impl Fn(&Transfer) -> bool,
) -> Transfer {
    let mut seen = transfers.transfers();
    let find = |all: &Vec<Arc<Transfer>>| all.iter().find(|it| it.id == id && holds(it)).cloned();
    let wait = seen.wait_for(|all| find(all).is_some());
    let all = tokio::time::timeout(Duration::from_mins(1), wait).await;
    let all = all.unwrap_or_else(|_| panic!("{:#?}", transfers.transfers().borrow())).expect("runs");
    Transfer::clone(&find(&all).expect("it was seen"))
}

pub(super) fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("there");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

pub(super) fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[tokio::test]
async fn a_file_that_nobody_has_does_not_hold_up_its_folder_and_comes_as_it_is_now() {
    let library = Library::new(4, &[0]);
    for (seed, name) in (0..3).zip(["a", "b", "c"]) {
        library.put("Share", name, seed);
    }
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download_folder(folder(to.path())).await.expect("started");
    let done = |transfer: &Transfer| transfer.folder.as_ref().map_or(0, |folder| folder.done);
    let waiting = until(&transfers, id, |it| done(it) == 2 && it.reason == "nobody_has_it").await;
    assert_eq!((waiting.state.as_str(), waiting.done), ("waiting", 6 * PIECE));
    assert_eq!(waiting.folder.and_then(|folder| folder.current).as_deref(), Some("a"));
    // Its owner wrote another one.
    library.put("Share", "a", 3);
    let finished = until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!((done(&finished), finished.done), (3, 9 * PIECE));
    assert_eq!(std::fs::read(to.path().join("Share/a")).expect("there"), large(3));
    assert_eq!(names(&to.path().join("Share")), set(["a", "b", "c"]));
}

#[tokio::test]
async fn a_cancelled_folder_that_is_wanted_again_keeps_what_it_has() {
    let library = Library::new(2, &[0]);
    library.put("Share", "a", 0);
    library.put("Share", "b", 1);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download_folder(folder(to.path())).await.expect("started");
    until(&transfers, id, |it| it.folder.as_ref().is_some_and(|folder| folder.done == 1)).await;
    transfers.cancel(id).await.expect("there");
    until(&transfers, id, |it| it.state == "cancelled").await;
    assert_eq!(names(&to.path().join("Share")), set(["b"]));
    library.comes_back();
    transfers.change(Change::Retry, vec![id]).await.expect("there");
    until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!(names(&to.path().join("Share")), set(["a", "b"]));
    assert_eq!(names(to.path()), set(["Share"]));
}

/// A folder of an earlier run, of which nothing is there but what the test has put into it.
pub(super) fn begun(library: &Arc<Library>, home: &Path, to: &Path) -> TransferHandle {
    let saved = saved(1, folder_job(), to, 0);
    library.spawn(Some((DownloadStore::open(home, RealDisk).expect("opened").0, vec![saved])))
}

pub(super) fn folder_job() -> SavedJob {
    let (peer, folder) = (peer(1), FolderPath::new("Share").expect("a path"));
    SavedJob::Folder { peer, folder, name: FileName::new("Share").ok() }
}

pub(super) fn saved(id: u64, job: SavedJob, to: &Path, size: u64) -> SavedDownload {
    SavedDownload {
        id,
        job,
        to: to.to_owned(),
        state: SavedState::Wanted,
        shown_name: "0".to_owned(),
        size,
        done: 0,
        seconds: 0.0,
        path: None,
        reason: Default::default(),
    }
}

#[tokio::test]
async fn what_cannot_be_put_in_its_place_is_named_and_the_rest_comes() {
    let library = Library::new(3, &[]);
    library.put("Share", "a", 0);
    library.put("Share/in", "b", 1);
    library.put("Share/other", "c", 2);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::create_dir(to.path().join("Share")).expect("made");
    std::fs::write(to.path().join("Share/in"), b"in the way").expect("written");
    let transfers = begun(&library, home.path(), to.path());
    let failed = until(&transfers, 1, |it| it.state == "failed").await;
    assert_eq!((failed.reason.as_str(), failed.about.as_str()), ("not_taken", "in/b"));
    assert_eq!(names(&to.path().join("Share")), set([".cardume", "a", "in", "other"]));
    std::fs::remove_file(to.path().join("Share/in")).expect("removed");
    transfers.change(Change::Retry, vec![1]).await.expect("there");
    until(&transfers, 1, |it| it.state == "finished").await;
    assert_eq!(std::fs::read(to.path().join("Share/in/b")).expect("there"), large(1));
    assert_eq!(names(&to.path().join("Share")), set(["a", "in", "other"]));
}

#[tokio::test]
async fn a_file_that_fails_again_and_again_lets_the_others_come() {
    let library = Library::new(2, &[]);
    library.put("Share", "a", 0);
    library.put("Share", "b", 1);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    // Its journal cannot be made: its source is not even asked.
    let journal = format!(".cardume/{}.journal", content_of(&large(0)));
    let in_the_way = to.path().join("Share").join(journal);
    std::fs::create_dir_all(&in_the_way).expect("made");
    let transfers = begun(&library, home.path(), to.path());
    let waiting = until(&transfers, 1, |it| it.folder.as_ref().is_some_and(|folder| folder.done == 1)).await;
    assert!(to.path().join("Share/b").exists(), "{waiting:?}");
    assert_eq!(library.asked.0.load(Ordering::Relaxed), 1, "only for the other one");
    std::fs::remove_dir(&in_the_way).expect("removed");
    until(&transfers, 1, |it| it.state == "finished").await;
    assert_eq!(names(&to.path().join("Share")), set(["a", "b"]));
}

#[tokio::test]
async fn many_that_wait_let_others_begin() {
    let count = u8::try_from(MAX_STALLED).expect("few") + 10;
    let away: Vec<u8> = (0..count).collect();
    let library = Library::new(count + 1, &away);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let mut last = 0;
    for seed in 0..=count {
        last = transfers.download(file(seed, to.path())).await.expect("started");
    }
    until(&transfers, last, |it| it.state == "finished").await;
    library.comes_back();
    for id in 1..last {
        until(&transfers, id, |it| it.state == "finished").await;
    }
}

#[tokio::test]
async fn what_is_wanted_again_while_it_is_cancelled_comes() {
    let library = Library::new(1, &[0]);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download(file(0, to.path())).await.expect("started");
    until(&transfers, id, |it| it.reason == "nobody_has_it").await;
    let (cancelled, again) = tokio::join!(transfers.cancel(id), transfers.download(file(0, to.path())));
    assert_eq!((cancelled, again), (Ok(()), Ok(id)));
    library.comes_back();
    until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!(names(to.path()), set(["0"]));
}

#[tokio::test]
async fn a_folder_goes_on_under_its_name_after_a_crash() {
    let library = Library::new(2, &[0]);
    library.put("Share", "a", 0);
    library.put("Share", "b", 1);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let transfers = library.spawn(Some(DownloadStore::open(home.path(), RealDisk).expect("opened")));
    let id = transfers.download_folder(folder(to.path())).await.expect("started");
    until(&transfers, id, |it| it.folder.as_ref().is_some_and(|folder| folder.done == 1)).await;
    // Nobody gave another command since.
    let mut kept = DownloadStore::open(home.path(), RealDisk).expect("opened");
    for _ in 0..1_000 {
        if matches!(&kept.1[..], [SavedDownload { job: SavedJob::Folder { name: Some(_), .. }, .. }]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        kept = DownloadStore::open(home.path(), RealDisk).expect("opened");
    }
    drop(transfers);
    library.comes_back();
    let transfers = library.spawn(Some(kept));
    until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!((names(to.path()), names(&to.path().join("Share"))), (set(["Share"]), set(["a", "b"])));
}

#[tokio::test]
async fn a_file_that_got_its_name_right_before_a_crash_is_finished() {
    // Its source is away. Where the list was saved before it was known how large it is, a source says that.
    for (size, away) in [(3 * PIECE, &[0][..]), (0, &[])] {
        is_finished_after_a_crash(size, away).await;
    }
}

async fn is_finished_after_a_crash(size: u64, away: &[u8]) {
    let library = Library::new(1, away);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::write(to.path().join("0"), large(7)).expect("of another content");
    std::fs::write(to.path().join("0 (2)"), large(0)).expect("written");
    // Its journal could not be removed any more.
    let journal = to.path().join(format!(".cardume/{}.journal", content_of(&large(0))));
    std::fs::create_dir(to.path().join(".cardume")).expect("made");
    std::fs::write(journal, b"x").expect("written");
    let DownloadRequest { content, name, to: target, from, via_rpc } = file(0, to.path());
    let saved = saved(5, SavedJob::File { content, name, from, via_rpc }, &target, size);
    let (store, _) = DownloadStore::open(home.path(), RealDisk).expect("opened");
    let transfers = library.spawn(Some((store, vec![saved])));
    let finished = until(&transfers, 5, |it| it.state == "finished").await;
    assert_eq!(finished.path, Some(to.path().join("0 (2)").display().to_string()));
    assert_eq!(names(to.path()), set(["0", "0 (2)"]));
}

#[tokio::test]
async fn what_is_asked_right_before_a_stop_is_kept() {
    let library = Library::new(1, &[0]);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let transfers = library.spawn(Some(DownloadStore::open(home.path(), RealDisk).expect("opened")));
    let id = transfers.download(file(0, to.path())).await.expect("started");
    let all = [Change::Pause, Change::Resume, Change::Pause].map(|what| transfers.change(what, vec![id]));
    let (asked, closed) = tokio::join!(futures_util::future::join_all(all), transfers.close());
    assert_eq!((asked, closed), (vec![Ok(()); 3], Ok(())));
    let (_, kept) = DownloadStore::open(home.path(), RealDisk).expect("opened");
    assert!(matches!(&kept[..], [SavedDownload { state: SavedState::Paused, .. }]), "{kept:?}");
    assert!(transfers.change(Change::Resume, vec![id]).await.is_err(), "it would not be kept");
}

#[tokio::test]
async fn what_a_source_said_of_a_file_is_known_after_a_crash_without_it() {
    let library = Library::new(1, &[]);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let transfers = library.spawn(Some(DownloadStore::open(home.path(), RealDisk).expect("opened")));
    // Its journal cannot be made, so that it does not end.
    let journal = format!(".cardume/{}.journal", content_of(&large(0)));
    std::fs::create_dir_all(to.path().join(journal)).expect("made");
    let id = transfers.download(DownloadRequest { name: None, ..file(0, to.path()) }).await.expect("started");
    until(&transfers, id, |it| it.name == "x" && it.size == 3 * PIECE).await;
    // Nobody gave another command since, and nobody says goodbye.
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    let kept = loop {
        let kept = DownloadStore::open(home.path(), RealDisk).expect("opened");
        if kept.1.iter().any(|saved| saved.shown_name == "x" && saved.size == 3 * PIECE) {
            break kept;
        }
        assert!(tokio::time::Instant::now() < end, "{:?}", kept.1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let elsewhere = Library::new(1, &[0]);
    let transfers = elsewhere.spawn(Some(kept));
    let shown = until(&transfers, id, |it| it.reason == "nobody_has_it").await;
    assert_eq!((shown.name.as_str(), shown.size), ("x", 3 * PIECE));
}

#[tokio::test]
async fn a_peer_is_asked_for_a_list_again_only_after_a_pause_and_an_endless_one_is_given_up() {
    let refuses = |library: &Library, what| *library.refuses.lock().expect("nobody panicked") = what;
    let library = Library::new(1, &[]);
    library.put("Share", "a", 0);
    let took = Duration::from_millis(500);
    refuses(&library, Some((took, ListError::Hashing(7))));
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download_folder(folder(to.path())).await.expect("started");
    let listing = until(&transfers, id, |it| it.reason == "listing").await;
    until(&transfers, id, |it| it.folder.as_ref().is_some_and(|folder| folder.files == 4_096)).await;
    assert_eq!((listing.state.as_str(), listing.size), ("running", 0));
    until(&transfers, id, |it| it.reason == "hashing").await;
    // A pause for a disk is over by then, and one that is long against the list is not.
    tokio::time::sleep(5 * DISK_PAUSE).await;
    assert_eq!(library.asked.1.load(Ordering::Relaxed), 1);
    refuses(&library, Some((Duration::ZERO, ListError::TooLong("more than 7 files".to_owned()))));
    transfers.change(Change::Retry, vec![id]).await.expect("there");
    let failed = until(&transfers, id, |it| it.state == "failed").await;
    assert_eq!((failed.reason.as_str(), failed.about.as_str()), ("list_too_long", "more than 7 files"));
    refuses(&library, None);
    transfers.change(Change::Retry, vec![id]).await.expect("there");
    until(&transfers, id, |it| it.state == "finished").await;
}
