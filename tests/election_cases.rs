//! Single inputs and all that comes out of them: the case list of the election's rules.

use cardume::base::{Epoch, FoundingId, PeerId, PeerName, PeerUri};
use cardume::engine::election::{
    Command, Election, ElectionConfig, Event, Handover, HandoverAnswer, Heartbeat, HeartbeatReply, Input,
    Member, Message, Refusal, RegistrationOutcome, Role, Roster, RosterStamp, SaveTicket, SavedState, Timer,
    VoteAnswer, VoteRequest,
};
use std::time::Duration;

fn id(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("a low epoch")
}

fn stamp(of: u64, version: u64) -> RosterStamp {
    RosterStamp { epoch: epoch(of), version }
}

fn roster(voters: u8) -> Roster {
    let member = |number: u8| {
        let uri = PeerUri::new(([127, 0, 0, number], 1).into()).expect("port 1 is one");
        Member { name: PeerName::new("peer").expect("a plain name"), uri, election_uri: uri, voter: true }
    };
    Roster {
        founding: FoundingId::from_bytes([1; 16]),
        stamp: stamp(0, 0),
        min_voters: voters,
        members: (1..=voters).map(|number| (id(number), member(number))).collect(),
    }
}

/// Peer 1 of so many voters, started in an epoch with a vote.
fn peer(voters: u8, at: u64, voted_for: Option<u8>) -> Election {
    let saved = SavedState { epoch: epoch(at), voted_for: voted_for.map(id), roster: Some(roster(voters)) };
    let mut election = Election::new(id(1), ElectionConfig::default(), saved);
    election.handle(Input::Started);
    drop(election.take_commands());
    election
}

/// All that comes out of one input.
fn outputs(election: &mut Election, input: Input) -> Vec<Command> {
    election.handle(input);
    election.take_commands()
}

fn from(number: u8, message: Message) -> Input {
    Input::Received { from: id(number), message }
}

fn to(number: u8, message: Message) -> Command {
    Command::Send { to: id(number), message }
}

fn drawn(timer: Timer) -> Command {
    Command::SetTimer { timer, after: Duration::from_millis(150)..Duration::from_millis(300) }
}

fn exactly(timer: Timer, millis: u64) -> Command {
    let after = Duration::from_millis(millis);
    Command::SetTimer { timer, after: after..after + Duration::from_nanos(1) }
}

fn save(ticket: u64, at: u64, voted_for: Option<u8>, roster: Roster) -> Command {
    let state = SavedState { epoch: epoch(at), voted_for: voted_for.map(id), roster: Some(roster) };
    Command::SaveState { ticket: SaveTicket(ticket), state }
}

fn asks(at: u64, round: u64, voters: u8) -> VoteRequest {
    VoteRequest { epoch: epoch(at), round, roster: roster(voters) }
}

fn answers(at: u64, round: u64, refusal: Option<Refusal>, current: u64) -> VoteAnswer {
    VoteAnswer { epoch: epoch(at), round, refusal, current_epoch: epoch(current), stamp: Some(stamp(0, 0)) }
}

fn beat(at: u64, round: u64, of: RosterStamp, roster: Option<Roster>) -> Message {
    Message::Heartbeat(Heartbeat { epoch: epoch(at), round, stamp: of, roster })
}

fn reply(at: u64, round: u64, of: RosterStamp) -> Message {
    Message::HeartbeatReply(HeartbeatReply { epoch: epoch(at), round, stamp: Some(of) })
}

fn fired(timer: Timer) -> Input {
    Input::TimerFired(timer)
}

fn saved(ticket: u64) -> Input {
    Input::StateSaved(SaveTicket(ticket))
}

/// Peer 1 as candidate of epoch 1 in round 2, its own vote durable.
fn candidate(voters: u8) -> Election {
    let mut election = peer(voters, 0, None);
    election.handle(fired(Timer::Election));
    for number in 2..=voters {
        election.handle(from(number, Message::PreVoteAnswer(answers(1, 1, None, 0))));
    }
    election.handle(saved(1));
    drop(election.take_commands());
    election
}

/// Peer 1 as tracker of epoch 1, its roster (1, 0) durable here.
fn tracker(voters: u8) -> Election {
    let mut election = candidate(voters);
    for number in 2..=voters {
        election.handle(from(number, Message::VoteAnswer(answers(1, 2, None, 1))));
    }
    election.handle(saved(2));
    drop(election.take_commands());
    assert_eq!(election.role(), Role::Tracker);
    election
}

/// Peer 1 as follower of peer 2 in epoch 1.
fn follower() -> Election {
    let mut election = peer(3, 1, Some(2));
    election.handle(from(2, beat(1, 1, stamp(0, 0), None)));
    drop(election.take_commands());
    election
}

#[test]
fn majorities_are_as_in_the_table() {
    let rows = include_str!("majority_tables.txt").lines().filter(|line| !line.starts_with('#'));
    let mut voters_seen = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [voters, needed, elected] = columns[..] else { panic!("a row has three columns: {row}") };
        let voters: u8 = voters.parse().expect("a number");
        voters_seen.push(voters);
        assert_eq!(roster(voters).quorum().to_string(), needed, "{row}");
        for (index, expected) in elected.split(' ').enumerate() {
            let mut election = candidate(voters);
            for number in (2..=voters).take(index) {
                election.handle(from(number, Message::VoteAnswer(answers(1, 2, None, 1))));
            }
            assert_eq!(election.role() == Role::Tracker, expected == "y", "{row}: {} votes", index + 1);
        }
    }
    assert_eq!(voters_seen, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_member_starts_as_a_follower_with_a_timer() {
    let saved = SavedState { epoch: epoch(4), voted_for: Some(id(1)), roster: Some(roster(3)) };
    let mut election = Election::new(id(1), ElectionConfig::default(), saved);
    assert_eq!(outputs(&mut election, Input::Started), [drawn(Timer::Election)]);
    assert_eq!((election.role(), election.epoch(), election.tracker()), (Role::Follower, epoch(4), None));
}

#[test]
fn a_peer_without_a_roster_neither_votes_nor_campaigns() {
    let saved = SavedState { epoch: Epoch::ZERO, voted_for: None, roster: None };
    let mut election = Election::new(id(1), ElectionConfig::default(), saved);
    assert_eq!(outputs(&mut election, Input::Started), []);
    assert_eq!(outputs(&mut election, fired(Timer::Election)), [Command::Tell(Event::TimerExpired)]);
    let answer = VoteAnswer { stamp: None, ..answers(1, 7, Some(Refusal::CannotVote), 0) };
    let asked = from(2, Message::Vote(asks(1, 7, 3)));
    assert_eq!(outputs(&mut election, asked), [to(2, Message::VoteAnswer(answer))]);
}

#[test]
fn a_founder_alone_is_tracker_as_soon_as_its_vote_is_durable() {
    let saved_before = SavedState { epoch: Epoch::ZERO, voted_for: None, roster: None };
    let mut election = Election::new(id(1), ElectionConfig::default(), saved_before);
    let founded = outputs(&mut election, Input::Founded(roster(1)));
    assert_eq!(
        founded,
        [
            drawn(Timer::Election),
            Command::Tell(Event::ElectionStarted(epoch(1))),
            Command::Tell(Event::EpochAdopted(epoch(1))),
            Command::Tell(Event::RoleChanged(Role::Candidate)),
            save(1, 1, Some(1), roster(1)),
        ]
    );
    let own = Roster { stamp: stamp(1, 0), ..roster(1) };
    assert_eq!(
        outputs(&mut election, saved(1)),
        [
            Command::Tell(Event::RosterChanged(roster(1))),
            Command::Tell(Event::VoteGiven { to: id(1), epoch: epoch(1) }),
            Command::CancelTimer(Timer::Election),
            Command::CancelTimer(Timer::Sticky),
            exactly(Timer::Heartbeat, 100),
            Command::Register { epoch: epoch(1) },
            Command::Tell(Event::TrackerKnown { tracker: id(1), epoch: epoch(1) }),
            Command::Tell(Event::RoleChanged(Role::Tracker)),
            save(2, 1, Some(1), own),
        ]
    );
}

#[test]
fn a_silent_tracker_brings_a_pre_vote_that_changes_nothing() {
    let mut election = peer(3, 4, Some(2));
    assert_eq!(
        outputs(&mut election, fired(Timer::Election)),
        [
            Command::Tell(Event::TimerExpired),
            drawn(Timer::Election),
            Command::Tell(Event::PreVoteStarted(epoch(5))),
            to(2, Message::PreVote(asks(5, 1, 3))),
            to(3, Message::PreVote(asks(5, 1, 3))),
            Command::Tell(Event::RoleChanged(Role::PreCandidate)),
        ]
    );
    assert_eq!(election.epoch(), epoch(4));
}

#[test]
fn votes_are_asked_for_when_the_own_one_is_durable() {
    let mut election = peer(3, 0, None);
    drop(outputs(&mut election, fired(Timer::Election)));
    let granted = from(2, Message::PreVoteAnswer(answers(1, 1, None, 0)));
    assert_eq!(
        outputs(&mut election, granted),
        [
            drawn(Timer::Election),
            Command::Tell(Event::ElectionStarted(epoch(1))),
            Command::Tell(Event::EpochAdopted(epoch(1))),
            Command::Tell(Event::RoleChanged(Role::Candidate)),
            save(1, 1, Some(1), roster(3)),
        ]
    );
    assert_eq!(
        outputs(&mut election, saved(1)),
        [
            Command::Tell(Event::VoteGiven { to: id(1), epoch: epoch(1) }),
            to(2, Message::Vote(asks(1, 2, 3))),
            to(3, Message::Vote(asks(1, 2, 3))),
        ]
    );
}

#[test]
fn a_vote_is_answered_when_it_is_durable_and_a_repeated_request_in_the_same_way() {
    let mut election = peer(3, 0, None);
    let request = || from(3, Message::Vote(asks(1, 9, 3)));
    assert_eq!(
        outputs(&mut election, request()),
        [
            drawn(Timer::Election),
            Command::Tell(Event::EpochAdopted(epoch(1))),
            save(1, 1, Some(3), roster(3)),
        ]
    );
    assert_eq!(outputs(&mut election, request()), [], "it waits with the first");
    let grant = to(3, Message::VoteAnswer(answers(1, 9, None, 1)));
    let given = Command::Tell(Event::VoteGiven { to: id(3), epoch: epoch(1) });
    assert_eq!(outputs(&mut election, saved(1)), [given, grant.clone()]);
    assert_eq!(outputs(&mut election, request()), [grant]);
}

#[test]
fn refusals_say_why() {
    let other = Roster { founding: FoundingId::from_bytes([2; 16]), ..roster(3) };
    let newer = Roster { stamp: stamp(0, 1), ..roster(3) };
    let without_asker = {
        let mut roster = roster(4);
        roster.stamp = stamp(0, 1);
        roster.members.remove(&id(2));
        roster
    };
    let older = {
        let mut election = peer(3, 4, Some(3));
        election.handle(from(2, beat(5, 1, stamp(0, 1), Some(newer))));
        election.handle(saved(1));
        election.handle(fired(Timer::Sticky));
        drop(election.take_commands());
        election
    };
    let cases = [
        (peer(3, 4, None), asks(3, 1, 3), Refusal::OldEpoch),
        (peer(3, 4, Some(3)), asks(4, 1, 3), Refusal::VotedForOther),
        (peer(3, 4, None), VoteRequest { roster: other, ..asks(5, 1, 3) }, Refusal::TwoGroups),
        (peer(3, 4, None), VoteRequest { roster: without_asker, ..asks(5, 1, 3) }, Refusal::NotAVoter),
        (peer(3, 4, None), asks(4 + Epoch::MAX_JUMP + 1, 1, 3), Refusal::AbsurdEpoch),
        (older, asks(6, 1, 3), Refusal::OldRoster),
        (follower(), asks(2, 1, 3), Refusal::Sticky),
        (
            tracker(3),
            VoteRequest { roster: Roster { stamp: stamp(1, 0), ..roster(3) }, ..asks(2, 1, 3) },
            Refusal::Sticky,
        ),
    ];
    for (election, request, refusal) in cases {
        for kind in [Message::Vote, Message::PreVote] {
            let mut election = election.clone();
            let before = election.epoch();
            let commands = outputs(&mut election, from(2, kind(request.clone())));
            let refusals = commands.iter().filter_map(|command| match command {
                Command::Send { message: Message::VoteAnswer(a) | Message::PreVoteAnswer(a), .. } => {
                    Some(a.refusal)
                }
                _ => None,
            });
            assert_eq!(refusals.collect::<Vec<_>>(), [Some(refusal)], "{commands:?}");
            assert_eq!(election.epoch(), before);
            assert!(
                !commands.iter().any(|c| matches!(c, Command::SaveState { .. } | Command::SetTimer { .. }))
            );
        }
    }
}

#[test]
fn an_asker_of_a_newer_roster_gets_the_vote_of_a_peer_that_does_not_know_it() {
    let mut election = peer(3, 4, None);
    let request = VoteRequest { roster: Roster { stamp: stamp(4, 1), ..roster(4) }, ..asks(5, 1, 4) };
    drop(outputs(&mut election, from(4, Message::Vote(request))));
    let commands = outputs(&mut election, saved(1));
    assert_eq!(commands[1], to(4, Message::VoteAnswer(answers(5, 1, None, 5))));
}

#[test]
fn a_granted_pre_vote_touches_neither_timer_nor_disk() {
    let mut election = peer(3, 4, None);
    let asked = from(2, Message::PreVote(asks(5, 3, 3)));
    assert_eq!(outputs(&mut election, asked), [to(2, Message::PreVoteAnswer(answers(5, 3, None, 4)))]);
}

#[test]
fn a_refusal_with_a_higher_epoch_is_caught_up_with() {
    let mut election = peer(3, 4, None);
    drop(outputs(&mut election, fired(Timer::Election)));
    let refused = answers(5, 1, Some(Refusal::OldEpoch), 9);
    assert_eq!(
        outputs(&mut election, from(2, Message::PreVoteAnswer(refused))),
        [
            Command::Tell(Event::EpochAdopted(epoch(9))),
            Command::Tell(Event::RoleChanged(Role::Follower)),
            save(1, 9, None, roster(3)),
        ]
    );
}

#[test]
fn late_doubled_and_foreign_answers_are_none() {
    let mut election = candidate(5);
    let vote = |number, at, round| from(number, Message::VoteAnswer(answers(at, round, None, at)));
    let none: [Command; 0] = [];
    assert_eq!(outputs(&mut election, from(2, Message::PreVoteAnswer(answers(1, 1, None, 0)))), none);
    assert_eq!(outputs(&mut election, vote(2, 1, 1)), none, "of the round before");
    assert_eq!(outputs(&mut election, vote(2, 2, 2)), none, "of another epoch");
    assert_eq!(outputs(&mut election, vote(9, 1, 2)), none, "of no voter");
    let counted = Command::Tell(Event::VoteReceived { from: id(2), epoch: epoch(1) });
    assert_eq!(outputs(&mut election, vote(2, 1, 2)), [counted]);
    assert_eq!(outputs(&mut election, vote(2, 1, 2)), none, "peers are counted");
    assert_eq!(outputs(&mut election, vote(2, 1, 2)), none);
    assert_eq!(election.role(), Role::Candidate);
}

#[test]
fn a_candidate_concedes_to_the_tracker_of_its_epoch_and_keeps_its_vote() {
    let mut election = candidate(3);
    assert_eq!(
        outputs(&mut election, from(2, beat(1, 1, stamp(0, 0), None))),
        [
            drawn(Timer::Election),
            exactly(Timer::Sticky, 150),
            to(2, reply(1, 1, stamp(0, 0))),
            Command::Tell(Event::TrackerKnown { tracker: id(2), epoch: epoch(1) }),
            Command::Tell(Event::RoleChanged(Role::Follower)),
        ]
    );
    drop(outputs(&mut election, fired(Timer::Sticky)));
    let answer = answers(1, 1, Some(Refusal::VotedForOther), 1);
    assert_eq!(
        outputs(&mut election, from(3, Message::Vote(asks(1, 1, 3)))),
        [to(3, Message::VoteAnswer(answer))]
    );
}

#[test]
fn stepping_down_keeps_the_vote_of_the_epoch() {
    let mut election = tracker(3);
    for _ in 0..3 {
        drop(outputs(&mut election, fired(Timer::Heartbeat)));
    }
    assert_eq!(election.role(), Role::Follower);
    let request = VoteRequest { roster: Roster { stamp: stamp(1, 0), ..roster(3) }, ..asks(1, 1, 3) };
    let commands = outputs(&mut election, from(3, Message::Vote(request)));
    let answer = VoteAnswer { stamp: Some(stamp(1, 0)), ..answers(1, 1, Some(Refusal::VotedForOther), 1) };
    assert_eq!(commands, [to(3, Message::VoteAnswer(answer))]);
}

#[test]
fn a_new_tracker_is_heard_before_it_registers() {
    let mut election = candidate(3);
    let own = Roster { stamp: stamp(1, 0), ..roster(3) };
    assert_eq!(
        outputs(&mut election, from(3, Message::VoteAnswer(answers(1, 2, None, 1)))),
        [
            Command::Tell(Event::VoteReceived { from: id(3), epoch: epoch(1) }),
            Command::CancelTimer(Timer::Election),
            Command::CancelTimer(Timer::Sticky),
            to(2, beat(1, 1, stamp(0, 0), Some(roster(3)))),
            to(3, beat(1, 1, stamp(0, 0), Some(roster(3)))),
            exactly(Timer::Heartbeat, 100),
            Command::Register { epoch: epoch(1) },
            Command::Tell(Event::TrackerKnown { tracker: id(1), epoch: epoch(1) }),
            Command::Tell(Event::RoleChanged(Role::Tracker)),
            save(2, 1, Some(1), own.clone()),
        ]
    );
    assert_eq!(
        outputs(&mut election, saved(2)),
        [
            Command::Tell(Event::RosterChanged(own.clone())),
            to(2, beat(1, 1, stamp(1, 0), Some(own.clone()))),
            to(3, beat(1, 1, stamp(1, 0), Some(own))),
        ]
    );
    assert_eq!(election.committed_roster(), None);
    assert_eq!(outputs(&mut election, from(2, reply(1, 1, stamp(1, 0)))), []);
    assert_eq!(election.committed_roster().map(|roster| roster.stamp), Some(stamp(1, 0)));
}

#[test]
fn a_follower_answers_an_old_tracker_with_its_epoch_and_keeps_its_timer() {
    let mut election = follower();
    let old = from(3, beat(0, 5, stamp(0, 0), None));
    assert_eq!(outputs(&mut election, old), [to(3, reply(1, 5, stamp(0, 0)))]);
}

#[test]
fn two_trackers_in_one_epoch_raise_an_alarm() {
    for mut election in [follower(), tracker(3)] {
        let alarm = Event::TwoTrackers { epoch: epoch(1), other: id(3) };
        assert_eq!(outputs(&mut election, from(3, beat(1, 1, stamp(0, 0), None))), [Command::Tell(alarm)]);
    }
}

#[test]
fn a_heartbeat_that_cannot_be_honest_changes_nothing() {
    let absurd = Epoch::MAX_JUMP + 2;
    let told = Event::AbsurdEpoch { from: id(3), epoch: epoch(absurd) };
    let beats = [
        (beat(absurd, 1, stamp(0, 0), None), vec![Command::Tell(told)]),
        (beat(2, 1, stamp(3, 0), None), vec![]),
        (beat(2, 1, stamp(0, 0), Some(Roster { stamp: stamp(3, 0), ..roster(3) })), vec![]),
    ];
    for (beat, expected) in beats {
        let mut election = follower();
        assert_eq!(outputs(&mut election, from(3, beat)), expected);
        assert_eq!(election.epoch(), epoch(1));
    }
    let mut election = follower();
    assert_eq!(outputs(&mut election, from(9, beat(2, 1, stamp(0, 0), None))), [], "from no voter");
}

#[test]
fn a_tracker_follows_whoever_has_a_higher_epoch_and_says_that_it_was_needless() {
    let mut election = tracker(3);
    assert_eq!(
        outputs(&mut election, from(2, beat(2, 1, stamp(1, 0), None))),
        [
            Command::CancelTimer(Timer::Heartbeat),
            Command::CancelTimer(Timer::Registration),
            drawn(Timer::Election),
            Command::Tell(Event::NeedlessElection(epoch(2))),
            drawn(Timer::Election),
            exactly(Timer::Sticky, 150),
            Command::Tell(Event::EpochAdopted(epoch(2))),
            Command::Tell(Event::TrackerKnown { tracker: id(2), epoch: epoch(2) }),
            Command::Tell(Event::RoleChanged(Role::Follower)),
            save(3, 2, None, Roster { stamp: stamp(1, 0), ..roster(3) }),
        ]
    );
    assert_eq!(outputs(&mut election, saved(3)), [to(2, reply(2, 1, stamp(1, 0)))]);
}

#[test]
fn a_waking_tracker_is_inert_until_a_quorum_has_replied_to_a_new_round() {
    let mut election = tracker(3);
    assert!(election.is_active_tracker());
    let own = || Some(Roster { stamp: stamp(1, 0), ..roster(3) });
    assert_eq!(
        outputs(&mut election, Input::ClockJumped),
        [
            to(2, beat(1, 2, stamp(1, 0), own())),
            to(3, beat(1, 2, stamp(1, 0), own())),
            exactly(Timer::Heartbeat, 100),
        ]
    );
    assert!(!election.is_active_tracker());
    drop(outputs(&mut election, from(2, reply(1, 1, stamp(1, 0)))));
    assert!(!election.is_active_tracker(), "a reply from before says nothing");
    drop(outputs(&mut election, from(2, reply(1, 2, stamp(1, 0)))));
    assert!(election.is_active_tracker());
}

#[test]
fn registrations_are_repeated_until_they_succeed() {
    let mut election = tracker(3);
    let answer = |at, outcome| Input::Registration { epoch: epoch(at), outcome };
    let again = [exactly(Timer::Registration, 500)];
    assert_eq!(outputs(&mut election, answer(1, RegistrationOutcome::Unreachable)), again);
    assert_eq!(outputs(&mut election, answer(1, RegistrationOutcome::TwoGroups)), again);
    assert_eq!(outputs(&mut election, fired(Timer::Registration)), [Command::Register { epoch: epoch(1) }]);
    assert_eq!(outputs(&mut election, answer(1, RegistrationOutcome::Accepted)), []);
    assert_eq!(outputs(&mut election, fired(Timer::Registration)), []);
    let superseded = RegistrationOutcome::Superseded { highest: epoch(8) };
    assert_eq!(outputs(&mut election, answer(0, superseded.clone())), [], "of another epoch");
    drop(outputs(&mut election, answer(1, superseded)));
    assert_eq!((election.role(), election.epoch()), (Role::Follower, epoch(8)));
}

#[test]
fn a_handover_exempts_one_peer_in_one_epoch_from_stickiness() {
    let mut election = follower();
    let named = Message::Handover(Handover { epoch: epoch(1), successor: id(3) });
    let noted = Message::HandoverAnswer(HandoverAnswer { epoch: epoch(1) });
    assert_eq!(outputs(&mut election, from(3, named.clone())), [], "only the tracker names one");
    assert_eq!(outputs(&mut election, from(2, named)), [to(2, noted)]);
    let refused = answers(3, 1, Some(Refusal::Sticky), 1);
    let later = from(3, Message::Vote(asks(3, 1, 3)));
    assert_eq!(outputs(&mut election, later), [to(3, Message::VoteAnswer(refused))]);
    drop(outputs(&mut election, from(3, Message::Vote(asks(2, 2, 3)))));
    let granted = to(3, Message::VoteAnswer(answers(2, 2, None, 2)));
    assert!(outputs(&mut election, saved(1)).contains(&granted));
}

#[test]
fn a_named_successor_asks_at_once() {
    let mut election = follower();
    let named = Message::Handover(Handover { epoch: epoch(1), successor: id(1) });
    assert_eq!(
        outputs(&mut election, from(2, named)),
        [
            to(2, Message::HandoverAnswer(HandoverAnswer { epoch: epoch(1) })),
            drawn(Timer::Election),
            Command::Tell(Event::ElectionStarted(epoch(2))),
            Command::Tell(Event::EpochAdopted(epoch(2))),
            Command::Tell(Event::TrackerLost { tracker: id(2), epoch: epoch(1) }),
            Command::Tell(Event::RoleChanged(Role::Candidate)),
            save(1, 2, Some(1), roster(3)),
        ]
    );
}

#[test]
fn a_vote_that_was_not_durable_is_not_remembered_and_was_not_told() {
    let mut election = peer(3, 0, None);
    let asked = outputs(&mut election, from(2, Message::Vote(asks(1, 1, 3))));
    assert!(!asked.iter().any(|command| matches!(command, Command::Send { .. })));
    // It crashes here, and starts from what is durable: it may vote for another.
    let mut again = peer(3, 0, None);
    drop(outputs(&mut again, from(3, Message::Vote(asks(1, 1, 3)))));
    let grant = to(3, Message::VoteAnswer(answers(1, 1, None, 1)));
    assert!(outputs(&mut again, saved(1)).contains(&grant));
}

#[test]
fn after_a_failed_save_nothing_that_depends_on_it_leaves() {
    let mut election = peer(3, 0, None);
    drop(outputs(&mut election, from(2, Message::Vote(asks(1, 1, 3)))));
    assert_eq!(outputs(&mut election, Input::SaveFailed), [Command::Tell(Event::VotingEnded)]);
    assert_eq!(outputs(&mut election, saved(1)), []);
    assert_eq!(outputs(&mut election, Input::SaveFailed), []);
    let fired = outputs(&mut election, fired(Timer::Election));
    assert_eq!(fired, [Command::Tell(Event::TimerExpired), drawn(Timer::Election)]);
}

#[test]
fn a_roster_that_is_slow_to_be_saved_does_not_cost_the_reply() {
    let mut election = follower();
    let newer = Roster { stamp: stamp(1, 0), ..roster(3) };
    let with = || from(2, beat(1, 2, stamp(1, 0), Some(Roster { stamp: stamp(1, 0), ..roster(3) })));
    let timers = [drawn(Timer::Election), exactly(Timer::Sticky, 150)];
    let first = outputs(&mut election, with());
    assert_eq!(first, [&timers[..], &[save(1, 1, Some(2), newer.clone())]].concat());
    let older = to(2, reply(1, 2, stamp(0, 0)));
    assert_eq!(outputs(&mut election, with()), [&timers[..], &[older]].concat());
    let now = [Command::Tell(Event::RosterChanged(newer)), to(2, reply(1, 2, stamp(1, 0)))];
    assert_eq!(outputs(&mut election, saved(1)), now);
}
