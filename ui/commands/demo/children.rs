//! The processes of a demonstration. Invariant: each ends when its standard input does, so none survives
//! the demonstration, however it ends.

use super::Place;
use crate::commands::Failure;
use cardume::base::PeerUri;
use cardume::node::config::Home;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// How long a name service may take to listen.
const NAMES_START_LIMIT: Duration = Duration::from_secs(10);
/// How long processes get to stop by themselves: a handover and the storing of state are within it.
const STOP_LIMIT: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(20);

/// A running process and what keeps it alive.
struct Kept {
    name: String,
    child: Child,
    /// Dropped to stop it.
    lifeline: Option<ChildStdin>,
}

/// The processes of a demonstration.
pub(crate) struct Children {
    program: PathBuf,
    folder: PathBuf,
    logs: PathBuf,
    names: Option<Kept>,
    peers: Vec<Kept>,
}

impl Children {
    pub(crate) fn new(home: &Home, folder: &Path) -> Result<Self, Failure> {
        // The group's key is made before anybody needs it, so that all have the same.
        home.group_key()?;
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs)?;
        let program = std::env::current_exe()?;
        Ok(Self { program, folder: folder.to_owned(), logs, names: None, peers: Vec::new() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the name service on a free port and gives its address.
    pub(crate) async fn start_names(&mut self, home: &Home, expect: usize) -> Result<SocketAddr, Failure> {
        let arguments = ["names", "serve", "--listen", "127.0.0.1:0", "--expect", &expect.to_string()];
        let kept = self.spawn("names", &arguments.map(str::to_owned))?;
        let pid = kept.child.id();
        let kept = self.names.insert(kept);
        let deadline = tokio::time::Instant::now() + NAMES_START_LIMIT;
        loop {
            let runtime = home.names_runtime().filter(|runtime| runtime.pid == pid);
            if let Some(uri) = runtime.and_then(|runtime| runtime.uri.parse::<PeerUri>().ok()) {
                return Ok(uri.address());
            }
            let ended = kept.child.try_wait()?;
            if ended.is_some() || tokio::time::Instant::now() > deadline {
                let log = self.logs.join("names.log");
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(Failure::failed(format!("the name service did not start: {}", text.trim())));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Starts a peer of this home; with a window where a place is given.
    pub(crate) fn start_peer(
        &mut self,
        name: &str,
        share: &Path,
        window: Option<Place>,
    ) -> Result<(), Failure> {
        std::fs::create_dir_all(share)?;
        let mut arguments: Vec<String> =
            ["--profile", name, "peer", "--no-names", "--share"].map(str::to_owned).into();
        arguments.push(
            share.to_str().ok_or_else(|| Failure::usage("the home's path is not valid Unicode"))?.to_owned(),
        );
        match window {
            Some(Place { position: (x, y), size: (width, height) }) => {
                arguments.extend(["--position".to_owned(), format!("{x},{y}")]);
                arguments.extend(["--size".to_owned(), format!("{width},{height}")]);
            }
            None => arguments.push("--headless".to_owned()),
        }
        let kept = self.spawn(name, &arguments)?;
        self.peers.push(kept);
        Ok(())
    }

    fn spawn(&self, name: &str, arguments: &[String]) -> Result<Kept, Failure> {
        let log = File::create(self.logs.join(format!("{name}.log")))?;
        let mut child = Command::new(&self.program)
            .arg("--home")
            .arg(&self.folder)
            .arg("--stop-with-stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let lifeline = child.stdin.take();
        Ok(Kept { name: name.to_owned(), child, lifeline })
    }

    /// Whether the demonstration still has somebody to show.
    pub(crate) fn any_peer_lives(&mut self) -> bool {
        self.peers.iter_mut().any(Kept::lives)
    }

    /// How a process ended; `None` while it runs.
    pub(crate) fn end_of(&mut self, name: &str) -> Option<String> {
        let kept = self.peers.iter_mut().chain(&mut self.names).find(|kept| kept.name == name)?;
        kept.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Stops all processes: politely, and after a while by force. The name service goes last.
    pub(crate) async fn stop(&mut self) {
        for kept in &mut self.peers {
            kept.lifeline = None;
        }
        wait(&mut self.peers).await;
        if let Some(mut names) = self.names.take() {
            names.lifeline = None;
            wait(std::slice::from_mut(&mut names)).await;
        }
        self.peers.clear();
    }
}

impl Kept {
    fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

async fn wait(kept: &mut [Kept]) {
    let deadline = tokio::time::Instant::now() + STOP_LIMIT;
    while kept.iter_mut().any(Kept::lives) && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(PAUSE).await;
    }
    for slow in kept.iter_mut() {
        if slow.lives() {
            eprintln!("{} did not stop by itself and is killed", slow.name);
        }
        // Without effect on a process that ended; then it is collected.
        if slow.child.kill().and_then(|()| slow.child.wait()).is_err() {
            eprintln!("{} cannot be stopped", slow.name);
        }
    }
}
