//! Graceful stops (R11).

use super::{SEEDS, assert_safe, elections, others, settle, settled};
use crate::sim::{MILLIS, SECOND, World, founding, id};
use cardume::engine::election::{Event, Input};

#[test]
fn a_stopping_tracker_is_followed_by_another_without_a_gap() {
    for seed in 0..SEEDS {
        for voters in [2, 3, 5, 7] {
            let (mut world, tracker) = settled(seed, voters);
            let since = world.now;
            world.input(tracker, Input::StopRequested);
            let stopped = |world: &World| world.election(tracker).is_none();
            let time = world.run_until(2 * SECOND, stopped).expect("it stops");
            assert!(time < 300 * MILLIS, "{} ms", time / MILLIS);
            let fired = world.count(since, |event| matches!(event, Event::TimerExpired));
            assert_eq!((elections(&world, since), fired), (1, 0), "nobody noticed a failure");
            assert_eq!(world.trackers().len(), 1);
            if voters > 2 {
                settle(&mut world, SECOND);
            }
            assert_safe(&world);
        }
    }
}

#[test]
fn small_groups_keep_the_seat_and_larger_ones_give_it_up() {
    for (voters, min_voters, left) in [(3, 1, 3), (4, 1, 3), (5, 5, 5), (5, 3, 4)] {
        let mut world = World::new(voters.into());
        for number in 1..=voters {
            world.add(number, Some(founding(voters, min_voters)));
        }
        let tracker = settle(&mut world, 3 * SECOND);
        world.run(SECOND);
        world.input(tracker, Input::StopRequested);
        world.run(SECOND);
        let new = settle(&mut world, SECOND);
        let roster = world.election(new).and_then(|election| election.roster()).expect("a roster");
        assert_eq!(roster.voters().count(), left, "{voters} voters, founded by {min_voters}");
        assert_eq!(roster.is_voter(id(tracker)), left == usize::from(voters));
    }
}

#[test]
fn a_stop_without_a_successor_ends_in_two_seconds() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 3);
        world.isolate(tracker);
        world.input(tracker, Input::StopRequested);
        let stopped = |world: &World| world.election(tracker).is_none();
        assert!(world.run_until(2 * SECOND + 10 * MILLIS, stopped).is_some());
        settle(&mut world, 2 * SECOND);
    }
}

#[test]
fn a_handover_survives_a_lossy_network() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        world.loss = 200;
        world.doubled = 200;
        world.input(tracker, Input::StopRequested);
        world.run(2 * SECOND + 10 * MILLIS);
        assert!(world.election(tracker).is_none());
        world.loss = 0;
        settle(&mut world, 2 * SECOND);
    }
}

#[test]
fn a_follower_stops_at_once() {
    let (mut world, tracker) = settled(1, 5);
    let (follower, since) = (others(&world, tracker)[0], world.now);
    world.input(follower, Input::StopRequested);
    assert!(world.election(follower).is_none());
    world.run(2 * SECOND);
    assert_eq!((elections(&world, since), world.settled_tracker()), (0, Some(tracker)));
}
