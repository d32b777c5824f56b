//! The times of an election, validated together.

use std::ops::Range;
use std::time::Duration;

/// Times that do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElectionConfigError {
    /// The timer could run out between two heartbeats.
    #[error("the shortest timer must be longer than the heartbeat interval")]
    TimerTooShort,
    /// The timer's range is empty.
    #[error("the longest timer must be longer than the shortest one")]
    EmptyRange,
}

/// The times of an election. The defaults are the assignment's: a heartbeat every 100 ms, a timer of
/// 150-300 ms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ElectionConfig {
    heartbeat: Duration,
    timer: Range<Duration>,
}

impl ElectionConfig {
    /// Checks the times against each other.
    ///
    /// # Errors
    /// If the timer is not longer than the heartbeat, or its range is empty.
    pub fn new(heartbeat: Duration, timer: Range<Duration>) -> Result<Self, ElectionConfigError> {
        if timer.is_empty() {
            return Err(ElectionConfigError::EmptyRange);
        }
        if timer.start <= heartbeat || heartbeat.is_zero() {
            return Err(ElectionConfigError::TimerTooShort);
        }
        Ok(Self { heartbeat, timer })
    }

    /// The time between two heartbeats.
    #[must_use]
    pub const fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// The range from which a timer is drawn anew at every restart.
    #[must_use]
    pub const fn timer(&self) -> &Range<Duration> {
        &self.timer
    }

    /// How long votes are refused after a heartbeat (R3): the shortest timer.
    #[must_use]
    pub const fn sticky(&self) -> Duration {
        self.timer.start
    }
}

impl Default for ElectionConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(100),
            timer: Duration::from_millis(150)..Duration::from_millis(300),
        }
    }
}
