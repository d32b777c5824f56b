//! The election of a whole group, by hand: messages and timers one after the other.

use cardume::base::{Epoch, FoundingId, PeerId, PeerName, PeerUri};
use cardume::engine::election::{
    Command, Election, ElectionConfig, Event, Input, Member, Role, Roster, RosterStamp, SavedState, Timer,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn member(number: u8, voter: bool) -> Member {
    let uri = PeerUri::new(([127, 0, 0, number], 1).into()).expect("a port");
    Member { name: PeerName::new("peer").expect("a name"), uri, election_uri: uri, voter }
}

fn roster(voters: u8) -> Roster {
    Roster {
        founding: FoundingId::from_bytes([1; 16]),
        stamp: RosterStamp { epoch: Epoch::ZERO, version: 0 },
        min_voters: voters,
        members: (1..=voters).map(|number| (peer(number), member(number, true))).collect(),
    }
}

/// Peers whose messages arrive in the order of sending and whose disks are instant.
struct Group {
    peers: BTreeMap<PeerId, Election>,
    dead: BTreeSet<PeerId>,
    inbox: VecDeque<(PeerId, Input)>,
    events: Vec<(PeerId, Event)>,
    stopped: BTreeSet<PeerId>,
}

impl Group {
    fn of(number: u8) -> Self {
        let mut group = Self {
            peers: BTreeMap::new(),
            dead: BTreeSet::new(),
            inbox: VecDeque::new(),
            events: Vec::new(),
            stopped: BTreeSet::new(),
        };
        for number in 1..=number {
            group.add(number, None);
        }
        group
    }

    fn founded(number: u8) -> Self {
        let mut group = Self::of(number);
        for each in 1..=number {
            group.input(each, Input::Founded(roster(number)));
        }
        group
    }

    fn add(&mut self, number: u8, roster: Option<Roster>) {
        let saved = SavedState { epoch: Epoch::ZERO, voted_for: None, roster };
        let election = Election::new(peer(number), ElectionConfig::default(), saved);
        self.peers.insert(peer(number), election);
        self.input(number, Input::Started);
    }

    fn input(&mut self, number: u8, input: Input) {
        self.inbox.push_back((peer(number), input));
        while let Some((to, input)) = self.inbox.pop_front() {
            if self.dead.contains(&to) {
                continue;
            }
            let Some(election) = self.peers.get_mut(&to) else { continue };
            election.handle(input);
            for command in election.take_commands() {
                match command {
                    Command::Send { to: other, message } => {
                        self.inbox.push_back((other, Input::Received { from: to, message }));
                    }
                    Command::SaveState { ticket, .. } => {
                        self.inbox.push_back((to, Input::StateSaved(ticket)));
                    }
                    Command::Tell(event) => self.events.push((to, event)),
                    Command::Stopped => drop(self.stopped.insert(to)),
                    _ => {}
                }
            }
        }
    }

    fn fire(&mut self, number: u8, timer: Timer) {
        self.input(number, Input::TimerFired(timer));
    }

    fn get(&self, number: u8) -> &Election {
        &self.peers[&peer(number)]
    }

    fn roles(&self) -> Vec<Role> {
        self.peers.values().map(Election::role).collect()
    }

    fn trackers(&self) -> Vec<(Option<PeerId>, u64)> {
        self.peers.values().map(|each| (each.tracker(), each.epoch().number())).collect()
    }
}

#[test]
fn five_founded_peers_elect_the_first_whose_timer_fires() {
    let mut group = Group::founded(5);
    assert_eq!(group.roles(), [Role::Follower; 5]);
    group.fire(3, Timer::Election);
    assert_eq!(group.trackers(), [(Some(peer(3)), 1); 5]);
    assert!(group.get(3).is_active_tracker() && group.get(3).roster_stamp() == (1, 0));
    assert_eq!(group.get(5).roster_stamp(), (1, 0));
}

#[test]
fn a_dead_tracker_is_replaced_in_the_next_epoch() {
    let mut group = Group::founded(5);
    group.fire(3, Timer::Election);
    group.dead.insert(peer(3));
    group.fire(1, Timer::Election);
    assert_eq!(group.get(1).role(), Role::Follower, "the others still heard the tracker");
    for number in [1, 2, 4, 5] {
        group.fire(number, Timer::Sticky);
    }
    group.fire(1, Timer::Election);
    let expected =
        [(Some(peer(1)), 2), (Some(peer(1)), 2), (Some(peer(3)), 1), (Some(peer(1)), 2), (Some(peer(1)), 2)];
    assert_eq!(group.trackers(), expected);
    group.dead.clear();
    group.fire(3, Timer::Heartbeat);
    assert_eq!((group.get(3).role(), group.get(3).epoch().number()), (Role::Follower, 2), "told by replies");
    group.fire(1, Timer::Heartbeat);
    assert_eq!(group.trackers(), [(Some(peer(1)), 2); 5]);
}

#[test]
fn a_founder_alone_is_tracker_at_once_and_the_group_grows_to_five_voters() {
    let mut group = Group::of(5);
    group.input(1, Input::Founded(roster(1)));
    assert_eq!(group.roles()[..2], [Role::Tracker, Role::Outside]);
    for number in 2..=5 {
        group.input(1, Input::JoinRequested { peer: peer(number), member: member(number, false) });
    }
    assert_eq!(group.roles()[1..], [Role::Follower; 4], "members at once");
    assert_eq!(group.get(1).roster().map(Roster::quorum), Some(1));
    for _ in 0..25 {
        group.fire(1, Timer::Heartbeat);
    }
    assert!((1..=5).all(|number| group.get(1).joined_as_voter(peer(number))));
    group.dead.insert(peer(1));
    for number in 2..=5 {
        group.fire(number, Timer::Sticky);
    }
    group.fire(4, Timer::Election);
    assert_eq!(group.trackers()[1..], [(Some(peer(4)), 2); 4]);
}

#[test]
fn a_stopping_tracker_hands_over_to_the_most_up_to_date_voter() {
    for (voters, kept) in [(3, true), (5, false)] {
        let mut group = Group::founded(voters);
        for number in 1..=voters {
            // The founding expected three: five are two more than needed.
            group.peers.insert(
                peer(number),
                Election::new(
                    peer(number),
                    ElectionConfig::default(),
                    SavedState {
                        epoch: Epoch::ZERO,
                        voted_for: None,
                        roster: Some(Roster { min_voters: 3, ..roster(voters) }),
                    },
                ),
            );
            group.input(number, Input::Started);
        }
        group.fire(2, Timer::Election);
        group.input(2, Input::StopRequested);
        group.fire(2, Timer::Heartbeat);
        assert_eq!(group.stopped, BTreeSet::from([peer(2)]));
        assert_eq!(group.get(3).tracker(), Some(peer(1)));
        assert_eq!(group.get(3).epoch().number(), 2);
        assert_eq!(group.get(1).roster().map(|roster| roster.is_voter(peer(2))), Some(kept));
        assert!(group.get(1).is_active_tracker());
    }
}

#[test]
fn a_tracker_without_a_majority_steps_down_after_three_rounds() {
    let mut group = Group::founded(3);
    group.fire(1, Timer::Election);
    group.dead.extend([peer(2), peer(3)]);
    for _ in 0..2 {
        group.fire(1, Timer::Heartbeat);
        assert_eq!(group.get(1).role(), Role::Tracker);
    }
    group.fire(1, Timer::Heartbeat);
    group.fire(1, Timer::Heartbeat);
    assert_eq!((group.get(1).role(), group.get(1).tracker()), (Role::Follower, None));
    assert!(group.events.contains(&(peer(1), Event::SteppedDown(Epoch::ZERO.next()))));
}

trait Stamp {
    fn roster_stamp(&self) -> (u64, u64);
}

impl Stamp for Election {
    fn roster_stamp(&self) -> (u64, u64) {
        self.roster().map(|roster| (roster.stamp.epoch.number(), roster.stamp.version)).unwrap_or_default()
    }
}
