//! A run of chance: a safety phase in which everything fails that can, then a liveness phase in which
//! nothing does and the group must find together.

use super::world::{MILLIS, Micros, SECOND, World};
use super::{founding, id};
use cardume::engine::election::{Event, Input};

/// After the last fault a group has so long to settle. Most need well under a second; joiners' probation
/// and registrations are not waited for.
const SETTLING: Micros = 10 * SECOND;

/// One fault.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Crash,
    CrashAll,
    Pause,
    ClockJump,
    Isolate,
    Split,
    OneWay,
    Heal,
    Network,
    DiskStall,
    DiskFailure,
    Join,
    Leave,
    Stop,
    Names,
}

/// How often each: the more often, the more elections; those that end a peer's part are rare.
const FAULTS: [(Fault, usize); 15] = [
    (Fault::Crash, 6),
    (Fault::CrashAll, 1),
    (Fault::Pause, 4),
    (Fault::ClockJump, 2),
    (Fault::Isolate, 4),
    (Fault::Split, 3),
    (Fault::OneWay, 4),
    (Fault::Heal, 6),
    (Fault::Network, 4),
    (Fault::DiskStall, 3),
    (Fault::DiskFailure, 1),
    (Fault::Join, 3),
    (Fault::Leave, 2),
    (Fault::Stop, 3),
    (Fault::Names, 1),
];

/// The run of a seed: `Err` says what went wrong.
pub(crate) fn run(seed: u64, traced: bool) -> (World, Result<(), String>) {
    let mut world = World::new(seed);
    world.trace = traced.then(Vec::new);
    let founders = u8::try_from(world.dice.between(1..6)).unwrap_or(1);
    let min_voters = if world.dice.happens(500) { founders } else { 1 };
    for number in 1..=founders {
        world.add(number, None);
        world.input(number, Input::Founded(founding(founders, min_voters)));
    }
    let result = safety_phase(&mut world).and_then(|()| liveness_phase(&mut world));
    (world, result)
}

fn verdict(world: &World) -> Result<(), String> {
    world.violation.clone().map_or(Ok(()), Err)
}

fn safety_phase(world: &mut World) -> Result<(), String> {
    let faults = world.dice.between(5..25);
    for _ in 0..faults {
        let pause = world.dice.between(10 * MILLIS..500 * MILLIS);
        world.run(pause);
        verdict(world)?;
        inject(world);
    }
    world.run(200 * MILLIS);
    verdict(world)
}

fn inject(world: &mut World) {
    let faults: Vec<Fault> = FAULTS.iter().flat_map(|(fault, often)| vec![*fault; *often]).collect();
    let fault = world.dice.pick(&faults);
    let number = world.dice.pick(&world.numbers().clone());
    let time = world.dice.between(20 * MILLIS..1500 * MILLIS);
    world.note(|| format!("fault {fault:?} at {number} for {} ms", time / MILLIS));
    match fault {
        Fault::Crash => crash(world, number, time),
        Fault::CrashAll => {
            for each in world.numbers() {
                let time = world.dice.between(20 * MILLIS..1500 * MILLIS);
                crash(world, each, time);
            }
        }
        Fault::Pause => world.pause(number, time),
        Fault::ClockJump => world.jump_clock(number),
        Fault::Isolate => world.isolate(number),
        Fault::Split => {
            let numbers = world.numbers();
            let (some, others): (Vec<u8>, Vec<u8>) =
                numbers.iter().partition(|number| (time >> (**number % 16)) & 1 == 1);
            world.part(&some, &others);
        }
        Fault::OneWay => {
            let other = world.dice.pick(&world.numbers().clone());
            world.cut(number, other);
        }
        Fault::Heal => world.heal(),
        Fault::Network => {
            let longest = world.dice.pick(&[MILLIS, 20 * MILLIS, 120 * MILLIS, 500 * MILLIS]);
            world.delay = 50..longest;
            world.loss = world.dice.pick(&[0, 0, 10, 100, 300]);
            world.doubled = world.dice.pick(&[0, 10, 200]);
        }
        Fault::DiskStall => world.stall_disk(number, time),
        Fault::DiskFailure => world.peer(number).disk_fails = true,
        Fault::Join => {
            let newcomer = u8::try_from(world.numbers().len() + 1).unwrap_or(u8::MAX);
            if newcomer <= 9 {
                world.add(newcomer, None);
            }
        }
        Fault::Leave => world.peer(number).wants_to_leave = true,
        Fault::Stop => {
            world.input(number, Input::StopRequested);
            world.start_after(number, time + 2 * SECOND);
        }
        Fault::Names => world.names.is_down = !world.names.is_down,
    }
}

fn crash(world: &mut World, number: u8, time: Micros) {
    world.crash(number);
    world.start_after(number, time);
}

/// Everything works again. A peer that lost its seat asks for a new one, as its shell would.
fn liveness_phase(world: &mut World) -> Result<(), String> {
    world.note(|| "the faults end".to_owned());
    world.heal();
    world.delay = 50..MILLIS;
    world.loss = 0;
    world.doubled = 0;
    world.names.is_down = false;
    for number in world.numbers() {
        let peer = world.peer(number);
        peer.wants_to_leave = false;
        peer.disk_stalled_until = 0;
        if peer.disk_fails {
            world.crash(number); // A person sees that voting ended, and starts it again.
        }
    }
    world.run(3 * SECOND);
    for number in world.numbers() {
        world.start(number);
    }
    let settled = |world: &World| {
        let Some(tracker) = world.settled_tracker() else { return false };
        let election = world.election(tracker);
        let committed = election.and_then(|election| election.committed_roster());
        let registered = world.names.holder == Some(id(tracker));
        committed.is_some() && registered
    };
    world.run_until(SETTLING, settled);
    verdict(world)?;
    let Some(tracker) = world.settled_tracker().filter(|_| settled(world)) else {
        return Err("liveness: no settled tracker ten seconds after the last fault".to_owned());
    };
    let since = world.now;
    world.run(3 * SECOND);
    verdict(world)?;
    let elections = world.count(since, |event| matches!(event, Event::ElectionStarted(_)));
    let still = world.settled_tracker() == Some(tracker);
    if elections == 0 && still {
        Ok(())
    } else {
        Err("liveness: a settled group changed its tracker".to_owned())
    }
}
