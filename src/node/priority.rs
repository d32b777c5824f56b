//! The threads that keep time go before everything else on the machine, where a person asks for it
//! (`CARDUME_REAL_TIME=1`) and the system lets them: heartbeats then come in time whatever hashes, transfers or
//! compiles beside them.
//!
//! On Linux that takes root, `CAP_SYS_NICE` or a limit (`rtprio`, see limits.conf(5)) of at least 1; elsewhere and
//! without them they are threads like all others. The lowest of the real-time priorities is enough, and the kernel
//! leaves the others a twentieth of each second (sched(7)). Corosync and others that keep a group together do the same.
//!
//! Invariant: only threads that never compute for long ask for it, and what they start does not inherit it.

use crate::store::niceness::{WORKER, become_nice};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue,
    ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};
use tokio::runtime::{Builder, Runtime};

const REAL_TIME: ThreadSchedulePolicy =
    ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
const ORDINARY: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);

/// Lets the calling thread go before the others, if a person asked for it.
pub(super) fn go_first_if_asked() {
    if std::env::var_os("CARDUME_REAL_TIME").is_some_and(|value| value == "1") {
        go_first();
    }
}

/// Lets the calling thread go before the others; says whether the system allowed it.
fn go_first() -> bool {
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, REAL_TIME);
    if let Err(error) = &set {
        tracing::warn!(
            %error,
            "this thread keeps time at ordinary priority; a limit `rtprio` of 1 lets it go first"
        );
    }
    set.is_ok()
}

/// A runtime for a thread that goes first: threads that it starts are ordinary ones.
///
/// # Errors
/// If the system has no room for it.
pub(super) fn runtime() -> std::io::Result<Runtime> {
    let ordinary = || {
        if thread_schedule_policy() != Ok(REAL_TIME) {
            return;
        }
        // Of 0 to 99, from a nice value of 19 to one of -20, this is one of 0.
        let middle = ThreadPriorityValue::try_from(47_u8).map(ThreadPriority::Crossplatform);
        let set = middle.map(|middle| set_thread_priority_and_policy(thread_native_id(), middle, ORDINARY));
        if !matches!(set, Ok(Ok(()))) {
            tracing::warn!("a thread of those that keep time cannot be made an ordinary one: {set:?}");
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

    #[test]
    fn a_thread_goes_first_where_it_may_and_those_that_it_starts_do_not() {
        let check = || {
            let runtime = runtime().expect("a runtime");
            let expected = if go_first() { REAL_TIME } else { ORDINARY };
            assert_eq!(thread_schedule_policy(), Ok(expected));
            let look = || (thread_schedule_policy(), rustix::process::getpriority_process(None));
            let started = runtime.block_on(async { tokio::task::spawn_blocking(look).await });
            assert_eq!(started.expect("it ran"), (Ok(ORDINARY), Ok(0)));
        };
        let thread = std::thread::Builder::new().name("goes-first".to_owned()).spawn(check);
        thread.expect("a thread").join().expect("no panic");
    }
}
