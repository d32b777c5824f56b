//! Fetches pieces in a row from one source, and checks and writes each.

use super::limits::{MAX_WRITERS, MAX_WRITERS_OF_A_FILE, MIN_BYTES_PER_SECOND, SILENCE};
use super::memory::{Buffer, Held, PieceMemory};
use super::network::{Connection, Network, SourceAddress, Way};
use super::throttle::Throttle;
use crate::base::{ContentId, PeerId, PieceIndex, PieceLayout};
use crate::engine::transfer::manifest::{PieceHash, piece_hash};
use crate::engine::transfer::plan::Run;
use crate::engine::transfer::source::Fault;
use crate::store::partial::{PartialError, PartialFile};
use hyper::body::Bytes;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// What all downloads share, so that memory and threads are bounded for all together.
#[derive(Clone)]
pub(in crate::node) struct Room {
    memory: PieceMemory,
    writers: Arc<Semaphore>,
}

impl Room {
    pub(in crate::node) fn new() -> Self {
        Self { memory: PieceMemory::new(), writers: Arc::new(Semaphore::new(MAX_WRITERS)) }
    }
}

/// Where verified pieces go.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) layout: PieceLayout,
    pub(super) pieces: Arc<Vec<PieceHash>>,
    pub(super) partial: Arc<PartialFile>,
    room: Room,
    /// Of the file's own writers, so that the others do not wait for a slow disk.
    turns: Arc<Semaphore>,
}

impl Target {
    pub(super) fn new(
        layout: PieceLayout,
        pieces: Arc<Vec<PieceHash>>,
        partial: Arc<PartialFile>,
        room: Room,
    ) -> Self {
        Self { layout, pieces, partial, room, turns: Arc::new(Semaphore::new(MAX_WRITERS_OF_A_FILE)) }
    }
}

/// Why a run ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// By the source.
    Source(Fault),
    /// By this peer's disk.
    Disk(PartialError),
    /// The source went while this peer's disk took its time: nobody listened to it, and it is not to blame.
    HeldUp,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Source(fault)
    }
}

/// Pieces in a row to be fetched from one source.
pub(super) struct Job {
    pub(super) network: Arc<dyn Network>,
    pub(super) source: SourceAddress,
    pub(super) content: ContentId,
    pub(super) way: Way,
    pub(super) run: Run,
    pub(super) target: Target,
    pub(super) received: Arc<AtomicU64>,
    pub(super) throttle: Arc<Throttle>,
    pub(super) arrived: mpsc::Sender<(PeerId, PieceIndex)>,
}

/// How a job ended.
pub(super) struct Ended {
    /// Which task it was.
    pub(super) task: tokio::task::Id,
    /// To be used again; absent after a failure of the source.
    pub(super) connection: Option<Box<dyn Connection>>,
    pub(super) result: Result<(), Failure>,
}

/// Fetches the pieces, by the connection `kept` if there is one; each piece is reported when it is
/// verified and written.
pub(super) async fn fetch_run(job: Job, kept: Option<Box<dyn Connection>>) -> Ended {
    let task = tokio::task::id();
    let mut connection = None;
    let opened = match kept {
        Some(kept) if kept.is_open() => Ok(kept),
        _ => within(SILENCE, job.network.connect(&job.source, job.content, job.way)).await,
    };
    let result = match opened {
        Err(fault) => Err(fault.into()),
        Ok(mut opened) => {
            let result = fetch(&job, &mut *opened).await;
            connection = result.is_ok().then_some(opened);
            result
        }
    };
    Ended { task, connection, result }
}

async fn fetch(job: &Job, connection: &mut dyn Connection) -> Result<(), Failure> {
    let layout = job.target.layout;
    let pieces: Vec<PieceIndex> = job.run.pieces(layout).collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Ok(()) };
    let range = layout.range(*first).start..layout.range(*last).end;
    if !range.is_empty() {
        within(SILENCE, connection.begin(range)).await?;
    }
    let mut rest = Bytes::new();
    let intake = Intake { received: &job.received, throttle: &job.throttle };
    let buffers = job.target.room.memory.buffers();
    let mut was_disk_slow = false;
    let blame = |fault: Fault, was_disk_slow| if was_disk_slow { Failure::HeldUp } else { fault.into() };
    for piece in &pieces {
        let range = layout.range(*piece);
        let length = usize::try_from(range.end - range.start).map_err(|_| Fault::Nonsense)?;
        let mut held = job.target.room.memory.none();
        let mut bytes = buffers.take(length);
        let filled = fill(connection, &mut rest, length, intake, &mut held, bytes.memory()).await;
        filled.map_err(|fault| blame(fault, was_disk_slow))?;
        let began = Instant::now();
        buffers.give(keep(&job.target, *piece, bytes).await?);
        was_disk_slow |= began.elapsed() >= SILENCE;
        drop(held);
        if job.arrived.send((job.source.peer, *piece)).await.is_err() {
            // The download is over; nobody wants the rest.
            return Ok(());
        }
    }
    end(connection, &rest).await.map_err(|fault| blame(fault, was_disk_slow))
}

/// Checks a piece and writes it, on a thread that may block. Gives the buffer back.
async fn keep(target: &Target, piece: PieceIndex, buffer: Buffer) -> Result<Buffer, Failure> {
    let Target { layout, pieces, partial, room, turns } = target.clone();
    // Neither is ever closed.
    let (Ok(own), Ok(turn)) = (turns.acquire_owned().await, room.writers.acquire_owned().await) else {
        return Err(Fault::Busy.into());
    };
    let done = tokio::task::spawn_blocking(move || {
        let hash = piece_hash(layout, piece, buffer.bytes()).ok_or(Fault::WrongLength)?;
        if pieces.get(piece.number() as usize) != Some(&hash) {
            return Err(Fault::BadPiece.into());
        }
        let written = partial.write_piece(piece, buffer.bytes()).map_err(Failure::Disk);
        drop((own, turn));
        written.map(|()| buffer)
    });
    done.await.unwrap_or(Err(Failure::Source(Fault::Busy)))
}

/// What everything that arrives goes past.
#[derive(Clone, Copy)]
pub(super) struct Intake<'a> {
    pub(super) received: &'a AtomicU64,
    pub(super) throttle: &'a Throttle,
}

/// The most bytes that are taken at once: under a limit of speed they are paid for afterwards.
const MAX_READ_BYTES: usize = 64 * 1024;

/// Appends exactly `length` bytes to `bytes`, in bounded time. `rest` holds what came beyond them.
pub(super) async fn fill(
    connection: &mut dyn Connection,
    rest: &mut Bytes,
    length: usize,
    intake: Intake<'_>,
    held: &mut Held,
    bytes: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut left = SILENCE + Duration::from_secs(length as u64 / MIN_BYTES_PER_SECOND);
    let start = bytes.len();
    let end = start + length;
    while bytes.len() < end {
        let most = end.min(bytes.len() + MAX_READ_BYTES);
        held.cover(most - start).await;
        if rest.is_empty() {
            let began = Instant::now();
            let came = within(SILENCE, connection.read(bytes, most, rest)).await?;
            // Before the limit of speed and for memory it is this peer that takes its time.
            left = left.checked_sub(began.elapsed()).ok_or(Fault::Silent)?;
            intake.received.fetch_add(came as u64, Ordering::Relaxed);
            intake.throttle.pass(came).await;
            if came == 0 {
                return Err(Fault::WrongLength);
            }
        } else {
            let part = rest.split_to(rest.len().min(end - bytes.len()));
            bytes.extend_from_slice(&part);
        }
    }
    Ok(())
}

/// A range that is over has nothing left: a source that sends more does not speak the protocol.
pub(super) async fn end(connection: &mut dyn Connection, rest: &Bytes) -> Result<(), Fault> {
    if rest.is_empty() && within(SILENCE, connection.next()).await?.is_empty() {
        return Ok(());
    }
    Err(Fault::WrongLength)
}

/// Bounds what a source may take its time for.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(Fault::Silent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::control::Limits;
    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use tokio::sync::watch;

    /// Gives a byte now and then.
    struct Trickle;

    impl Connection for Trickle {
        fn turn_to(&mut self, _: ContentId) {}

        fn is_open(&self) -> bool {
            true
        }

        fn begin(&mut self, _: std::ops::Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
            std::future::ready(Ok(())).boxed()
        }

        fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
            async {
                tokio::time::sleep(SILENCE.mul_f32(0.4)).await;
                Ok(Bytes::from_static(b"x"))
            }
            .boxed()
        }
    }

    #[tokio::test]
    async fn a_source_that_trickles_is_given_up_under_a_limit_of_speed_too() {
        let given_up = async |down| {
            let throttle = Throttle::new(watch::channel(Limits { down, ..Limits::default() }).1);
            let intake = Intake { received: &AtomicU64::new(0), throttle: &throttle };
            // Ten bytes are to come within 5 s, and take 20 s.
            let (mut rest, mut bytes) = (Bytes::new(), Vec::new());
            fill(&mut Trickle, &mut rest, 10, intake, &mut Held::unbounded(), &mut bytes).await
        };
        let filled = tokio::join!(given_up(None), given_up(Some(50_000_000)));
        assert_eq!(filled, (Err(Fault::Silent), Err(Fault::Silent)));
    }

    /// Gives two pieces, and nothing any more once it was left alone for so long.
    struct Impatient {
        left: u32,
        read_at: Option<Instant>,
    }

    impl Connection for Impatient {
        fn turn_to(&mut self, _: ContentId) {}

        fn is_open(&self) -> bool {
            true
        }

        fn begin(&mut self, _: std::ops::Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
            std::future::ready(Ok(())).boxed()
        }

        fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
            let is_late = self.read_at.is_some_and(|at| at.elapsed() >= SILENCE);
            let is_over = self.left == 0;
            self.left = self.left.saturating_sub(1);
            self.read_at = Some(Instant::now());
            let piece = vec![0; PieceLayout::MIN_PIECE_BYTES as usize];
            let given = if is_over { Bytes::new() } else { Bytes::from(piece) };
            std::future::ready(if is_late { Err(Fault::Closed) } else { Ok(given) }).boxed()
        }
    }

    struct Nobody;

    impl Network for Nobody {
        fn manifest(
            &self,
            _: &SourceAddress,
            _: ContentId,
            _: u32,
        ) -> BoxFuture<'static, Result<crate::wire::convert::ManifestPage, Fault>> {
            std::future::ready(Err(Fault::Unreachable)).boxed()
        }

        fn connect(
            &self,
            _: &SourceAddress,
            _: ContentId,
            _: Way,
        ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
            std::future::ready(Err(Fault::Unreachable)).boxed()
        }
    }

    #[tokio::test]
    async fn a_source_that_went_while_the_disk_took_its_time_is_not_to_blame() {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = PieceLayout::of(2 * u64::from(PieceLayout::MIN_PIECE_BYTES)).expect("small");
        let content = ContentId::from_bytes([1; 32]);
        let partial = Arc::new(PartialFile::create(folder.path(), content, layout).expect("made"));
        let zeros = vec![0; PieceLayout::MIN_PIECE_BYTES as usize];
        let pieces = layout.pieces().filter_map(|piece| piece_hash(layout, piece, &zeros)).collect();
        let target = Target::new(layout, Arc::new(pieces), partial, Room::new());
        // Every thread that writes is held up, by a disk that stands still for example.
        let all = u32::try_from(MAX_WRITERS).expect("few");
        let held = target.room.writers.clone().acquire_many_owned(all).await.expect("open");
        let limits = watch::channel(Limits::default()).1;
        let (arrived, mut arriving) = mpsc::channel(4);
        let name = "peer-1".to_owned();
        let peer = PeerId::from_bytes([1; 32]);
        let address = ([127, 0, 0, 1], 1).into();
        let job = Job {
            network: Arc::new(Nobody),
            source: SourceAddress { peer, name, address, file_name: String::new() },
            content,
            way: Way::Http,
            run: Run { first: layout.piece(0).expect("there"), count: 2 },
            target,
            received: Arc::default(),
            throttle: Arc::new(Throttle::new(limits)),
            arrived,
        };
        let running = tokio::spawn(fetch_run(job, Some(Box::new(Impatient { left: 2, read_at: None }))));
        tokio::time::sleep(SILENCE + Duration::from_millis(100)).await;
        drop(held);
        let ended = running.await.expect("it ends");
        assert!(arriving.recv().await.is_some(), "what came is written");
        assert!(matches!(ended.result, Err(Failure::HeldUp)), "{:?}", ended.result);
        assert!(ended.connection.is_none(), "it is not used again");
    }
}
