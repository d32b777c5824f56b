//! Elections: R1 to R6, R12.

use super::*;

#[test]
fn majorities_are_as_in_the_table() {
    let rows = include_str!("../majority_tables.txt").lines().filter(|line| !line.starts_with('#'));
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
