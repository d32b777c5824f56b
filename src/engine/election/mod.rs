//! The election: who is tracker. See rules R1-R13 in PROTOCOL.md.
//!
//! A protocol core without I/O: [`Election::handle`] takes an [`Input`], [`Election::take_commands`]
//! gives what the shell has to do, in order. The struct that runs in production is the one that is
//! simulated and model-checked. Reading order: `voting` (how a tracker is elected), `heartbeat` (how it
//! stays one), `membership` (who counts), `handover` (how it stops), `saving` (the disk rule).
//!
//! Invariants: at most one tracker per epoch; one vote per epoch; the durable epoch never falls; nothing
//! that depends on unsaved state leaves. Absent on purpose: clocks (timers are commands that carry a
//! range), randomness (the shell draws from the range), sockets, disks, and any lease.

mod command;
mod config;
mod handover;
mod heartbeat;
mod membership;
mod message;
mod roster;
mod saving;
mod tally;
mod tracking;
mod voting;

pub use command::{Command, Event, Input, RegistrationOutcome, Role, SaveTicket, SavedState, Timer};
pub use config::{ElectionConfig, ElectionConfigError};
pub use message::{
    Handover, HandoverAnswer, Heartbeat, HeartbeatReply, Message, Refusal, VoteAnswer, VoteRequest,
};
pub use roster::{Member, Roster, RosterStamp};

use crate::base::{Epoch, PeerId};
use saving::Disk;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;
use tally::{Heard, Tally};
use tracking::Tracking;

/// The election of one peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Election {
    me: PeerId,
    config: ElectionConfig,
    /// The newest state; what of it is durable, `disk` knows.
    state: SavedState,
    disk: Disk,
    mode: Mode,
    /// The tracker of `state.epoch`. Not forgotten within the epoch, also when it is lost (R2).
    known: Option<KnownTracker>,
    /// A valid heartbeat came within the last 150 ms (R3).
    sticky: bool,
    /// Who may be voted for in the next epoch although a tracker lives, because it asked for that (R11).
    named_successor: Option<PeerId>,
    stop: Stop,
    /// Was replaced while it had its majority: hearing a successor makes the change a needless one.
    replaced_needlessly: bool,
    /// The number of the last round of asking.
    round: u64,
    heard: Heard,
    commands: Vec<Command>,
}

/// What a member does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Mode {
    Follower,
    PreCandidate(Tally),
    Candidate(Tally),
    Tracker(Tracking),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct KnownTracker {
    peer: PeerId,
    /// Its heartbeats come.
    lives: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stop {
    No,
    Requested,
    Complete,
}

/// What people see; every change of it is told.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Picture {
    role: Role,
    epoch: Epoch,
    tracker: Option<PeerId>,
}

impl Election {
    /// The same peer's election that begins anew from `saved`, which is durable. What the old one was still saving
    /// is not taken for a save of the new one.
    #[must_use]
    pub fn anew(&self, saved: SavedState) -> Self {
        let disk = self.disk.anew(saved.clone());
        Self { disk, ..Self::new(self.me, self.config.clone(), saved) }
    }

    /// An election that goes on from `saved`, which is durable.
    #[must_use]
    pub fn new(me: PeerId, config: ElectionConfig, saved: SavedState) -> Self {
        Self {
            me,
            config,
            disk: Disk::holding(saved.clone()),
            state: saved,
            mode: Mode::Follower,
            known: None,
            sticky: false,
            named_successor: None,
            stop: Stop::No,
            replaced_needlessly: false,
            round: 0,
            heard: Heard::default(),
            commands: Vec::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input) {
        if self.stop == Stop::Complete {
            return;
        }
        let before = self.picture();
        self.dispatch(input);
        self.tell_changes(before);
        self.begin_save();
    }

    /// What the shell has to do now, in order; empties the list.
    #[must_use]
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// What this peer is.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.mode {
            Mode::Follower if !self.is_member() => Role::Outside,
            Mode::Follower => Role::Follower,
            Mode::PreCandidate(_) => Role::PreCandidate,
            Mode::Candidate(_) => Role::Candidate,
            Mode::Tracker(_) => Role::Tracker,
        }
    }

    /// The highest epoch adopted.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.state.epoch
    }

    /// The tracker of the current epoch, as far as known; may be this peer.
    #[must_use]
    pub fn tracker(&self) -> Option<PeerId> {
        self.known.filter(|known| known.lives).map(|known| known.peer)
    }

    /// Whether this peer is tracker and a majority replied lately: it may answer searches (R8, R10).
    #[must_use]
    pub fn is_active_tracker(&self) -> bool {
        self.has_fresh_majority()
    }

    /// The newest roster.
    #[must_use]
    pub fn roster(&self) -> Option<&Roster> {
        self.state.roster.as_ref()
    }

    /// The voters heard of within the last 300 ms of this peer's own asking or heartbeats, itself
    /// included. A follower with a living tracker asks nobody, so it knows of the tracker and itself only.
    #[must_use]
    pub fn reachable(&self) -> BTreeSet<PeerId> {
        let heard: BTreeSet<PeerId> = match &self.mode {
            Mode::Tracker(tracking) => tracking.fresh(),
            _ => self.tracker().map_or_else(|| self.heard.peers(), |tracker| BTreeSet::from([tracker])),
        };
        let is_voter = |peer: &PeerId| self.state.roster.as_ref().is_some_and(|r| r.is_voter(*peer));
        heard.into_iter().filter(is_voter).chain([self.me]).collect()
    }

    /// The newest roster if this peer is tracker and knows it to be committed: no later tracker has an
    /// older one.
    #[must_use]
    pub fn committed_roster(&self) -> Option<&Roster> {
        self.state.roster.as_ref().filter(|_| self.roster_is_committed())
    }

    /// Whether `peer` is a voter of this peer's newest roster and, if this peer is tracker, that roster
    /// is committed: what ends the repetition of a request to join.
    #[must_use]
    pub fn joined_as_voter(&self, peer: PeerId) -> bool {
        let settled = !matches!(self.mode, Mode::Tracker(_)) || self.roster_is_committed();
        settled && self.state.roster.as_ref().is_some_and(|roster| roster.is_voter(peer))
    }

    /// Whether `peer` has no seat in this peer's newest roster and, if this peer is tracker, that roster
    /// is committed: what ends the repetition of a request to leave.
    #[must_use]
    pub fn has_left(&self, peer: PeerId) -> bool {
        let settled = !matches!(self.mode, Mode::Tracker(_)) || self.roster_is_committed();
        settled && self.state.roster.as_ref().is_some_and(|roster| !roster.members.contains_key(&peer))
    }

    /// Whether a graceful stop of this peer should give its seat up (R11). A tracker does so by itself
    /// while it stops; for a follower the shell asks the tracker (`group_leave`) before it stops.
    #[must_use]
    pub fn gives_seat_up(&self) -> bool {
        let spare = self.state.roster.as_ref().is_some_and(Roster::has_spare_seat);
        spare && self.is_voter(self.me)
    }

    /// Whether a graceful stop was asked for.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop != Stop::No
    }

    /// Whether this peer may vote: false once the disk refused a save.
    #[must_use]
    pub fn disk_works(&self) -> bool {
        self.disk.works()
    }

    fn dispatch(&mut self, input: Input) {
        match input {
            Input::Started => self.start(),
            Input::TimerFired(timer) => self.timer_fired(timer),
            Input::Received { from, message } if from != self.me => self.received(from, message),
            Input::Received { .. } => {}
            Input::StateSaved(ticket) => self.state_saved(ticket),
            Input::SaveFailed => self.save_failed(),
            Input::ClockJumped => self.clock_jumped(),
            Input::Founded(roster) => self.founded(roster),
            Input::Registration { epoch, outcome } => self.registration(epoch, &outcome),
            Input::JoinRequested { peer, member } => self.join_requested(peer, member),
            Input::LeaveRequested(peer) => self.leave_requested(peer),
            Input::StopRequested => self.stop_requested(),
        }
    }

    fn received(&mut self, from: PeerId, message: Message) {
        match message {
            Message::PreVote(request) => self.pre_vote_asked(from, &request),
            Message::PreVoteAnswer(answer) => self.pre_vote_answered(from, &answer),
            Message::Vote(request) => self.vote_asked(from, &request),
            Message::VoteAnswer(answer) => self.vote_answered(from, &answer),
            Message::Heartbeat(heartbeat) => self.heartbeat(from, heartbeat),
            Message::HeartbeatReply(reply) => self.heartbeat_replied(from, &reply),
            Message::Handover(handover) => self.handover(from, &handover),
            Message::HandoverAnswer(answer) => self.handover_answered(from, &answer),
        }
    }

    fn timer_fired(&mut self, timer: Timer) {
        match timer {
            Timer::Election => self.election_timer_fired(),
            Timer::Heartbeat => self.heartbeat_due(),
            Timer::Sticky => self.sticky = false,
            Timer::Handover => self.handover_timed_out(),
            Timer::Registration => self.register(),
        }
    }

    fn start(&mut self) {
        if self.is_sole_voter() {
            self.campaign();
        } else if self.is_member() {
            self.restart_election_timer();
        }
    }

    /// R10: counts as a restart. Epoch and vote stay, as they would on disk.
    fn clock_jumped(&mut self) {
        if matches!(self.mode, Mode::Tracker(_)) {
            self.begin_inert();
        } else if self.is_member() {
            self.mode = Mode::Follower;
            self.restart_election_timer();
        }
    }

    /// The only way to a higher epoch that is not one's own candidacy: (epoch, no vote), a follower (R1).
    fn adopt_epoch(&mut self, epoch: Epoch) {
        if epoch <= self.state.epoch {
            return;
        }
        self.replaced_needlessly |= self.is_active_tracker() && self.stop == Stop::No;
        self.become_follower();
        self.enter_epoch(epoch, None);
    }

    /// R1: `voted_for` is new with the epoch, and never cleared within it.
    fn enter_epoch(&mut self, epoch: Epoch, voted_for: Option<PeerId>) {
        self.state.epoch = epoch;
        self.state.voted_for = voted_for;
        self.known = None;
        self.named_successor = None;
    }

    /// Within the epoch; the vote stays (R1).
    fn become_follower(&mut self) {
        if matches!(self.mode, Mode::Tracker(_)) {
            self.cancel(Timer::Heartbeat);
            self.cancel(Timer::Registration);
            self.restart_election_timer();
        }
        self.mode = Mode::Follower;
        self.lose_tracker();
    }

    fn lose_tracker(&mut self) {
        if let Some(known) = &mut self.known {
            known.lives = false;
        }
    }

    fn restart_election_timer(&mut self) {
        let after = self.config.timer().clone();
        self.commands.push(Command::SetTimer { timer: Timer::Election, after });
    }

    /// A timer with a time that is not drawn: the half-open range that holds only `after`.
    fn set_exactly(&mut self, timer: Timer, after: Duration) {
        let after: Range<Duration> = after..after + Duration::from_nanos(1);
        self.commands.push(Command::SetTimer { timer, after });
    }

    fn cancel(&mut self, timer: Timer) {
        self.commands.push(Command::CancelTimer(timer));
    }

    fn send(&mut self, to: PeerId, message: Message) {
        self.commands.push(Command::Send { to, message });
    }

    fn tell(&mut self, event: Event) {
        self.commands.push(Command::Tell(event));
    }

    fn is_member(&self) -> bool {
        self.state.roster.as_ref().is_some_and(|roster| roster.members.contains_key(&self.me))
    }

    fn is_voter(&self, peer: PeerId) -> bool {
        self.state.roster.as_ref().is_some_and(|roster| roster.is_voter(peer))
    }

    fn is_sole_voter(&self) -> bool {
        self.is_voter(self.me) && self.state.roster.as_ref().is_some_and(|roster| roster.quorum() == 1)
    }

    /// The voters other than this peer.
    fn other_voters(&self) -> Vec<PeerId> {
        let voters = self.state.roster.as_ref().map(|roster| roster.voters().collect::<Vec<_>>());
        voters.unwrap_or_default().into_iter().filter(|voter| *voter != self.me).collect()
    }

    fn picture(&self) -> Picture {
        Picture { role: self.role(), epoch: self.epoch(), tracker: self.tracker() }
    }

    fn tell_changes(&mut self, before: Picture) {
        let now = self.picture();
        if now.epoch != before.epoch {
            self.tell(Event::EpochAdopted(now.epoch));
        }
        if (now.tracker, now.epoch) != (before.tracker, before.epoch) {
            match (before.tracker, now.tracker) {
                (_, Some(tracker)) => self.tell(Event::TrackerKnown { tracker, epoch: now.epoch }),
                (Some(tracker), None) => self.tell(Event::TrackerLost { tracker, epoch: before.epoch }),
                (None, None) => {}
            }
        }
        if now.role != before.role {
            self.tell(Event::RoleChanged(now.role));
        }
    }
}
