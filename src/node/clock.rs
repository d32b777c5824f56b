//! The one place that reads clocks. The timing path watches them for jumps: a machine that slept, or a
//! thread that was held up, must not take old timers for a failure of others (R10).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC), for records that people read. Never used to decide anything.
#[must_use]
pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Microseconds since 1970 (UTC), for records that are put side by side with those of other peers.
#[must_use]
pub(super) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Notices that time went on without this thread: it was stopped or starved, or the machine slept.
#[derive(Debug)]
pub(super) struct JumpDetector {
    last: Instant,
    last_boot: Option<Duration>,
}

impl JumpDetector {
    /// A tick that comes so much too late is a restart rather than a timer (R10).
    pub(super) const LATE: Duration = Duration::from_millis(150);

    pub(super) fn new() -> Self {
        Self { last: monotonic(), last_boot: boot_time() }
    }

    /// To be called at least every `expected`. True if more than `expected` + [`Self::LATE`] went by since
    /// the last call, or the boot clock (which counts sleep) ran ahead of the monotonic one.
    pub(super) fn jumped(&mut self, expected: Duration) -> bool {
        let (now, boot) = (monotonic(), boot_time());
        let elapsed = now.saturating_duration_since(self.last);
        let boot_elapsed = match (boot, self.last_boot) {
            (Some(boot), Some(last)) => boot.saturating_sub(last),
            _ => elapsed,
        };
        self.last = now;
        self.last_boot = boot;
        elapsed > expected + Self::LATE || boot_elapsed > elapsed + Self::LATE
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the module that may read the clock")]
pub(super) fn monotonic() -> Instant {
    Instant::now()
}

/// The clock that goes on while the machine sleeps; `None` where there is none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_time() -> Option<Duration> {
    None
}
