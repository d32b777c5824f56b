//! How nice a thread is to others (setpriority(2): 0 is ordinary, 19 the most). Linux has it for each thread, and what
//! a thread starts, threads and processes, begins with its own; elsewhere nothing is done.

/// Those that answer, send and receive: whatever keeps time goes before them.
pub const WORKER: i32 = 10;
/// The thread that hashes what nobody waits for.
pub const HASHER: i32 = 15;

/// How nice the calling thread is.
#[must_use]
pub fn niceness() -> i32 {
    #[cfg(target_os = "linux")]
    {
        rustix::process::getpriority_process(None).unwrap_or_default()
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// Makes the calling thread this nice, if it is not nicer. Nobody but root can take it back.
pub fn become_nice(niceness: i32) {
    #[cfg(target_os = "linux")]
    {
        if self::niceness() < niceness
            && let Err(error) = rustix::process::setpriority_process(None, niceness)
        {
            tracing::debug!(%error, "a thread keeps its ordinary priority");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
