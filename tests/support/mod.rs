//! A group of real processes for tests: a name service and peers in a home of their own. Every process
//! ends with the test, however it ends: its standard input is the test's.

#![allow(dead_code, reason = "each test program uses a part of it")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What waits for processes on a busy machine waits at most so long.
pub(crate) const LONG: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(25);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Elections have real timers: two groups at once on a small machine would disturb each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_cardume"))
}

/// Time for tests: the real one.
#[expect(clippy::disallowed_methods, reason = "tests of real processes measure real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until `look` finds something, and fails with `what` after `limit`.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    wait_for_or_say(what, limit, look, String::new)
}

/// The same; whoever waits in vain is told what there is `instead`.
pub(crate) fn wait_for_or_say<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
    instead: impl Fn() -> String,
) -> T {
    let begun = now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited {limit:?} for {what} {}", instead());
        std::thread::sleep(PAUSE);
    }
}

/// Processes with one home.
pub(crate) struct Group {
    _home: tempfile::TempDir,
    pub(crate) folder: PathBuf,
    names: Option<Child>,
    names_port: u16,
    peers: BTreeMap<String, Child>,
    pub(crate) log: &'static str,
}

impl Group {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().to_owned();
        std::fs::create_dir_all(folder.join("logs")).expect("a folder");
        Self { _home: home, folder, names: None, names_port: 0, peers: BTreeMap::new(), log: "info" }
    }

    /// A name service that founds with `expect` peers, and as many peers, each with files to share.
    pub(crate) fn of(expect: usize) -> Self {
        let mut group = Self::new();
        group.start_names(Some(expect));
        for number in 1..=expect {
            group.start_peer(&format!("peer-{number}"));
        }
        group.wait_for_tracker(expect);
        group
    }

    fn spawn(&self, name: &str, arguments: &[&str]) -> Child {
        self.spawn_within(name, &[], arguments)
    }

    /// Starts the program by way of another one, which becomes it (`exec`).
    fn spawn_within(&self, name: &str, within: &[&str], arguments: &[&str]) -> Child {
        let log = self.folder.join("logs").join(format!("{name}.log"));
        let log: File = OpenOptions::new().create(true).append(true).open(log).expect("a log file");
        let mut command = Command::new(within.first().map_or_else(program, PathBuf::from));
        if let Some((_, rest)) = within.split_first() {
            command.args(rest).arg(program());
        }
        command
            .arg("--home")
            .arg(&self.folder)
            .arg("--stop-with-stdin")
            .args(arguments)
            .env("CARDUME_LOG", self.log)
            .env_remove("CARDUME_REAL_TIME")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("the program starts")
    }

    /// Starts the name service; again at the address of the first time.
    pub(crate) fn start_names(&mut self, expect: Option<usize>) {
        let listen = format!("127.0.0.1:{}", self.names_port);
        let expect = expect.map(|expect| expect.to_string());
        let mut arguments = vec!["names", "serve", "--listen", &listen];
        if let Some(expect) = &expect {
            arguments.extend(["--expect", expect]);
        }
        let child = self.spawn("names", &arguments);
        let pid = u64::from(child.id());
        self.names = Some(child);
        let uri = wait_for("the name service", LONG, || {
            let text = std::fs::read_to_string(self.folder.join("names/runtime.json")).ok()?;
            let runtime: Value = serde_json::from_str(&text).ok()?;
            (runtime["pid"].as_u64() == Some(pid))
                .then(|| runtime["uri"].as_str().unwrap_or_default().to_owned())
        });
        let port = uri.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        self.names_port = port.expect("a port");
        let addresses = format!("{{\"addresses\":[\"127.0.0.1:{}\"]}}\n", self.names_port);
        std::fs::write(self.folder.join("names.json"), addresses).expect("written");
    }

    /// Starts a peer without a window; its shared folder gets a file of its own.
    pub(crate) fn start_peer(&mut self, name: &str) {
        self.start_peer_with(name, &["--no-names"]);
    }

    /// Starts a peer with a window.
    pub(crate) fn start_window(&mut self, name: &str) {
        let arguments = ["--profile", name, "peer", "--no-names", "--position", "0,0", "--size", "1000,700"];
        let child = self.spawn(name, &arguments);
        self.peers.insert(name.to_owned(), child);
    }

    /// Whether a peer's process has ended by itself.
    pub(crate) fn has_ended(&mut self, name: &str) -> bool {
        let child = self.peers.get_mut(name).expect("a peer that was started");
        child.try_wait().expect("a child").is_some()
    }

    pub(crate) fn start_peer_with(&mut self, name: &str, more: &[&str]) {
        self.start_peer_within(name, &[], more);
    }

    /// Starts a peer by way of another program, which becomes it (`exec`).
    pub(crate) fn start_peer_within(&mut self, name: &str, within: &[&str], more: &[&str]) {
        let share = self.share_of(name);
        std::fs::create_dir_all(&share).expect("a folder");
        std::fs::write(share.join(format!("notes of {name}.txt")), format!("written by {name}\n"))
            .expect("written");
        let share = share.to_str().expect("a path in Unicode").to_owned();
        let mut arguments = vec!["--profile", name, "peer", "--headless", "--share", &share];
        arguments.extend(more);
        let child = self.spawn_within(name, within, &arguments);
        self.peers.insert(name.to_owned(), child);
    }

    /// The number of a running peer's process.
    pub(crate) fn pid(&self, name: &str) -> u32 {
        self.peers.get(name).expect("a running peer").id()
    }

    pub(crate) fn share_of(&self, name: &str) -> PathBuf {
        self.folder.join("shared").join(name)
    }

    /// Ends a process as a power cut would (SIGKILL).
    pub(crate) fn kill_peer(&mut self, name: &str) {
        let mut child = self.peers.remove(name).expect("a running peer");
        child.kill().expect("it can be killed");
        child.wait().expect("it can be collected");
    }

    pub(crate) fn kill_names(&mut self) {
        let mut child = self.names.take().expect("a running name service");
        child.kill().expect("it can be killed");
        child.wait().expect("it can be collected");
    }

    pub(crate) fn running(&self) -> Vec<String> {
        self.peers.keys().cloned().collect()
    }

    /// The command line, with this home.
    pub(crate) fn cardume(&self, arguments: &[&str]) -> Output {
        cardume(&self.folder, arguments)
    }

    /// The last line of what a command prints in JSON; fails with its message if it fails.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.cardume(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}\n{}", self.logs());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(text.lines().last().unwrap_or_default()).expect("JSON")
    }

    /// A peer's status; `None` while it does not answer.
    pub(crate) fn status(&self, name: &str) -> Option<Value> {
        let output = self.cardume(&["--profile", name, "status", "--json"]);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    /// Waits until `asker` knows so many sources of a content.
    pub(crate) fn wait_for_sources(&self, asker: &str, content: &str, count: usize) {
        wait_for("the sources", LONG, || {
            let output = self.cardume(&["--profile", asker, "sources", content, "--json"]);
            let sources: Value = serde_json::from_slice(&output.stdout).ok()?;
            (sources.as_array()?.len() == count).then_some(())
        });
    }

    /// Waits until all running peers follow one tracker that has the lists of `files_of` peers; gives its
    /// name and epoch.
    pub(crate) fn wait_for_tracker(&self, files_of: usize) -> (String, u64) {
        let names = self.running();
        wait_for("one tracker with the full index", LONG, || {
            let statuses: Vec<Value> = names.iter().map(|name| self.status(name)).collect::<Option<_>>()?;
            let first = &statuses[0];
            let name = first["tracker"]["name"].as_str()?;
            let same = statuses
                .iter()
                .all(|status| status["tracker"] == first["tracker"] && status["epoch"] == first["epoch"]);
            let whole = first["index"]["complete"]["have"].as_u64() == Some(files_of as u64);
            (same && whole && names.iter().any(|known| known == name))
                .then(|| (name.to_owned(), first["epoch"].as_u64().unwrap_or(0)))
        })
    }

    /// The registered names.
    pub(crate) fn registered(&self) -> BTreeMap<String, Value> {
        serde_json::from_value(self.json(&["names", "list", "--json"])).expect("an object")
    }

    /// What all processes logged, for the message of a failed test.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.join("logs")).into_iter().flatten().flatten() {
            let log = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(8).collect();
            text += "--- ";
            text += &entry.file_name().to_string_lossy();
            text.push('\n');
            text.extend(tail.iter().rev().map(|line| format!("{line}\n")));
        }
        text
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for child in self.peers.values_mut().chain(&mut self.names) {
            // Without effect on a process that has ended already.
            if child.kill().and_then(|()| child.wait()).is_err() {
                eprintln!("a process of the test cannot be stopped");
            }
        }
    }
}

/// The command line with this home.
pub(crate) fn cardume(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.arg("--home").arg(home).args(arguments).stdin(Stdio::null());
    command.output().expect("the program runs")
}

/// The BLAKE3 hash of a file.
pub(crate) fn hash_of(path: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).expect("the file")).expect("readable");
    hasher.finalize().to_hex().to_string()
}

/// How a thread is scheduled (proc(5), `stat`): its policy (sched(7): 0 is the ordinary one, 2 the real-time one in turns),
/// and how nice it is.
#[cfg(target_os = "linux")]
pub(crate) type Scheduling = (u32, i32);

/// How the threads of a process are scheduled, by their names.
#[cfg(target_os = "linux")]
pub(crate) fn scheduling(pid: u32) -> BTreeMap<String, std::collections::BTreeSet<Scheduling>> {
    let mut all = BTreeMap::<String, std::collections::BTreeSet<Scheduling>>::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process").flatten() {
        // A thread may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
        let (start, end) = (stat.find('(').expect("a name"), stat.rfind(')').expect("a name"));
        let fields: Vec<_> = stat[end + 1..].split_whitespace().collect();
        let found = (fields[38].parse().expect("a number"), fields[16].parse().expect("a number"));
        all.entry(stat[start + 1..end].to_owned()).or_default().insert(found);
    }
    all
}

/// Those that keep time go first where the system allows it, and are ordinary threads elsewhere; workers and the one
/// that hashes are nicer: soon, for a thread asks for it after it has its name.
#[cfg(target_os = "linux")]
pub(crate) fn check_scheduling(pid: u32, is_refused: bool) {
    use thread_priority::{RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
    let try_it = || {
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        let thread = thread_priority::thread_native_id();
        thread_priority::set_thread_priority_and_policy(thread, ThreadPriority::Min, policy).is_ok()
    };
    let thread = std::thread::Builder::new().name("tries".to_owned()).spawn(try_it).expect("a thread");
    let is_allowed = thread.join().expect("no panic");
    let first = if is_allowed && !is_refused { 2 } else { 0 };
    let own = scheduling(std::process::id());
    let ordinary = own.values().flatten().map(|(_, nice)| *nice).min().expect("this thread");
    let expected = [
        ("cardume-timing", (first, ordinary)),
        ("cardume-state", (first, ordinary)),
        ("worker", (0, ordinary.max(10))),
        ("library-hash", (0, ordinary.max(15))),
    ];
    let are_so = || {
        let all = scheduling(pid);
        let is_so =
            |(thread, so): (&str, Scheduling)| all.get(thread).is_some_and(|found| found.iter().eq([&so]));
        expected.into_iter().all(is_so).then_some(())
    };
    wait_for_or_say(&format!("{expected:?}"), LONG, are_so, || format!("there is {:?}", scheduling(pid)));
}
