//! Every state in which a download waits has its name, and the download goes on by itself when the cause is gone: at
//! the beginning as in the middle.

use super::waiting::until;
use super::*;
use crate::node::transfer_task::Change;
use crate::store::partial::PartialFile;
use crate::store::partial::faults::{self, heal, inject};
use futures_util::future::join_all;
use std::sync::Mutex;

/// Sources, and what is wrong with each.
type Sources = Vec<(u8, Option<Fault>)>;
/// Those that the tracker tells of; `None`: there is no tracker.
type Now = Option<Sources>;

/// A world that changes while a download runs.
struct Changing {
    /// What there is without faults.
    world: World,
    now: Arc<Mutex<Now>>,
}

fn fault_now(now: &Mutex<Now>, of: PeerId) -> Option<Fault> {
    let now = now.lock().expect("nobody panicked");
    now.iter().flatten().find(|(number, _)| peer(*number) == of)?.1
}

impl SourceFinder for Changing {
    fn sources(&self, content: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>> {
        let now = self.now.lock().expect("nobody panicked").clone();
        async move {
            let known = now.ok_or_else(|| CommandError::new(1, "there is no tracker"))?;
            let mut found = self.world.sources(content).await?;
            found.sources.retain(|source| known.iter().any(|(number, _)| peer(*number) == source.peer));
            Ok(found)
        }
        .boxed()
    }
}

impl FolderLister for Changing {
    fn list(
        &self,
        peer: PeerId,
        folder: FolderPath,
        counted: Counted,
    ) -> BoxFuture<'_, Result<Vec<FolderFile>, ListError>> {
        self.world.list(peer, folder, counted)
    }
}

impl Network for Changing {
    fn manifest(
        &self,
        source: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>> {
        match fault_now(&self.now, source.peer) {
            Some(fault) => std::future::ready(Err(fault)).boxed(),
            None => Network::manifest(&self.world, source, content, first),
        }
    }

    fn connect(
        &self,
        source: &SourceAddress,
        content: ContentId,
        way: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
        let (now, peer) = (self.now.clone(), source.peer);
        let connecting = self.world.connect(source, content, way);
        async move { Ok(Box::new(Wire { line: connecting.await?, now, peer }) as Box<dyn Connection>) }
            .boxed()
    }
}

/// A connection that breaks with the fault that its source has by now.
struct Wire {
    line: Box<dyn Connection>,
    now: Arc<Mutex<Now>>,
    peer: PeerId,
}

impl Connection for Wire {
    fn turn_to(&mut self, content: ContentId) {
        self.line.turn_to(content);
    }

    fn is_open(&self) -> bool {
        self.line.is_open()
    }

    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
        match fault_now(&self.now, self.peer) {
            Some(fault) => std::future::ready(Err(fault)).boxed(),
            None => self.line.begin(range),
        }
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
        match fault_now(&self.now, self.peer) {
            Some(fault) => std::future::ready(Err(fault)).boxed(),
            None => self.line.next(),
        }
    }
}

/// A download in a world that changes.
struct Stage {
    run: Run,
    now: Arc<Mutex<Now>>,
    limits: watch::Sender<Limits>,
}

impl Stage {
    /// A content of so many pieces, of which peers 1 and 2 may be sources.
    fn new(pieces: u64, now: Now) -> Self {
        let bytes = sample(pieces * PIECE);
        let honest = |number| (peer(number), Peer { does: Does::Honest, late: false });
        let requests = Arc::default();
        let world = World {
            bytes: Arc::new(bytes.clone()),
            peers: [1, 2].map(honest).into(),
            requests: Arc::clone(&requests),
            local: false,
            folder: Vec::new(),
        };
        let now = Arc::new(Mutex::new(now));
        let changing = Arc::new(Changing { world, now: now.clone() });
        let (limits, limited) = watch::channel(Limits::default());
        let transfers = spawn(deps(&changing, limited));
        let folder = tempfile::tempdir().expect("a folder");
        let run = Run { folder, content: content_of(&bytes), bytes, transfers, requests };
        Self { run, now, limits }
    }

    fn set(&self, now: Now) {
        *self.now.lock().expect("nobody panicked") = now;
    }

    /// A download that is in the middle, and takes its time.
    async fn begun() -> (Self, u64) {
        let stage = Self::new(40, Some(both(None)));
        stage.limits.send_replace(Limits { down: Some(8 * PIECE), ..Limits::default() });
        let id = stage.run.start(&[]).await;
        until(&stage.run.transfers, id, |it| it.reason == "downloading" && it.done > PIECE).await;
        (stage, id)
    }

    /// It goes on to its end, in no time.
    async fn finishes(&self, id: u64) {
        self.limits.send_replace(Limits::default());
        let transfer = until(&self.run.transfers, id, |it| it.state == "finished").await;
        self.run.check_finished(&transfer);
        assert_eq!(self.run.listing(), ["film.mkv"]);
    }

    async fn waits(&self, id: u64, reason: &str, about: &str) -> Transfer {
        let waits = |it: &Transfer| it.state == "waiting" && it.reason == reason && it.about == about;
        until(&self.run.transfers, id, waits).await
    }
}

/// Two sources with the same fault.
fn both(fault: Option<Fault>) -> Sources {
    vec![(1, fault), (2, fault)]
}

/// What a fault of both sources is called, and what is said of it.
const FAULTS: [(Fault, &str, &str); 6] = [
    (Fault::Changed, "file_changed", "peer-1, peer-2"),
    (Fault::NotShared, "file_gone", "peer-1, peer-2"),
    (Fault::Unreachable, "sources_away", "peer-1 cannot be reached; peer-2 cannot be reached"),
    (Fault::Closed, "sources_away", "peer-1 closed the connection; peer-2 closed the connection"),
    (Fault::Busy, "sources_away", "peer-1 could not send for now; peer-2 could not send for now"),
    (Fault::Silent, "sources_away", "peer-1 is silent; peer-2 is silent"),
];

#[tokio::test]
async fn what_is_wrong_with_every_source_is_named_and_the_download_goes_on_when_it_is_not_any_more() {
    let goes_on = async |(fault, reason, about): (Fault, &str, &str)| {
        let stage = Stage::new(5, Some(both(Some(fault))));
        let id = stage.run.start(&[]).await;
        stage.waits(id, reason, about).await;
        stage.set(Some(both(None)));
        stage.finishes(id).await;
    };
    join_all(FAULTS.map(goes_on)).await;
}

#[tokio::test]
async fn what_is_wrong_with_every_source_in_the_middle_is_named_and_the_download_goes_on() {
    let goes_on = async |(fault, reason, about): (Fault, &str, &str)| {
        let (stage, id) = Stage::begun().await;
        stage.set(Some(both(Some(fault))));
        let waiting = stage.waits(id, reason, about).await;
        assert!(waiting.done > PIECE && waiting.done < waiting.size, "what came is kept: {waiting:?}");
        stage.set(Some(both(None)));
        stage.finishes(id).await;
    };
    join_all(FAULTS.map(goes_on)).await;
}

#[tokio::test]
async fn another_source_is_enough_to_go_on() {
    let cases = [
        (Some(Fault::Changed), "file_changed", "peer-1"),
        (Some(Fault::NotShared), "file_gone", "peer-1"),
        (Some(Fault::Unreachable), "sources_away", "peer-1 cannot be reached"),
        (Some(Fault::BadManifest), "no_source_left", "peer-1 sent a wrong manifest"),
        (None, "nobody_has_it", ""),
    ];
    let goes_on = async |(fault, reason, about): (Option<Fault>, &str, &str)| {
        let first = fault.map(|fault| (1, Some(fault)));
        let stage = Stage::new(5, Some(first.into_iter().collect()));
        let id = stage.run.start(&[]).await;
        stage.waits(id, reason, about).await;
        stage.set(Some(first.into_iter().chain([(2, None)]).collect()));
        stage.finishes(id).await;
    };
    join_all(cases.map(goes_on)).await;
}

#[tokio::test]
async fn without_a_tracker_a_download_waits_for_one() {
    let stage = Stage::new(5, None);
    let id = stage.run.start(&[]).await;
    stage.waits(id, "no_tracker", "there is no tracker").await;
    stage.set(Some(both(None)));
    stage.finishes(id).await;
}

/// What a disk does, and what that is called.
const DISKS: [(faults::Fault, &str); 3] = [
    (faults::Fault::NoAccess, "no_permission"),
    (faults::Fault::WritesFail, "disk_error"),
    (faults::Fault::NoRoom, "disk_full"),
];

#[tokio::test]
async fn a_disk_that_refuses_is_named_and_the_download_begins_when_it_does_not_any_more() {
    let goes_on = async |(fault, reason): (faults::Fault, &str)| {
        let stage = Stage::new(5, Some(both(None)));
        inject(stage.run.folder.path(), fault);
        let id = stage.run.start(&[]).await;
        let transfer = stage.run.until(id, &[reason]).await;
        assert_eq!(transfer.state, "waiting", "{transfer:?}");
        assert_eq!(stage.run.requests.load(Ordering::Relaxed), 0, "{reason}: no source is asked in vain");
        assert_eq!(stage.run.listing(), Vec::<String>::new());
        heal(stage.run.folder.path());
        stage.finishes(id).await;
    };
    join_all(DISKS.map(goes_on)).await;
}

#[tokio::test]
async fn a_disk_that_refuses_what_was_begun_is_named_and_what_is_there_does_not_come_again() {
    let goes_on = async |(fault, reason): (faults::Fault, &str)| {
        let (stage, id) = Stage::begun().await;
        stage.run.transfers.change(Change::Pause, vec![id]).await.expect("there");
        let paused = stage.run.until(id, &["paused"]).await;
        inject(stage.run.folder.path(), fault);
        stage.run.transfers.change(Change::Resume, vec![id]).await.expect("there");
        let asked = stage.run.requests.load(Ordering::Relaxed);
        let waiting = stage.run.until(id, &[reason]).await;
        assert_eq!((waiting.state.as_str(), waiting.done), ("waiting", paused.done));
        assert_eq!(stage.run.requests.load(Ordering::Relaxed), asked, "{reason}: no source is asked in vain");
        heal(stage.run.folder.path());
        stage.finishes(id).await;
        let finished = stage.run.until(id, &["finished"]).await;
        let came: u64 = finished.sources.iter().map(|source| source.bytes).sum();
        // A piece may have been written right before the pause, too late to be counted.
        assert!(came <= finished.size - paused.done, "{reason}: only what was missing comes: {came}");
    };
    join_all(DISKS.map(goes_on)).await;
}

#[tokio::test]
async fn a_write_that_fails_in_the_middle_is_named_and_the_download_goes_on() {
    let (stage, id) = Stage::begun().await;
    inject(stage.run.folder.path(), faults::Fault::WritesFail);
    let waiting = stage.run.until(id, &["disk_error"]).await;
    assert_eq!(waiting.state, "waiting");
    heal(stage.run.folder.path());
    stage.finishes(id).await;
}

#[tokio::test]
async fn what_somebody_else_downloads_into_the_folder_waits_for_them() {
    let stage = Stage::new(5, Some(both(None)));
    let target = stage.run.folder.path().join("new folder");
    std::fs::create_dir(&target).expect("made");
    let layout = PieceLayout::of(5 * PIECE).expect("small");
    let theirs = PartialFile::create(&target, stage.run.content, layout).expect("made");
    let id = stage.run.start(&[]).await;
    let waiting = stage.run.until(id, &["in_use"]).await;
    assert_eq!(waiting.state, "waiting");
    assert_eq!(stage.run.requests.load(Ordering::Relaxed), 0);
    drop(theirs);
    stage.finishes(id).await;
}

#[tokio::test]
async fn a_name_that_is_taken_gets_a_number_and_what_has_it_stays() {
    let run = Run::new(5 * PIECE, false, &[(1, Does::Honest, false)]);
    let target = run.folder.path().join("new folder");
    std::fs::create_dir(&target).expect("made");
    std::fs::write(target.join("film.mkv"), b"theirs").expect("written");
    let transfer = run.ended(&[]).await;
    run.check_finished(&transfer);
    assert_eq!((transfer.reason.as_str(), transfer.about.as_str()), ("renamed", "film (2).mkv"));
    assert_eq!(run.listing(), ["film (2).mkv", "film.mkv"]);
    assert_eq!(std::fs::read(target.join("film.mkv")).expect("there"), b"theirs");
}

#[tokio::test]
async fn when_all_names_are_taken_that_is_said_and_what_came_is_kept() {
    let run = Run::new(5 * PIECE, false, &[(1, Does::Honest, false)]);
    let target = run.folder.path().join("new folder");
    std::fs::create_dir(&target).expect("made");
    std::fs::write(target.join("film.mkv"), b"").expect("written");
    for number in 2..=PartialFile::MAX_NAMES {
        std::fs::write(target.join(format!("film ({number}).mkv")), b"").expect("written");
    }
    let transfer = run.ended(&[]).await;
    assert_eq!((transfer.state.as_str(), transfer.reason.as_str()), ("failed", "names_taken"));
    let asked = run.requests.load(Ordering::Relaxed);
    std::fs::remove_file(target.join("film (7).mkv")).expect("removed");
    run.transfers.change(Change::Retry, vec![transfer.id]).await.expect("there");
    let transfer = run.until(transfer.id, &["finished"]).await;
    run.check_finished(&transfer);
    assert_eq!(transfer.about, "film (7).mkv");
    assert_eq!(run.requests.load(Ordering::Relaxed), asked, "nothing came again");
}
