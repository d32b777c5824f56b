//! A model check of the production election: every order of events of three voters, within bounds.
//!
//! Every message may come never, once or often, at any time, in any order; a process may lose everything
//! that is not durable. Two things are made stronger than they are, which can only find more: stickiness
//! ends at once, and every pre-vote is granted (neither is for safety). `CARDUME_MODEL_MORE=n` looks at
//! n more campaigns than the default.

use cardume::base::{Epoch, FoundingId, PeerId, PeerName, PeerUri};
use cardume::engine::election::{
    Command, Election, ElectionConfig, Input, Member, Message, Role, Roster, RosterStamp, SaveTicket,
    SavedState, Timer, VoteAnswer,
};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

fn id(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn founding(voters: u8) -> Roster {
    let member = |number: u8| {
        let uri = PeerUri::new(([127, 0, 0, number], 1).into()).expect("port 1 is one");
        Member { name: PeerName::new("peer").expect("a plain name"), uri, election_uri: uri, voter: true }
    };
    Roster {
        founding: FoundingId::from_bytes([1; 16]),
        stamp: RosterStamp { epoch: Epoch::ZERO, version: 0 },
        min_voters: voters,
        members: (1..=voters).map(|number| (id(number), member(number))).collect(),
    }
}

/// A process and its disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Process {
    election: Election,
    durable: SavedState,
    saving: Option<(SaveTicket, SavedState)>,
}

/// All processes, and every message that was ever sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    processes: BTreeMap<PeerId, Hashed<Process>>,
    sent: BTreeSet<Hashed<Letter>>,
    campaigns: u8,
    crashes: u8,
    /// Who was tracker of each epoch.
    trackers: BTreeMap<Epoch, BTreeSet<PeerId>>,
    /// Whom each peer voted for in each epoch, as others were told.
    votes: BTreeMap<(PeerId, Epoch), BTreeSet<PeerId>>,
    fell: bool,
}

/// A value that is compared by a hash that is made once: states share most of their parts.
#[derive(Clone, Debug)]
struct Hashed<T> {
    hash: u64,
    value: Arc<T>,
}

impl<T: Hash> Hashed<T> {
    fn new(value: T) -> Self {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Self { hash: hasher.finish(), value: Arc::new(value) }
    }
}

impl<T> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl<T> PartialEq for Hashed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl<T> Eq for Hashed<T> {}

impl<T> Ord for Hashed<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash)
    }
}

impl<T> PartialOrd for Hashed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A message under way.
#[derive(Clone, Debug, Hash)]
struct Letter {
    from: PeerId,
    to: PeerId,
    message: Message,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Deliver(Hashed<Letter>),
    /// The timer runs out, and everybody grants the pre-vote.
    Campaign(PeerId),
    Save(PeerId),
    Crash(PeerId),
}

/// What is looked at.
struct Bounds {
    voters: u8,
    campaigns: u8,
    crashes: u8,
    epochs: u64,
    /// Begin with peer 1 as the tracker of epoch 1, whom everybody follows.
    settled: bool,
}

impl State {
    fn input(&mut self, to: PeerId, input: Input) {
        let Some(process) = self.processes.get(&to) else { return };
        let mut process = Process::clone(&process.value);
        process.election.handle(input);
        let mut commands = process.election.take_commands();
        while let Some(position) = commands.iter().position(is_sticky) {
            commands.remove(position);
            process.election.handle(Input::TimerFired(Timer::Sticky));
            commands.extend(process.election.take_commands());
        }
        for command in commands {
            match command {
                Command::Send { message: Message::PreVote(_) | Message::PreVoteAnswer(_), .. } => {}
                Command::Send { to: other, message } => {
                    self.note_vote(to, other, &message);
                    self.sent.insert(Hashed::new(Letter { from: to, to: other, message }));
                }
                Command::SaveState { ticket, state } => process.saving = Some((ticket, state)),
                _ => {}
            }
        }
        if process.election.role() == Role::Tracker {
            self.trackers.entry(process.election.epoch()).or_default().insert(to);
        }
        self.processes.insert(to, Hashed::new(process));
        self.forget_noise();
    }

    fn note_vote(&mut self, from: PeerId, to: PeerId, message: &Message) {
        let vote = match message {
            Message::Vote(request) => (from, request.epoch, from),
            Message::VoteAnswer(VoteAnswer { refusal: None, epoch, .. }) => (from, *epoch, to),
            _ => return,
        };
        self.votes.entry((vote.0, vote.1)).or_default().insert(vote.2);
    }

    /// Forgets messages that can only be noise from now on, which is as if they were lost: refusals and
    /// replies that teach no higher epoch, grants to nobody who asks, and what is of an epoch that its
    /// receiver has left for good.
    fn forget_noise(&mut self) {
        let mut sent = std::mem::take(&mut self.sent);
        sent.retain(|letter| self.matters(&letter.value));
        self.sent = sent;
    }

    fn matters(&self, letter: &Letter) -> bool {
        let receiver = &self.processes[&letter.to].value;
        let (epoch, is_candidate) = (receiver.election.epoch(), receiver.election.role() == Role::Candidate);
        match &letter.message {
            Message::VoteAnswer(answer) if answer.refusal.is_none() => is_candidate && answer.epoch == epoch,
            Message::VoteAnswer(answer) => is_candidate && answer.current_epoch > epoch,
            Message::HeartbeatReply(reply) => reply.epoch > epoch,
            Message::Vote(request) => request.epoch >= receiver.durable.epoch,
            Message::Heartbeat(heartbeat) => heartbeat.epoch >= receiver.durable.epoch,
            _ => true,
        }
    }

    fn election(&self, peer: PeerId) -> &Election {
        &self.processes[&peer].value.election
    }

    fn campaign(&mut self, peer: PeerId) {
        let asked = self.election(peer).epoch().next();
        self.input(peer, Input::TimerFired(Timer::Election));
        for other in self.processes.keys().copied().collect::<Vec<_>>() {
            for round in 0..=u64::from(self.campaigns) + 4 {
                let answer = VoteAnswer {
                    epoch: asked,
                    round,
                    refusal: None,
                    current_epoch: Epoch::ZERO,
                    stamp: None,
                };
                if self.election(peer).role() == Role::PreCandidate && other != peer {
                    let message = Message::PreVoteAnswer(answer);
                    self.input(peer, Input::Received { from: other, message });
                }
            }
        }
        self.campaigns += 1;
    }

    /// Peer 1 is elected, and every message comes.
    fn settle(&mut self) {
        self.campaign(id(1));
        loop {
            for peer in self.processes.keys().copied().collect::<Vec<_>>() {
                self.save(peer);
            }
            let Some(letter) = self.sent.pop_first() else { break };
            let Letter { from, to, message } = letter.value.as_ref().clone();
            self.input(to, Input::Received { from, message });
        }
        self.campaigns = 0;
    }

    fn save(&mut self, peer: PeerId) {
        let mut process = Process::clone(&self.processes[&peer].value);
        let Some((ticket, state)) = process.saving.take() else { return };
        self.fell |= state.epoch < process.durable.epoch;
        process.durable = state;
        self.processes.insert(peer, Hashed::new(process));
        self.input(peer, Input::StateSaved(ticket));
    }

    fn crash(&mut self, peer: PeerId) {
        let durable = self.processes[&peer].value.durable.clone();
        self.processes.insert(peer, Hashed::new(Process::holding(peer, durable)));
        self.crashes += 1;
        self.input(peer, Input::Started);
    }
}

impl Process {
    fn holding(peer: PeerId, durable: SavedState) -> Self {
        let election = Election::new(peer, ElectionConfig::default(), durable.clone());
        Self { election, durable, saving: None }
    }
}

fn is_sticky(command: &Command) -> bool {
    matches!(command, Command::SetTimer { timer: Timer::Sticky, .. })
}

impl Model for Bounds {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let durable = SavedState { epoch: Epoch::ZERO, voted_for: None, roster: Some(founding(self.voters)) };
        let process = |number| (id(number), Hashed::new(Process::holding(id(number), durable.clone())));
        let mut state = State {
            processes: (1..=self.voters).map(process).collect(),
            sent: BTreeSet::new(),
            campaigns: 0,
            crashes: 0,
            trackers: BTreeMap::new(),
            votes: BTreeMap::new(),
            fell: false,
        };
        for number in 1..=self.voters {
            state.input(id(number), Input::Started);
        }
        if self.settled {
            state.settle();
        }
        vec![state]
    }

    /// While a process writes to its disk, only it goes on: what others do meanwhile does not depend on
    /// what is not durable, so it may as well happen before or after.
    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let writes = |peer: &PeerId| state.processes[peer].value.saving.is_some();
        let writer = state.processes.keys().copied().find(writes);
        let has_turn = |peer: PeerId| writer.is_none_or(|writer| writer == peer);
        steps
            .extend(state.sent.iter().filter(|letter| has_turn(letter.value.to)).cloned().map(Step::Deliver));
        for peer in state.processes.keys().copied().filter(|peer| has_turn(*peer)) {
            // Those who follow are alike before the first campaign, so it may be the first one's.
            let is_first = state.campaigns > 0 || peer == id(1) || peer == id(2);
            let can_campaign = writer.is_none() && state.election(peer).role() != Role::Tracker;
            if is_first && can_campaign && state.campaigns < self.campaigns {
                steps.push(Step::Campaign(peer));
            }
            if writes(&peer) {
                steps.push(Step::Save(peer));
            }
            if state.crashes < self.crashes {
                steps.push(Step::Crash(peer));
            }
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Deliver(letter) => {
                let Letter { from, to, message } = letter.value.as_ref();
                state.input(*to, Input::Received { from: *from, message: message.clone() });
            }
            Step::Campaign(peer) => state.campaign(peer),
            Step::Save(peer) => state.save(peer),
            Step::Crash(peer) => state.crash(peer),
        }
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("at most one tracker per epoch", |_, state: &State| {
                state.trackers.values().all(|trackers| trackers.len() == 1)
            }),
            Property::always("one vote per epoch", |_, state: &State| {
                state.votes.values().all(|votes| votes.len() == 1)
            }),
            Property::always("the durable epoch never falls", |_, state: &State| !state.fell),
            Property::sometimes("the last epoch has a tracker", |bounds: &Self, state: &State| {
                state.trackers.keys().any(|epoch| epoch.number() == bounds.epochs)
            }),
        ]
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.processes.values().all(|process| process.value.election.epoch().number() <= self.epochs)
    }
}

fn check(bounds: Bounds) {
    let checker = bounds.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    println!("{} states, {} different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
}

fn more_campaigns() -> u8 {
    std::env::var("CARDUME_MODEL_MORE").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[test]
fn three_voters_from_their_founding() {
    let campaigns = 2 + more_campaigns();
    check(Bounds { voters: 3, campaigns, crashes: 0, epochs: campaigns.into(), settled: false });
}

#[test]
fn three_voters_with_a_crash_to_epoch_three() {
    let campaigns = 2 + more_campaigns();
    check(Bounds { voters: 3, campaigns, crashes: 1, epochs: 1 + u64::from(campaigns), settled: true });
}
