//! What ends a process: an interrupt, a polite signal, or the end of standard input.
//!
//! A demonstration keeps its processes by their standard input. However it ends, also by kill -9, the
//! operating system closes that pipe, and they end themselves.

use std::io::Read as _;
use tokio::sync::watch;

/// Becomes true when standard input ends.
pub(crate) fn stdin_end() -> std::io::Result<watch::Receiver<bool>> {
    let (ended, end) = watch::channel(false);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        wait_for_end();
        ended.send_replace(true);
    })?;
    Ok(end)
}

/// Ends this process with standard input: for one that may end at any moment, as the name service.
pub(crate) fn exit_with_stdin() -> std::io::Result<()> {
    std::thread::Builder::new().name("stdin".to_owned()).spawn(|| {
        wait_for_end();
        std::process::exit(0);
    })?;
    Ok(())
}

fn wait_for_end() {
    let mut buffer = [0; 64];
    let mut stdin = std::io::stdin().lock();
    // What is written there means nothing; an error is an end too.
    while stdin.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// Waits for whatever ends this process politely. `stdin` as [`stdin_end`] gave it, if it counts.
pub(crate) async fn asked_to_stop(stdin: Option<watch::Receiver<bool>>) {
    let stdin_ended = async {
        let Some(mut end) = stdin else { return std::future::pending().await };
        if end.wait_for(|ended| *ended).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = stdin_ended => {}
        () = interrupted() => {}
        () = terminated() => {}
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
