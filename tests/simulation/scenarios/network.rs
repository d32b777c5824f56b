//! Networks that are cut in unpleasant ways.

use super::{SEEDS, assert_safe, changes, elections, others, settle, settled};
use crate::sim::{SECOND, World, id};
use cardume::engine::election::{Election, Event, Role};

#[test]
fn an_isolated_peer_comes_back_without_a_trace() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let (follower, since) = (others(&world, tracker)[0], world.now);
        world.isolate(follower);
        world.run(10 * SECOND);
        assert_eq!(world.election(follower).and_then(Election::tracker), None);
        world.heal();
        world.run(SECOND);
        assert_eq!((elections(&world, since), world.settled_tracker()), (0, Some(tracker)));
    }
}

#[test]
fn a_follower_that_does_not_hear_the_tracker_cannot_depose_it() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let (follower, since) = (others(&world, tracker)[0], world.now);
        world.cut(tracker, follower);
        world.run(5 * SECOND);
        let refused = |event: &Event| matches!(event, Event::PreVoteRefused { .. });
        assert!(world.count(since, refused) > 5, "it asked again and again");
        assert_eq!((elections(&world, since), world.trackers()), (0, vec![tracker]));
    }
}

#[test]
fn a_tracker_that_hears_nobody_steps_down() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        for follower in others(&world, tracker) {
            world.cut(follower, tracker);
        }
        let is_down = |world: &World| world.election(tracker).is_some_and(|e| e.role() != Role::Tracker);
        assert!(world.run_until(SECOND, is_down).is_some(), "it keeps the others from electing (R8)");
        let replaced = |world: &World| world.trackers().iter().any(|number| *number != tracker);
        assert!(world.run_until(2 * SECOND, replaced).is_some());
        assert_safe(&world);
    }
}

#[test]
fn a_tracker_that_nobody_hears_is_replaced() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        for follower in others(&world, tracker) {
            world.cut(tracker, follower);
        }
        let replaced = |world: &World| world.trackers().iter().any(|number| *number != tracker);
        assert!(world.run_until(2 * SECOND, replaced).is_some());
        world.run(SECOND);
        assert_eq!(world.trackers().len(), 1, "the old one hears its successor");
        assert_safe(&world);
    }
}

#[test]
fn an_old_tracker_behind_a_bridge_is_replaced_within_two_seconds() {
    for seed in 0..SEEDS {
        // Four voters: without the bridge the other two are no quorum.
        let (mut world, tracker) = settled(seed, 4);
        let rest = others(&world, tracker);
        world.part(&[tracker], &rest[1..]);
        let replaced = |world: &World| world.trackers().iter().any(|number| *number != tracker);
        assert!(world.run_until(2 * SECOND, replaced).is_some());
        assert_safe(&world);
    }
}

#[test]
fn a_partial_mesh_costs_at_most_one_election() {
    for seed in 0..SEEDS {
        let (mut world, _) = settled(seed, 5);
        let since = world.now;
        // 1-2-3 connected, 4 only to 2, 5 only to 3.
        world.part(&[4], &[1, 3, 5]);
        world.part(&[5], &[1, 2]);
        world.run(10 * SECOND);
        assert!(changes(&world, since) <= 1, "{} changes", changes(&world, since));
        assert_eq!(world.trackers().len(), 1);
        assert_safe(&world);
    }
}

/// With a peer that reaches a majority directly, whichever links of five peers are cut.
#[test]
fn every_mesh_with_a_centre_gets_a_tracker() {
    let links: Vec<(u8, u8)> = (1..=5).flat_map(|a| (a + 1..=5).map(move |b| (a, b))).collect();
    for mesh in 0_u32..1 << links.len() {
        let is_linked = |index: usize| (mesh >> index) & 1 == 1;
        let of = |number: u8| {
            let linked = links.iter().enumerate().filter(|(index, _)| is_linked(*index));
            linked.filter(|(_, (a, b))| *a == number || *b == number).count()
        };
        // A complete connected majority: three peers that all reach each other.
        let reaches = |a: u8, b: u8| {
            let link = links.iter().position(|link| *link == (a.min(b), a.max(b)));
            link.is_some_and(is_linked)
        };
        let triangles = links.iter().any(|(a, b)| {
            reaches(*a, *b) && (1..=5).any(|c| c != *a && c != *b && reaches(*a, c) && reaches(*b, c))
        });
        if !triangles || of(1) == 0 {
            continue;
        }
        let mut world = World::founded(u64::from(mesh), 5, 5);
        for (index, (a, b)) in links.iter().enumerate() {
            if !is_linked(index) {
                world.part(&[*a], &[*b]);
            }
        }
        let active = |world: &World| {
            world
                .trackers()
                .iter()
                .any(|number| world.election(*number).is_some_and(Election::is_active_tracker))
        };
        assert!(world.run_until(4 * SECOND, active).is_some(), "mesh {mesh:#b}");
        assert_safe(&world);
    }
}

#[test]
fn a_split_group_comes_together() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        let rest = others(&world, tracker);
        world.part(&[tracker, rest[0]], &rest[1..]);
        world.run(2 * SECOND);
        assert_eq!(world.trackers().len(), 1, "in the larger half");
        let new = world.trackers()[0];
        world.heal();
        assert_eq!(settle(&mut world, SECOND), new);
    }
}

#[test]
fn a_name_service_that_is_down_delays_nothing_but_the_registration() {
    for seed in 0..SEEDS {
        let (mut world, tracker) = settled(seed, 5);
        world.names.is_down = true;
        world.crash(tracker);
        let new = settle(&mut world, 2 * SECOND);
        world.run(3 * SECOND);
        assert_eq!((world.settled_tracker(), world.names.holder), (Some(new), Some(id(tracker))));
        world.names.is_down = false;
        let registered = |world: &World| world.names.holder == Some(id(new));
        assert!(world.run_until(SECOND, registered).is_some());
    }
}

#[test]
fn a_superseded_tracker_adopts_the_epoch_and_the_next_one_registers() {
    for seed in 0..SEEDS {
        let mut world = World::founded(seed, 3, 3);
        world.names.highest = cardume::base::Epoch::new(40).expect("a low epoch");
        let registered = |world: &World| world.names.highest.number() > 40;
        assert!(world.run_until(3 * SECOND, registered).is_some());
        settle(&mut world, SECOND);
    }
}
