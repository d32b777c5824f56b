//! The plan in a made-up network: how long a download takes with sources of given rates, one of which may be slow or
//! dead. A source sends its pieces one after the other; what its rate is, the plan is told every quarter of a second.

use super::*;
use proptest::prelude::*;

const PIECE: u64 = 1024 * 1024;
const TICK: Duration = Duration::from_millis(10);

/// A source: bytes per second, and what it has been asked for.
struct Sender {
    rate: u64,
    queue: Vec<PieceIndex>,
    /// Bytes of the first piece of the queue that have come.
    sent: u64,
    total: u64,
}

fn peer(number: usize) -> PeerId {
    PeerId::from_bytes([u8::try_from(number).expect("small"); 32])
}

/// Seconds until `pieces` are there; requests have at most four pieces, two for each source at once.
fn seconds(pieces: u64, rates: &[u64]) -> f64 {
    let layout = PieceLayout::new(pieces * PIECE, 1024 * 1024).expect("valid");
    let mut plan = Plan::new(layout);
    plan.found(layout.last());
    let mut senders: Vec<Sender> = Vec::new();
    for (number, rate) in rates.iter().enumerate() {
        plan.add_source(peer(number));
        senders.push(Sender { rate: *rate, queue: Vec::new(), sent: 0, total: 0 });
    }
    let mut now = Duration::ZERO;
    while plan.standing() != Standing::Complete {
        assert!(now < Duration::from_hours(1), "it never ends: {rates:?}");
        for (number, sender) in senders.iter_mut().enumerate() {
            while let Some(run) = plan.take(peer(number), 4, now) {
                sender.queue.extend(run.pieces(layout));
            }
            sender.sent += sender.rate / 100;
            while sender.sent >= PIECE && !sender.queue.is_empty() {
                sender.sent -= PIECE;
                sender.total += PIECE;
                let piece = sender.queue.remove(0);
                plan.arrived(peer(number), piece, now);
            }
            if sender.queue.is_empty() {
                sender.sent = 0;
            }
            let source = plan.source(peer(number)).expect("known");
            sender.queue.retain(|piece| source.has_in_flight(*piece));
        }
        now += TICK;
        if now.as_millis().is_multiple_of(250) {
            for (number, sender) in senders.iter().enumerate() {
                let rate = ByteRate::average(sender.total + sender.sent, now);
                plan.set_rate(peer(number), rate);
            }
        }
    }
    now.as_secs_f64()
}

#[test]
fn a_slow_or_dead_source_does_not_hold_a_download_up() {
    let fast = 20 * 1024 * 1024;
    for pieces in [64, 256, 1_024] {
        let without = seconds(pieces, &[fast, fast]);
        for third in [fast / 100, 0, fast / 10] {
            let with = seconds(pieces, &[fast, fast, third]);
            assert!(
                with <= 1.15 * without + 0.3,
                "{pieces} pieces, third {third}: {with} s, {without} s without"
            );
        }
    }
}

#[test]
fn sources_of_one_rate_share_the_work() {
    let fast = 20 * 1024 * 1024;
    let (one, four) = (seconds(1_024, &[fast]), seconds(1_024, &[fast; 4]));
    assert!(one / four >= 3.7, "{one} s from one, {four} s from four");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn one_source_more_never_costs_much(
        pieces in 16u64..300, rates in prop::collection::vec(1u64..40, 1..6), more in 0u64..40
    ) {
        let rates: Vec<u64> = rates.into_iter().map(|rate| rate * 1024 * 1024).collect();
        let mut with = rates.clone();
        with.push(more * 1024 * 1024 / 10);
        let (without, with) = (seconds(pieces, &rates), seconds(pieces, &with));
        prop_assert!(with <= 1.15 * without + 0.5, "{with} s with, {without} s without");
    }
}
