//! Turns: the limits, the order, and both under random use.

use super::*;
use proptest::prelude::*;

const LIMITS: TurnLimits = TurnLimits { all: 3, per_peer: 2, waiting: 6, waiting_per_peer: 3 };

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

/// Peers by turn as they are called while turns end one after the other, the oldest first.
fn order(turns: &mut Turns, mut running: VecDeque<u8>, owners: &BTreeMap<Ticket, u8>) -> Vec<u8> {
    let mut called = Vec::new();
    while let Some(done) = running.pop_front() {
        turns.finish(peer(done));
        while let Some(ticket) = turns.called() {
            called.push(owners[&ticket]);
            running.push_back(owners[&ticket]);
        }
    }
    called
}

#[test]
fn the_limits_hold_and_the_rest_waits_or_is_sent_away() {
    let mut turns = Turns::new(LIMITS);
    assert_eq!([turns.ask(peer(1)), turns.ask(peer(1))], [Asked::Now; 2]);
    assert!(matches!(turns.ask(peer(1)), Asked::Later(_)), "two of one peer");
    assert_eq!(turns.ask(peer(2)), Asked::Now, "a waiting peer at its own limit holds up nobody");
    assert!(matches!(turns.ask(peer(3)), Asked::Later(_)), "three in all");
    assert!(matches!(turns.ask(peer(1)), Asked::Later(_)));
    assert!(matches!(turns.ask(peer(1)), Asked::Later(_)));
    assert_eq!(turns.ask(peer(1)), Asked::Full, "three of one peer wait");
    assert!(matches!(turns.ask(peer(2)), Asked::Later(_)));
    assert!(matches!(turns.ask(peer(3)), Asked::Later(_)));
    assert_eq!(turns.ask(peer(4)), Asked::Full, "six wait");
    assert_eq!(turns.called(), None);
    assert_eq!(turns.running(), 3);
}

#[test]
fn peers_take_turns_whoever_asked_first() {
    let mut turns = Turns::new(TurnLimits { all: 1, per_peer: 1, waiting: 99, waiting_per_peer: 99 });
    assert_eq!(turns.ask(peer(1)), Asked::Now);
    let mut owners = BTreeMap::new();
    for number in [1, 1, 1, 1, 2, 2, 3] {
        let Asked::Later(ticket) = turns.ask(peer(number)) else { panic!("one at once") };
        owners.insert(ticket, number);
    }
    assert_eq!(order(&mut turns, VecDeque::from([1]), &owners), [2, 3, 1, 2, 1, 1, 1]);
    assert_eq!(turns.ask(peer(9)), Asked::Now, "everything was given back");
}

#[test]
fn who_leaves_makes_room_and_is_not_called() {
    let mut turns = Turns::new(TurnLimits { all: 1, per_peer: 1, waiting: 2, waiting_per_peer: 2 });
    assert_eq!(turns.ask(peer(1)), Asked::Now);
    let Asked::Later(gone) = turns.ask(peer(2)) else { panic!("waits") };
    let Asked::Later(stays) = turns.ask(peer(3)) else { panic!("waits") };
    assert!(turns.others_wait(peer(1)) && turns.others_wait(peer(2)));
    assert!(turns.leave(peer(2), gone));
    assert!(!turns.leave(peer(2), gone), "once");
    assert!(!turns.others_wait(peer(3)));
    turns.finish(peer(1));
    assert_eq!((turns.called(), turns.called()), (Some(stays), None));
    assert!(!turns.leave(peer(3), stays), "its turn had come");
}

#[derive(Clone, Debug)]
enum Step {
    Ask(u8),
    Finish(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4u8).prop_map(Step::Ask),
        (0..9usize).prop_map(Step::Finish),
        (0..9usize).prop_map(Step::Leave),
    ]
}

proptest! {
    /// The limits hold at every moment, nobody waits who could be sent to, and while a peer waits that its
    /// own limit does not hold up, no other one is called twice.
    #[test]
    fn turns_are_limited_complete_and_fair(steps in prop::collection::vec(step(), 0..120)) {
        let mut turns = Turns::new(LIMITS);
        let (mut running, mut waiting): (Vec<u8>, Vec<(Ticket, u8)>) = (Vec::new(), Vec::new());
        let mut called_since: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Ask(number) => match turns.ask(peer(number)) {
                    Asked::Now => running.push(number),
                    Asked::Later(ticket) => waiting.push((ticket, number)),
                    Asked::Full => {}
                },
                Step::Finish(at) if at < running.len() => turns.finish(peer(running.remove(at))),
                Step::Leave(at) if at < waiting.len() => {
                    let (ticket, number) = waiting.remove(at);
                    prop_assert!(turns.leave(peer(number), ticket));
                }
                Step::Finish(_) | Step::Leave(_) => {}
            }
            while let Some(ticket) = turns.called() {
                let at = waiting.iter().position(|(waits, _)| *waits == ticket).expect("it waited");
                let (_, number) = waiting.remove(at);
                running.push(number);
                called_since.remove(&number);
                for calls in called_since.values_mut() {
                    calls.push(number);
                }
            }
            let of = |list: &[u8], number| list.iter().map(|other| usize::from(*other == number)).sum::<usize>();
            called_since.retain(|number, _| {
                waiting.iter().any(|(_, waits)| waits == number) && of(&running, *number) < LIMITS.per_peer
            });
            for number in 0..4 {
                let mine = of(&running, number);
                prop_assert!(mine <= LIMITS.per_peer && running.len() <= LIMITS.all);
                if waiting.iter().any(|(_, waits)| *waits == number) {
                    prop_assert!(mine == LIMITS.per_peer || running.len() == LIMITS.all);
                    if mine < LIMITS.per_peer {
                        let calls = called_since.entry(number).or_default();
                        for other in 0..4 {
                            prop_assert!(of(calls, other) <= 1, "{other} was called twice, {number} waits");
                        }
                    }
                }
            }
            prop_assert_eq!(turns.running(), running.len());
        }
    }
}
