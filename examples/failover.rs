//! How long a failover takes on this machine: kills the tracker's process (SIGKILL) again and again and
//! prints the distribution of the time to a new tracker and to a search answered with the full index.
//!
//! ```sh
//! cargo build --release && cargo run --release --example failover -- 100 200
//! ```
//!
//! The numbers are how often it kills and how many files each of the five peers shares. It starts its own
//! processes in a temporary home, on loopback, and ends them all.

use anyhow::{Context as _, ensure};
use cardume::node::Remote;
use cardume::node::config::Home;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep, timeout};

const PEERS: usize = 5;
const SETTLE_LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(2);

struct Group {
    program: PathBuf,
    home: tempfile::TempDir,
    children: Vec<(String, Child)>,
}

impl Drop for Group {
    fn drop(&mut self) {
        for (name, child) in &mut self.children {
            if let Err(error) = child.kill().and_then(|()| child.wait()) {
                eprintln!("{name} could not be ended: {error}");
            }
        }
    }
}

impl Group {
    fn spawn(&mut self, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let child = Command::new(&self.program)
            .arg("--home")
            .arg(self.home.path())
            .arg("--stop-with-stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}; build it first", self.program.display()))?;
        self.children.retain(|(other, _)| other != name);
        self.children.push((name.to_owned(), child));
        Ok(())
    }

    fn start_peer(&mut self, name: &str) -> anyhow::Result<()> {
        let share = self.home.path().join("shares").join(name);
        let share = share.to_str().context("the temporary folder's path is no text")?.to_owned();
        self.spawn(name, &["--profile", name, "peer", "--headless", "--no-names", "--share", &share])
    }

    fn home(&self) -> Home {
        Home::at(self.home.path())
    }

    /// A connection to a peer that has just been started.
    async fn connect(&self, name: &str) -> anyhow::Result<Remote> {
        let deadline = Instant::now() + SETTLE_LIMIT;
        loop {
            match Remote::connect(&self.home(), Some(name)).await {
                Ok(remote) => return Ok(remote),
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

/// The time of day, as the events have it.
fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Waits until a search at `remote` is answered with the lists of so many peers; gives the epoch.
async fn full_search(remote: &Remote, peers: u32, above: u64) -> anyhow::Result<u64> {
    let deadline = Instant::now() + SETTLE_LIMIT;
    loop {
        let answer = timeout(Duration::from_secs(1), remote.search("file".to_owned(), 10)).await;
        if let Ok(Ok(answer)) = answer
            && answer.epoch > above
            && answer.complete.have >= peers
        {
            return Ok(answer.epoch);
        }
        ensure!(Instant::now() < deadline, "the group did not settle");
        sleep(PAUSE).await;
    }
}

/// The first time at which `remote` knew a tracker of this epoch or a higher one.
async fn elected_at(remote: &Remote, epoch: u64, since: u64) -> anyhow::Result<u64> {
    let deadline = Instant::now() + SETTLE_LIMIT;
    loop {
        let events = remote.events(0).await?;
        let mut elected = events.iter().filter(|event| {
            event.kind == "tracker_elected" && event.epoch >= Some(epoch) && event.unix_millis >= since
        });
        if let Some(event) = elected.next() {
            return Ok(event.unix_millis);
        }
        ensure!(Instant::now() < deadline, "no tracker was elected");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The tracker's name, as the status shows it (a picture follows within 100 ms).
async fn tracker(remote: &Remote) -> anyhow::Result<String> {
    let deadline = Instant::now() + SETTLE_LIMIT;
    loop {
        if let Some(tracker) = remote.status().await?.tracker {
            return Ok(tracker.name);
        }
        ensure!(Instant::now() < deadline, "a settled group has a tracker");
        sleep(Duration::from_millis(20)).await;
    }
}

fn show(what: &str, mut millis: Vec<u64>) {
    millis.sort_unstable();
    let at = |part: usize| millis[(millis.len() - 1) * part / 100];
    println!("{what}: median {} ms, p90 {} ms, p99 {} ms, max {} ms", at(50), at(90), at(99), at(100));
}

/// How long an fsync takes where the votes lie: a part of every election.
fn fsync_millis(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("fsync");
    let began = Instant::now();
    for round in 0..50_u8 {
        let file = std::fs::File::create(&path)?;
        std::io::Write::write_all(&mut &file, &[round; 1024])?;
        file.sync_all()?;
    }
    Ok(began.elapsed().as_secs_f64() * 1000.0 / 50.0)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let kills = numbers.next().transpose()?.unwrap_or(20);
    let files = numbers.next().transpose()?.unwrap_or(100);
    let here = std::env::current_exe()?;
    let program = here.ancestors().nth(2).context("the build folder")?.join("cardume");
    let mut group = Group { program, home: tempfile::tempdir()?, children: Vec::new() };
    println!("fsync: {:.2} ms", fsync_millis(group.home.path())?);
    let names: Vec<String> = (1..=PEERS).map(|number| format!("peer-{number}")).collect();
    for name in &names {
        let share = group.home.path().join("shares").join(name);
        std::fs::create_dir_all(&share)?;
        for file in 0..files {
            std::fs::write(share.join(format!("file {file} of {name}.txt")), format!("{file} {name}"))?;
        }
    }
    group.spawn("names", &["names", "serve", "--listen", "127.0.0.1:0", "--expect", "5"])?;
    let deadline = Instant::now() + SETTLE_LIMIT;
    let address = loop {
        let runtime = group.home().names_runtime();
        if let Some(uri) = runtime.and_then(|runtime| runtime.uri.parse::<cardume::base::PeerUri>().ok()) {
            break uri.address();
        }
        ensure!(Instant::now() < deadline, "the name service did not start");
        sleep(Duration::from_millis(20)).await;
    };
    group.home().set_names_addresses(&[address])?;
    for name in &names {
        group.start_peer(name)?;
    }
    measure(&mut group, &names, kills).await
}

async fn measure(group: &mut Group, names: &[String], kills: usize) -> anyhow::Result<()> {
    let (mut to_tracker, mut to_search, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    let mut epoch = full_search(&group.connect(&names[0]).await?, 5, 0).await?;
    for _ in 0..kills {
        let tracker = tracker(&group.connect(&names[0]).await?).await?;
        let other = names.iter().find(|name| **name != tracker).context("five peers")?;
        let witness = group.connect(other).await?;
        epoch = full_search(&witness, 5, epoch - 1).await?;
        let (_, child) = group.children.iter_mut().find(|(name, _)| *name == tracker).context("a child")?;
        let (began, began_unix) = (Instant::now(), unix_millis());
        child.kill()?;
        child.wait()?;
        let next = full_search(&witness, 4, epoch).await?;
        to_search.push(u64::try_from(began.elapsed().as_millis())?);
        to_tracker.push(elected_at(&witness, next, began_unix).await?.saturating_sub(began_unix));
        epochs.push(next - epoch);
        epoch = next;
        group.start_peer(&tracker)?;
        full_search(&group.connect(&tracker).await?, 5, epoch - 1).await?;
    }
    println!("{kills} kills of the tracker, {PEERS} peers");
    show("to a new tracker", to_tracker);
    show("to a search with the full index", to_search);
    let more = epochs.iter().filter(|grown| **grown > 1).count();
    println!("elections that took more than one epoch: {more}");
    Ok(())
}
