//! The threads that keep time go before everything else on the machine, where the system lets them: heartbeats then
//! come in time whatever hashes, transfers or compiles beside them. A person may say no (`CARDUME_REAL_TIME=0`).
//!
//! On Linux that takes root, `CAP_SYS_NICE` or a limit (`rtprio`, see limits.conf(5)) of at least 1; elsewhere and
//! without them they are threads like all others. The lowest of the real-time priorities is enough, and the kernel
//! leaves the others a twentieth of each second (sched(7)). Corosync and others that keep a group together do the same.
//!
//! **Whoever makes such a thread compute for long takes nothing from others:** it is an ordinary one then for a while
//! ([`RightOfWay`]), and what it starts is from the beginning.

use crate::store::niceness::{WORKER, become_nice, niceness};
use std::time::Duration;
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue,
    ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, MissedTickBehavior, interval};

const REAL_TIME: ThreadSchedulePolicy =
    ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
const ORDINARY: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
/// How often [`keep_first`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A thread that keeps time computes for a hundredth of it; one that does for a quarter is kept busy by somebody.
const MOST_OF: u32 = 4;
/// How long it is an ordinary one then; twice as long each time that it is kept busy as soon as it goes first again.
const REST: Duration = Duration::from_secs(5);
/// At the most.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// The right of the calling thread to go before others, as long as it computes little.
#[derive(Debug)]
pub(super) struct RightOfWay {
    /// When it was looked at last, and for how long the thread had computed.
    since: Instant,
    used: Duration,
    /// When it may go first again.
    back_at: Option<Instant>,
    /// When it went first again the last time.
    was_back_at: Option<Instant>,
    rest: Duration,
    /// How nice the thread is by itself.
    niceness: i32,
}

impl RightOfWay {
    /// The calling thread goes first, if the system and the person allow it.
    pub(super) fn ask() -> Option<Self> {
        let wish = std::env::var("CARDUME_REAL_TIME").unwrap_or_default();
        let niceness = niceness();
        let goes_first = cfg!(target_os = "linux") && wish != "0" && go_first(wish == "1");
        goes_first.then(|| Self::begin(niceness))
    }

    fn begin(niceness: i32) -> Self {
        let (since, used) = (Instant::now(), computed());
        Self { since, used, back_at: None, was_back_at: None, rest: REST, niceness }
    }

    /// Makes the thread, which must be the one that asked, an ordinary one if it has computed too much since the last
    /// look, and lets it go first again later.
    pub(super) fn look(&mut self) {
        let before = self.back_at.is_none();
        match (before, self.goes_first(Instant::now(), computed())) {
            (true, false) => {
                let rest = self.rest;
                if rest == REST {
                    tracing::warn!(
                        "a thread that keeps time has much to do, and is an ordinary one for a while"
                    );
                } else {
                    tracing::debug!(?rest, "a thread that keeps time has much to do again");
                }
                become_ordinary(self.niceness);
            }
            (false, true) => drop(go_first(true)),
            _ => {}
        }
    }

    /// Keeps looking; never ends.
    async fn keep(mut self) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            self.look();
        }
    }

    /// Whether it goes first from now on, if it had computed for so long in all.
    fn goes_first(&mut self, now: Instant, computed: Duration) -> bool {
        let passed = now.saturating_duration_since(self.since);
        // Of a moment it says nothing.
        if passed >= LOOK_EVERY / 2 {
            let used = computed.saturating_sub(self.used);
            (self.since, self.used) = (now, computed);
            if used * MOST_OF > passed {
                if self.back_at.is_none() {
                    let is_relapse = self.was_back_at.is_some_and(|at| now < at + self.rest);
                    self.rest = if is_relapse { (self.rest * 2).min(LONGEST_REST) } else { REST };
                }
                self.back_at = Some(now + self.rest);
            }
        }
        if self.back_at.is_some_and(|at| at <= now) {
            (self.back_at, self.was_back_at) = (None, Some(now));
        }
        self.back_at.is_none()
    }
}

/// Lets the thread of the current runtime go first as long as it may.
pub(super) async fn keep_first() {
    if let Some(right) = RightOfWay::ask() {
        right.keep().await;
    }
}

/// For how long the calling thread has computed.
fn computed() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap_or_default()
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

/// Lets the calling thread go before the others; says whether the system allowed it.
fn go_first(was_asked_for: bool) -> bool {
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, REAL_TIME);
    match &set {
        Err(error) if was_asked_for => tracing::warn!(
            %error,
            "this thread keeps time at ordinary priority; a limit `rtprio` of 1 lets it go first"
        ),
        Err(error) => tracing::debug!(%error, "this thread keeps time at ordinary priority"),
        Ok(()) => {}
    }
    set.is_ok()
}

/// Makes the calling thread an ordinary one, as nice as it was before.
fn become_ordinary(niceness: i32) {
    // Of 0 to 99, from a nice value of 19 to one of -20, this is one of 0, which who was nicer may not ask for.
    let middle = ThreadPriorityValue::try_from(47_u8).map(ThreadPriority::Crossplatform);
    let set = middle.map(|middle| set_thread_priority_and_policy(thread_native_id(), middle, ORDINARY));
    if thread_schedule_policy() != Ok(ORDINARY) {
        tracing::warn!("a thread of those that keep time cannot be made an ordinary one: {set:?}");
    }
    become_nice(niceness);
}

/// A runtime for a thread that goes first: threads that it starts are ordinary ones.
///
/// # Errors
/// If the system has no room for it.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    let niceness = niceness();
    let ordinary = move || {
        if thread_schedule_policy() == Ok(REAL_TIME) {
            become_ordinary(niceness);
        }
    };
    Builder::new_current_thread().enable_all().on_thread_start(ordinary).build()
}

/// Lets the calling thread go after those that keep time, in the same peer and in others of the same session:
/// for the threads of the runtime that [`super::start`] runs in. Whoever calls `start` must not be one of them,
/// for threads that keep time are as nice as what starts them.
pub fn go_after_timing() {
    become_nice(WORKER);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_thread(check: impl FnOnce() + Send + 'static) {
        let thread = std::thread::Builder::new().name("goes-first".to_owned()).spawn(check);
        thread.expect("a thread").join().expect("no panic");
    }

    #[test]
    fn a_thread_goes_first_where_it_may_and_those_that_it_starts_do_not() {
        on_a_thread(|| {
            become_nice(3);
            let before = niceness();
            let runtime = runtime().expect("a runtime");
            let expected = if go_first(false) { REAL_TIME } else { ORDINARY };
            assert_eq!(thread_schedule_policy(), Ok(expected));
            let look = || (thread_schedule_policy(), niceness());
            let started = runtime.block_on(async { tokio::task::spawn_blocking(look).await });
            assert_eq!(started.expect("it ran"), (Ok(ORDINARY), before));
        });
    }

    #[test]
    fn who_computes_much_rests_and_goes_first_again() {
        let mut right = RightOfWay { used: Duration::ZERO, ..RightOfWay::begin(0) };
        let (mut now, mut used) = (right.since, Duration::ZERO);
        let mut after = |right: &mut RightOfWay, passed: u64, computed: u64| {
            now += Duration::from_millis(passed);
            used += Duration::from_millis(computed);
            right.goes_first(now, used)
        };
        assert!(after(&mut right, 200, 50), "a quarter is allowed");
        assert!(after(&mut right, 10, 10) && after(&mut right, 10, 10), "a moment says nothing");
        assert!(!after(&mut right, 180, 31), "but counts");
        assert!(!after(&mut right, 4_990, 0));
        assert!(after(&mut right, 10, 0), "rested");
        assert!(!after(&mut right, 200, 61), "at once again: it rests for ten seconds");
        for _ in 0..50 {
            assert!(!after(&mut right, 200, 60), "as long as it is kept busy");
        }
        assert!(!after(&mut right, 9_900, 0) && after(&mut right, 100, 0));
        assert!(after(&mut right, 10_000, 0) && !after(&mut right, 200, 60), "that was long ago");
        assert!(!after(&mut right, 4_900, 0) && after(&mut right, 100, 0));
        for _ in 0..10 {
            assert!(!after(&mut right, 200, 60) && after(&mut right, 300_000, 0), "five minutes at the most");
        }
    }

    #[test]
    fn a_busy_thread_that_keeps_time_is_an_ordinary_one() {
        on_a_thread(|| {
            let runtime = runtime().expect("a runtime");
            if !go_first(false) {
                return println!("real-time priority is not allowed here: not tried");
            }
            let busy = async {
                while thread_schedule_policy() == Ok(REAL_TIME) {
                    // What others ask of it: never a pause.
                    tokio::task::yield_now().await;
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    ended = tokio::time::timeout(Duration::from_secs(20), busy) => ended.expect("demoted"),
                    () = RightOfWay::begin(niceness()).keep() => {}
                }
            });
            let mut right = RightOfWay { back_at: Some(Instant::now()), ..RightOfWay::begin(0) };
            right.look();
            assert_eq!(thread_schedule_policy(), Ok(REAL_TIME), "again");
        });
    }
}
