//! Starting a name service as a process of its own, where none answers at an address of this machine.
//!
//! Of several peers that start at once only one starts it: a lock file is held from the second look until
//! the service answers. Peers of different homes do not see each other's lock; then the port decides, and
//! the service that came second ends. Absent on purpose: stopping it - it serves others too.

use crate::net::is_local;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long an address of this machine may take to accept a connection.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a service may take from its start until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked for meanwhile.
const PROBE_PAUSE: Duration = Duration::from_millis(20);
/// A log longer than this is begun anew at the next start.
const MAX_LOG_BYTES: u64 = 1 << 20;

/// How to start a name service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartPlan {
    /// Where it has to listen.
    pub address: SocketAddr,
    /// Its folder: the log and the lock of starting lie there; made if absent.
    pub folder: PathBuf,
    /// The program; usually [`std::env::current_exe`].
    pub program: PathBuf,
    /// What the program is told; usually [`serve_arguments`].
    pub arguments: Vec<OsString>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// The address is on another machine: nothing was done.
    Elsewhere,
    /// It answers already.
    AlreadyThere,
    /// It was started by this call, as this process.
    Spawned(u32),
}

/// Why there is no name service.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The lock, the log or the program could not be used.
    #[error("cannot start a name service: {what} failed: {source}: {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
        /// Which file.
        path: PathBuf,
    },
    /// It ended before it listened.
    #[error("the name service ended at once ({status}); its log says why: {log}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// Where its log is.
        log: PathBuf,
    },
    /// It does not listen.
    #[error("the name service does not answer at {address} after {} s; its log: {log}", START_TIMEOUT.as_secs())]
    Silent {
        /// Where it should.
        address: SocketAddr,
        /// Where its log is.
        log: PathBuf,
    },
}

/// The arguments of `cardume names serve` for a home (`None`: the platform's folders). `expect` above 1 is
/// passed on; 1 leaves what an earlier start said.
#[must_use]
pub fn serve_arguments(home: Option<&Path>, listen: SocketAddr, expect: u8) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    if let Some(home) = home {
        arguments.extend(["--home".into(), home.into()]);
    }
    arguments.extend(["names", "serve", "--listen"].map(OsString::from));
    arguments.push(listen.to_string().into());
    if expect > 1 {
        arguments.extend(["--expect".into(), expect.to_string().into()]);
    }
    arguments
}

/// Starts a name service if the address is this machine's and nobody answers there; returns when it
/// answers. The process outlives this one. Cancelling leaves a service that was started running.
///
/// # Errors
/// If it cannot be started or does not answer.
pub async fn spawn_if_absent(plan: &StartPlan) -> Result<Started, StartError> {
    if answers(plan.address).await {
        return Ok(Started::AlreadyThere);
    }
    if !is_local(plan.address.ip()) {
        return Ok(Started::Elsewhere);
    }
    fs::create_dir_all(&plan.folder).map_err(failed("making the folder", &plan.folder))?;
    let log = plan.folder.join("names.log");
    let deadline = Instant::now() + START_TIMEOUT;
    let Some(_lock) = lock_unless_there(plan, deadline).await? else {
        return Ok(Started::AlreadyThere);
    };
    let mut child = spawn(plan, &log)?;
    while Instant::now() < deadline {
        let ended = child.try_wait().map_err(failed("waiting for it", &plan.program))?;
        if answers(plan.address).await {
            // Whoever listens there now may be the service of another home.
            return Ok(match (ended, child.id()) {
                (None, Some(pid)) => Started::Spawned(pid),
                _ => Started::AlreadyThere,
            });
        }
        if let Some(status) = ended {
            return Err(StartError::Ended { status, log });
        }
        sleep(PROBE_PAUSE).await;
    }
    Err(StartError::Silent { address: plan.address, log })
}

async fn answers(address: SocketAddr) -> bool {
    matches!(timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await, Ok(Ok(_)))
}

/// The lock of starting; `None` if the service answers, because somebody else started it meanwhile.
async fn lock_unless_there(plan: &StartPlan, deadline: Instant) -> Result<Option<File>, StartError> {
    let path = plan.folder.join("start.lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(failed("opening the lock", &path))?;
    loop {
        let locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(source)) => return Err(failed("locking", &path)(source)),
        };
        // Looked at with the lock in hand: whoever held it before has started the service.
        if answers(plan.address).await {
            return Ok(None);
        }
        if locked {
            return Ok(Some(file));
        }
        if Instant::now() >= deadline {
            return Err(StartError::Silent { address: plan.address, log: plan.folder.join("names.log") });
        }
        sleep(PROBE_PAUSE).await;
    }
}

fn spawn(plan: &StartPlan, log: &Path) -> Result<Child, StartError> {
    let too_long = fs::metadata(log).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES);
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    if too_long {
        options.truncate(true)
    } else {
        options.append(true)
    };
    let output = options.open(log).map_err(failed("opening the log", log))?;
    let errors = output.try_clone().map_err(failed("opening the log", log))?;
    let mut command = Command::new(&plan.program);
    command.args(&plan.arguments).stdin(Stdio::null()).stdout(output).stderr(errors);
    // A group of its own: Ctrl+C in the starter's terminal does not reach it.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn().map_err(failed("running the program", &plan.program))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError + use<> {
    let path = path.to_owned();
    move |source| StartError::Io { what, source, path }
}
