//! A limit of speed: how long to wait before the next bytes.
//!
//! **Over any time, no more bytes pass than the rate allows in it and one [`Bucket::BURST`] more.** A token
//! bucket whose level is kept as the moment at which it was last empty, so that a change of the rate needs
//! no conversion. Deliberately absent: a clock; moments are times since any one origin.

use crate::base::ByteRate;
use std::time::Duration;

/// The bucket; at first full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When everything that was let through so far has been paid for.
    paid_at: Duration,
}

impl Bucket {
    /// What may have been saved up while nothing was sent.
    pub const BURST: Duration = Duration::from_millis(100);
    /// In how many parts a second is cut: the more, the evener for all that share the limit.
    const PARTS_PER_SECOND: u64 = 40;
    /// The smallest part: less would be more headers than bytes.
    const MIN_PART_BYTES: u64 = 4 * 1024;

    /// How many of `wanted` bytes (at least one, if any) may be sent, and how long to wait before, when it
    /// is `now`. A rate of zero lets nothing through but a byte a second.
    pub fn take(&mut self, now: Duration, rate: ByteRate, wanted: u64) -> (u64, Duration) {
        let per_second = rate.bytes_per_second().max(1);
        let part = per_second / Self::PARTS_PER_SECOND;
        let bytes = wanted.min(part.max(Self::MIN_PART_BYTES));
        let cost = Duration::from_nanos(nanos(bytes, per_second));
        self.paid_at = self.paid_at.max(now.saturating_sub(Self::BURST)).saturating_add(cost);
        (bytes, self.paid_at.saturating_sub(now))
    }
}

fn nanos(bytes: u64, per_second: u64) -> u64 {
    u64::try_from(u128::from(bytes) * 1_000_000_000 / u128::from(per_second)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends without a pause for `span`; gives the bytes that went through.
    fn sent(bucket: &mut Bucket, from: Duration, span: Duration, rate: ByteRate, wanted: u64) -> u64 {
        let (mut now, mut sent) = (from, 0);
        while now < from + span {
            let (bytes, wait) = bucket.take(now, rate, wanted);
            now += wait;
            sent += bytes;
        }
        sent
    }

    #[test]
    fn the_rate_is_kept_whatever_the_parts() {
        for rate in [1_000, 100_000, 12_345_678, 1_000_000_000] {
            for wanted in [1_000, 65_536, 1 << 22] {
                let mut bucket = Bucket::default();
                let span = Duration::from_secs(20);
                let bytes = sent(&mut bucket, Duration::ZERO, span, ByteRate::per_second(rate), wanted);
                let allowed = rate * 20;
                let most = allowed + allowed / 50 + 2 * Bucket::MIN_PART_BYTES;
                assert!((allowed..=most).contains(&bytes), "{rate}/s in {wanted}: {bytes} of {allowed}");
            }
        }
    }

    #[test]
    fn silence_saves_up_one_burst_only() {
        let rate = ByteRate::per_second(1_000_000);
        let mut bucket = Bucket::default();
        let later = Duration::from_hours(1);
        let mut at_once = 0;
        loop {
            let (bytes, wait) = bucket.take(later, rate, 10_000);
            if wait > Duration::ZERO {
                break;
            }
            at_once += bytes;
        }
        assert_eq!(at_once, 100_000);
    }

    #[test]
    fn a_part_is_a_fraction_of_a_second() {
        let mut bucket = Bucket::default();
        let table = [(40_000_000, 1_000_000), (400_000, 10_000), (1_000, 4_096), (0, 4_096)];
        for (rate, expected) in table {
            let (bytes, _) = bucket.take(Duration::ZERO, ByteRate::per_second(rate), 1 << 30);
            assert_eq!(bytes, expected, "{rate}/s");
        }
        assert_eq!(Bucket::default().take(Duration::ZERO, ByteRate::per_second(1), 7).0, 7);
    }

    #[test]
    fn a_new_rate_counts_at_once() {
        let mut bucket = Bucket::default();
        let slow = sent(&mut bucket, Duration::ZERO, Duration::from_secs(1), ByteRate::per_second(50_000), 9);
        assert!(slow < 60_000, "{slow}");
        let (bytes, wait) = bucket.take(Duration::from_secs(1), ByteRate::per_second(50_000_000), 1_000_000);
        assert_eq!(bytes, 1_000_000);
        assert!(wait < Duration::from_millis(30), "{wait:?}");
    }
}
