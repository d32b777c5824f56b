//! The world of a simulation: virtual time, the network, the machines.

use super::invariants::{self, Invariant, Step};
use super::names::Names;
use super::peer::Peer;
use super::{Dice, founding, id, member, number};
use cardume::base::{Epoch, PeerId};
use cardume::engine::election::{
    Command, Election, Event, Input, Message, RegistrationOutcome, Role, Roster, SaveTicket, SavedState,
    Timer,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::ops::Range;

/// Virtual time since the beginning.
pub(crate) type Micros = u64;
/// A millisecond.
pub(crate) const MILLIS: Micros = 1_000;
/// A second.
pub(crate) const SECOND: Micros = 1_000_000;

/// A pause beyond this is a clock jump (R10).
const LATE: Micros = 150 * MILLIS;
/// How often a peer repeats its wish to join or leave.
const WISH: Micros = 300 * MILLIS;

/// Something that happens at a time.
#[derive(Debug)]
enum Happening {
    Input { to: u8, life: Option<u32>, input: Input },
    Timer { at: u8, life: u32, timer: Timer, setting: u64 },
    Saved { at: u8, life: u32, ticket: SaveTicket },
    Resume { at: u8 },
    Start { at: u8 },
    Wishes,
}

/// A group of simulated peers.
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) now: Micros,
    pub(crate) names: Names,
    peers: BTreeMap<u8, Peer>,
    queue: BinaryHeap<Reverse<(Micros, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    scheduled: u64,
    /// Directions in which nothing goes.
    cuts: BTreeSet<(u8, u8)>,
    pub(crate) delay: Range<Micros>,
    pub(crate) disk_delay: Range<Micros>,
    /// Messages lost, of a thousand.
    pub(crate) loss: u64,
    /// Messages doubled, of a thousand.
    pub(crate) doubled: u64,
    pub(crate) events: Vec<(Micros, u8, Event)>,
    invariants: Vec<Box<dyn Invariant>>,
    /// The first violation; nothing happens after it.
    pub(crate) violation: Option<String>,
    /// One line for each thing that happened, if wanted.
    pub(crate) trace: Option<Vec<String>>,
}

impl World {
    /// An empty world.
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = Self {
            dice: Dice::new(seed),
            now: 0,
            names: Names::default(),
            peers: BTreeMap::new(),
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            scheduled: 0,
            cuts: BTreeSet::new(),
            delay: 50..1_000,
            disk_delay: 200..5_000,
            loss: 0,
            doubled: 0,
            events: Vec::new(),
            invariants: invariants::all(),
            violation: None,
            trace: None,
        };
        world.schedule(WISH, Happening::Wishes);
        world
    }

    /// A world with a group of `voters` that runs.
    pub(crate) fn founded(seed: u64, voters: u8, min_voters: u8) -> Self {
        let mut world = Self::new(seed);
        for number in 1..=voters {
            world.add(number, Some(founding(voters, min_voters)));
        }
        world
    }

    /// A new peer, started.
    pub(crate) fn add(&mut self, number: u8, roster: Option<Roster>) {
        self.peers.insert(number, Peer::with(SavedState { epoch: Epoch::ZERO, voted_for: None, roster }));
        self.start(number);
    }

    /// The peers' numbers.
    pub(crate) fn numbers(&self) -> Vec<u8> {
        self.peers.keys().copied().collect()
    }

    /// A peer, running or not.
    pub(crate) fn peer(&mut self, number: u8) -> &mut Peer {
        self.peers.get_mut(&number).expect("a peer that was added")
    }

    /// Its election, if it runs.
    pub(crate) fn election(&self, number: u8) -> Option<&Election> {
        self.peers.get(&number)?.election.as_ref()
    }

    /// Starts a process; nothing if it runs.
    pub(crate) fn start(&mut self, number: u8) {
        let peer = self.peer(number);
        if peer.election.is_none() {
            peer.start(id(number));
            self.note(|| format!("{number} starts"));
            self.input(number, Input::Started);
        }
    }

    pub(crate) fn start_after(&mut self, number: u8, after: Micros) {
        self.schedule(after, Happening::Start { at: number });
    }

    /// SIGKILL and power loss.
    pub(crate) fn crash(&mut self, number: u8) {
        let write_survives = self.dice.happens(500);
        self.note(|| format!("{number} crashes"));
        self.peer(number).kill(write_survives);
    }

    /// SIGSTOP for a while.
    pub(crate) fn pause(&mut self, number: u8, time: Micros) {
        let until = self.now + time;
        let peer = self.peer(number);
        if peer.election.is_some() && peer.paused_until.is_none() {
            peer.paused_until = Some(until);
            peer.paused_at = until - time;
            self.note(|| format!("{number} is stopped for {} ms", time / MILLIS));
            self.schedule(time, Happening::Resume { at: number });
        }
    }

    /// Whether a process is stopped.
    pub(crate) fn is_paused(&self, number: u8) -> bool {
        self.peers.get(&number).is_some_and(|peer| peer.paused_until.is_some())
    }

    /// The disk takes nothing for a while.
    pub(crate) fn stall_disk(&mut self, number: u8, time: Micros) {
        let until = self.now + time;
        self.note(|| format!("{number}'s disk stalls for {} ms", time / MILLIS));
        self.peer(number).disk_stalled_until = until;
    }

    /// Nothing goes from one to the other.
    pub(crate) fn cut(&mut self, from: u8, to: u8) {
        self.note(|| format!("cut from {from} to {to}"));
        self.cuts.insert((from, to));
    }

    /// Nothing goes between these, in both directions.
    pub(crate) fn part(&mut self, some: &[u8], others: &[u8]) {
        for (a, b) in some.iter().flat_map(|a| others.iter().map(move |b| (*a, *b))) {
            self.cut(a, b);
            self.cut(b, a);
        }
    }

    /// Cuts one peer off from all others.
    pub(crate) fn isolate(&mut self, number: u8) {
        let others: Vec<u8> = self.numbers().into_iter().filter(|other| *other != number).collect();
        self.part(&[number], &others);
    }

    /// Ends all cuts.
    pub(crate) fn heal(&mut self) {
        self.note(|| "all cuts end".to_owned());
        self.cuts.clear();
    }

    /// Hands an input to a peer now.
    pub(crate) fn input(&mut self, to: u8, input: Input) {
        if self.violation.is_some() {
            return;
        }
        let Some(peer) = self.peers.get_mut(&to) else { return };
        if peer.paused_until.is_some() {
            return peer.held.push(input);
        }
        let Some(election) = &mut peer.election else { return };
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9} {to} <- {}", self.now, describe(&input)));
        }
        election.handle(input);
        let commands = election.take_commands();
        let step = Step { peer: id(to), election, durable: &peer.durable, commands: &commands };
        let violation = self.invariants.iter_mut().find_map(|invariant| invariant.check(&step).err());
        for command in commands {
            self.perform(to, command);
        }
        if let Some(violation) = violation {
            self.note(|| violation.clone());
            self.violation = Some(violation);
        }
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Micros) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something is so; the time that it took, or `None` after `limit`.
    pub(crate) fn run_until(&mut self, limit: Micros, is_so: impl Fn(&Self) -> bool) -> Option<Micros> {
        let (begin, end) = (self.now, self.now + limit);
        while self.violation.is_none() {
            if is_so(self) {
                return Some(self.now - begin);
            }
            match self.queue.peek() {
                Some(Reverse((at, _))) if *at <= end => self.step(),
                _ => break,
            }
        }
        self.now = end;
        None
    }

    fn step(&mut self) {
        let Some(Reverse((at, number))) = self.queue.pop() else { return };
        self.now = at;
        let Some(happening) = self.happenings.remove(&number) else { return };
        match happening {
            Happening::Input { to, life, input } => {
                if life.is_none_or(|life| self.peer(to).life == life) {
                    self.input(to, input);
                }
            }
            Happening::Timer { at, life, timer, setting } => {
                let peer = self.peer(at);
                if peer.life == life && peer.timers.get(&timer) == Some(&setting) {
                    self.input(at, Input::TimerFired(timer));
                }
            }
            Happening::Saved { at, life, ticket } => self.saved(at, life, ticket),
            Happening::Resume { at } => self.resume(at),
            Happening::Start { at } => self.start(at),
            Happening::Wishes => self.grant_wishes(),
        }
    }

    fn schedule(&mut self, after: Micros, happening: Happening) {
        self.scheduled += 1;
        self.queue.push(Reverse((self.now + after, self.scheduled)));
        self.happenings.insert(self.scheduled, happening);
    }

    fn perform(&mut self, number: u8, command: Command) {
        let life = self.peer(number).life;
        match command {
            Command::SetTimer { timer, after } => {
                let micros =
                    |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(Micros::MAX);
                let (start, end) = (micros(after.start), micros(after.end));
                let after = self.dice.between(start..end.max(start + 1)) + self.peer(number).timer_lag;
                let setting = self.scheduled + 1;
                self.peer(number).timers.insert(timer, setting);
                self.schedule(after, Happening::Timer { at: number, life, timer, setting });
            }
            Command::CancelTimer(timer) => drop(self.peer(number).timers.remove(&timer)),
            Command::Send { to, message } => self.send(number, to, &message),
            Command::SaveState { ticket, state } => {
                let delay = self.dice.between(self.disk_delay.clone());
                let now = self.now;
                let peer = self.peer(number);
                peer.saving = Some((ticket, state));
                let at = (now + delay).max(peer.disk_stalled_until);
                self.schedule(at - now, Happening::Saved { at: number, life, ticket });
            }
            Command::Register { epoch } => {
                let outcome = self.names.register(id(number), epoch);
                let after = if outcome == RegistrationOutcome::Unreachable { 200 * MILLIS } else { MILLIS };
                let input = Input::Registration { epoch, outcome };
                self.schedule(after, Happening::Input { to: number, life: Some(life), input });
            }
            Command::Tell(event) => {
                self.note(|| format!("{number} tells {}", describe(&event)));
                self.events.push((self.now, number, event));
            }
            Command::Stopped => {
                self.note(|| format!("{number} has stopped"));
                self.peer(number).kill(true);
            }
        }
    }

    fn send(&mut self, from: u8, to: PeerId, message: &Message) {
        let to = number(to);
        let copies = if self.dice.happens(self.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let is_lost = self.dice.happens(self.loss);
            if is_lost || self.cuts.contains(&(from, to)) || !self.peers.contains_key(&to) {
                continue;
            }
            let after = self.dice.between(self.delay.clone());
            let input = Input::Received { from: id(from), message: message.clone() };
            self.schedule(after, Happening::Input { to, life: None, input });
        }
    }

    fn saved(&mut self, number: u8, life: u32, ticket: SaveTicket) {
        let now = self.now;
        let peer = self.peer(number);
        if peer.life != life {
            return;
        }
        if peer.disk_stalled_until > now {
            let after = peer.disk_stalled_until - now;
            return self.schedule(after, Happening::Saved { at: number, life, ticket });
        }
        if peer.disk_fails {
            return self.input(number, Input::SaveFailed);
        }
        if let Some((_, state)) = peer.saving.take_if(|(saving, _)| *saving == ticket) {
            peer.durable = state;
            self.input(number, Input::StateSaved(ticket));
        }
    }

    /// Awake again. A shell looks at its clock before it takes anything in (R10).
    fn resume(&mut self, number: u8) {
        let now = self.now;
        let peer = self.peer(number);
        if peer.paused_until.take_if(|until| *until <= now).is_none() {
            return;
        }
        let is_late = now - peer.paused_at > LATE;
        let mut held = std::mem::take(&mut peer.held);
        self.note(|| format!("{number} goes on"));
        if is_late {
            // The jump sets these timers anew, so that what they said before is void.
            held.retain(|i| !matches!(i, Input::TimerFired(Timer::Heartbeat | Timer::Election)));
            self.input(number, Input::ClockJumped);
        }
        for input in held {
            self.input(number, input);
        }
    }

    /// What peers' shells ask trackers for, again and again.
    fn grant_wishes(&mut self) {
        self.schedule(WISH, Happening::Wishes);
        for asker in self.numbers() {
            let peer = &self.peers[&asker];
            let Some(election) = peer.election.as_ref() else { continue };
            let (asks, leaves) = (peer.wants_seat && !election.is_stopping(), peer.wants_to_leave);
            for tracker in self.trackers() {
                let is_cut = self.cuts.contains(&(asker, tracker)) || self.cuts.contains(&(tracker, asker));
                let seated = self.election(tracker).is_some_and(|tracker| tracker.joined_as_voter(id(asker)));
                if tracker == asker || is_cut {
                    continue;
                }
                if leaves {
                    self.input(tracker, Input::LeaveRequested(id(asker)));
                } else if asks && !seated {
                    let input = Input::JoinRequested { peer: id(asker), member: member(asker, false) };
                    self.input(tracker, input);
                }
            }
        }
    }

    /// Those who believe to be tracker.
    pub(crate) fn trackers(&self) -> Vec<u8> {
        let is_tracker = |number: &u8| self.election(*number).is_some_and(|e| e.role() == Role::Tracker);
        self.numbers().into_iter().filter(is_tracker).collect()
    }

    /// The one active tracker that all running members of its roster follow.
    pub(crate) fn settled_tracker(&self) -> Option<u8> {
        let active = |number: &u8| self.election(*number).is_some_and(Election::is_active_tracker);
        let [tracker] = self.numbers().into_iter().filter(active).collect::<Vec<_>>()[..] else {
            return None;
        };
        let election = self.election(tracker)?;
        let roster = election.roster()?;
        let follows = |number: u8| {
            self.election(number)
                .is_none_or(|other| other.tracker() == Some(id(tracker)) && other.epoch() == election.epoch())
        };
        roster.members.keys().all(|peer| follows(number(*peer))).then_some(tracker)
    }

    /// How many events since `since` are like this.
    pub(crate) fn count(&self, since: Micros, is_like: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(at, _, event)| *at >= since && is_like(event)).count()
    }

    /// The shell of a peer finds that time has jumped.
    pub(crate) fn jump_clock(&mut self, number: u8) {
        self.input(number, Input::ClockJumped);
    }

    /// Writes a line into the trace, if there is one.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9} {}", self.now, line()));
        }
    }
}

/// Debug text without a roster's members.
fn describe(what: &impl std::fmt::Debug) -> String {
    let text = format!("{what:?}");
    match text.split_once("members: {") {
        Some((before, _)) => format!("{before}…"),
        None => text,
    }
}
