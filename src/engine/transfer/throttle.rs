//! A limit of bytes per second: a token bucket as a single number, the time at which everything that was let
//! through is paid for (the "virtual scheduling" form of the generic cell rate algorithm, ITU-T I.371).
//!
//! Absent on purpose: clocks and waiting. The caller says what time it is and waits as long as it is told.

use crate::base::ByteRate;
use std::time::Duration;

/// What may go through at once after a pause: a hundred milliseconds' worth, so that a limited transfer
/// stays even.
pub const BURST: Duration = Duration::from_millis(100);

/// Lets `bytes` through at `now`: the new time at which all is paid for, and how long to wait before going
/// on. `paid_at` is what the last call gave, zero at first. The average never exceeds the rate by more than
/// [`BURST`]. A rate of zero lets nothing through, ever; use no throttle for "no limit".
#[must_use]
pub fn let_through(paid_at: Duration, now: Duration, bytes: u64, rate: ByteRate) -> (Duration, Duration) {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.bytes_per_second().max(1));
    let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4));
    let paid_at = paid_at.max(now.saturating_sub(BURST)).saturating_add(cost);
    (paid_at, paid_at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waiting_makes_the_rate() {
        let rate = ByteRate::per_second(1_000);
        let second = Duration::from_secs(1);
        let (paid, wait) = let_through(Duration::ZERO, second * 10, 100, rate);
        assert_eq!((paid, wait), (second * 10, Duration::ZERO), "the burst is free after a pause");
        let (paid, wait) = let_through(paid, second * 10, 1_000, rate);
        assert_eq!((paid, wait), (second * 11, second));
        let (_, wait) = let_through(paid, second * 11, 500, rate);
        assert_eq!(wait, second / 2);
    }

    proptest! {
        #[test]
        fn the_average_is_kept(
            rate in 1_000u64..100_000_000, steps in prop::collection::vec((1u64..300_000, 0u64..200), 1..100)
        ) {
            let (mut now, mut paid, mut sum) = (Duration::from_secs(1), Duration::ZERO, 0);
            for (bytes, pause) in steps {
                now += Duration::from_millis(pause);
                let (next, wait) = let_through(paid, now, bytes, ByteRate::per_second(rate));
                (paid, now, sum) = (next, now + wait, sum + bytes);
                let allowed = (now - Duration::from_secs(1) + BURST).as_secs_f64() * rate as f64;
                prop_assert!(sum as f64 <= allowed * 1.001 + 1.0, "{sum} of {allowed}");
            }
        }
    }
}
