//! How late heartbeats come: a histogram that costs one addition a heartbeat.
//!
//! **A percentile is never said lower than it is,** and at most a fifth higher: the buckets are quarters of
//! powers of two. Absent on purpose: which heartbeat it was. The events say that of those that mattered.

use crate::wire::control::Lateness;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The end of the first bucket, in microseconds: below, it is the clock that is measured.
const FIRST_MICROS: u64 = 128;
/// Quarters of powers of two up to 8 s; beyond, an election has come long since.
const BUCKETS: usize = 65;

/// Counts by lateness.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: [AtomicU64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Histogram {
    /// A heartbeat came so much later than it should.
    pub(super) fn add(&self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let bucket = (0..BUCKETS - 1).find(|bucket| micros <= end_micros(*bucket)).unwrap_or(BUCKETS - 1);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// The percentiles of all so far.
    pub(super) fn percentiles(&self) -> Lateness {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        // The end of the bucket in which the heartbeat lies that so many of a thousand are not later than.
        let at = |per_mille: u64| {
            let rank = (all * per_mille).div_ceil(1_000);
            let mut seen = 0;
            let bucket = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            if all == 0 { 0 } else { end_micros(bucket.unwrap_or(BUCKETS - 1)) }
        };
        Lateness { p50_micros: at(500), p99_micros: at(990), p999_micros: at(999), worst_micros: at(1_000) }
    }
}

/// The longest lateness in a bucket.
fn end_micros(bucket: usize) -> u64 {
    let (octave, quarter) = (bucket / 4, (bucket % 4) as u64);
    (FIRST_MICROS << octave) * (4 + quarter) / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentiles(lates_millis: impl IntoIterator<Item = u64>) -> [u64; 4] {
        let histogram = Histogram::default();
        lates_millis.into_iter().for_each(|late| histogram.add(Duration::from_millis(late)));
        let found = histogram.percentiles();
        [found.p50_micros, found.p99_micros, found.p999_micros, found.worst_micros]
    }

    #[test]
    fn percentiles_are_not_lower_and_at_most_a_quarter_higher_than_they_are() {
        assert_eq!(percentiles([]), [0; 4]);
        assert_eq!(percentiles([0]), [FIRST_MICROS; 4]);
        let many = percentiles(0..10_000);
        for (found, exact) in many.into_iter().zip([4_999_000, 9_899_000, 9_989_000, 9_999_000]) {
            let most = if exact < 8_388_608 { exact * 5 / 4 } else { u64::MAX };
            assert!((exact.min(8_388_608)..=most).contains(&found), "{many:?}: {exact}");
        }
        for late in [1, 2, 3, 5, 7, 10, 49, 50, 51, 100, 333, 1_000, 5_000] {
            let [p50, ..] = percentiles([late]);
            assert!((late * 1_000..=late * 1_250).contains(&p50), "{late} ms: {p50}");
        }
    }

    #[test]
    fn one_in_a_thousand_is_not_the_worst() {
        let [p50, p99, p999, worst] = percentiles((0..1_000).map(|at| if at == 0 { 80 } else { 1 }));
        assert!(p50 <= 1_250 && p99 <= 1_250 && p999 <= 1_250 && worst >= 80_000);
    }
}
