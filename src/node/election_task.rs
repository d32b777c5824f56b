//! The election's shell: one loop on the timing thread that owns the election, its timers and what waits
//! for an answer. It decides nothing; it turns events into inputs and commands into timers, messages and
//! saves.
//!
//! Invariants: it never waits for a disk, a connection or another thread; every channel out of it is
//! bounded and tried, never awaited. Messages that have already arrived are taken before a timer that is
//! due, so that a busy machine does not turn a heartbeat that is there into a failure.

use super::address_book::{AddressBook, Addresses};
use super::clock::JumpDetector;
use super::election_calls::{ElectionCalls, PendingAnswers};
use super::events::{EventSink, count};
use super::faults::FaultsNow;
use super::group_state::GroupState;
use super::share_task::HeardPosition;
use super::state_writer::StateSender;
use super::stop::After;
use super::trace::Recorder;
use super::tracker_task::Standing;
use crate::base::{Epoch, PeerId};
use crate::engine::election::{
    Command, Election, ElectionConfig, Input, Member, Message, RegistrationOutcome, Roster, SaveTicket,
    SavedState, Timer,
};
use crate::engine::index::IndexPosition;
use crate::engine::trace::{Record, What};
use crate::wire::election::IndexSummary;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

mod faults;
mod picture;

/// How often the loop looks around when nothing happens: the resolution of the jump detector.
const LOOK_AROUND: Duration = Duration::from_millis(50);
/// A heartbeat that comes later than this after the one before is counted as late.
const LATE_HEARTBEAT: Duration = Duration::from_millis(150);
/// How many turns a due election timer lets the sockets have first, so that a heartbeat that lies there is
/// read before it is missed.
const GRACE_TURNS: usize = 3;

/// What reaches the election task.
#[derive(Debug)]
pub(super) enum TaskEvent {
    /// A request of another peer; the answer goes back on its connection.
    Request {
        from: PeerId,
        message: Message,
        addresses: Option<Addresses>,
        index: Option<IndexTold>,
        answer: oneshot::Sender<Message>,
    },
    /// The answer of another peer to a request of ours.
    Answer { from: PeerId, message: Message, position: Option<IndexPosition> },
    /// The state of this ticket is durable.
    Saved(SaveTicket),
    /// The disk refused.
    SaveFailed,
    /// The name service founded the group.
    Founded(Roster),
    /// What came of a registration as tracker.
    Registration { epoch: Epoch, outcome: RegistrationOutcome },
    /// A peer asks to be a member.
    Join { peer: PeerId, member: Member, answer: oneshot::Sender<MembershipNow> },
    /// A member gives its seat up.
    Leave { peer: PeerId, answer: oneshot::Sender<MembershipNow> },
    /// Where peers listen, from the name service.
    Addresses(Vec<(PeerId, Addresses)>),
    /// A person closes the program, or leaves.
    Stop { after: After, done: oneshot::Sender<()> },
    /// A fault drill begins or ends.
    Silence(bool),
    /// The tracker task tells how its index stands.
    Summary(Standing),
    /// Somebody wants the records after this number.
    Trace { after: u64, answer: oneshot::Sender<Vec<Record>> },
}

/// What a heartbeat tells its receiver of the tracker's index.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexTold {
    pub(super) summary: IndexSummary,
    /// Where the receiver's own list stands there, if it is known to be up to date.
    pub(super) known: Option<IndexPosition>,
}

/// The answer to a join or leave.
#[derive(Clone, Debug)]
pub(super) struct MembershipNow {
    pub(super) epoch: Epoch,
    pub(super) active: bool,
    pub(super) tracker: Option<PeerId>,
    pub(super) member: bool,
    pub(super) voter: bool,
    pub(super) roster: Option<Roster>,
}

/// What the task is wired to.
pub(super) struct Wiring {
    pub(super) me: PeerId,
    pub(super) here: Addresses,
    pub(super) config: ElectionConfig,
    pub(super) saved: SavedState,
    pub(super) seed: u64,
    pub(super) events: mpsc::Receiver<TaskEvent>,
    pub(super) calls: ElectionCalls,
    pub(super) states: StateSender,
    pub(super) registrations: mpsc::Sender<Epoch>,
    pub(super) group: watch::Sender<Arc<GroupState>>,
    pub(super) roster: watch::Sender<Option<Arc<Roster>>>,
    pub(super) summary: watch::Sender<Option<(Epoch, IndexSummary)>>,
    pub(super) heard: watch::Sender<Option<HeardPosition>>,
    pub(super) positions: mpsc::Sender<(PeerId, IndexPosition)>,
    pub(super) contacts: watch::Sender<BTreeMap<PeerId, u64>>,
    pub(super) addresses: watch::Sender<AddressBook>,
    pub(super) faults: watch::Receiver<FaultsNow>,
    pub(super) sink: EventSink,
}

/// Runs until the channel of events is closed or a graceful stop is complete.
pub(super) async fn election_task(wiring: Wiring) {
    let mut task = ElectionTask::new(wiring);
    task.input(Input::Started);
    loop {
        let due = task.next_due();
        tokio::select! {
            biased;
            Ok(()) = task.wiring.faults.changed() => task.faults_changed().await,
            event = task.wiring.events.recv() => match event {
                Some(event) => task.take(event),
                None => return,
            },
            () = tokio::time::sleep_until(due) => task.timers_due().await,
        }
        if task.stopped {
            return;
        }
    }
}

struct ElectionTask {
    wiring: Wiring,
    election: Election,
    /// What a restart would find: the drill ends with it.
    durable: SavedState,
    unsaved: BTreeMap<SaveTicket, SavedState>,
    timers: BTreeMap<Timer, Instant>,
    pending: PendingAnswers,
    book: AddressBook,
    rng: StdRng,
    jumps: JumpDetector,
    last_heartbeat: Option<(Epoch, Instant)>,
    my_index: Option<Standing>,
    recorder: Recorder,
    faults: FaultsNow,
    stop: Option<(After, oneshot::Sender<()>)>,
    /// It has ended as a tracker, and begins anew as a follower.
    follow: Option<oneshot::Sender<()>>,
    silent: bool,
    stopped: bool,
}

impl ElectionTask {
    fn new(wiring: Wiring) -> Self {
        let election = Election::new(wiring.me, wiring.config.clone(), wiring.saved.clone());
        Self {
            election,
            durable: wiring.saved.clone(),
            unsaved: BTreeMap::new(),
            timers: BTreeMap::new(),
            pending: PendingAnswers::default(),
            book: AddressBook::default(),
            rng: StdRng::seed_from_u64(wiring.seed),
            jumps: JumpDetector::new(),
            last_heartbeat: None,
            my_index: None,
            recorder: Recorder::new(),
            faults: FaultsNow::default(),
            stop: None,
            follow: None,
            silent: false,
            stopped: false,
            wiring,
        }
    }

    fn next_due(&self) -> Instant {
        let look_around = Instant::now() + LOOK_AROUND;
        self.timers.values().copied().min().unwrap_or(look_around).min(look_around)
    }

    async fn timers_due(&mut self) {
        self.watch_clock();
        let now = Instant::now();
        if self.timers.get(&Timer::Election).is_some_and(|due| *due <= now) {
            self.take_what_arrived().await;
        }
        let due: Vec<Timer> =
            self.timers.iter().filter(|(_, due)| **due <= now).map(|(timer, _)| *timer).collect();
        for timer in due {
            // A command of an earlier one may have set or cancelled this one.
            if self.timers.get(&timer).is_some_and(|due| *due <= now) {
                self.timers.remove(&timer);
                if timer == Timer::Election {
                    self.recorder.note(What::TimerExpired);
                }
                self.input(Input::TimerFired(timer));
            }
        }
        // Who answers and who is connected changes without an input.
        self.publish();
    }

    /// Lets the sockets deliver what lies in them before a timer counts.
    async fn take_what_arrived(&mut self) {
        for _ in 0..GRACE_TURNS {
            tokio::task::yield_now().await;
            while let Ok(event) = self.wiring.events.try_recv() {
                self.take(event);
            }
        }
    }

    fn watch_clock(&mut self) {
        if self.jumps.jumped(LOOK_AROUND) && !self.silent {
            count(&self.wiring.sink.counters.clock_jumps);
            tracing::warn!("time jumped, or this thread was held up: what the timers said is void");
            self.input(Input::ClockJumped);
        }
    }

    fn take(&mut self, event: TaskEvent) {
        self.watch_clock();
        match event {
            TaskEvent::Silence(silent) => return self.silence(silent),
            TaskEvent::Trace { after, answer } => {
                drop(answer.send(self.recorder.after(after)));
                return;
            }
            _ => {}
        }
        if self.silent {
            return self.take_in_silence(event);
        }
        match event {
            TaskEvent::Request { from, message, addresses, index, answer } => {
                self.request(from, message, addresses, index, answer);
            }
            TaskEvent::Answer { from, message, position } => self.answer(from, message, position),
            TaskEvent::Saved(ticket) => {
                self.saved(ticket);
                self.input(Input::StateSaved(ticket));
            }
            TaskEvent::SaveFailed => self.input(Input::SaveFailed),
            TaskEvent::Founded(roster) => self.input(Input::Founded(roster)),
            TaskEvent::Registration { epoch, outcome } => self.input(Input::Registration { epoch, outcome }),
            TaskEvent::Join { peer, member, answer } => {
                let at = Addresses { uri: member.uri, election_uri: member.election_uri };
                self.learn(peer, at);
                self.input(Input::JoinRequested { peer, member });
                drop(answer.send(self.membership(peer)));
            }
            TaskEvent::Leave { peer, answer } => {
                self.input(Input::LeaveRequested(peer));
                drop(answer.send(self.membership(peer)));
            }
            TaskEvent::Addresses(found) => {
                for (peer, at) in found {
                    self.learn(peer, at);
                }
            }
            TaskEvent::Stop { after, done } => {
                self.stop = Some((after, done));
                self.input(Input::StopRequested);
            }
            TaskEvent::Summary(standing) => self.summarized(standing),
            TaskEvent::Silence(_) | TaskEvent::Trace { .. } => {}
        }
    }

    /// During a fault drill only the disk and the end of the program are heard.
    fn take_in_silence(&mut self, event: TaskEvent) {
        match event {
            TaskEvent::Saved(ticket) => self.saved(ticket),
            TaskEvent::Stop { done, .. } => {
                done.send(()).ok();
                self.stopped = true;
            }
            _ => {}
        }
    }

    fn saved(&mut self, ticket: SaveTicket) {
        let later = self.unsaved.split_off(&SaveTicket(ticket.0 + 1));
        if let Some(newest) = std::mem::replace(&mut self.unsaved, later).remove(&ticket) {
            self.durable = newest;
        }
    }

    fn request(
        &mut self,
        from: PeerId,
        message: Message,
        addresses: Option<Addresses>,
        index: Option<IndexTold>,
        answer: oneshot::Sender<Message>,
    ) {
        if let Some(at) = addresses {
            self.learn(from, at);
        }
        self.contact(from);
        self.recorder.received(from, &message);
        let heartbeat = match &message {
            Message::Heartbeat(heartbeat) => Some(heartbeat.epoch),
            _ => None,
        };
        self.pending.wait(from, &message, answer);
        self.input(Input::Received { from, message });
        if let Some(epoch) = heartbeat
            && self.election.tracker() == Some(from)
            && self.election.epoch() == epoch
        {
            self.heard(epoch);
            let summary = index.map(|index| (epoch, index.summary));
            self.wiring.summary.send_if_modified(|known| replace_if_new(known, summary));
            if let Some(IndexTold { known, summary }) = index {
                self.hear(epoch, known, summary);
            }
        }
    }

    fn heard(&mut self, epoch: Epoch) {
        let now = Instant::now();
        count(&self.wiring.sink.counters.heartbeats_received);
        if let Some((last_epoch, last)) = self.last_heartbeat
            && last_epoch == epoch
        {
            self.wiring.sink.lateness.add((now - last).saturating_sub(self.wiring.config.heartbeat()));
            self.wiring.sink.rhythm.heard(now - last);
            if now - last > LATE_HEARTBEAT {
                count(&self.wiring.sink.counters.heartbeats_late);
            }
        } else {
            self.wiring.sink.rhythm.begin();
        }
        self.last_heartbeat = Some((epoch, now));
    }

    fn answer(&mut self, from: PeerId, message: Message, position: Option<IndexPosition>) {
        self.contact(from);
        self.recorder.received(from, &message);
        self.input(Input::Received { from, message });
        if let Some(position) = position {
            // A full channel means that the tracker's task is busy; the next heartbeat tells again.
            self.wiring.positions.try_send((from, position)).ok();
        }
    }

    /// What the tracker's index knows of this peer's list, for whoever announces it.
    fn hear(&self, epoch: Epoch, known: Option<IndexPosition>, summary: IndexSummary) {
        let complete = summary.have >= summary.of;
        self.wiring.heard.send_replace(Some(HeardPosition { epoch, known, complete }));
    }

    fn summarized(&mut self, standing: Standing) {
        let (summary, known) = (standing.summary, standing.known.get(&self.wiring.me).copied());
        let before = self.my_index.replace(standing);
        if before.is_none_or(|before| before.summary != summary) {
            self.recorder.index(self.election.epoch(), summary);
        }
        if self.election.is_active_tracker() {
            self.hear(self.election.epoch(), known, summary);
            let told = Some((self.election.epoch(), summary));
            self.wiring.summary.send_if_modified(|known| replace_if_new(known, told));
        }
    }

    fn contact(&self, peer: PeerId) {
        let now = super::clock::unix_millis();
        self.wiring.contacts.send_modify(|contacts| {
            contacts.insert(peer, now);
        });
    }

    fn learn(&mut self, peer: PeerId, at: Addresses) {
        if peer != self.wiring.me && self.book.learn(peer, at) {
            self.publish_book();
        }
    }

    fn membership(&self, peer: PeerId) -> MembershipNow {
        MembershipNow {
            epoch: self.election.epoch(),
            active: self.election.is_active_tracker(),
            tracker: self.election.tracker(),
            member: !self.election.has_left(peer),
            voter: self.election.joined_as_voter(peer),
            roster: self.election.roster().cloned(),
        }
    }

    fn input(&mut self, input: Input) {
        self.election.handle(input);
        for command in self.election.take_commands() {
            self.carry_out(command);
        }
        if let Some(done) = self.follow.take() {
            self.begin_anew();
            done.send(()).ok();
        }
        self.publish();
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::SetTimer { timer, after } => {
                let after = if after.is_empty() { after.start } else { self.rng.random_range(after) };
                if timer == Timer::Election {
                    self.recorder.timer_set(after);
                }
                self.timers.insert(timer, Instant::now() + after);
            }
            Command::CancelTimer(timer) => {
                if self.timers.remove(&timer).is_some() && timer == Timer::Election {
                    self.recorder.note(What::TimerStopped);
                }
            }
            Command::Send { to, message } => self.send(to, message),
            Command::SaveState { ticket, state } => {
                self.unsaved.insert(ticket, state.clone());
                self.wiring.states.send_replace(Some((ticket, state)));
            }
            Command::Register { epoch } => {
                // Full: one is under way; the election repeats what got no answer.
                self.wiring.registrations.try_send(epoch).ok();
            }
            Command::Tell(event) => {
                self.recorder.told(&event);
                self.wiring.sink.election(&event);
            }
            Command::Stopped => self.election_ended(),
        }
    }

    fn election_ended(&mut self) {
        let Some((after, done)) = self.stop.take() else {
            self.stopped = true;
            return;
        };
        match after {
            After::End => {
                self.stopped = true;
                done.send(()).ok();
            }
            After::Follow => self.follow = Some(done),
        }
    }

    fn send(&mut self, to: PeerId, message: Message) {
        if self.pending.resolve(to, &message) {
            return self.recorder.sent(to, &message, true);
        }
        self.recorder.sent(to, &message, self.wiring.calls.is_connected(to));
        if matches!(message, Message::Heartbeat(_)) {
            count(&self.wiring.sink.counters.heartbeats_sent);
        }
        let index = self.my_index.as_ref().filter(|_| self.election.is_active_tracker());
        let index = index
            .map(|standing| IndexTold { summary: standing.summary, known: standing.known.get(&to).copied() });
        self.wiring.calls.send(to, message, index);
    }
}

fn replace_if_new<T: PartialEq>(known: &mut Option<T>, told: Option<T>) -> bool {
    let new = told.is_some() && *known != told;
    if new {
        *known = told;
    }
    new
}
