//! Groups that grow and shrink.

use super::{SEEDS, assert_safe, elections, others, settle, settled};
use crate::sim::{MILLIS, SECOND, World, founding, id};
use cardume::engine::election::{Input, Role, Roster};

fn voters(world: &World, at: u8) -> Vec<u8> {
    let roster = world.election(at).and_then(|election| election.roster());
    roster.map(|roster| roster.voters().map(crate::sim::number).collect()).unwrap_or_default()
}

/// Peers started one after the other, without any option: the first founds a group of its own.
fn grown(seed: u64, peers: u8) -> World {
    let mut world = World::new(seed);
    world.add(1, None);
    world.input(1, Input::Founded(founding(1, 1)));
    for number in 2..=peers {
        world.run(200 * MILLIS);
        world.add(number, None);
    }
    world
}

#[test]
fn five_peers_started_one_by_one_are_five_voters_and_survive_a_crash() {
    for seed in 0..SEEDS {
        let mut world = grown(seed, 5);
        let all = |world: &World| (1..=5).all(|at| voters(world, at) == [1, 2, 3, 4, 5]);
        assert!(world.run_until(6 * SECOND, all).is_some(), "{:?}", voters(&world, 1));
        assert_eq!(elections(&world, SECOND), 0, "growing needs no election");
        world.run(500 * MILLIS);
        world.crash(1);
        settle(&mut world, 2 * SECOND);
    }
}

#[test]
fn the_eighth_member_has_no_vote_until_a_seat_is_free() {
    for seed in 0..4 {
        let mut world = grown(seed, 8);
        world.run(8 * SECOND);
        let seated = voters(&world, 1);
        assert_eq!(seated.len(), Roster::MAX_VOTERS);
        let waiting = (1..=8).find(|number| !seated.contains(number)).expect("one of eight");
        assert_eq!(
            world.election(waiting).map(|e| (e.role(), e.tracker())),
            Some((Role::Follower, Some(id(1))))
        );
        world.peer(seated[1]).wants_to_leave = true;
        let gets_it = |world: &World| voters(world, 1).contains(&waiting);
        assert!(world.run_until(4 * SECOND, gets_it).is_some());
        assert_safe(&world);
    }
}

#[test]
fn a_group_shrinks_one_by_one_and_the_last_two_still_need_each_other() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let rest = others(&world, tracker);
        for leaver in &rest[..3] {
            world.peer(*leaver).wants_to_leave = true;
            world.peer(*leaver).wants_seat = false;
            let left = |world: &World| world.election(tracker).is_some_and(|e| e.has_left(id(*leaver)));
            assert!(world.run_until(2 * SECOND, left).is_some());
            world.crash(*leaver);
        }
        assert_eq!(voters(&world, tracker).len(), 2);
        world.crash(rest[3]);
        world.run(2 * SECOND);
        assert!(world.trackers().is_empty());
        world.start(rest[3]);
        settle(&mut world, 2 * SECOND);
    }
}

#[test]
fn several_that_leave_at_once_leave_one_after_the_other() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 7);
        for leaver in others(&world, tracker).into_iter().take(4) {
            world.peer(leaver).wants_to_leave = true;
        }
        let left = |world: &World| voters(world, tracker).len() == 3;
        assert!(world.run_until(2 * SECOND, left).is_some());
        assert_safe(&world);
    }
}

#[test]
fn a_joiner_that_dies_early_never_gets_a_vote() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 3);
        world.add(4, None);
        let member = |world: &World| {
            let roster = world.election(tracker).and_then(|e| e.committed_roster());
            roster.is_some_and(|roster| roster.members.contains_key(&id(4)))
        };
        assert!(world.run_until(2 * SECOND, member).is_some());
        world.run(SECOND);
        world.crash(4);
        world.run(5 * SECOND);
        assert_eq!(voters(&world, tracker), [1, 2, 3]);
        world.start(4);
        let votes = |world: &World| voters(world, tracker).contains(&4);
        assert!(world.run_until(4 * SECOND, votes).is_some());
        assert_safe(&world);
    }
}

#[test]
fn a_removed_peer_disturbs_nobody_and_may_come_again() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 4);
        let (leaver, since) = (others(&world, tracker)[0], world.now);
        world.isolate(leaver);
        world.input(tracker, Input::LeaveRequested(id(leaver)));
        world.peer(leaver).wants_seat = false;
        world.run(3 * SECOND);
        world.heal();
        world.run(3 * SECOND);
        assert_eq!((elections(&world, since), world.trackers()), (0, vec![tracker]));
        world.peer(leaver).wants_seat = true;
        let is_back = |world: &World| voters(world, leaver).contains(&leaver);
        assert!(world.run_until(4 * SECOND, is_back).is_some());
        settle(&mut world, SECOND);
    }
}
