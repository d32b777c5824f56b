//! Trackers, their followers and their ends: R6 to R11, and the disk rule.

use super::*;

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
