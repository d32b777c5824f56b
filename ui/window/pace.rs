//! What drawing costs, so that what moves is drawn less often on a slow machine.
//!
//! The measure is the processor time of the whole process between two frames, where the system tells it:
//! that counts a renderer's own threads too. Else it is what eframe measured of its own thread.

use std::time::Duration;

/// Old costs fade by this with every frame.
const FADE: u32 = 4;
/// A frame that seems to cost more than this was interrupted.
const MOST: Duration = Duration::from_millis(200);

/// Measures what frames cost.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: Option<Duration>,
    cost: Duration,
}

impl Pace {
    /// A frame begins; `own` is what the one before cost the window's thread. Gives the usual cost.
    pub(crate) fn frame(&mut self, own: Duration) -> Duration {
        let now = process_time();
        let all = now.zip(self.last).map(|(now, last)| now.saturating_sub(last));
        self.last = now;
        self.take(all.unwrap_or(own).max(own))
    }

    fn take(&mut self, cost: Duration) -> Duration {
        let cost = cost.min(MOST);
        self.cost = self.cost.saturating_sub(self.cost / FADE) + cost / FADE;
        self.cost
    }
}

/// The processor time that this process used.
#[cfg(unix)]
fn process_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(unix))]
fn process_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_follows_the_frames_and_one_slow_one_is_not_the_rule() {
        let mut pace = Pace::default();
        for _ in 0..40 {
            pace.take(Duration::from_millis(8));
        }
        let usual = pace.cost;
        assert!(usual > Duration::from_millis(7) && usual <= Duration::from_millis(8), "{usual:?}");
        let after_one = pace.take(Duration::from_secs(5));
        assert!(after_one < Duration::from_millis(60), "{after_one:?}");
        for _ in 0..40 {
            pace.take(Duration::from_millis(8));
        }
        assert!(pace.cost <= Duration::from_millis(9));
    }
}
