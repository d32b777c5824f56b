//! How fast something goes: from a number that only grows, over the last seconds.

use super::clock::monotonic;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over how long it is measured.
const WINDOW: Duration = Duration::from_secs(5);
/// The shortest time between two samples.
const STEP: Duration = Duration::from_millis(400);

/// A speed.
#[derive(Debug, Default)]
pub(super) struct Speed {
    samples: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Takes the number as it is now; gives how much it grows in a second.
    pub(super) fn rate(&mut self, total: u64) -> u64 {
        self.rate_at(monotonic(), total)
    }

    fn rate_at(&mut self, now: Instant, total: u64) -> u64 {
        while self.samples.len() > 1 && self.samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.samples.pop_front();
        }
        if self.samples.back().is_none_or(|(at, _)| now - *at >= STEP) {
            self.samples.push_back((now, total));
        }
        let Some((begin, before)) = self.samples.front() else { return 0 };
        let millis = u64::try_from((now - *begin).as_millis()).unwrap_or(u64::MAX);
        total.saturating_sub(*before).saturating_mul(1_000).checked_div(millis).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let (begin, mut speed) = (monotonic(), Speed::default());
        let mut at = |millis: u64, total| speed.rate_at(begin + Duration::from_millis(millis), total);
        assert_eq!(at(0, 0), 0);
        assert_eq!(at(500, 500), 1_000);
        assert_eq!(at(1_000, 2_000), 2_000);
        assert_eq!(at(20_000, 2_000), 0, "long idle");
        assert_eq!(at(21_000, 3_000), 1_000, "what was long ago does not count");
        assert_eq!(at(27_000, 9_000), 1_000, "one sample is always there to compare with");
    }
}
