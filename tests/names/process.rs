//! The service as a real process: killed, started by its peers.

use super::*;
use cardume::names::client::identity_of;
use cardume::names::start::{StartPlan, Started, serve_arguments, spawn_if_absent};
use cardume::node::config::{Home, NamesRuntime};
use futures_util::future::join_all;
use rand::RngExt as _;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_cardume");

/// A service's process; killed at the end, however the test ends.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it and waits until it serves.
    pub(crate) fn start(home: &Home, listen: Option<SocketAddr>) -> (Self, NamesRuntime) {
        let mut command = Command::new(PROGRAM);
        command.arg("--home").arg(home.folder().expect("one folder"));
        command.args(["--json", "names", "serve", "--expect", "7"]);
        if let Some(listen) = listen {
            command.args(["--listen", &listen.to_string()]);
        }
        let child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let mut process = Self(child);
        let output = process.0.stdout.take().expect("is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("says where it is");
        (process, serde_json::from_str(&line).expect("in JSON"))
    }

    /// Waits until it has ended by itself; whether in good order.
    pub(crate) fn ends_well(&mut self) -> bool {
        self.0.wait().is_ok_and(|status| status.success())
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().expect("is running");
        self.0.wait().expect("ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn address(runtime: &NamesRuntime) -> SocketAddr {
    runtime.uri.parse::<cardume::base::PeerUri>().expect("a URI").address()
}

/// A peer of the group of a home.
async fn peer(home: &Home) -> Peer {
    let group = home.group_key().expect("a key");
    let identity = identity_of(group.as_bytes(), &rand::random()).expect("valid keys");
    let (general, election) = (listen(&identity).await, listen(&identity).await);
    Peer { identity, general, election }
}

/// Registers names and trackers until the service dies; what was acknowledged.
async fn register_until_killed(
    peer: &Peer,
    service: SocketAddr,
    round: u64,
) -> (BTreeMap<String, Entry>, u64) {
    let client = peer.connect(service).await;
    let roster = roster_of('a', &[peer]);
    let (mut known, mut highest) = (BTreeMap::new(), 0);
    for step in 1.. {
        let epoch = round * 1_000 + step;
        let name = format!("n{}", step % 8);
        let Ok(registered) = peer.register(&client, &name, None).await else { break };
        assert!(registered.highest_epoch >= highest);
        known.insert(name, peer.entry());
        let name = format!("Tracker_Epoca_{epoch}");
        let Ok(registered) = peer.register(&client, &name, Some(roster.clone())).await else { break };
        highest = registered.highest_epoch;
        assert_eq!(highest, epoch);
        known.insert(name, peer.entry());
    }
    (known, highest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_service_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let peer = peer(&home).await;
    let (mut process, runtime) = Process::start(&home, Some(ANY_PORT));
    let address = address(&runtime);
    for round in 1..=8 {
        let registering = register_until_killed(&peer, address, round);
        let pause = Duration::from_millis(rand::rng().random_range(30..400));
        let killing = async {
            tokio::time::sleep(pause).await;
            process.kill();
        };
        let ((known, highest), ()) = tokio::join!(registering, killing);
        // Without an address it comes back where it was.
        let (restarted, runtime) = Process::start(&home, None);
        assert_eq!(super::process::address(&runtime), address);
        let client = peer.connect(address).await;
        let listed = client.list(None, None, None).await.expect("is answered");
        for (name, entry) in &known {
            assert_eq!(listed.get(name), Some(entry), "round {round}: {name}");
        }
        assert!(client.ping().await.expect("is answered").highest_epoch >= highest, "round {round}");
        process = restarted;
    }
}

/// An address of this machine where nobody listens.
async fn free_address() -> SocketAddr {
    TcpListener::bind(ANY_PORT).await.expect("a port").local_addr().expect("has one")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_five_peers_that_start_at_once_one_starts_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let address = free_address().await;
    let plan = StartPlan {
        address,
        folder: home.names_dir(),
        program: PROGRAM.into(),
        arguments: serve_arguments(home.folder(), address, 5),
    };
    let outcomes = join_all((0..5).map(|_| spawn_if_absent(&plan))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("it answers")).collect();
    let spawned: Vec<_> = outcomes
        .iter()
        .filter_map(|started| match started {
            Started::Spawned(pid) => Some(*pid),
            Started::AlreadyThere | Started::Elsewhere => None,
        })
        .collect();
    let there = outcomes.iter().filter(|started| **started == Started::AlreadyThere).count();
    assert_eq!((spawned.len(), there), (1, 4), "{outcomes:?}");
    let peer = peer(&home).await;
    let client = peer.connect(address).await;
    let pong = client.ping().await.expect("is answered");
    assert_eq!(pong.pid, spawned[0]);
    assert_eq!(peer.register(&client, "peer-1", None).await.expect("is accepted").expected, 5);
    stop(pong.pid);
    let gone = async {
        while spawn_would_find(address).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("it stops gracefully");
}

async fn spawn_would_find(address: SocketAddr) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}

fn stop(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("is running");
}

#[test]
fn a_second_service_says_which_one_runs_already() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let (process, runtime) = Process::start(&home, Some(ANY_PORT));
    // Says the same, in the same form.
    let (second, found) = Process::start(&home, Some(address(&runtime)));
    assert_eq!(found, runtime);
    second.kill();
    process.kill();
}

#[tokio::test]
async fn nothing_is_started_for_an_address_elsewhere_and_failures_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    // TEST-NET-1 (RFC 5737): no machine has it.
    let elsewhere = StartPlan {
        address: SocketAddr::from(([192, 0, 2, 1], 7734)),
        folder: folder.path().to_owned(),
        program: "/nonexistent".into(),
        arguments: Vec::new(),
    };
    assert_eq!(spawn_if_absent(&elsewhere).await.expect("nothing to do"), Started::Elsewhere);
    let address = free_address().await;
    let missing = StartPlan { address, ..elsewhere.clone() };
    let error = spawn_if_absent(&missing).await.expect_err("there is no such program");
    assert!(error.to_string().contains("running the program"), "{error}");
    let arguments = vec!["--no-such-option".into()];
    let ends = StartPlan { program: PROGRAM.into(), arguments, ..missing };
    let error = spawn_if_absent(&ends).await.expect_err("it ends at once");
    assert!(error.to_string().contains("names.log"), "{error}");
}
