//! Named situations in which groups of other projects have hung or changed their leader without need.
//! Each runs with many seeds.

mod failing;
mod membership;
mod network;
mod stopping;

use crate::sim::{Micros, SECOND, World};
use cardume::engine::election::Event;

/// How many seeds each scenario runs with.
const SEEDS: u64 = 40;

/// A founded group that has settled, its tracker, and three followers or fewer for short names.
fn settled(seed: u64, voters: u8) -> (World, u8) {
    let mut world = World::founded(seed, voters, voters);
    world.run_until(3 * SECOND, |world| world.settled_tracker().is_some()).expect("a tracker");
    world.run(SECOND);
    let tracker = world.settled_tracker().expect("still a tracker");
    (world, tracker)
}

/// The voters other than this one.
fn others(world: &World, tracker: u8) -> Vec<u8> {
    world.numbers().into_iter().filter(|number| *number != tracker).collect()
}

/// Nothing forbidden has happened.
fn assert_safe(world: &World) {
    assert_eq!(world.violation, None);
}

/// How many elections were begun since then.
fn elections(world: &World, since: Micros) -> usize {
    world.count(since, |event| matches!(event, Event::ElectionStarted(_)))
}

/// How often a peer became tracker since then.
fn changes(world: &World, since: Micros) -> usize {
    let became =
        |event: &Event| matches!(event, Event::RoleChanged(role) if format!("{role:?}") == "Tracker");
    world.count(since, became)
}

/// Has the group settle within the time, without a violation; the tracker.
fn settle(world: &mut World, limit: Micros) -> u8 {
    let time = world.run_until(limit, |world| world.settled_tracker().is_some());
    assert_safe(world);
    assert!(time.is_some(), "no settled tracker within {} ms at {}", limit / 1000, world.now);
    world.settled_tracker().expect("it is settled")
}
