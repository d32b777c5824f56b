//! The middle of a download: pieces from several sources at once, until all are there.

use super::download::{Download, Stop};
use super::lanes::Entrant;
use super::limits::{CONNECTIONS_PER_SOURCE, MAX_RUN_BYTES, TICK};
use super::progress::Meter;
use super::worker::{Ended, Failure, Job, Target, fetch_run};
use crate::base::{PeerId, PieceIndex};
use crate::engine::transfer::BarPart;
use crate::engine::transfer::plan::{Plan, Run, Standing};
use crate::engine::transfer::reason::Reason;
use crate::engine::transfer::source::{Source, SourceState};
use crate::wire::control::BarRun;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Pieces that are reported and not yet entered in the plan.
const REPORTS: usize = 64;

type Report = (PeerId, PieceIndex);

/// A request that is under way.
struct Asked {
    peer: PeerId,
    run: Run,
    handle: AbortHandle,
}

/// What fetching keeps beside the plan.
struct Fetching<'a> {
    plan: &'a mut Plan,
    target: &'a Target,
    workers: JoinSet<Ended>,
    asked: Vec<Asked>,
    reports: mpsc::Sender<Report>,
    meter: Meter,
    entrant: Entrant,
}

impl Download {
    /// Fetches what the plan wants. Dropped, it ends all its requests.
    pub(super) async fn fetch_all(&mut self, plan: &mut Plan, target: &Target) -> Result<(), Stop> {
        let (reports, mut reported) = mpsc::channel(REPORTS);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (meter, hurry) = (Meter::default(), self.hurry.clone());
        let (entrant, workers, asked) = (self.shared.throttle.enter(), JoinSet::new(), Vec::new());
        let mut fetching = Fetching { plan, target, workers, asked, reports, meter, entrant };
        self.wake_sources(&mut fetching);
        self.show(&mut fetching);
        while fetching.plan.standing() != Standing::Complete {
            self.start_jobs(&mut fetching);
            tokio::select! {
                Some(report) = reported.recv() => self.arrived(&mut fetching, report),
                Some(ended) = fetching.workers.join_next(), if !fetching.workers.is_empty() => {
                    while let Ok(report) = reported.try_recv() {
                        self.arrived(&mut fetching, report);
                    }
                    self.ended(&mut fetching, ended)?;
                }
                marked = self.checkpoint.done() => marked?,
                found = self.search.next() => self.merge(found),
                () = hurry.notified() => {
                    self.peers.hurry(Instant::now());
                    self.search.hurry(Instant::now());
                }
                _ = tick.tick() => self.look_after(&mut fetching),
            }
        }
        self.show(&mut fetching);
        fetching.workers.shutdown().await;
        Ok(())
    }

    /// Gives every source work, as much as it may have.
    fn start_jobs(&mut self, fetching: &mut Fetching<'_>) {
        let most = u32::try_from(MAX_RUN_BYTES / u64::from(fetching.target.layout.piece_size())).unwrap_or(1);
        let (content, way, now) = (self.request.content, self.way(), self.now());
        for (peer, known) in self.peers.iter_mut() {
            while known.running < CONNECTIONS_PER_SOURCE
                && let Some(lane) = self.shared.throttle.lane(&fetching.entrant)
                && let Some(run) = fetching.plan.take(peer, most, now)
            {
                known.running += 1;
                let job = Job {
                    network: self.network.clone(),
                    source: known.address.clone(),
                    content,
                    way,
                    run,
                    target: fetching.target.clone(),
                    received: known.received.clone(),
                    throttle: self.shared.throttle.clone(),
                    arrived: fetching.reports.clone(),
                };
                let fetching_run = fetch_run(job, known.kept());
                let handle = fetching.workers.spawn(async move {
                    let _held = lane;
                    fetching_run.await
                });
                fetching.asked.push(Asked { peer, run, handle });
            }
        }
    }

    fn arrived(&mut self, fetching: &mut Fetching<'_>, (peer, piece): Report) {
        let arrived = fetching.plan.arrived(peer, piece, self.now());
        if arrived.is_new {
            let range = fetching.target.layout.range(piece);
            self.peers.succeeded(peer, range.end - range.start);
            self.checkpoint.written(piece, range.end - range.start);
            self.checkpoint.look(Instant::now());
        }
        for loser in arrived.losers {
            fetching.end_idle_requests(loser);
        }
        let done = fetching.plan.have().bytes();
        self.progress.update(|transfer| transfer.done = done);
    }

    fn ended(&mut self, fetching: &mut Fetching<'_>, ended: Result<Ended, JoinError>) -> Result<(), Stop> {
        let id = match &ended {
            Ok(ended) => Some(ended.task),
            Err(error) => Some(error.id()),
        };
        let place = fetching.asked.iter().position(|asked| Some(asked.handle.id()) == id);
        let Some(Asked { peer, run, .. }) = place.map(|place| fetching.asked.swap_remove(place)) else {
            return Err(Stop::internal("a request ended that nobody made"));
        };
        for piece in run.pieces(fetching.target.layout) {
            fetching.plan.give_back(peer, piece);
        }
        let known = self.peers.get_mut(peer);
        if let Some(known) = known {
            known.running = known.running.saturating_sub(1);
        }
        match ended {
            Err(error) if error.is_cancelled() => {}
            Err(error) => return Err(Stop::internal(error)),
            Ok(ended) => {
                if let Some(known) = self.peers.get_mut(peer) {
                    known.keep(ended.connection);
                }
                match ended.result {
                    Ok(()) | Err(Failure::HeldUp) => {}
                    Err(Failure::Source(fault)) => {
                        fetching.plan.fail_source(peer, fault);
                        self.source_failed(peer, fault);
                    }
                    Err(Failure::Disk(error)) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// What is done from time to time: rates, sources that may be asked again, the journal, the picture.
    fn look_after(&mut self, fetching: &mut Fetching<'_>) {
        let now = Instant::now();
        for (peer, known) in self.peers.iter_mut() {
            known.rate = known.meter.rate(now, known.received.load(Ordering::Relaxed));
            fetching.plan.set_rate(peer, known.rate);
            let state = fetching.plan.source(peer).map(Source::state);
            known.is_spare = state == Some(SourceState::Spare);
        }
        self.wake_sources(fetching);
        fetching.plan.explore(self.now());
        self.checkpoint.look(now);
        self.show(fetching);
    }

    fn wake_sources(&mut self, fetching: &mut Fetching<'_>) {
        for peer in self.peers.usable(Instant::now()) {
            fetching.plan.add_source(peer);
        }
    }

    /// The picture, with the rate of everything that came in.
    fn show(&mut self, fetching: &mut Fetching<'_>) {
        let rate = fetching.meter.rate(Instant::now(), self.peers.received()).bytes_per_second();
        let (sources, done) = (self.peers.shown(), fetching.plan.have().bytes());
        let run = |(parts, part): (u32, BarPart)| {
            let (state, peer) = match part {
                BarPart::Missing => ("missing", None),
                BarPart::InFlight(peer) => ("in_flight", Some(peer)),
                BarPart::Here(peer) => ("here", peer),
            };
            BarRun { parts, state: state.to_owned(), source: peer.and_then(|peer| self.peers.place(peer)) }
        };
        let pieces = fetching.plan.bar().into_iter().map(run).collect();
        self.progress.update(|transfer| {
            (transfer.rate, transfer.sources, transfer.done) = (rate, sources, done);
            transfer.pieces = pieces;
        });
        if let Standing::NoSource { .. } = fetching.plan.standing() {
            self.show_waiting();
        } else {
            self.progress.state("running", Reason::Downloading, "");
        }
    }
}

impl Fetching<'_> {
    /// Ends requests of a source of which every piece has come from others meanwhile.
    fn end_idle_requests(&self, peer: PeerId) {
        let source = self.plan.source(peer);
        let is_awaited = |piece| source.is_some_and(|source| source.has_in_flight(piece));
        for asked in self.asked.iter().filter(|asked| asked.peer == peer) {
            if !asked.run.pieces(self.target.layout).any(is_awaited) {
                asked.handle.abort();
            }
        }
    }
}
