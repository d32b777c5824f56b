//! How long a failover takes on this machine: kills the tracker's process (SIGKILL) again and again and
//! prints the distribution of the time to a new tracker and to a search answered with the full index; then
//! kills all peers at once and prints how long the new tracker, which knows nothing, takes.
//!
//! ```sh
//! cargo build --release && cargo run --release --example failover -- 100 200
//! ```
//!
//! The numbers are how often it kills, how many files each of the five peers shares, and how many seconds it
//! waits before each kill (none). From 10,000 files on all peers share one and the same folder, of which each
//! has a list of its own. It starts its own processes in a temporary home, on loopback, and ends them all.

use anyhow::{Context as _, ensure};
use cardume::node::Remote;
use cardume::node::config::Home;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep, timeout};

const PEERS: usize = 5;
const SETTLE_LIMIT: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(2);
/// Kills come at any moment between two heartbeats: a group that has just settled has just heard one, and
/// always to kill right then would measure the longest way to the next timer.
const BEAT_MILLIS: u64 = 100;

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

    /// The folder that a peer shares.
    fn share_of(&self, name: &str, wanted: Wanted) -> PathBuf {
        self.home.path().join("shares").join(if wanted.one_folder { "all" } else { name })
    }

    fn start_peer(&mut self, name: &str, wanted: Wanted) -> anyhow::Result<()> {
        let share = self.share_of(name, wanted);
        let share = share.to_str().context("the temporary folder's path is no text")?.to_owned();
        self.spawn(name, &["--profile", name, "peer", "--headless", "--no-names", "--yes", "--share", &share])
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

/// What is searched for, and how many contents fit at the least.
#[derive(Clone, Copy)]
struct Wanted {
    files: usize,
    one_folder: bool,
}

impl Wanted {
    const WORDS: &str = "file 17";

    /// How many there are when so many peers are there.
    fn of(self, peers: usize) -> u64 {
        let each = (0..self.files).filter(|number| number.to_string().contains("17")).count();
        let all = if self.one_folder { each } else { each * peers };
        u64::try_from(all).unwrap_or(u64::MAX)
    }
}

/// Waits until a search at `remote` is answered with the lists of so many peers; gives the epoch.
async fn full_search(remote: &Remote, wanted: Wanted, peers: usize, above: u64) -> anyhow::Result<u64> {
    let deadline = Instant::now() + SETTLE_LIMIT;
    loop {
        let answer = timeout(Duration::from_secs(1), remote.search(Wanted::WORDS.to_owned(), 10)).await;
        if let Ok(Ok(answer)) = answer
            && answer.epoch > above
            && answer.complete.have as usize >= peers
        {
            // An answer that is said to be complete is complete.
            ensure!(answer.total >= wanted.of(peers), "{} of {} found", answer.total, wanted.of(peers));
            return Ok(answer.epoch);
        }
        ensure!(Instant::now() < deadline, "the group did not settle");
        sleep(PAUSE).await;
    }
}

/// Waits until every peer has hashed its files and the tracker knows all of them.
async fn settled(group: &Group, names: &[String], wanted: Wanted) -> anyhow::Result<()> {
    let deadline = Instant::now() + SETTLE_LIMIT;
    for name in names {
        let remote = group.connect(name).await?;
        loop {
            let status = remote.status().await?;
            let listed = status.library.files >= wanted.files as u64 && status.library.hashing == 0;
            if listed && status.index.files >= (wanted.files * names.len()) as u64 {
                break;
            }
            ensure!(Instant::now() < deadline, "{name} did not settle: {:?}", status.library);
            sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
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

/// How late the heartbeats of the tracker came at all peers that are there, and how many elections began.
async fn show_heartbeats(group: &Group, names: &[String]) -> anyhow::Result<()> {
    let (mut latest, mut elections) = (0, 0);
    for name in names {
        let status = group.connect(name).await?.status().await?;
        latest = latest.max(status.heartbeat_lateness.p999_micros);
        elections += status.counters.get("elections_started").copied().unwrap_or_default();
    }
    println!("heartbeats: 99.9 % at the most {} ms late; elections: {elections}", latest / 1_000);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let kills = numbers.next().transpose()?.unwrap_or(20);
    let files = numbers.next().transpose()?.unwrap_or(100);
    let pause = Duration::from_secs(u64::try_from(numbers.next().transpose()?.unwrap_or(0))?);
    let wanted = Wanted { files, one_folder: files >= 10_000 };
    let here = std::env::current_exe()?;
    let program = here.ancestors().nth(2).context("the build folder")?.join("cardume");
    let mut group = Group { program, home: tempfile::tempdir()?, children: Vec::new() };
    println!("fsync: {:.2} ms", fsync_millis(group.home.path())?);
    let names: Vec<String> = (1..=PEERS).map(|number| format!("peer-{number}")).collect();
    make_files(&group, &names, wanted)?;
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
    let began = Instant::now();
    for name in &names {
        group.start_peer(name, wanted)?;
    }
    settled(&group, &names, wanted).await?;
    println!("all files listed, hashed and announced: {:.1} s", began.elapsed().as_secs_f64());
    show_heartbeats(&group, &names).await?;
    measure(&mut group, &names, wanted, kills, pause).await?;
    measure_cold(&mut group, &names, wanted).await
}

fn make_files(group: &Group, names: &[String], wanted: Wanted) -> anyhow::Result<()> {
    let folders = if wanted.one_folder { &names[..1] } else { names };
    for name in folders {
        for file in 0..wanted.files {
            let folder = group.share_of(name, wanted).join(format!("folder {}", file / 1_000));
            if file % 1_000 == 0 {
                std::fs::create_dir_all(&folder)?;
            }
            std::fs::write(folder.join(format!("file {file} of {name}.txt")), format!("{file} {name}"))?;
        }
    }
    Ok(())
}

async fn measure(
    group: &mut Group,
    names: &[String],
    wanted: Wanted,
    kills: usize,
    pause: Duration,
) -> anyhow::Result<()> {
    let (mut to_tracker, mut to_search, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    let mut epoch = full_search(&group.connect(&names[0]).await?, wanted, PEERS, 0).await?;
    for _ in 0..kills {
        sleep(pause + Duration::from_millis(rand::random_range(0..BEAT_MILLIS))).await;
        let tracker = tracker(&group.connect(&names[0]).await?).await?;
        let other = names.iter().find(|name| **name != tracker).context("five peers")?;
        let witness = group.connect(other).await?;
        epoch = full_search(&witness, wanted, PEERS, epoch - 1).await?;
        let (_, child) = group.children.iter_mut().find(|(name, _)| *name == tracker).context("a child")?;
        let (began, began_unix) = (Instant::now(), unix_millis());
        child.kill()?;
        child.wait()?;
        let next = full_search(&witness, wanted, PEERS - 1, epoch).await?;
        to_search.push(u64::try_from(began.elapsed().as_millis())?);
        to_tracker.push(elected_at(&witness, next, began_unix).await?.saturating_sub(began_unix));
        epochs.push(next - epoch);
        epoch = next;
        group.start_peer(&tracker, wanted)?;
        full_search(&group.connect(&tracker).await?, wanted, PEERS, epoch - 1).await?;
    }
    println!("{kills} kills of the tracker, {PEERS} peers with {} files each", wanted.files);
    if kills > 0 {
        show("to a new tracker", to_tracker);
        show("to a search with the full index", to_search);
    }
    let more = epochs.iter().filter(|grown| **grown > 1).count();
    println!("elections that took more than one epoch: {more}");
    show_heartbeats(group, names).await
}

/// Kills all peers and starts them again: the first tracker has no list at all.
async fn measure_cold(group: &mut Group, names: &[String], wanted: Wanted) -> anyhow::Result<()> {
    let mut above = full_search(&group.connect(&names[0]).await?, wanted, PEERS, 0).await?;
    for (name, child) in &mut group.children {
        if name != "names" {
            child.kill()?;
            child.wait()?;
        }
    }
    let began = Instant::now();
    for name in names {
        group.start_peer(name, wanted)?;
    }
    let witness = group.connect(&names[0]).await?;
    let (mut partial, mut first) = (0, None);
    let full = loop {
        if let Ok(Ok(answer)) =
            timeout(Duration::from_secs(1), witness.search(Wanted::WORDS.to_owned(), 10)).await
            && answer.epoch > above
        {
            first.get_or_insert_with(Instant::now);
            if answer.complete.have as usize == PEERS {
                ensure!(answer.total >= wanted.of(PEERS), "{} of {}", answer.total, wanted.of(PEERS));
                break Instant::now();
            }
            ensure!(
                answer.complete.have < answer.complete.of
                    || answer.total >= wanted.of(answer.complete.have as usize),
                "an answer that lacks files is not marked: {:?}, {} found",
                answer.complete,
                answer.total
            );
            partial += 1;
            above = above.max(answer.epoch - 1);
        }
        ensure!(began.elapsed() < SETTLE_LIMIT, "the group did not settle");
        sleep(PAUSE).await;
    };
    let first = first.context("an answer")?;
    println!("all peers killed and started again: first answer after {} ms", (first - began).as_millis());
    println!(
        "full index after another {} ms, with {partial} partial answers, all marked",
        (full - first).as_millis()
    );
    show_heartbeats(group, names).await
}
