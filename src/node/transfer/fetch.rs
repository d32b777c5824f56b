//! The middle of a download: pieces from several sources at once, until all are there.

use super::download::{DISK_FULL, Download, Failed};
use super::limits::{CONNECTIONS_PER_SOURCE, DISK_PAUSE, MAX_RUN_BYTES, MAX_SOURCES, TICK};
use super::progress::Meter;
use super::worker::{Ended, Failure, Job, Target, fetch_run};
use crate::base::{PeerId, PieceIndex};
use crate::engine::transfer::plan::{Plan, Standing};
use crate::engine::transfer::source::SourceState;
use crate::store::partial::PartialError;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Pieces that are reported and not yet entered in the plan.
const REPORTS: usize = 64;

type Report = (PeerId, PieceIndex);

/// What fetching keeps beside the plan.
struct Fetching<'a> {
    plan: &'a mut Plan,
    target: &'a Target,
    workers: JoinSet<Ended>,
    reports: mpsc::Sender<Report>,
    meter: Meter,
    /// No piece is asked for until then: the disk is full.
    paused_until: Option<Instant>,
    /// When a source failed last.
    failed_at: Option<Instant>,
}

impl Download {
    /// Fetches what the plan wants. Dropped, it ends all its jobs.
    pub(super) async fn fetch_all(&mut self, plan: &mut Plan, target: &Target) -> Result<(), Failed> {
        let (reports, mut reported) = mpsc::channel(REPORTS);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut fetching = Fetching {
            plan,
            target,
            workers: JoinSet::new(),
            reports,
            meter: Meter::default(),
            paused_until: None,
            failed_at: None,
        };
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
                    let ended = ended.map_err(|error| Failed(format!("a part of the download ended: {error}")))?;
                    self.ended(&mut fetching, ended)?;
                }
                found = self.search.next() => self.merge(found),
                _ = tick.tick() => self.look_after(&mut fetching)?,
            }
        }
        self.show(&mut fetching);
        fetching.workers.shutdown().await;
        Ok(())
    }

    /// Gives every source work, as much as it may have.
    fn start_jobs(&mut self, fetching: &mut Fetching<'_>) {
        if fetching.paused_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        let most = u32::try_from(MAX_RUN_BYTES / u64::from(fetching.target.layout.piece_size())).unwrap_or(1);
        let (content, way) = (self.request.content, self.way());
        for (peer, known) in self.peers.iter_mut() {
            while known.running < CONNECTIONS_PER_SOURCE
                && let Some(run) = fetching.plan.take(peer, most)
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
                    arrived: fetching.reports.clone(),
                };
                fetching.workers.spawn(fetch_run(job, known.idle.pop()));
            }
        }
    }

    fn arrived(&mut self, fetching: &mut Fetching<'_>, (peer, piece): Report) {
        if fetching.plan.arrived(peer, piece) {
            let range = fetching.target.layout.range(piece);
            self.peers.succeeded(peer, range.end - range.start);
        }
        let done = fetching.plan.have().bytes();
        self.progress.update(|transfer| transfer.done = done);
    }

    fn ended(&mut self, fetching: &mut Fetching<'_>, ended: Ended) -> Result<(), Failed> {
        for piece in ended.run.pieces(fetching.target.layout) {
            fetching.plan.give_back(ended.peer, piece);
        }
        if let Some(known) = self.peers.get_mut(ended.peer) {
            known.running = known.running.saturating_sub(1);
            known.idle.extend(ended.connection);
        }
        match ended.result {
            Ok(()) => {}
            Err(Failure::Source(fault)) => {
                fetching.plan.fail_source(ended.peer, fault);
                self.source_failed(ended.peer, fault);
                fetching.failed_at = Some(Instant::now());
            }
            Err(Failure::Disk(PartialError::DiskFull)) => {
                fetching.paused_until = Some(Instant::now() + DISK_PAUSE);
            }
            Err(Failure::Disk(error)) => return Err(Failed(error.to_string())),
        }
        Ok(())
    }

    /// What is done from time to time: rates, sources that may be asked again, the picture.
    fn look_after(&mut self, fetching: &mut Fetching<'_>) -> Result<(), Failed> {
        let now = Instant::now();
        for (peer, known) in self.peers.iter_mut() {
            let rate = known.meter.rate(now, known.received.load(Ordering::Relaxed));
            fetching.plan.set_rate(peer, rate);
        }
        self.wake_sources(fetching);
        if let Standing::NoSource { .. } = fetching.plan.standing() {
            self.check_hope(fetching.failed_at)?;
            self.search.hurry();
        }
        self.show(fetching);
        Ok(())
    }

    fn wake_sources(&mut self, fetching: &mut Fetching<'_>) {
        let is_active = |state| state == SourceState::Active;
        for peer in self.peers.usable() {
            let active = fetching.plan.sources().filter(|(_, source)| is_active(source.state())).count();
            let known = fetching.plan.source(peer).is_some_and(|source| is_active(source.state()));
            if active < MAX_SOURCES && !known {
                fetching.plan.add_source(peer);
            }
        }
    }

    /// The picture, with the rate of everything that came in.
    fn show(&self, fetching: &mut Fetching<'_>) {
        let rate = fetching.meter.rate(Instant::now(), self.peers.received()).bytes_per_second();
        let (sources, done) = (self.peers.shown(), fetching.plan.have().bytes());
        self.progress.update(|transfer| {
            (transfer.rate, transfer.sources, transfer.done) = (rate, sources, done);
        });
        if fetching.paused_until.is_some_and(|until| until > Instant::now()) {
            self.progress.state("waiting", DISK_FULL);
        } else if let Standing::NoSource { .. } = fetching.plan.standing() {
            self.show_waiting();
        } else {
            self.progress.state("running", "downloading");
        }
    }
}
