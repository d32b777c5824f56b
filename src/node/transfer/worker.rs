//! Fetches pieces in a row from one source, and checks and writes each.

use super::limits::{MAX_WRITERS, MIN_BYTES_PER_SECOND, SILENCE};
use super::memory::{Held, PieceMemory};
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
    pub(super) room: Room,
}

/// Why a run ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// By the source.
    Source(Fault),
    /// By this peer's disk.
    Disk(PartialError),
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
    for piece in &pieces {
        let range = layout.range(*piece);
        let length = usize::try_from(range.end - range.start).map_err(|_| Fault::Nonsense)?;
        let mut held = job.target.room.memory.none();
        let bytes = fill(connection, &mut rest, length, intake, &mut held).await?;
        keep(&job.target, *piece, bytes).await?;
        drop(held);
        if job.arrived.send((job.source.peer, *piece)).await.is_err() {
            // The download is over; nobody wants the rest.
            return Ok(());
        }
    }
    Ok(end(connection, &rest).await?)
}

/// Checks a piece and writes it, on a thread that may block.
pub(super) async fn keep(target: &Target, piece: PieceIndex, bytes: Vec<u8>) -> Result<(), Failure> {
    let Ok(turn) = target.room.writers.clone().acquire_owned().await else { return Err(Fault::Busy.into()) };
    let Target { layout, pieces, partial, .. } = target.clone();
    let done = tokio::task::spawn_blocking(move || {
        let hash = piece_hash(layout, piece, &bytes).ok_or(Fault::WrongLength)?;
        if pieces.get(piece.number() as usize) != Some(&hash) {
            return Err(Fault::BadPiece.into());
        }
        let written = partial.write_piece(piece, &bytes).map_err(Failure::Disk);
        drop(turn);
        written
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

/// Exactly `length` bytes, in bounded time. `rest` holds what came beyond them.
pub(super) async fn fill(
    connection: &mut dyn Connection,
    rest: &mut Bytes,
    length: usize,
    intake: Intake<'_>,
    held: &mut Held,
) -> Result<Vec<u8>, Fault> {
    let mut left = SILENCE + Duration::from_secs(length as u64 / MIN_BYTES_PER_SECOND);
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let most = length.min(bytes.len() + MAX_READ_BYTES);
        held.cover(most).await;
        if rest.is_empty() {
            let began = Instant::now();
            let came = within(SILENCE, connection.read(&mut bytes, most, rest)).await?;
            // Before the limit of speed and for memory it is this peer that takes its time.
            left = left.checked_sub(began.elapsed()).ok_or(Fault::Silent)?;
            intake.received.fetch_add(came as u64, Ordering::Relaxed);
            intake.throttle.pass(came).await;
            if came == 0 {
                return Err(Fault::WrongLength);
            }
        } else {
            let part = rest.split_to(rest.len().min(length - bytes.len()));
            bytes.extend_from_slice(&part);
        }
    }
    Ok(bytes)
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
            fill(&mut Trickle, &mut Bytes::new(), 10, intake, &mut Held::unbounded()).await
        };
        let filled = tokio::join!(given_up(None), given_up(Some(50_000_000)));
        assert_eq!(filled, (Err(Fault::Silent), Err(Fault::Silent)));
    }
}
