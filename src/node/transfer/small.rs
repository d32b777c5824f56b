//! Small files of a folder: fetched whole, several at once, over kept connections to the peer whose folder it is.
//!
//! **A file is written after its bytes have the hash that the list says, and named after it was synced.** What does
//! not come so (a lie, a changed file, a source that went) is left to ordinary downloads, which ask everybody and say
//! what is wrong.

use super::download::Stop;
use super::folder::{Folder, is_small};
use super::limits::{PUBLISH_EVERY, SILENCE, SMALL_AHEAD, SMALL_BATCH, SMALL_CONNECTIONS};
use super::network::{Connection, Network, SourceAddress, Way};
use super::progress::Meter;
use super::throttle::Throttle;
use super::worker::{Intake, end, fill, within};
use crate::engine::transfer::reason::Reason;
use crate::engine::transfer::source::Fault;
use crate::store::folder::{FolderFile, FolderTarget};
use crate::store::partial::PartialError;
use crate::wire::control::TransferSource;
use hyper::body::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

/// Files that have arrived and are not written yet.
const ARRIVED: usize = 64;

/// A file that arrived: its place in the list and its bytes, verified.
type File = (u32, Vec<u8>);

/// The small files of a folder.
pub(super) struct SmallFiles<'a> {
    pub(super) folder: &'a mut Folder,
    pub(super) stop: &'a CancellationToken,
}

/// What the connections work on together.
struct Work {
    network: Arc<dyn Network>,
    source: SourceAddress,
    /// The whole list, and the places in it that are wanted.
    files: Arc<Vec<FolderFile>>,
    wanted: Vec<u32>,
    next: AtomicUsize,
    received: AtomicU64,
    throttle: Arc<Throttle>,
}

impl SmallFiles<'_> {
    /// Fetches what comes without trouble; gives the target back.
    pub(super) async fn fetch(self, target: FolderTarget) -> Result<FolderTarget, Stop> {
        let folder = self.folder;
        let files = folder.files.list().clone();
        let small = folder.files.open().filter(|(_, file)| is_small(file));
        let wanted: Vec<u32> = small.map(|(place, _)| place).collect();
        let Some(first) = wanted.first().map(|place| &files[*place as usize]) else { return Ok(target) };
        let found = folder.shared.finder.sources(first.content).await.unwrap_or_default();
        let source = found.sources.into_iter().find(|source| source.peer == folder.request.peer);
        let Some(source) = source else { return Ok(target) };
        folder.progress.state("running", Reason::Downloading, "");
        let work = Arc::new(Work {
            network: folder.shared.network.clone(),
            source,
            files: files.clone(),
            wanted,
            next: AtomicUsize::new(0),
            received: AtomicU64::new(0),
            throttle: folder.shared.throttle.clone(),
        });
        let (arrived, arriving) = mpsc::channel(ARRIVED);
        let (named, mut names) = mpsc::channel(ARRIVED);
        let mut workers = JoinSet::new();
        for _ in 0..SMALL_CONNECTIONS.min(work.wanted.len()) {
            workers.spawn(fetch_some(work.clone(), arrived.clone()));
        }
        drop(arrived);
        let mut writer = tokio::task::spawn_blocking(move || write_all(target, &files, arriving, &named));
        let (mut meter, mut tick) = (Meter::default(), interval(PUBLISH_EVERY));
        loop {
            tokio::select! {
                // The rest is synced and named, and then the writer ends.
                () = self.stop.cancelled(), if !workers.is_empty() => workers.shutdown().await,
                Some(batch) = names.recv() => {
                    folder.files.finish(batch);
                    folder.show();
                }
                _ = tick.tick() => folder.show_small(&work, meter.rate(Instant::now(), work.received.load(Ordering::Relaxed)).bytes_per_second()),
                Some(_) = workers.join_next(), if !workers.is_empty() => {}
                ended = &mut writer => {
                    while let Ok(batch) = names.try_recv() {
                        folder.files.finish(batch);
                    }
                    folder.show();
                    return Ok(ended.map_err(Stop::internal)??);
                }
            }
        }
    }
}

impl Folder {
    fn show_small(&self, work: &Work, rate: u64) {
        let source = TransferSource {
            peer: work.source.peer.to_string(),
            name: work.source.name.clone(),
            bytes: work.received.load(Ordering::Relaxed),
            rate,
            state: "active".to_owned(),
            fault: None,
            dropped: None,
        };
        self.progress.update(|transfer| (transfer.rate, transfer.sources) = (rate, vec![source]));
    }
}

impl Work {
    /// The next files that nobody else has taken; none: there are no more.
    fn take(&self) -> VecDeque<u32> {
        // Who asks ahead and then takes its time makes its source wait, until that gives up.
        let many = if self.throttle.is_limited() { 1 } else { SMALL_AHEAD };
        let first = self.next.fetch_add(many, Ordering::Relaxed);
        self.wanted.iter().skip(first).take(many).copied().collect()
    }

    fn file(&self, place: u32) -> &FolderFile {
        &self.files[place as usize]
    }
}

/// Why a connection is not used any more.
enum Left {
    /// What it did not bring may be asked for on another one.
    Broken,
    /// The source is not asked any more, or nobody takes what comes.
    ForGood,
}

/// Fetches files until there is none that nobody else has taken, or the source fails.
async fn fetch_some(work: Arc<Work>, arrived: mpsc::Sender<File>) {
    let mut connection: Option<Box<dyn Connection>> = None;
    let mut wanted = VecDeque::new();
    loop {
        if wanted.is_empty() {
            wanted = work.take();
        }
        let Some(first) = wanted.front() else { return };
        let mut opened = if let Some(kept) = connection.take().filter(|kept| kept.is_open()) {
            kept
        } else {
            let connecting = work.network.connect(&work.source, work.file(*first).content, Way::Http);
            let Ok(opened) = within(SILENCE, connecting).await else { return };
            opened
        };
        match fetch_all(&work, &mut *opened, &mut wanted, &arrived).await {
            Ok(()) => connection = Some(opened),
            Err(Left::Broken) => {}
            Err(Left::ForGood) => return,
        }
    }
}

/// Fetches the files that are wanted, one after the other. What does not come is left to an ordinary download;
/// what the connection was not asked for any more stays wanted.
async fn fetch_all(
    work: &Work,
    connection: &mut dyn Connection,
    wanted: &mut VecDeque<u32>,
    arrived: &mpsc::Sender<File>,
) -> Result<(), Left> {
    let files = wanted.iter().map(|place| work.file(*place)).filter(|file| file.size > 0);
    let asked: Vec<_> = files.map(|file| (file.content, file.size)).collect();
    if within(SILENCE, connection.ask_ahead(&asked)).await.is_err() {
        // At least one is given up each time.
        wanted.pop_front();
        return Err(Left::Broken);
    }
    while let Some(place) = wanted.pop_front() {
        match fetch(work, connection, work.file(place)).await {
            Ok(bytes) => arrived.send((place, bytes)).await.map_err(|_| Left::ForGood)?,
            Err(fault) if fault.is_for_good() => return Err(Left::ForGood),
            Err(_) => {}
        }
        if !connection.is_open() {
            return Err(Left::Broken);
        }
    }
    Ok(())
}

async fn fetch(work: &Work, connection: &mut dyn Connection, file: &FolderFile) -> Result<Vec<u8>, Fault> {
    let length = usize::try_from(file.size).map_err(|_| Fault::Nonsense)?;
    let mut bytes = Vec::new();
    if length > 0 {
        connection.turn_to(file.content);
        within(SILENCE, connection.begin(0..file.size)).await?;
        let mut rest = Bytes::new();
        let intake = Intake { received: &work.received, throttle: &work.throttle };
        bytes = fill(connection, &mut rest, length, intake).await?;
        end(connection, &rest).await?;
    }
    if blake3::hash(&bytes).as_bytes() != file.content.as_bytes() {
        return Err(Fault::BadPiece);
    }
    Ok(bytes)
}

/// Writes what arrives, and names it in batches. Blocks until nothing arrives any more.
///
/// While one batch is synced and named, the next one is written: a sync takes as long as hundreds of files.
fn write_all(
    target: FolderTarget,
    files: &[FolderFile],
    arriving: mpsc::Receiver<File>,
    named: &mpsc::Sender<Vec<u32>>,
) -> Result<FolderTarget, PartialError> {
    let mut namer = target.try_clone()?;
    std::thread::scope(|scope| {
        let (written, batches) = sync_channel(1);
        let naming =
            scope.spawn(move || batches.iter().try_for_each(|batch| name(&mut namer, files, batch, named)));
        let writing = write(&target, arriving, &written);
        drop(written);
        let naming =
            naming.join().unwrap_or_else(|_| Err(std::io::Error::other("naming files failed").into()));
        naming.and(writing)
    })?;
    Ok(target)
}

/// Writes what arrives until nothing does any more, or nobody names it. What is written is named, also when
/// the disk refuses what comes next.
fn write(
    target: &FolderTarget,
    mut arriving: mpsc::Receiver<File>,
    written: &SyncSender<Vec<u32>>,
) -> Result<(), PartialError> {
    let mut batch = Vec::new();
    let mut result = Ok(());
    while let Some((place, bytes)) = arriving.blocking_recv() {
        result = target.write_small(place, &bytes);
        if result.is_err() {
            break;
        }
        batch.push(place);
        if batch.len() >= SMALL_BATCH && written.send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    // Nobody names files any more: whoever did says why.
    drop(written.send(batch));
    result
}

fn name(
    target: &mut FolderTarget,
    files: &[FolderFile],
    places: Vec<u32>,
    named: &mpsc::Sender<Vec<u32>>,
) -> Result<(), PartialError> {
    target.commit(files, &places)?;
    target.mark_done(files, &places)?;
    // Whoever counts may have stopped; the log has it.
    drop(named.blocking_send(places));
    Ok(())
}
