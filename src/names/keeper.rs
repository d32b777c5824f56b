//! The thread that owns the registry and its storage. Requests wait in a bounded queue; those that wait
//! together share one write to disk.
//!
//! Invariant: an answer leaves only after everything that it rests on is durable; if that fails, the
//! registry is as before and the answer says so. Absent on purpose: calls to other machines - nothing here
//! waits for the network.

use super::storage::{Storage, StorageError};
use crate::base::{Epoch, FoundingId, PeerId, PeerName};
use crate::engine::election::Roster;
use crate::engine::registry::{
    Change, Entry, Filter, Lease, Metadata, Name, Overview, Recent, Refusal, Registry,
};
use std::collections::BTreeMap;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// How many requests wait at most; above that callers are told to come back. A few milliseconds of work.
const MAX_WAITING: usize = 1_024;
/// How many requests share one write at most, so that the first of them does not wait for long.
const MAX_BATCH: usize = 256;

/// Where changes are made durable.
pub(super) trait Keep: Send + 'static {
    /// Makes the changes durable, all or none.
    fn save(&mut self, changes: &[Change]) -> Result<(), StorageError>;
}

impl Keep for Storage {
    fn save(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        Storage::save(self, changes)
    }
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The registry refuses.
    Refused(Refusal),
    /// It could not be made durable; nothing was changed.
    Storage,
    /// Too many requests wait.
    Busy,
    /// The service is stopping.
    Stopping,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What an accepted registration or renewal gives.
pub(super) type Granted = (Lease, Overview);
type Answer<T> = oneshot::Sender<Result<T, Failure>>;

/// A registration whose address was called back.
#[derive(Debug)]
pub(super) enum Registration {
    /// Of a peer.
    Peer { name: PeerName, entry: Entry, lease: Lease, roster: Option<Roster> },
    /// Of a tracker.
    Tracker { epoch: Epoch, entry: Entry, roster: Roster },
}

/// What the thread is asked.
#[derive(Debug)]
enum Request {
    Register(Registration, Answer<Granted>),
    Remove { name: Name, caller: PeerId, answer: Answer<bool> },
    SetMetadata { name: Name, caller: PeerId, metadata: Metadata, answer: Answer<Entry> },
    Renew { name: Name, caller: PeerId, lease: Option<Lease>, answer: Answer<Granted> },
    Lookup(Name, Answer<Entry>),
    List(Filter, Answer<BTreeMap<String, Entry>>),
    Count(Answer<(usize, Epoch)>),
    Tick,
}

/// The handle of the thread; cheap to clone. The thread ends with the last one.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    requests: mpsc::Sender<Request>,
    recent: watch::Receiver<Recent>,
}

impl Keeper {
    /// Starts the thread. `started` is when the registry's time began.
    pub(super) fn start(
        registry: Registry,
        storage: impl Keep,
        started: Instant,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (requests, waiting) = mpsc::channel(MAX_WAITING);
        // Runs begin so far from each other that no number of one is taken for another's.
        let begin = (u64::from(rand::random::<u32>()) + 1) << 20;
        let (told, recent) = watch::channel(Recent::new(begin));
        let mut worker = Worker { registry, storage, started, recent: told, is_failing: false };
        let thread = std::thread::Builder::new()
            .name("names-registry".to_owned())
            .spawn(move || worker.run(waiting))?;
        Ok((Self { requests, recent }, thread))
    }

    /// Registers a peer or a tracker.
    pub(super) async fn register(&self, registration: Registration) -> Result<Granted, Failure> {
        self.ask(|answer| Request::Register(registration, answer)).await
    }

    /// Renews a name's lease.
    pub(super) async fn renew(
        &self,
        name: Name,
        caller: PeerId,
        lease: Option<Lease>,
    ) -> Result<Granted, Failure> {
        self.ask(|answer| Request::Renew { name, caller, lease, answer }).await
    }

    /// Removes a name.
    pub(super) async fn remove(&self, name: Name, caller: PeerId) -> Result<bool, Failure> {
        self.ask(|answer| Request::Remove { name, caller, answer }).await
    }

    /// Replaces what a registration carries.
    pub(super) async fn set_metadata(
        &self,
        name: Name,
        caller: PeerId,
        metadata: Metadata,
    ) -> Result<Entry, Failure> {
        self.ask(|answer| Request::SetMetadata { name, caller, metadata, answer }).await
    }

    /// What is registered under a name.
    pub(super) async fn lookup(&self, name: Name) -> Result<Entry, Failure> {
        self.ask(|answer| Request::Lookup(name, answer)).await
    }

    /// Everything that passes the filter.
    pub(super) async fn list(&self, filter: Filter) -> Result<BTreeMap<String, Entry>, Failure> {
        self.ask(|answer| Request::List(filter, answer)).await
    }

    /// How many names there are, and the highest epoch.
    pub(super) async fn count(&self) -> Result<(usize, Epoch), Failure> {
        self.ask(Request::Count).await
    }

    /// What changed lately, as it is published.
    pub(super) fn recent(&self) -> watch::Receiver<Recent> {
        self.recent.clone()
    }

    /// Looks at the time: leases that have ended are noted, a founding that is due is made. If the
    /// thread is busy, nothing happens: it looks at the time by itself then.
    pub(super) fn tick(&self) {
        match self.requests.try_send(Request::Tick) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_) | mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        self.requests.try_send(request(answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Busy,
            mpsc::error::TrySendError::Closed(_) => Failure::Stopping,
        })?;
        answered.await.map_err(|_| Failure::Stopping)?
    }
}

/// An answer that waits for the write.
enum Pending {
    Granted(Result<Lease, Refusal>, Answer<Granted>),
    Removed(Result<bool, Refusal>, Answer<bool>),
    Changed(Result<Entry, Refusal>, Answer<Entry>),
}

struct Worker<K> {
    registry: Registry,
    storage: K,
    started: Instant,
    recent: watch::Sender<Recent>,
    /// Whether the last write failed: it is logged once, and once when it works again.
    is_failing: bool,
}

impl<K: Keep> Worker<K> {
    fn run(&mut self, mut waiting: mpsc::Receiver<Request>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(request) = waiting.try_recv()
            {
                batch.push(request);
            }
            self.handle(batch);
        }
    }

    /// Requests of one batch came in at the same time, so any order is right: all that must be written
    /// first, in one write, then the rest.
    fn handle(&mut self, batch: Vec<Request>) {
        let now = self.started.elapsed();
        let mut pending = Vec::new();
        let mut rest = Vec::new();
        for request in batch {
            match request {
                Request::Register(registration, answer) => {
                    pending.push(Pending::Granted(self.register(registration, now), answer));
                }
                Request::Remove { name, caller, answer } => {
                    pending.push(Pending::Removed(self.registry.remove(&name, caller, now), answer));
                }
                Request::SetMetadata { name, caller, metadata, answer } => {
                    let outcome = self.registry.set_metadata(&name, caller, metadata, now);
                    pending.push(Pending::Changed(outcome, answer));
                }
                Request::Tick => self.registry.expire(now),
                other => rest.push(other),
            }
        }
        if self.registry.is_founding_due(now) {
            self.registry.found(FoundingId::from_bytes(rand::random()), now);
        }
        let saved = self.save();
        for pending in pending {
            self.answer(pending, saved, now);
        }
        for request in rest {
            self.handle_rest(request, now);
        }
    }

    fn register(&mut self, registration: Registration, now: Duration) -> Result<Lease, Refusal> {
        match registration {
            Registration::Peer { name, entry, lease, roster } => {
                self.registry.register(name, entry, lease, roster.as_ref(), now).map(|()| lease)
            }
            Registration::Tracker { epoch, entry, roster } => {
                self.registry.register_tracker(epoch, entry, &roster).map(|()| Lease::DEFAULT)
            }
        }
    }

    fn answer(&self, pending: Pending, saved: Result<(), Failure>, now: Duration) {
        match pending {
            Pending::Granted(outcome, answer) => {
                let granted = outcome.map(|lease| (lease, self.registry.overview(now)));
                reply(answer, saved.and(granted.map_err(Failure::from)));
            }
            Pending::Removed(outcome, answer) => reply(answer, saved.and(outcome.map_err(Failure::from))),
            Pending::Changed(outcome, answer) => reply(answer, saved.and(outcome.map_err(Failure::from))),
        }
    }

    fn handle_rest(&mut self, request: Request, now: Duration) {
        match request {
            Request::Renew { name, caller, lease, answer } => {
                let renewed = self.registry.renew(&name, caller, lease, now);
                // Only a lease of another length has to be written.
                let granted = self
                    .save()
                    .and(renewed.map_err(Failure::from))
                    .map(|lease| (lease, self.registry.overview(now)));
                reply(answer, granted);
            }
            Request::Lookup(name, answer) => {
                let entry = self.registry.lookup(&name, now).cloned();
                reply(answer, entry.ok_or(Failure::Refused(Refusal::UnknownName)));
            }
            Request::List(filter, answer) => {
                let entries = self.registry.list(&filter, now);
                reply(answer, Ok(entries.into_iter().map(|(name, entry)| (name, entry.clone())).collect()));
            }
            Request::Count(answer) => {
                reply(answer, Ok((self.registry.count(now), self.registry.overview(now).highest)));
            }
            Request::Register(..) | Request::Remove { .. } | Request::SetMetadata { .. } | Request::Tick => {}
        }
    }

    /// Makes the registry's changes durable, or takes them back.
    fn save(&mut self) -> Result<(), Failure> {
        if self.registry.changes().is_empty() {
            return Ok(());
        }
        match self.storage.save(self.registry.changes()) {
            Ok(()) => {
                let seen = self.registry.commit();
                if !seen.is_empty() {
                    self.recent.send_modify(|recent| seen.into_iter().for_each(|seen| recent.add(seen)));
                }
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the name service's storage can be written again");
                }
                Ok(())
            }
            Err(error) => {
                self.registry.roll_back();
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!("registrations are refused until this works again: {error}");
                }
                Err(Failure::Storage)
            }
        }
    }
}

fn reply<T>(answer: Answer<T>, outcome: Result<T, Failure>) {
    // A caller that has gone away does not need its answer.
    drop(answer.send(outcome));
}

#[cfg(test)]
mod tests;
