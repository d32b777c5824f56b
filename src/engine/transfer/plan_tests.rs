//! The plan against cases, and against a slow reference that keeps one state per piece.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

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
fn a_source_that_holds_a_piece_up_is_overtaken_and_named_as_the_loser() {
    let mut plan = Plan::new(layout(100));
    plan.found(piece(&plan, 99));
    plan.add_source(peer(1));
    plan.add_source(peer(2));
    plan.set_rate(peer(2), ByteRate::per_second(10 * u64::from(PIECE)));
    let at = |millis| Duration::from_millis(millis);
    assert_eq!(plan.take(peer(1), 1, at(0)).map(|run| run.first.number()), Some(0));
    let next = |plan: &mut Plan, millis| plan.take(peer(2), 1, at(millis)).map(|run| run.first.number());
    assert_eq!(next(&mut plan, 900), Some(1), "not before ten of its pieces would be there");
    assert_eq!(next(&mut plan, 1_001), Some(0), "held up for longer");
    let held = piece(&plan, 0);
    assert_eq!(plan.arrived(peer(2), held, at(1_100)), Arrived { is_new: true, losers: vec![peer(1)] });
    assert!(!plan.source(peer(1)).expect("known").has_in_flight(held));
}

#[test]
fn more_sources_than_are_asked_at_once_wait_and_get_their_turn() {
    let mut plan = Plan::new(layout(100));
    let many = u8::try_from(Plan::MAX_ACTIVE + 2).expect("small");
    for number in 1..=many {
        assert!(plan.add_source(peer(number)));
    }
    let states = |plan: &Plan, state| plan.sources().filter(|(_, source)| source.state() == state).count();
    assert_eq!((states(&plan, SourceState::Active), states(&plan, SourceState::Spare)), (16, 2));
    plan.fail_source(peer(1), Fault::Silent);
    assert_eq!((states(&plan, SourceState::Active), states(&plan, SourceState::Spare)), (16, 1));
    let last = piece(&plan, 99);
    plan.found(last);
    for number in 2..=many {
        plan.set_rate(peer(number), ByteRate::per_second(1_000 * u64::from(number)));
        take(&mut plan, number, 1);
    }
    let spare = plan.sources().find(|(_, source)| source.state() == SourceState::Spare).map(|(id, _)| id);
    plan.explore(Plan::EXPLORE_EVERY);
    let state = spare.and_then(|spare| plan.source(spare)).map(Source::state);
    assert_eq!(state, Some(SourceState::Active), "who was never asked is tried");
    assert_eq!(states(&plan, SourceState::Active), 16);
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

/// What the reference knows of a piece; in flight: since when with whom.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slow {
    Wanted,
    InFlight(BTreeMap<PeerId, Duration>),
    Have,
}

/// The reference: everything is looked for anew each time.
struct Reference {
    pieces: Vec<Slow>,
    /// When each source brought something new.
    progress: BTreeMap<PeerId, Duration>,
}

#[derive(Clone, Debug)]
enum Step {
    Take(u8, u32),
    Arrive(u8, u32),
    Find(u32),
    GiveBack(u8, u32),
    Fail(u8, bool),
    Add(u8),
    Rate(u8, u64),
    Wait(u64),
    Explore,
}

fn step() -> impl Strategy<Value = Step> {
    // Few that do much, and more than are asked at once.
    let who = prop_oneof![6 => 1u8..5, 1 => 5u8..25];
    let number = 0u32..24;
    prop_oneof![
        8 => (who.clone(), 1u32..6).prop_map(|(who, most)| Step::Take(who, most)),
        5 => (who.clone(), number.clone()).prop_map(|(who, piece)| Step::Arrive(who, piece)),
        1 => number.clone().prop_map(Step::Find),
        2 => (who.clone(), number).prop_map(|(who, piece)| Step::GiveBack(who, piece)),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, good)| Step::Fail(who, good)),
        4 => (1u8..25).prop_map(Step::Add),
        2 => (who, 0u64..10).prop_map(|(who, pieces)| Step::Rate(who, pieces * u64::from(PIECE))),
        3 => (0u64..1_500).prop_map(Step::Wait),
        1 => Just(Step::Explore),
    ]
}

impl Reference {
    fn new(pieces: u32) -> Self {
        Self { pieces: vec![Slow::Wanted; pieces as usize], progress: BTreeMap::new() }
    }

    /// The pieces in flight with others than this one, with fewer than `most` holders.
    fn open(&self, who: PeerId, most: usize) -> impl Iterator<Item = (u32, &BTreeMap<PeerId, Duration>)> {
        (0..).zip(&self.pieces).filter_map(move |(piece, state)| match state {
            Slow::InFlight(from) if from.len() < most && !from.contains_key(&who) => Some((piece, from)),
            _ => None,
        })
    }

    /// The piece that nobody got on with for the longest time, if that is long enough.
    fn held_up(&self, plan: &Plan, who: PeerId, pieces: u64, least: u64, now: Duration) -> Option<u32> {
        let rate = plan.source(who)?.rate.bytes_per_second();
        let one = (u64::from(PIECE) * 1_000_000).checked_div(rate)?;
        let limit = Duration::from_micros(pieces * one).max(Duration::from_millis(least));
        let mut quietest = None;
        for (piece, from) in self.open(who, 3) {
            let heard =
                |(peer, since): (&PeerId, &Duration)| *since.max(self.progress.get(peer).unwrap_or(since));
            let since = from.iter().map(heard).max().expect("somebody has it");
            if quietest.is_none_or(|(before, _)| since < before) {
                quietest = Some((since, piece));
            }
        }
        quietest.filter(|(since, _)| now.saturating_sub(*since) >= limit).map(|(_, piece)| piece)
    }

    /// Where the run begins that this source is to get, and how long it is.
    fn next(&self, plan: &Plan, who: PeerId, most: u32, now: Duration) -> Option<(u32, u32)> {
        let source = plan.source(who).filter(|source| source.state() == SourceState::Active)?;
        let has = |state: &&Slow| matches!(state, Slow::InFlight(from) if from.contains_key(&who));
        let used = u32::try_from(self.pieces.iter().filter(has).count()).expect("few");
        let room = source.window(plan.layout()).saturating_sub(used).min(most);
        let (last, is_wanted) = (self.pieces.len() - 1, |state: &Slow| *state == Slow::Wanted);
        if room == 0 {
            return None;
        }
        if self.pieces[last] != Slow::Have {
            return is_wanted(&self.pieces[last]).then_some((u32::try_from(last).expect("few"), 1));
        }
        if let Some(piece) = self.held_up(plan, who, 10, 500, now) {
            return Some((piece, 1));
        }
        if let Some(first) = self.pieces.iter().position(is_wanted) {
            let active = plan.sources().filter(|(_, source)| source.state() == SourceState::Active).count();
            let all = self.pieces.iter().filter(|state| is_wanted(state)).count();
            let most = (all / (2 * active)).clamp(1, room as usize);
            let in_a_row =
                self.pieces[first..].iter().take(most).take_while(|state| is_wanted(state)).count();
            return Some((u32::try_from(first).expect("few"), u32::try_from(in_a_row).expect("few")));
        }
        let asked =
            |(piece, from): (u32, &BTreeMap<PeerId, Duration>)| (*from.values().min().expect("one"), piece);
        let raced = || self.open(who, 2).map(asked).min().filter(|_| used == 0).map(|(_, piece)| piece);
        self.held_up(plan, who, 3, 100, now).or_else(raced).map(|piece| (piece, 1))
    }

    fn taken(&mut self, who: PeerId, run: Run, layout: PieceLayout, now: Duration) {
        for piece in run.pieces(layout) {
            let state = &mut self.pieces[piece.number() as usize];
            if *state == Slow::Wanted {
                *state = Slow::InFlight(BTreeMap::new());
            }
            let Slow::InFlight(from) = state else { panic!("asked again for a piece that is there") };
            assert_eq!(from.insert(who, now), None, "asked twice of the same source");
        }
    }

    fn release(&mut self, who: PeerId, pieces: std::ops::Range<usize>) {
        for state in &mut self.pieces[pieces] {
            if let Slow::InFlight(from) = state {
                from.remove(&who);
                if from.is_empty() {
                    *state = Slow::Wanted;
                }
            }
        }
    }

    fn check(&self, plan: &Plan) {
        for piece in plan.layout().pieces() {
            let flight = plan.in_flight.get(&piece);
            let places = [plan.have.contains(piece), plan.wanted.contains(piece), flight.is_some()];
            let (expected, holders) = match &self.pieces[piece.number() as usize] {
                Slow::Have => ([true, false, false], BTreeMap::new()),
                Slow::Wanted => ([false, true, false], BTreeMap::new()),
                Slow::InFlight(from) => ([false, false, true], from.clone()),
            };
            assert_eq!(places, expected, "exactly one place for piece {piece:?}");
            let from: BTreeMap<_, _> =
                flight.map(|flight| flight.from.iter().copied().collect()).unwrap_or_default();
            assert_eq!(from, holders, "who sends piece {piece:?}");
            let seen =
                plan.sources().filter(|(_, source)| source.in_flight.contains(&piece)).map(|(id, _)| id);
            assert!(seen.eq(from.into_keys()), "both sides agree on who sends piece {piece:?}");
        }
        let active = plan.sources().filter(|(_, source)| source.state() == SourceState::Active);
        assert!(active.count() <= Plan::MAX_ACTIVE);
    }
}

proptest! {
    #[test]
    fn a_piece_is_in_exactly_one_place(pieces in 1u32..24, steps in prop::collection::vec(step(), 0..300)) {
        let (mut plan, mut slow, mut now) = (Plan::new(layout(pieces)), Reference::new(pieces), NOW);
        for step in steps {
            match step {
                Step::Take(who, most) => {
                    let expected = slow.next(&plan, peer(who), most, now);
                    let run = plan.take(peer(who), most, now);
                    prop_assert_eq!(run.map(|run| (run.first.number(), run.count)), expected);
                    if let Some(run) = run {
                        slow.taken(peer(who), run, plan.layout(), now);
                    }
                }
                Step::Arrive(who, number) => {
                    let Some(piece) = plan.layout().piece(number) else { continue };
                    let was = std::mem::replace(&mut slow.pieces[number as usize], Slow::Have);
                    let is_new = was != Slow::Have;
                    if is_new && plan.source(peer(who)).is_some() {
                        slow.progress.insert(peer(who), now);
                    }
                    let losers = if let Slow::InFlight(from) = was { from.into_keys().collect() } else { Vec::new() };
                    let losers: Vec<_> = losers.into_iter().filter(|loser| *loser != peer(who)).collect();
                    let mut arrived = plan.arrived(peer(who), piece, now);
                    arrived.losers.sort();
                    prop_assert_eq!(arrived, Arrived { is_new, losers });
                }
                Step::Find(number) => {
                    let Some(piece) = plan.layout().piece(number) else { continue };
                    plan.found(piece);
                    if slow.pieces[number as usize] == Slow::Wanted {
                        slow.pieces[number as usize] = Slow::Have;
                    }
                }
                Step::GiveBack(who, number) => {
                    let Some(piece) = plan.layout().piece(number) else { continue };
                    plan.give_back(peer(who), piece);
                    slow.release(peer(who), number as usize..number as usize + 1);
                }
                Step::Fail(who, good) => {
                    plan.fail_source(peer(who), if good { Fault::BadPiece } else { Fault::Closed });
                    slow.release(peer(who), 0..pieces as usize);
                }
                Step::Add(who) => { plan.add_source(peer(who)); }
                Step::Rate(who, rate) => plan.set_rate(peer(who), ByteRate::per_second(rate)),
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Explore => plan.explore(now),
            }
            slow.check(&plan);
        }
        // Liveness: one honest source finishes whatever the others left behind.
        for who in 1..25 {
            plan.fail_source(peer(who), Fault::BadPiece);
        }
        plan.add_source(peer(99));
        let mut rounds = 0;
        while plan.standing() != Standing::Complete {
            let run = plan.take(peer(99), 4, now).expect("something is left to take");
            for piece in run.pieces(plan.layout()) {
                plan.arrived(peer(99), piece, now);
            }
            rounds += 1;
            prop_assert!(rounds <= pieces);
        }
    }
}
