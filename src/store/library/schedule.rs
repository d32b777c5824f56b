//! When everything in the shared folders is looked at again.
//!
//! Invariant: what made it due stays until everything is looked at. The end of one share's walk puts nothing
//! off: a drive that is not there is looked for every few seconds, and that is such a walk.

use std::time::Duration;
use tokio::time::Instant;

/// The plan.
#[derive(Debug)]
pub(super) struct Schedule {
    /// When it was last begun.
    begun: Instant,
    /// How long after that it is due.
    pause: Duration,
    /// When it is due because hints were lost.
    lost_due: Option<Instant>,
}

impl Schedule {
    pub(super) const fn new(now: Instant, pause: Duration) -> Self {
        Self { begun: now, pause, lost_due: None }
    }

    /// Everything begins to be looked at.
    pub(super) const fn begin(&mut self, now: Instant) {
        self.begun = now;
        self.lost_due = None;
    }

    /// How long after its beginning it is due again.
    pub(super) const fn set_pause(&mut self, pause: Duration) {
        self.pause = pause;
    }

    /// Hints were lost; it is due at this time, or at an earlier one for hints that were lost before.
    pub(super) fn hurry(&mut self, due: Instant) {
        self.lost_due = Some(self.lost_due.map_or(due, |known| known.min(due)));
    }

    pub(super) fn due(&self) -> Instant {
        let regular = self.begun + self.pause;
        self.lost_due.map_or(regular, |lost| lost.min(regular))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_stays_due_until_all_is_looked_at() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new(start, Duration::from_mins(1));
        assert_eq!(schedule.due(), at(60));
        // A walk ended, and it is known how long all of it takes.
        schedule.set_pause(Duration::from_secs(90));
        assert_eq!(schedule.due(), at(90));
        schedule.hurry(at(20));
        schedule.hurry(at(30));
        schedule.set_pause(Duration::from_secs(80));
        assert_eq!(schedule.due(), at(20), "lost hints are not forgotten");
        schedule.begin(at(20));
        assert_eq!(schedule.due(), at(100));
        // Never later than without.
        schedule.hurry(at(120));
        assert_eq!(schedule.due(), at(100));
    }
}
