//! Elections of five peers as a time line, without sockets: the production election in a simulated world.
//!
//! `cargo run --example election_trace [SEED]`: another seed, another story; the same seed, the same one.

#[expect(dead_code, reason = "the simulator can do more than this story needs")]
#[path = "../tests/simulation/sim/mod.rs"]
mod sim;

use cardume::base::PeerId;
use cardume::engine::election::{Event, Input, Refusal, Role};
use sim::{MILLIS, Micros, SECOND, World};

fn main() {
    let seed = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7);
    println!("Five peers, seed {seed}. A heartbeat every 100 ms, timers of 150-300 ms.\n");
    let mut world = World::founded(seed, 5, 5);
    let mut told = 0;

    chapter(&mut world, &mut told, "They start", |_| {});
    chapter(&mut world, &mut told, "The tracker crashes", |world| {
        let tracker = world.settled_tracker().unwrap_or(1);
        world.crash(tracker);
        world.start_after(tracker, 1500 * MILLIS);
    });
    chapter(&mut world, &mut told, "It has come back; now the tracker is frozen for a second", |world| {
        let tracker = world.settled_tracker().unwrap_or(1);
        world.pause(tracker, SECOND);
    });
    chapter(&mut world, &mut told, "The tracker is stopped gracefully: it hands over", |world| {
        let tracker = world.settled_tracker().unwrap_or(1);
        world.input(tracker, Input::StopRequested);
    });
    chapter(&mut world, &mut told, "Two more crash: two of five are no majority", |world| {
        for number in
            world.numbers().into_iter().filter(|n| world.election(*n).is_some()).take(2).collect::<Vec<_>>()
        {
            world.crash(number);
        }
    });
    match world.violation {
        None => println!("\nAt no moment did an epoch have two trackers, or a peer two votes."),
        Some(violation) => println!("\nAn invariant is violated: {violation}"),
    }
}

/// Does something, lets two seconds pass, and tells what came of it.
fn chapter(world: &mut World, told: &mut usize, title: &str, act: impl FnOnce(&mut World)) {
    println!("{title}.");
    let since = world.now;
    act(world);
    world.run(2 * SECOND);
    for (at, number, event) in &world.events[*told..] {
        if let Some(sentence) = sentence(event) {
            println!("{:>9} ms  peer-{number}  {sentence}", millis(at - since));
        }
    }
    *told = world.events.len();
    println!();
}

fn millis(time: Micros) -> String {
    format!("{}.{}", time / MILLIS, time % MILLIS / 100)
}

fn name(peer: PeerId) -> String {
    format!("peer-{}", sim::number(peer))
}

/// What a person wants to read; `None` for what another line says already.
fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::TimerExpired => "has heard no tracker for too long".to_owned(),
        Event::PreVoteStarted(epoch) => format!("asks: would you vote for me in epoch {epoch}?"),
        Event::PreVoteRefused { by, refusal } => {
            format!("would not be elected: {} {}", name(*by), why(*refusal))
        }
        Event::ElectionStarted(epoch) => format!("is a candidate in epoch {epoch}"),
        Event::VoteGiven { to, epoch } => format!("votes for {} in epoch {epoch} (durable)", name(*to)),
        Event::VoteReceived { from, .. } => format!("counts the vote of {}", name(*from)),
        Event::VoteRefused { by, refusal } => {
            format!("does not get the vote of {}: it {}", name(*by), why(*refusal))
        }
        Event::TrackerKnown { tracker, epoch } => format!("follows {} in epoch {epoch}", name(*tracker)),
        Event::RoleChanged(Role::Tracker) => "IS TRACKER".to_owned(),
        Event::SteppedDown(epoch) => format!("steps down: no majority replies in epoch {epoch}"),
        Event::RosterChanged(roster) => {
            let (epoch, version) = (roster.stamp.epoch, roster.stamp.version);
            format!("stores the roster ({epoch}, {version}): {} voters", roster.voters().count())
        }
        Event::NeedlessElection(epoch) => format!("was replaced in epoch {epoch} without need"),
        Event::HandingOver { successor } => format!("stops, and names {} its successor", name(*successor)),
        Event::VotingEnded => "cannot vote any more: its disk refused".to_owned(),
        Event::TwoTrackers { .. } | Event::AbsurdEpoch { .. } | Event::TwoGroups { .. } => {
            format!("ALARM: {event:?}")
        }
        Event::RoleChanged(_) | Event::EpochAdopted(_) | Event::TrackerLost { .. } => return None,
    })
}

fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::OldEpoch => "is in a later epoch",
        Refusal::OldRoster => "has a newer roster",
        Refusal::NotAVoter => "does not know it as a voter",
        Refusal::VotedForOther => "has voted for another",
        Refusal::TrackerKnown => "knows a tracker in that epoch",
        Refusal::Sticky => "hears a tracker",
        Refusal::AbsurdEpoch => "does not believe that epoch",
        Refusal::TwoGroups => "belongs to another group",
        Refusal::CannotVote => "cannot vote",
    }
}
