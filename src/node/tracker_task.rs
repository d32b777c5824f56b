//! The tracker's side of the index: one task that owns it, and a handle for everybody who asks.
//!
//! Announcements are taken while this peer is the tracker of the caller's epoch; searches are answered
//! only while it is the *active* one (a majority replied lately). In a new epoch of its own the lists of
//! the last time are still there (a warm start), but a peer counts in `complete` only when it has announced
//! again.
//!
//! A lost change is seen twice over: the answer to every delta says whether it fitted, and the peer repeats
//! `announce_begin` every second, which costs nothing where nothing is missing. Besides, replies to
//! heartbeats carry positions: a peer whose list lags behind for longer than `LAG` does not count as
//! complete, so that an answer is never called complete when it is not.
//!
//! What is absent on purpose: locks. Requests wait in one bounded queue; a full one is answered with `busy`.

use super::GroupState;
use super::tracker_answers as answers;
use crate::base::{ContentId, Epoch, PeerId};
use crate::engine::index::{Announcement, Chunk, Delta, Index, IndexPosition, Page};
use crate::net::handlers::index::IndexService;
use crate::wire::codes::Refused;
use crate::wire::election::IndexSummary;
use crate::wire::index::{AnnounceAnswer, BeginAnswer, Complete, SearchAnswer, SourcesAnswer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// The most requests that wait: with chunks of 1 MiB they are at most 32 MiB.
const QUEUE: usize = 32;
/// How long a search waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(1);
/// When a peer that was turned away tries again.
const RETRY: Duration = Duration::from_millis(100);
/// For how long a list may differ from the position in its peer's heartbeat replies: a change takes a few
/// milliseconds to get here.
const LAG: Duration = Duration::from_millis(300);

type Answer<T> = oneshot::Sender<Result<T, Refused>>;

/// What the task is asked.
enum Request {
    Begin { caller: PeerId, epoch: Epoch, announced: Announcement, answer: Answer<BeginAnswer> },
    Chunk { caller: PeerId, epoch: Epoch, chunk: Chunk, answer: Answer<AnnounceAnswer> },
    Delta { caller: PeerId, epoch: Epoch, delta: Delta, answer: Answer<AnnounceAnswer> },
    Search { words: String, page: Page, answer: Answer<SearchAnswer> },
    Sources { content: ContentId, answer: Answer<SourcesAnswer> },
    Position { peer: PeerId, position: IndexPosition },
}

/// The way to the tracker's task of this peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrackerHandle {
    requests: mpsc::Sender<Request>,
    summary: watch::Receiver<Option<IndexSummary>>,
}

/// Starts the task; it ends when the last handle is dropped or `state` has no sender any more.
///
/// Must be called inside of a tokio runtime: not the timing thread's, a search takes milliseconds.
#[must_use]
pub fn spawn(me: PeerId, state: watch::Receiver<Arc<GroupState>>) -> TrackerHandle {
    let (requests, incoming) = mpsc::channel(QUEUE);
    let (told, summary) = watch::channel(None);
    let task = Tracker {
        me,
        seen: state.borrow().clone(),
        serving: None,
        expected: BTreeSet::new(),
        index: Index::seeded(rand::random()),
        lags: BTreeMap::new(),
        told,
        revision: 0,
    };
    tokio::spawn(tracker_task(task, state, incoming));
    TrackerHandle { requests, summary }
}

impl TrackerHandle {
    /// How the index stands, for the heartbeats; `None` while this peer is not the tracker. Never waits.
    #[must_use]
    pub fn summary(&self) -> Option<IndexSummary> {
        *self.summary.borrow()
    }

    /// The same as it changes.
    #[must_use]
    pub fn summaries(&self) -> watch::Receiver<Option<IndexSummary>> {
        self.summary.clone()
    }

    /// A heartbeat's reply said where the list of `peer` stands. Never waits: it is said again 100 ms later.
    pub fn position_seen(&self, peer: PeerId, position: IndexPosition) {
        // Lost if the queue is full; the next reply says it again.
        drop(self.requests.try_send(Request::Position { peer, position }));
    }

    /// Announcements are turned away at once when the queue is full: the peer keeps its list and repeats.
    async fn announce<T>(
        &self,
        busy: impl FnOnce() -> Result<T, Refused>,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, Refused> {
        let (answer, answered) = oneshot::channel();
        match self.requests.try_send(request(answer)) {
            Ok(()) => answered.await.map_err(|_| answers::stopping())?,
            Err(mpsc::error::TrySendError::Full(_)) => busy(),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(answers::stopping()),
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, Refused> {
        use mpsc::error::SendTimeoutError;
        let (answer, answered) = oneshot::channel();
        match self.requests.send_timeout(request(answer), QUEUE_WAIT).await {
            Ok(()) => answered.await.map_err(|_| answers::stopping())?,
            Err(SendTimeoutError::Timeout(_)) => Err(answers::busy(RETRY)),
            Err(SendTimeoutError::Closed(_)) => Err(answers::stopping()),
        }
    }
}

impl IndexService for TrackerHandle {
    async fn announce_begin(
        &self,
        caller: PeerId,
        epoch: Epoch,
        announced: Announcement,
    ) -> Result<BeginAnswer, Refused> {
        let busy = || Ok(BeginAnswer::Busy(RETRY.as_millis().try_into().unwrap_or(u64::MAX)));
        self.announce(busy, |answer| Request::Begin { caller, epoch, announced, answer }).await
    }

    async fn announce_chunk(
        &self,
        caller: PeerId,
        epoch: Epoch,
        chunk: Chunk,
    ) -> Result<AnnounceAnswer, Refused> {
        let busy = || Err(answers::busy(RETRY));
        self.announce(busy, |answer| Request::Chunk { caller, epoch, chunk, answer }).await
    }

    async fn announce_delta(
        &self,
        caller: PeerId,
        epoch: Epoch,
        delta: Delta,
    ) -> Result<AnnounceAnswer, Refused> {
        let busy = || Err(answers::busy(RETRY));
        self.announce(busy, |answer| Request::Delta { caller, epoch, delta, answer }).await
    }

    async fn search(&self, _: PeerId, words: String, page: Page) -> Result<SearchAnswer, Refused> {
        self.ask(|answer| Request::Search { words, page, answer }).await
    }

    async fn sources(&self, _: PeerId, content: ContentId) -> Result<SourcesAnswer, Refused> {
        self.ask(|answer| Request::Sources { content, answer }).await
    }
}

/// The task's state; nobody else touches it.
struct Tracker {
    me: PeerId,
    /// The picture of the group that the index was brought in line with.
    seen: Arc<GroupState>,
    /// The epoch of which this peer is the tracker.
    serving: Option<Epoch>,
    /// The members that answer: their lists are shown and expected.
    expected: BTreeSet<PeerId>,
    index: Index,
    /// Peers whose list differs from the position in their replies: what it was here then, and since when.
    lags: BTreeMap<PeerId, (Option<IndexPosition>, Instant)>,
    told: watch::Sender<Option<IndexSummary>>,
    /// How often an announcement may have changed the index.
    revision: u64,
}

async fn tracker_task(
    mut tracker: Tracker,
    mut state: watch::Receiver<Arc<GroupState>>,
    mut incoming: mpsc::Receiver<Request>,
) {
    tracker.follow(state.borrow_and_update().clone());
    loop {
        tokio::select! {
            biased;
            changed = state.changed() => if changed.is_err() { return },
            request = incoming.recv() => {
                let Some(request) = request else { return };
                // The newest picture first: a request must not be answered with an older one.
                tracker.follow(state.borrow_and_update().clone());
                tracker.handle(request);
            }
        }
        tracker.follow(state.borrow_and_update().clone());
        tracker.tell();
    }
}

impl Tracker {
    /// Brings the index in line with the group.
    fn follow(&mut self, state: Arc<GroupState>) {
        if self.serving.is_some() && Arc::ptr_eq(&self.seen, &state) {
            return;
        }
        self.seen = state;
        if !self.seen.is_tracker() {
            self.serving = None;
            return;
        }
        if self.serving != Some(self.seen.epoch) {
            self.serving = Some(self.seen.epoch);
            self.index.begin_epoch();
            self.lags.clear();
        }
        let mut members: BTreeSet<_> = self.seen.members.keys().copied().collect();
        members.insert(self.me);
        self.index.keep(&members);
        let answers = |peer: &PeerId| {
            *peer == self.me || self.seen.members.get(peer).is_some_and(|member| member.reachable)
        };
        members.retain(answers);
        self.index.set_present(&members);
        self.lags.retain(|peer, _| members.contains(peer));
        self.expected = members;
    }

    fn handle(&mut self, request: Request) {
        // Whoever asked may have given up: `send` fails then, and nothing is to be done.
        match request {
            Request::Begin { caller, epoch, announced, answer } => {
                drop(answer.send(self.begin(caller, epoch, announced)));
            }
            Request::Chunk { caller, epoch, chunk, answer } => {
                drop(answer.send(self.chunk(caller, epoch, chunk)));
            }
            Request::Delta { caller, epoch, delta, answer } => {
                drop(answer.send(self.delta(caller, epoch, delta)));
            }
            Request::Search { words, page, answer } => {
                if let Some(found) = self.search(&words, page, || answer.is_closed()) {
                    drop(answer.send(found));
                }
            }
            Request::Sources { content, answer } => drop(answer.send(self.sources(content))),
            Request::Position { peer, position } => self.position_seen(peer, position),
        }
    }

    fn begin(
        &mut self,
        caller: PeerId,
        epoch: Epoch,
        announced: Announcement,
    ) -> Result<BeginAnswer, Refused> {
        self.check_announcer(caller, epoch)?;
        self.index.begin(caller, announced).map(answers::begun).map_err(answers::announce_refused)
    }

    fn chunk(&mut self, caller: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, Refused> {
        self.check_announcer(caller, epoch)?;
        self.revision += 1;
        self.index.chunk(caller, chunk).map(answers::taken).map_err(answers::announce_refused)
    }

    fn delta(&mut self, caller: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, Refused> {
        self.check_announcer(caller, epoch)?;
        self.revision += 1;
        self.index.delta(caller, delta).map(answers::taken).map_err(answers::announce_refused)
    }

    /// `None` if it was given up.
    fn search(
        &self,
        words: &str,
        page: Page,
        is_abandoned: impl Fn() -> bool,
    ) -> Option<Result<SearchAnswer, Refused>> {
        let checked = || Ok((self.check_active()?, answers::query(&self.seen, words)?));
        let (epoch, (query, chosen)) = match checked() {
            Ok(checked) => checked,
            Err(refused) => return Some(Err(refused)),
        };
        let matches = self.index.search_unless_abandoned(&query, &chosen, page, is_abandoned)?;
        Some(Ok(answers::search_answer(&self.seen, epoch, self.complete(), &matches)))
    }

    fn sources(&self, content: ContentId) -> Result<SourcesAnswer, Refused> {
        let epoch = self.check_active()?;
        let (size, sources) = self.index.sources(content);
        let sources = answers::sources(&self.seen, &sources);
        Ok(SourcesAnswer { epoch: epoch.number(), complete: self.complete(), size, sources })
    }

    fn check_announcer(&self, caller: PeerId, epoch: Epoch) -> Result<(), Refused> {
        if epoch < self.seen.epoch {
            return Err(answers::old_epoch(&self.seen));
        }
        if self.serving != Some(epoch) {
            return Err(answers::not_tracker(&self.seen));
        }
        if caller != self.me && !self.seen.members.contains_key(&caller) {
            return Err(answers::not_a_member());
        }
        Ok(())
    }

    fn check_active(&self) -> Result<Epoch, Refused> {
        self.serving.filter(|_| self.seen.active).ok_or_else(|| answers::not_tracker(&self.seen))
    }

    fn position_seen(&mut self, peer: PeerId, position: IndexPosition) {
        let have = self.index.position(peer);
        if self.serving.is_none() || have == Some(position) {
            self.lags.remove(&peer);
            return;
        }
        let (known, since) = self.lags.entry(peer).or_insert_with(|| (have, Instant::now()));
        if *known != have {
            // Changes are coming in: it does not stand still.
            (*known, *since) = (have, Instant::now());
        }
    }

    fn complete(&self) -> Complete {
        let lagging = |peer: &&PeerId| self.lags.get(*peer).is_some_and(|(_, since)| since.elapsed() > LAG);
        let lagging: BTreeSet<_> = self.expected.iter().filter(lagging).copied().collect();
        let up_to_date = self.expected.difference(&lagging).copied().collect();
        let (have, _) = self.index.complete(&up_to_date);
        Complete { have: answers::count(have), of: answers::count(self.expected.len()) }
    }

    /// Tells the heartbeats how the index stands.
    fn tell(&self) {
        let summary = self.serving.map(|_| {
            let Complete { have, of } = self.complete();
            IndexSummary { files: self.index.files(), have, of, revision: self.revision }
        });
        self.told.send_if_modified(|told| std::mem::replace(told, summary) != summary);
    }
}
