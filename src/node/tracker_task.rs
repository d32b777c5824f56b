//! The tracker's side of the index: one task that owns it, and a handle for everybody who asks.
//!
//! Announcements are taken while this peer is the tracker of the caller's epoch; searches are answered
//! only while it is the *active* one (a majority replied lately). While it is not, a voter takes what the
//! members tell it as a standby copy: whoever is elected next has it then. In a new epoch of its own the
//! lists are still there (a warm start), but a peer counts in `complete` only when it has announced again,
//! so that a standby copy that is wrong costs time and never truth.
//!
//! A lost change is seen three times over: the answer to every delta says whether it fitted; every heartbeat
//! tells its receiver which of its lists the tracker holds to be up to date, so that the peer begins again
//! if that is another one; and replies to heartbeats carry positions, so that a peer whose list lags behind
//! for longer than `LAG` does not count as complete.
//!
//! Whole lists come in a few at a time (`leases`); a peer that stops answering fades before it is hidden
//! (`presence`).
//!
//! What is absent on purpose: locks. Requests wait in bounded queues, searches in one of their own; a full
//! one is answered with `busy`.

mod leases;
mod presence;
mod side_by_side;

use super::GroupState;
use super::tracker_answers as answers;
use crate::base::{ContentId, Epoch, PeerId};
use crate::engine::index::{Announcement, Begun, Chunk, Delta, Index, IndexPosition, Page};
use crate::net::handlers::index::IndexService;
use crate::wire::codes::Refused;
use crate::wire::election::IndexSummary;
use crate::wire::index::{AnnounceAnswer, BeginAnswer, Complete, SearchAnswer, SourcesAnswer};
use leases::Leases;
use presence::Presence;
use side_by_side::SideBySide;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

/// The most requests that wait in each queue: with chunks of 1 MiB they are at most 32 MiB.
const QUEUE: usize = 32;
/// How long a search waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(1);
/// When a peer that was turned away tries again.
const RETRY: Duration = Duration::from_millis(100);
/// A list of so many files is one part: it comes in as it is, without a lease.
const SHORT_LIST: u64 = 2_048;
/// For how long a list may differ from the position in its peer's heartbeat replies: a change takes a few
/// milliseconds to get here.
const LAG: Duration = Duration::from_millis(300);

type Answer<T> = oneshot::Sender<Result<T, Refused>>;

/// What a peer tells.
enum Told {
    Begin {
        caller: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
        answer: Answer<BeginAnswer>,
    },
    Chunk {
        caller: PeerId,
        epoch: Epoch,
        chunk: Chunk,
        answer: Answer<AnnounceAnswer>,
    },
    Delta {
        caller: PeerId,
        epoch: Epoch,
        delta: Delta,
        answer: Answer<AnnounceAnswer>,
    },
    Position {
        peer: PeerId,
        position: IndexPosition,
    },
}

/// What is asked.
enum Asked {
    Search { words: String, page: Page, answer: Answer<SearchAnswer> },
    Sources { content: ContentId, answer: Answer<SourcesAnswer> },
}

/// How the tracker's index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// For everybody.
    pub summary: IndexSummary,
    /// Where the lists stand that are known to be up to date, for the peer of each.
    pub known: Arc<BTreeMap<PeerId, IndexPosition>>,
}

/// The way to the tracker's task of this peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrackerHandle {
    told: mpsc::Sender<Told>,
    asked: mpsc::Sender<Asked>,
    standing: watch::Receiver<Option<Standing>>,
}

/// Starts the task; it ends when the last handle is dropped or `state` has no sender any more.
///
/// Must be called inside of a tokio runtime: not the timing thread's, a search takes milliseconds.
#[must_use]
pub fn spawn(me: PeerId, state: watch::Receiver<Arc<GroupState>>) -> TrackerHandle {
    let (told, announcements) = mpsc::channel(QUEUE);
    let (asked, questions) = mpsc::channel(QUEUE);
    let (shown, standing) = watch::channel(None);
    let task = Tracker {
        me,
        seen: Arc::new(GroupState::alone(me)),
        serving: None,
        expected: BTreeSet::new(),
        index: Index::seeded(rand::random()),
        workers: SideBySide::new(),
        standby: BTreeSet::new(),
        leases: Leases::default(),
        presence: Presence::default(),
        fades: None,
        lags: BTreeMap::new(),
        shown,
        revision: 0,
    };
    tokio::spawn(tracker_task(task, state, announcements, questions));
    TrackerHandle { told, asked, standing }
}

impl TrackerHandle {
    /// How the index stands, for the heartbeats; `None` while this peer is not the tracker. Never waits.
    #[must_use]
    pub fn summary(&self) -> Option<IndexSummary> {
        self.standing.borrow().as_ref().map(|standing| standing.summary)
    }

    /// The same as it changes, with what is for single peers.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Option<Standing>> {
        self.standing.clone()
    }

    /// A heartbeat's reply said where the list of `peer` stands. Never waits: it is said again 100 ms later.
    pub fn position_seen(&self, peer: PeerId, position: IndexPosition) {
        // Lost if the queue is full; the next reply says it again.
        drop(self.told.try_send(Told::Position { peer, position }));
    }

    /// Announcements are turned away at once when the queue is full: the peer keeps its list and repeats.
    async fn tell<T>(
        &self,
        busy: impl FnOnce() -> Result<T, Refused>,
        request: impl FnOnce(Answer<T>) -> Told,
    ) -> Result<T, Refused> {
        let (answer, answered) = oneshot::channel();
        match self.told.try_send(request(answer)) {
            Ok(()) => answered.await.map_err(|_| answers::stopping())?,
            Err(mpsc::error::TrySendError::Full(_)) => busy(),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(answers::stopping()),
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Asked) -> Result<T, Refused> {
        use mpsc::error::SendTimeoutError;
        let (answer, answered) = oneshot::channel();
        match self.asked.send_timeout(request(answer), QUEUE_WAIT).await {
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
        standby: bool,
    ) -> Result<BeginAnswer, Refused> {
        let busy = || Ok(answers::begin_busy(RETRY));
        self.tell(busy, |answer| Told::Begin { caller, epoch, announced, standby, answer }).await
    }

    async fn announce_chunk(
        &self,
        caller: PeerId,
        epoch: Epoch,
        chunk: Chunk,
    ) -> Result<AnnounceAnswer, Refused> {
        let busy = || Err(answers::busy(RETRY));
        self.tell(busy, |answer| Told::Chunk { caller, epoch, chunk, answer }).await
    }

    async fn announce_delta(
        &self,
        caller: PeerId,
        epoch: Epoch,
        delta: Delta,
    ) -> Result<AnnounceAnswer, Refused> {
        let busy = || Err(answers::busy(RETRY));
        self.tell(busy, |answer| Told::Delta { caller, epoch, delta, answer }).await
    }

    async fn search(&self, _: PeerId, words: String, page: Page) -> Result<SearchAnswer, Refused> {
        self.ask(|answer| Asked::Search { words, page, answer }).await
    }

    async fn sources(&self, _: PeerId, content: ContentId) -> Result<SourcesAnswer, Refused> {
        self.ask(|answer| Asked::Sources { content, answer }).await
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
    /// Who does the parts of a search.
    workers: SideBySide,
    /// Who keeps the copy here up to date although another peer is tracker.
    standby: BTreeSet<PeerId>,
    leases: Leases,
    presence: Presence,
    /// When a peer stops to be shown or kept next.
    fades: Option<Instant>,
    /// Peers whose list differs from the position in their replies: what it was here then, and since when.
    lags: BTreeMap<PeerId, (Option<IndexPosition>, Instant)>,
    shown: watch::Sender<Option<Standing>>,
    /// How often an announcement may have changed the index.
    revision: u64,
}

async fn tracker_task(
    mut tracker: Tracker,
    mut state: watch::Receiver<Arc<GroupState>>,
    mut announcements: mpsc::Receiver<Told>,
    mut questions: mpsc::Receiver<Asked>,
) {
    tracker.follow(state.borrow_and_update().clone());
    loop {
        let fades = tracker.fades;
        let mut told = None;
        let mut asked = None;
        // In no order: neither a flood of searches nor one of announcements holds the other up.
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            next = announcements.recv() => match next {
                Some(next) => told = Some(next),
                None => return,
            },
            next = questions.recv() => match next {
                Some(next) => asked = Some(next),
                None => return,
            },
            () = sleep_until(fades.unwrap_or_else(Instant::now)), if fades.is_some() => tracker.arrange(),
        }
        // The newest picture first: a request must not be answered with an older one.
        tracker.follow(state.borrow_and_update().clone());
        if let Some(told) = told {
            tracker.take(told);
        }
        if let Some(asked) = asked {
            tracker.answer(asked);
        }
        tracker.show();
    }
}

impl Tracker {
    /// Brings the index in line with the group.
    fn follow(&mut self, state: Arc<GroupState>) {
        if Arc::ptr_eq(&self.seen, &state) {
            return;
        }
        self.seen = state;
        let serves = self.seen.is_tracker().then_some(self.seen.epoch);
        if self.serving != serves {
            self.serving = serves;
            self.leases.clear();
            self.lags.clear();
            if serves.is_some() {
                self.index.begin_epoch();
            }
        }
        self.arrange();
    }

    /// Shows and keeps what is to be, as the members are at this moment.
    fn arrange(&mut self) {
        let now = Instant::now();
        let mut members: BTreeSet<_> = self.seen.members.keys().copied().collect();
        members.insert(self.me);
        let answers = |peer: &&PeerId| {
            **peer == self.me || self.seen.members.get(*peer).is_some_and(|member| member.reachable)
        };
        let answering: BTreeSet<_> = members.iter().filter(answers).copied().collect();
        self.presence.update(&members, &answering, now);
        if self.serving.is_none() && !self.keeps_standby() {
            members.clear();
        }
        for peer in self.presence.gone(now) {
            members.remove(&peer);
        }
        self.index.keep(&members);
        self.standby.retain(|peer| members.contains(peer));
        self.index.set_present(&answering, &self.presence.fading(now));
        self.lags.retain(|peer, _| answering.contains(peer));
        if self.serving.is_some() {
            self.leases.keep(&answering);
        }
        self.fades = self.presence.next_change(now);
        self.expected = answering;
    }

    /// Whether this peer may be elected.
    fn keeps_standby(&self) -> bool {
        self.seen.members.get(&self.me).is_some_and(|me| me.voter)
    }

    fn take(&mut self, told: Told) {
        // Whoever told may have given up: `send` fails then, and nothing is to be done.
        match told {
            Told::Begin { caller, epoch, announced, standby, answer } => {
                drop(answer.send(self.begin(caller, epoch, announced, standby)));
            }
            Told::Chunk { caller, epoch, chunk, answer } => {
                drop(answer.send(self.chunk(caller, epoch, chunk)));
            }
            Told::Delta { caller, epoch, delta, answer } => {
                drop(answer.send(self.delta(caller, epoch, delta)));
            }
            Told::Position { peer, position } => self.position_seen(peer, position),
        }
    }

    fn answer(&self, asked: Asked) {
        match asked {
            Asked::Search { words, page, answer } => {
                if let Some(found) = self.search(&words, page, || answer.is_closed()) {
                    drop(answer.send(found));
                }
            }
            Asked::Sources { content, answer } => drop(answer.send(self.sources(content))),
        }
    }

    fn begin(
        &mut self,
        caller: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> Result<BeginAnswer, Refused> {
        self.check_announcer(caller, epoch, standby)?;
        if standby {
            self.standby.insert(caller);
        }
        let begun = self.index.begin(caller, announced).map_err(answers::announce_refused)?;
        match begun {
            Begun::UpToDate => self.leases.release(caller),
            Begun::SendFrom(_) => {}
            Begun::SendAll => {
                if let Err(wait) = self.take_lease(caller) {
                    self.index.put_off(caller);
                    return Ok(answers::begin_busy(wait));
                }
            }
        }
        Ok(answers::begun(begun))
    }

    /// A lease for the list that is coming in, if it is a long one; or how long to wait for it.
    fn take_lease(&mut self, caller: PeerId) -> Result<(), Duration> {
        let is_long = self.index.coming_in(caller).is_some_and(|files| files > SHORT_LIST);
        if is_long { self.leases.take(caller, Instant::now()) } else { Ok(()) }
    }

    fn chunk(&mut self, caller: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, Refused> {
        self.check_announcer(caller, epoch, self.standby.contains(&caller))?;
        // Whoever was told to send changes and has forgotten them comes here without a lease.
        self.take_lease(caller).map_err(answers::busy)?;
        self.revision += 1;
        let taken = self.index.chunk(caller, chunk);
        if self.index.coming_in(caller).is_none() {
            self.leases.release(caller);
        }
        taken.map(answers::taken).map_err(answers::announce_refused)
    }

    fn delta(&mut self, caller: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, Refused> {
        self.check_announcer(caller, epoch, self.standby.contains(&caller))?;
        self.revision += 1;
        self.index.delta(caller, delta).map(answers::taken).map_err(answers::announce_refused)
    }

    /// `None` if it was given up.
    fn search(
        &self,
        words: &str,
        page: Page,
        is_abandoned: impl Fn() -> bool + Sync,
    ) -> Option<Result<SearchAnswer, Refused>> {
        let checked = || Ok((self.check_active()?, answers::query(&self.seen, words)?));
        let (epoch, (query, chosen)) = match checked() {
            Ok(checked) => checked,
            Err(refused) => return Some(Err(refused)),
        };
        let matches =
            self.index.search_unless_abandoned(&query, &chosen, page, &self.workers, is_abandoned)?;
        Some(Ok(answers::search_answer(&self.seen, epoch, self.complete(), &matches)))
    }

    fn sources(&self, content: ContentId) -> Result<SourcesAnswer, Refused> {
        let epoch = self.check_active()?;
        let (size, sources) = self.index.sources(content);
        let sources = answers::sources(&self.seen, &sources);
        Ok(SourcesAnswer { epoch: epoch.number(), complete: self.complete(), size, sources })
    }

    fn check_announcer(&self, caller: PeerId, epoch: Epoch, standby: bool) -> Result<(), Refused> {
        if epoch < self.seen.epoch {
            return Err(answers::old_epoch(&self.seen));
        }
        let takes = match self.serving {
            Some(serving) => serving == epoch,
            None => standby && self.keeps_standby(),
        };
        if !takes {
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
        let lagging = |peer: &&PeerId| {
            let lag = self.lags.get(*peer);
            lag.is_some_and(|(then, since)| since.elapsed() > LAG && *then == self.index.position(**peer))
        };
        let lagging: BTreeSet<_> = self.expected.iter().filter(lagging).copied().collect();
        let up_to_date = self.expected.difference(&lagging).copied().collect();
        let (have, _) = self.index.complete(&up_to_date);
        Complete { have: answers::count(have), of: answers::count(self.expected.len()) }
    }

    /// Shows the heartbeats how the index stands.
    fn show(&self) {
        let standing = self.serving.map(|_| {
            let Complete { have, of } = self.complete();
            let summary = IndexSummary { files: self.index.files(), have, of, revision: self.revision };
            Standing { summary, known: Arc::new(self.index.confirmed().collect()) }
        });
        self.shown.send_if_modified(|shown| {
            let changed = *shown != standing;
            *shown = standing;
            changed
        });
    }
}
