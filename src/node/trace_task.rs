//! The way to the election's records: fetched from the timing thread when somebody asks, at most so often,
//! whoever and however many ask. Nothing runs while nobody does.

use super::clock::unix_micros;
use super::election_task::TaskEvent;
use super::group_state::GroupState;
use crate::engine::trace::{Part, Record};
use crate::store::Library;
use crate::wire::convert::trace::{MAX_TRACE, record_to_wire, role_text};
use crate::wire::group::Trace;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// How many wait for records at the most: every member's window, and some programs.
const MAX_ASKS: usize = 64;
/// Records that were fetched so lately are new enough: the timing thread is asked twenty times a second at
/// the most.
const FRESH: Duration = Duration::from_millis(50);
/// How long the election may take; it needs microseconds, unless it stands still.
const DEADLINE: Duration = Duration::from_millis(150);
/// How many fetched records are kept for whoever asks.
const MAX_KEPT: usize = 8_192;

/// What is asked: the records after a number, or the newest ones.
struct Ask {
    after: Option<u64>,
    answer: oneshot::Sender<Option<Vec<Record>>>,
}

/// Gives the records of this peer's election. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tracer {
    asks: mpsc::Sender<Ask>,
    group: watch::Receiver<Arc<GroupState>>,
    library: Arc<Library>,
}

impl Tracer {
    /// Starts the task that fetches them.
    pub(super) fn spawn(
        events: mpsc::Sender<TaskEvent>,
        group: watch::Receiver<Arc<GroupState>>,
        library: Arc<Library>,
    ) -> Self {
        let (asks, receiver) = mpsc::channel(MAX_ASKS);
        tokio::spawn(trace_task(receiver, events));
        Self { asks, group, library }
    }

    /// The records after a number (`None`: the newest), at most [`MAX_TRACE`] of them. `None` if the
    /// election does not answer: it stands still or has stopped.
    pub(super) async fn records(&self, after: Option<u64>) -> Option<Vec<Record>> {
        let (answer, answered) = oneshot::channel();
        self.asks.try_send(Ask { after, answer }).ok()?;
        answered.await.ok()?
    }

    /// The same as one part of the group's history.
    pub(super) async fn part(&self, after: Option<u64>) -> Option<Part> {
        let records = self.records(after).await?;
        let group = self.group.borrow().clone();
        let (role, epoch) = (Some(group.role), Some(group.epoch));
        let until_micros = records.last().map_or(0, |last| last.at_micros).max(unix_micros());
        Some(Part { peer: group.me, until_micros, records, role, epoch })
    }

    /// The same as the protocol says it.
    pub(super) async fn trace(&self, after: Option<u64>) -> Option<Trace> {
        let records = self.records(after).await?;
        let group = self.group.borrow().clone();
        Some(Trace {
            now_unix_micros: unix_micros(),
            role: role_text(group.role).to_owned(),
            epoch: group.epoch.number(),
            files: self.library.totals().files,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            records: records.iter().map(record_to_wire).collect(),
        })
    }
}

/// The records that were fetched.
#[derive(Default)]
struct Fetched {
    records: VecDeque<Record>,
    at: Option<Instant>,
}

async fn trace_task(mut asks: mpsc::Receiver<Ask>, events: mpsc::Sender<TaskEvent>) {
    let mut fetched = Fetched::default();
    while let Some(Ask { after, answer }) = asks.recv().await {
        let is_fresh = fetched.at.is_some_and(|at| at.elapsed() < FRESH);
        let found = if is_fresh || fetched.fetch(&events).await { Some(fetched.after(after)) } else { None };
        // Whoever asked may have gone.
        drop(answer.send(found));
    }
}

impl Fetched {
    async fn fetch(&mut self, events: &mpsc::Sender<TaskEvent>) -> bool {
        let after = self.records.back().map_or(0, |last| last.seq);
        let (answer, answered) = oneshot::channel();
        if events.try_send(TaskEvent::Trace { after, answer }).is_err() {
            return false;
        }
        let Ok(Ok(new)) = tokio::time::timeout(DEADLINE, answered).await else { return false };
        self.records.extend(new);
        let surplus = self.records.len().saturating_sub(MAX_KEPT);
        self.records.drain(..surplus);
        self.at = Some(Instant::now());
        true
    }

    fn after(&self, after: Option<u64>) -> Vec<Record> {
        let Some(after) = after else {
            let newest = self.records.len().saturating_sub(MAX_TRACE);
            return self.records.range(newest..).copied().collect();
        };
        let place = self.records.partition_point(|record| record.seq <= after);
        self.records.range(place..).take(MAX_TRACE).copied().collect()
    }
}
