//! The plan against cases, and against a slow reference that keeps one state per piece.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const NOW: Duration = Duration::ZERO;
const PIECE: u32 = PieceLayout::MIN_PIECE_BYTES;

fn layout(pieces: u32) -> PieceLayout {
    PieceLayout::new(u64::from(pieces) * u64::from(PIECE), PIECE).expect("valid")
}

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn take(plan: &mut Plan, number: u8, most: u32) -> Option<(u32, u32)> {
    plan.take(peer(number), most, NOW).map(|run| (run.first.number(), run.count))
}

fn piece(plan: &Plan, number: u32) -> PieceIndex {
    plan.layout().piece(number).expect("in range")
}

#[test]
fn the_last_piece_is_first_and_alone() {
    let mut plan = Plan::new(layout(5));
    assert!(plan.add_source(peer(1)) && plan.add_source(peer(2)));
    assert_eq!(take(&mut plan, 1, 8), Some((4, 1)));
    assert_eq!((take(&mut plan, 1, 8), take(&mut plan, 2, 8)), (None, None));
    let last = piece(&plan, 4);
    assert!(plan.arrived(peer(1), last, NOW).is_new && plan.is_length_proven());
    assert_eq!(take(&mut plan, 2, 8), Some((0, 1)));
    assert_eq!(take(&mut plan, 1, 8), Some((1, 1)));
}

#[test]
fn a_fast_source_gets_pieces_in_a_row_within_its_window() {
    let mut plan = Plan::new(layout(100));
    plan.found(piece(&plan, 99));
    plan.found(piece(&plan, 6));
    plan.add_source(peer(1));
    plan.set_rate(peer(1), ByteRate::per_second(10 * u64::from(PIECE)));
    assert_eq!(take(&mut plan, 1, 8), Some((0, 6)), "up to the piece that is there");
    assert_eq!(take(&mut plan, 1, 8), Some((7, 4)), "up to the window of ten");
    assert_eq!(take(&mut plan, 1, 8), None);
}

#[test]
fn what_a_failed_source_had_goes_to_others_and_a_liar_stays_out() {
    let mut plan = Plan::new(layout(4));
    plan.found(piece(&plan, 3));
    plan.add_source(peer(1));
    plan.add_source(peer(2));
    assert_eq!(take(&mut plan, 1, 1), Some((0, 1)));
    plan.fail_source(peer(1), Fault::BadPiece);
    assert_eq!(take(&mut plan, 1, 1), None);
    assert!(!plan.add_source(peer(1)), "dropped for good");
    assert_eq!(take(&mut plan, 2, 1), Some((0, 1)));
    plan.fail_source(peer(2), Fault::Silent);
    assert_eq!(plan.standing(), Standing::NoSource { resting: 1, dropped: 1 });
    assert!(plan.add_source(peer(2)), "only rested");
    assert_eq!(plan.standing(), Standing::Running);
    let states: Vec<_> = plan.sources().map(|(_, source)| source.state()).collect();
    assert_eq!(states, [SourceState::Dropped(Fault::BadPiece), SourceState::Active]);
}

#[test]
fn the_end_is_raced_once_by_an_idle_source() {
    let mut plan = Plan::new(layout(2));
    plan.found(piece(&plan, 1));
    for number in 1..=3 {
        plan.add_source(peer(number));
    }
    assert_eq!(take(&mut plan, 1, 1), Some((0, 1)));
    assert_eq!(take(&mut plan, 1, 1), None, "not against itself");
    assert_eq!(take(&mut plan, 2, 1), Some((0, 1)));
    assert_eq!(take(&mut plan, 3, 1), None, "two are enough");
    let raced = piece(&plan, 0);
    assert_eq!(plan.arrived(peer(2), raced, NOW).losers, [peer(1)]);
    assert!(!plan.arrived(peer(1), raced, NOW).is_new, "the loser's copy is not new");
    assert_eq!(plan.standing(), Standing::Complete);
    let bytes: Vec<u64> = plan.sources().map(|(_, source)| source.bytes()).collect();
    assert_eq!(bytes, [0, u64::from(PIECE), 0]);
}

#[test]
fn an_empty_content_has_one_piece() {
    let mut plan = Plan::new(PieceLayout::of(0).expect("valid"));
    plan.add_source(peer(1));
    assert_eq!(take(&mut plan, 1, 8), Some((0, 1)));
    let only = piece(&plan, 0);
    assert!(plan.arrived(peer(1), only, NOW).is_new);
    assert_eq!(plan.standing(), Standing::Complete);
}

/// What the reference knows of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slow {
    Wanted,
    InFlight(BTreeSet<PeerId>),
    Have,
}

#[derive(Clone, Debug)]
enum Step {
    Take(u8, u32),
    Arrive(u8, u32),
    GiveBack(u8, u32),
    Fail(u8, bool),
    Add(u8),
    Rate(u8, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1u8..5;
    let number = 0u32..24;
    prop_oneof![
        4 => (who.clone(), 1u32..6).prop_map(|(who, most)| Step::Take(who, most)),
        3 => (who.clone(), number.clone()).prop_map(|(who, piece)| Step::Arrive(who, piece)),
        1 => (who.clone(), number).prop_map(|(who, piece)| Step::GiveBack(who, piece)),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, good)| Step::Fail(who, good)),
        1 => who.clone().prop_map(Step::Add),
        1 => (who, 0u64..10).prop_map(|(who, pieces)| Step::Rate(who, pieces * u64::from(PIECE))),
    ]
}

/// What the plan has in flight with a source, seen from its public side.
fn check_take(plan: &Plan, slow: &mut [Slow], who: PeerId, most: u32, run: Run) {
    let last = slow.len() - 1;
    assert!(run.count <= most);
    assert!(slow[last] == Slow::Have || (run.first.number() as usize == last && run.count == 1));
    let wanted = slow.iter().position(|state| *state == Slow::Wanted);
    for piece in run.pieces(plan.layout()) {
        let state = &mut slow[piece.number() as usize];
        match state {
            Slow::Wanted => *state = Slow::InFlight(BTreeSet::from([who])),
            Slow::InFlight(from) => {
                assert_eq!(wanted, None, "raced while pieces are wanted");
                assert!(from.insert(who) && from.len() <= 2);
            }
            Slow::Have => panic!("asked again for a piece that is there"),
        }
    }
    if slow[last] == Slow::Have {
        assert!(wanted.is_none_or(|first| first == run.first.number() as usize), "lowest wanted first");
    }
}

fn release(slow: &mut [Slow], who: PeerId) {
    for state in slow {
        if let Slow::InFlight(from) = state {
            from.remove(&who);
            if from.is_empty() {
                *state = Slow::Wanted;
            }
        }
    }
}

fn check_invariant(plan: &Plan, slow: &[Slow]) {
    for piece in plan.layout().pieces() {
        let flight = plan.in_flight.get(&piece);
        let places = [plan.have.contains(piece), plan.wanted.contains(piece), flight.is_some()];
        let expected = match &slow[piece.number() as usize] {
            Slow::Have => [true, false, false],
            Slow::Wanted => [false, true, false],
            Slow::InFlight(_) => [false, false, true],
        };
        assert_eq!(places, expected, "exactly one place for piece {piece:?}");
        let from: BTreeSet<PeerId> =
            flight.map(|flight| flight.from.iter().map(|(peer, _)| *peer).collect()).unwrap_or_default();
        let seen: BTreeSet<PeerId> = plan
            .sources()
            .filter(|(_, source)| source.in_flight.contains(&piece))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(from, seen, "both sides agree on who sends piece {piece:?}");
        if let Slow::InFlight(expected) = &slow[piece.number() as usize] {
            assert_eq!(&from, expected);
        }
    }
}

proptest! {
    #[test]
    fn a_piece_is_in_exactly_one_place(pieces in 1u32..24, steps in prop::collection::vec(step(), 0..200)) {
        let mut plan = Plan::new(layout(pieces));
        let mut slow = vec![Slow::Wanted; pieces as usize];
        for step in steps {
            match step {
                Step::Take(who, most) => {
                    if let Some(run) = plan.take(peer(who), most, NOW) {
                        check_take(&plan, &mut slow, peer(who), most, run);
                    }
                }
                Step::Arrive(who, number) => {
                    let Some(piece) = plan.layout().piece(number) else { continue };
                    let new = slow[number as usize] != Slow::Have;
                    slow[number as usize] = Slow::Have;
                    prop_assert_eq!(plan.arrived(peer(who), piece, NOW).is_new, new);
                }
                Step::GiveBack(who, number) => {
                    let Some(piece) = plan.layout().piece(number) else { continue };
                    plan.give_back(peer(who), piece);
                    release(&mut slow[number as usize..=number as usize], peer(who));
                }
                Step::Fail(who, good) => {
                    plan.fail_source(peer(who), if good { Fault::BadPiece } else { Fault::Closed });
                    release(&mut slow, peer(who));
                }
                Step::Add(who) => { plan.add_source(peer(who)); }
                Step::Rate(who, rate) => plan.set_rate(peer(who), ByteRate::per_second(rate)),
            }
            check_invariant(&plan, &slow);
        }
        // Liveness: one honest source finishes whatever the others left behind.
        for who in 1..5 {
            plan.fail_source(peer(who), Fault::BadPiece);
        }
        plan.add_source(peer(9));
        let mut rounds = 0;
        while plan.standing() != Standing::Complete {
            let run = plan.take(peer(9), 4, NOW).expect("something is left to take");
            for piece in run.pieces(plan.layout()) {
                plan.arrived(peer(9), piece, NOW);
            }
            rounds += 1;
            prop_assert!(rounds <= pieces);
        }
    }
}
