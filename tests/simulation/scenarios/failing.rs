//! Processes, disks and clocks that fail.

use super::{SEEDS, assert_safe, changes, elections, others, settle, settled};
use crate::sim::{MILLIS, SECOND, World, id};
use cardume::base::Epoch;
use cardume::engine::election::{Election, Event, Role};

/// Milliseconds from a tracker's crash to the next tracker: median, 99th percentile, longest.
fn failover(disk: std::ops::Range<u64>, crashes: u64) -> (u64, u64, u64) {
    let mut times: Vec<u64> = (0..crashes)
        .map(|seed| {
            let (mut world, tracker) = settled(seed, 5);
            world.disk_delay = disk.clone();
            let phase = world.dice.between(0..100 * MILLIS);
            world.run(phase);
            world.crash(tracker);
            let time = world.run_until(5 * SECOND, |world| world.trackers().len() == 1);
            assert_safe(&world);
            time.expect("a new tracker") / MILLIS
        })
        .collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    (at(50), at(99), at(100))
}

#[test]
fn a_crashed_tracker_is_replaced_as_fast_as_the_timers_allow() {
    let fast = failover(200..400, 500);
    let slow = failover(9_000..11_000, 500);
    println!("failover median/p99/max in ms: {fast:?} with fsyncs of 0.3 ms, {slow:?} with 10 ms");
    assert!(fast.0 <= 170 && fast.1 <= 350 && fast.2 <= 1_000, "{fast:?}");
    assert!(slow.0 <= 190 && slow.1 <= 500 && slow.2 <= 1_000, "{slow:?}");
}

#[test]
fn duelling_candidates_end() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        world.disk_delay = 40 * MILLIS..60 * MILLIS; // so slow that votes are split often
        world.crash(tracker);
        settle(&mut world, 3 * SECOND);
    }
}

#[test]
fn no_quorum_no_tracker_and_everybody_knows_how_many_are_here() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let rest = others(&world, tracker);
        for number in [tracker, rest[0], rest[1]] {
            world.crash(number);
        }
        let epoch = world.election(rest[2]).map(Election::epoch);
        world.run(5 * SECOND);
        for number in [rest[2], rest[3]] {
            let election = world.election(number).expect("it runs");
            assert_eq!(election.tracker(), None);
            assert_eq!(Some(election.epoch()), epoch, "pre-votes change nothing");
            assert_eq!(election.reachable(), [id(rest[2]), id(rest[3])].into());
        }
        world.start(rest[0]);
        settle(&mut world, 2 * SECOND);
    }
}

#[test]
fn a_restarting_follower_changes_nothing() {
    for seed in 0..4 {
        let (mut world, tracker) = settled(seed, 5);
        let (follower, since) = (others(&world, tracker)[0], world.now);
        for _ in 0..100 {
            world.crash(follower);
            let pause = world.dice.between(MILLIS..400 * MILLIS);
            world.run(pause);
            world.start(follower);
            world.run(pause);
        }
        assert_eq!((elections(&world, since), settle(&mut world, SECOND)), (0, tracker));
    }
}

#[test]
fn a_returning_peer_with_a_higher_epoch_costs_one_election() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let (follower, since) = (others(&world, tracker)[0], world.now);
        world.crash(follower);
        world.peer(follower).durable.epoch = Epoch::new(9).expect("a low epoch");
        world.start(follower);
        world.run(50 * MILLIS);
        settle(&mut world, 2 * SECOND);
        world.run(2 * SECOND);
        assert_eq!(changes(&world, since), 1);
        let needless = |event: &Event| matches!(event, Event::NeedlessElection(_));
        let same = world.settled_tracker() == Some(tracker);
        assert_eq!(world.count(since, needless), usize::from(!same), "told by the one that was replaced");
    }
}

#[test]
fn mixed_epochs_and_rosters_come_together() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 4);
        let rest = others(&world, tracker);
        for number in world.numbers() {
            world.crash(number);
        }
        for (number, epoch) in [(tracker, 6), (rest[0], 6), (rest[1], 7), (rest[2], 7)] {
            let durable = &mut world.peer(number).durable;
            durable.epoch = Epoch::new(epoch).expect("a low epoch");
            durable.voted_for = Some(id(number));
        }
        // Those in the lower epoch have the newer roster.
        for number in [tracker, rest[0]] {
            let roster = world.peer(number).durable.roster.as_mut().expect("it had one");
            roster.stamp.version += 1;
        }
        for number in world.numbers() {
            world.start(number);
        }
        let new = settle(&mut world, 2 * SECOND);
        assert!([tracker, rest[0]].contains(&new), "an older roster cannot win");
    }
}

#[test]
fn a_stopped_tracker_is_replaced_and_inert_on_waking() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let epoch = world.election(tracker).expect("it runs").epoch();
        world.pause(tracker, 5 * SECOND);
        let is_replaced = |world: &World| world.trackers().len() == 2;
        assert!(world.run_until(SECOND, is_replaced).is_some(), "within a second");
        world.run_until(6 * SECOND, |world| !world.is_paused(tracker)).expect("it wakes");
        let answers = |world: &World| {
            world.election(tracker).is_some_and(|e| e.is_active_tracker() && e.epoch() == epoch)
        };
        assert_eq!(world.run_until(SECOND, answers), None, "the old tracker answered");
        assert_ne!(settle(&mut world, SECOND), tracker);
        let needless = |event: &Event| matches!(event, Event::NeedlessElection(_));
        assert_eq!(world.count(0, needless), 0, "it had failed");
    }
}

/// A laptop that wakes before its network does: nobody can tell the tracker that it is none any more.
#[test]
fn a_tracker_that_wakes_alone_is_inert() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        world.isolate(tracker);
        world.pause(tracker, 200 * MILLIS);
        world.run_until(SECOND, |world| !world.is_paused(tracker)).expect("it wakes");
        assert!(world.trackers().contains(&tracker), "it does not know better");
        let answers = |world: &World| world.election(tracker).is_some_and(Election::is_active_tracker);
        assert_eq!(world.run_until(SECOND, answers), None, "it answered");
        assert!(!world.trackers().contains(&tracker), "and stepped down");
    }
}

#[test]
fn a_suspended_group_goes_on_with_the_same_tracker() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        for number in world.numbers() {
            world.pause(number, 3 * SECOND);
        }
        let since = world.now;
        world.run(5 * SECOND);
        assert_eq!((elections(&world, since), world.settled_tracker()), (0, Some(tracker)));
        assert_safe(&world);
    }
}

#[test]
fn a_follower_whose_clock_jumps_asks_nobody() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let (follower, since) = (others(&world, tracker)[0], world.now);
        for _ in 0..50 {
            world.jump_clock(follower);
            world.run(90 * MILLIS);
        }
        assert_eq!(world.count(since, |event| matches!(event, Event::TimerExpired)), 0);
    }
}

#[test]
fn a_stalled_disk_does_not_end_a_tracker() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let since = world.now;
        world.stall_disk(tracker, 4 * SECOND);
        world.add(6, None);
        world.run(3 * SECOND);
        assert_eq!((elections(&world, since), world.trackers()), (0, vec![tracker]));
        let joins = |world: &World| world.election(tracker).is_some_and(|e| e.joined_as_voter(id(6)));
        assert!(world.run_until(5 * SECOND, joins).is_some(), "the change waited for the disk");
        assert_safe(&world);
    }
}

#[test]
fn a_tracker_survives_the_stalled_disks_of_its_followers() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let since = world.now;
        for number in others(&world, tracker) {
            world.stall_disk(number, 3 * SECOND);
        }
        world.add(6, None); // has them save a roster
        world.run(4 * SECOND);
        assert_eq!((elections(&world, since), world.settled_tracker()), (0, Some(tracker)));
    }
}

#[test]
fn a_peer_whose_disk_fails_follows_but_does_not_vote() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 3);
        let rest = others(&world, tracker);
        world.peer(rest[0]).disk_fails = true;
        world.crash(tracker);
        world.run(3 * SECOND);
        assert!(world.trackers().is_empty(), "one vote of three");
        assert!(world.election(rest[0]).is_some_and(|election| !election.disk_works()));
        world.start(tracker);
        world.run(3 * SECOND);
        assert_eq!(world.trackers().len(), 1);
        assert!(world.election(rest[0]).is_some_and(|election| election.role() != Role::Tracker));
        assert_safe(&world);
    }
}

#[test]
fn an_idle_group_never_changes_its_tracker() {
    for seed in 0..4 {
        let (mut world, tracker) = settled(seed, 5);
        world.loss = 10;
        let since = world.now;
        world.run(120 * SECOND);
        assert_eq!((elections(&world, since), world.settled_tracker()), (0, Some(tracker)));
    }
}
