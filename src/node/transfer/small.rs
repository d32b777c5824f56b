//! Small files of a folder: fetched whole, many in one answer, over kept connections to the peer whose folder it is.
//!
//! **A file is written after its bytes have the hash that the list says, and named after it was synced.** What does
//! not come so (a wrong file, a changed one, a source that went) is left to ordinary downloads, which ask everybody and
//! say what is wrong; once one of those came, the others come together again.

use super::download::Stop;
use super::folder::{Folder, blocking, is_small};
use super::limits::{
    CHECKPOINT_EVERY, FIRST_REQUEST_BYTES, MAX_SMALL_BATCH, MAX_WRONG_FILES, MIN_BYTES_PER_SECOND,
    PUBLISH_EVERY, QUICK_ANSWER, SEARCH_DEADLINE, SILENCE, SLOW_ANSWER, SMALL_BATCH, SMALL_CONNECTIONS,
    SMALL_FAILURES, SMALL_PAUSE, SMALL_REQUEST_BYTES,
};
use super::network::{Connection, Network, SourceAddress, Way};
use super::progress::Meter;
use super::throttle::Throttle;
use super::worker::within;
use crate::engine::transfer::reason::Reason;
use crate::engine::transfer::source::Fault;
use crate::net::MAX_MANY;
use crate::store::folder::{Batch, FolderFile, FolderTarget};
use crate::store::partial::PartialError;
use crate::wire::control::TransferSource;
use hyper::body::Bytes;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

/// Answers that have arrived and are not written yet.
const ARRIVED: usize = 8;
/// Batches that were named and are not counted yet.
const NAMED: usize = 64;

/// Files that arrived: their places in the list and their bytes, verified.
type Arrived = Vec<(u32, Bytes)>;

/// The small files of a folder.
pub(super) struct SmallFiles<'a> {
    pub(super) folder: &'a mut Folder,
    pub(super) stop: &'a CancellationToken,
}

/// What the connections work on together.
struct Work {
    network: Arc<dyn Network>,
    source: SourceAddress,
    /// The whole list.
    files: Arc<Vec<FolderFile>>,
    /// Places in it: those of each request together.
    wanted: Vec<Vec<u32>>,
    next: AtomicUsize,
    received: AtomicU64,
    throttle: Arc<Throttle>,
    /// Files of which the source sent something else.
    wrong: AtomicUsize,
    /// What the source did that it is not asked again for.
    lie: OnceLock<Fault>,
    /// The source went.
    is_gone: AtomicBool,
}

impl SmallFiles<'_> {
    /// Fetches what comes without trouble; gives the target back.
    pub(super) async fn fetch(self, target: FolderTarget) -> Result<FolderTarget, Stop> {
        let folder = self.folder;
        let files = folder.files.list().clone();
        let small = folder.files.open().filter(|(_, file)| is_small(file));
        let wanted = requests(small.map(|(place, file)| (place, file.size)));
        let bytes = wanted.first().map(|places| places.iter().map(|place| files[*place as usize].size).sum());
        let target = blocking(move || target.ask(bytes.unwrap_or(0)).map(|()| target)).await?;
        folder.small_again_at = None;
        if wanted.is_empty() {
            return Ok(target);
        }
        let firsts: Vec<_> =
            wanted.iter().filter_map(|places| files.get(*places.first()? as usize)).collect();
        let owner = tokio::select! {
            () = self.stop.cancelled() => return Ok(target),
            owner = folder.owner(&firsts) => owner,
        };
        let Some(source) = owner else {
            folder.small_again_at = Some(Instant::now() + SMALL_PAUSE);
            return Ok(target);
        };
        folder.progress.state("running", Reason::Downloading, "");
        let work = Arc::new(Work {
            network: folder.shared.network.clone(),
            source,
            files: files.clone(),
            wanted,
            next: AtomicUsize::new(0),
            received: AtomicU64::new(0),
            throttle: folder.shared.throttle.clone(),
            wrong: AtomicUsize::new(0),
            lie: OnceLock::new(),
            is_gone: AtomicBool::new(false),
        });
        let (arrived, arriving) = mpsc::channel(ARRIVED);
        let (named, mut names) = mpsc::channel(NAMED);
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
                    folder.show_small(&work, 0);
                    let is_gone = work.is_gone.load(Ordering::Relaxed);
                    folder.small_again_at = is_gone.then(|| Instant::now() + SMALL_PAUSE);
                    return Ok(ended.map_err(Stop::internal)??);
                }
            }
        }
    }
}

impl Folder {
    /// Whether what is left of the small files is to be fetched together again.
    pub(super) fn is_small_due(&self) -> bool {
        let is_time = self.small_again_at.is_some_and(|at| at <= Instant::now());
        let is_left = |(place, file): &(u32, &FolderFile)| is_small(file) && !self.refused.contains(place);
        is_time && self.files.open().filter(is_left).nth(1).is_some()
    }

    /// The peer whose folder it is, as a source. Some files may have changed there, and their contents are nobody's.
    async fn owner(&self, files: &[&FolderFile]) -> Option<SourceAddress> {
        for file in files.iter().take(SMALL_CONNECTIONS) {
            let asked = tokio::time::timeout(SEARCH_DEADLINE, self.shared.finder.sources(file.content)).await;
            let found = asked.ok().and_then(Result::ok).unwrap_or_default();
            let owner = found.sources.into_iter().find(|source| source.peer == self.request.peer);
            if owner.is_some() {
                return owner;
            }
        }
        None
    }

    fn show_small(&self, work: &Work, rate: u64) {
        let lie = work.lie.get();
        let source = TransferSource {
            peer: work.source.peer.to_string(),
            name: work.source.name.clone(),
            bytes: work.received.load(Ordering::Relaxed),
            rate,
            state: if lie.is_some() { "dropped" } else { "active" }.to_owned(),
            fault: lie.map(|fault| fault.code().to_owned()),
            dropped: lie.map(Fault::to_string),
        };
        self.progress.update(|transfer| (transfer.rate, transfer.sources) = (rate, vec![source]));
    }
}

/// Files, by their places and sizes, that are asked for together.
fn requests(files: impl Iterator<Item = (u32, u64)>) -> Vec<Vec<u32>> {
    let mut requests: Vec<Vec<u32>> = Vec::new();
    let mut bytes = 0;
    for (place, size) in files {
        match requests.last_mut() {
            Some(last) if last.len() < MAX_MANY && bytes + size <= SMALL_REQUEST_BYTES => {
                last.push(place);
                bytes += size;
            }
            _ => {
                requests.push(vec![place]);
                bytes = size;
            }
        }
    }
    requests
}

/// Why nothing more is fetched.
struct Enough;

impl Work {
    /// The source went: the rest is tried together once more when it may be back.
    fn gone(&self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }

    /// The first of the places, as many as have no more bytes than this; at least one.
    fn affordable<'a>(&self, places: &'a [u32], budget: u64) -> &'a [u32] {
        // Under a limit of speed a long answer would wait for this peer until its source gives up.
        let mut left = if self.throttle.is_limited() { 0 } else { budget };
        let fits = |place: &&u32| {
            let size = self.files[**place as usize].size;
            left.checked_sub(size).inspect(|rest| left = *rest).is_some()
        };
        let count = places.iter().take_while(fits).count();
        &places[..count.max(1).min(places.len())]
    }

    /// The source sent something else than this file. One is left to an ordinary download; more make a liar of it.
    fn is_wrong(&self, file: &FolderFile, fault: Fault) -> Result<(), Enough> {
        let (peer, folder, name) = (&self.source.name, &file.folder, &file.name);
        tracing::warn!(%peer, %fault, %folder, %name, "a file of a folder is fetched alone");
        let before = self.wrong.fetch_add(1, Ordering::Relaxed);
        if before < MAX_WRONG_FILES { Ok(()) } else { Err(self.dropped(fault)) }
    }

    /// The source lied: it is not asked any more, and named.
    fn dropped(&self, lie: Fault) -> Enough {
        if self.lie.set(lie).is_ok() {
            tracing::warn!(peer = %self.source.name, fault = %lie, "a source of a folder is left alone");
        }
        Enough
    }
}

/// How many bytes are asked for at once after an answer that took so long.
fn budget_after(budget: u64, took: Duration) -> u64 {
    if took < QUICK_ANSWER {
        (budget * 2).min(SMALL_REQUEST_BYTES)
    } else if took > SLOW_ANSWER {
        (budget / 2).max(1)
    } else {
        budget
    }
}

/// What is wrong with the bytes that came for a file.
fn lie(bytes: &Bytes, file: &FolderFile) -> Option<Fault> {
    if bytes.len() as u64 != file.size {
        return Some(Fault::WrongLength);
    }
    (blake3::hash(bytes).as_bytes() != file.content.as_bytes()).then_some(Fault::BadPiece)
}

/// Fetches files until there is none that nobody else has taken, or the source fails. What does not come is left to
/// an ordinary download.
async fn fetch_some(work: Arc<Work>, arrived: mpsc::Sender<Arrived>) {
    let mut kept: Option<Box<dyn Connection>> = None;
    let (mut failures, mut budget) = (0, FIRST_REQUEST_BYTES);
    while work.lie.get().is_none()
        && let Some(places) = work.wanted.get(work.next.fetch_add(1, Ordering::Relaxed))
    {
        let mut rest = places.as_slice();
        while let Some(first) = rest.first() {
            let mut connection = if let Some(kept) = kept.take().filter(|kept| kept.is_open()) {
                kept
            } else {
                let content = work.files[*first as usize].content;
                let connecting = work.network.connect(&work.source, content, Way::Http);
                let Ok(opened) = within(SILENCE, connecting).await else { return work.gone() };
                opened
            };
            match fetch(&work, &mut *connection, rest, &mut budget, &arrived).await {
                Ok(0) if failures + 1 >= SMALL_FAILURES => return,
                Ok(0) => (failures, rest) = (failures + 1, &rest[1..]),
                Ok(came) => (failures, rest, kept) = (0, &rest[came..], Some(connection)),
                Err(Enough) => return,
            }
        }
    }
}

/// Asks for the first of these files, as many as the budget allows. Gives how many were answered.
async fn fetch(
    work: &Work,
    connection: &mut dyn Connection,
    places: &[u32],
    budget: &mut u64,
    arrived: &mpsc::Sender<Arrived>,
) -> Result<usize, Enough> {
    let places = work.affordable(places, *budget);
    let asked: Vec<_> = places.iter().map(|place| (*place, &work.files[*place as usize])).collect();
    let contents: Vec<_> = asked.iter().map(|(_, file)| file.content).collect();
    // All connections may share a slow link.
    let longest = SMALL_REQUEST_BYTES * SMALL_CONNECTIONS as u64 / MIN_BYTES_PER_SECOND;
    let limit = SILENCE + Duration::from_secs(longest);
    let began = Instant::now();
    let found = within(limit, connection.many(&contents)).await;
    *budget = budget_after(*budget, began.elapsed());
    let found = match found {
        Ok(found) => found,
        Err(fault) if fault.is_for_good() => return Err(work.dropped(fault)),
        Err(_) => return Ok(0),
    };
    let bytes = found.iter().flatten().map(Bytes::len).sum();
    work.received.fetch_add(bytes as u64, Ordering::Relaxed);
    work.throttle.pass(bytes).await;
    let answered = found.len();
    let (mut right, mut honest) = (Vec::with_capacity(answered), Ok(()));
    for ((place, file), bytes) in asked.into_iter().zip(found) {
        let Ok(bytes) = bytes else { continue };
        match lie(&bytes, file) {
            // What came right is right all the same.
            Some(fault) => honest = honest.and(work.is_wrong(file, fault)),
            None => right.push((place, bytes)),
        }
    }
    arrived.send(right).await.map_err(|_| Enough)?;
    honest.map(|()| answered)
}

/// Writes what arrives, and names it in batches. Blocks until nothing arrives any more.
///
/// While one batch is synced and named, the next one is written: a sync takes as long as hundreds of files.
fn write_all(
    target: FolderTarget,
    files: &[FolderFile],
    arriving: mpsc::Receiver<Arrived>,
    named: &mpsc::Sender<Vec<u32>>,
) -> Result<FolderTarget, PartialError> {
    let namer = target.try_clone()?;
    std::thread::scope(|scope| {
        let (written, batches) = sync_channel(0);
        let naming = scope.spawn(move || name_all(namer, files, &batches, named));
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
    mut arriving: mpsc::Receiver<Arrived>,
    written: &SyncSender<Batch>,
) -> Result<(), PartialError> {
    let (mut batch, mut number, mut last) = (target.batch(0)?, 0, Instant::now());
    let mut result = Ok(());
    'arriving: while let Some(files) = arriving.blocking_recv() {
        for (place, bytes) in files {
            result = batch.write(place, &bytes);
            if result.is_err() {
                break 'arriving;
            }
        }
        if batch.len() >= SMALL_BATCH || last.elapsed() >= CHECKPOINT_EVERY {
            last = Instant::now();
            match written.try_send(batch) {
                Ok(()) => {}
                // The one before is still being synced: this one grows.
                Err(TrySendError::Full(back)) if back.len() < MAX_SMALL_BATCH => {
                    batch = back;
                    continue;
                }
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => {
                    if written.send(back).is_err() {
                        return Ok(());
                    }
                }
            }
            number += 1;
            batch = target.batch(number)?;
        }
    }
    // Nobody names files any more: whoever did says why.
    drop(written.send(batch));
    result
}

/// Names what was written. The sync of one batch is that of the names before it too, and only then these are
/// remembered: a log must not say more than the disk has.
fn name_all(
    mut target: FolderTarget,
    files: &[FolderFile],
    batches: &Receiver<Batch>,
    named: &mpsc::Sender<Vec<u32>>,
) -> Result<(), PartialError> {
    let mut last = Vec::new();
    for batch in batches {
        let places = target.commit(files, &batch)?;
        target.mark_done(files, &last)?;
        last.clone_from(&places);
        // Whoever counts may have stopped; the log has it.
        drop(named.blocking_send(places));
    }
    target.sync_names()?;
    target.mark_done(files, &last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_as_long_as_answers_are_quick() {
        let after = |millis: &[u64]| {
            let took = millis.iter().map(|millis| Duration::from_millis(*millis));
            took.fold(FIRST_REQUEST_BYTES, budget_after)
        };
        assert_eq!(after(&[10, 500, 900]), 2 * FIRST_REQUEST_BYTES);
        assert_eq!(after(&[10; 9]), SMALL_REQUEST_BYTES);
        assert_eq!(after(&[1_500, 1_500]), FIRST_REQUEST_BYTES / 4);
        assert_eq!(after(&[9_000; 40]), 1);
        let mut slow = vec![9_000; 40];
        slow.extend([1; 20]);
        assert_eq!(after(&slow), SMALL_REQUEST_BYTES, "it comes back");
    }

    #[test]
    fn files_are_asked_for_together_as_far_as_an_answer_goes() {
        let mut files: Vec<u64> = vec![4_000; 70];
        files.extend([120_000, 120_000, 120_000, 0, 0, 131_072, 131_072, 1]);
        let requests = requests((0_u32..).zip(files.iter().copied()));
        let lengths: Vec<_> = requests.iter().map(Vec::len).collect();
        assert_eq!(lengths, [64, 7, 4, 2, 1]);
        assert!(requests.concat().into_iter().eq(0..78), "each once, in order");
        assert!(super::requests(std::iter::empty()).is_empty());
    }
}
