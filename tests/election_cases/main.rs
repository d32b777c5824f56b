//! Single inputs and all that comes out of them: the case list of the election's rules.

mod tracking;
mod voting;

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
