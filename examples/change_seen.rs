//! How soon what one peer shares is in another peer's search, over real processes on this machine.
//!
//! ```sh
//! cargo build --release && cargo run --release --example change_seen -- 50 1000
//! ```
//!
//! The numbers are how many changes are made (new, renamed and removed files in turn) and how many files are
//! shared before. It starts its own processes in a temporary home, on loopback, and ends them all.

use anyhow::{Context as _, ensure};
use cardume::node::Remote;
use cardume::node::config::Home;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(2);
const FILES_A_FOLDER: usize = 1_000;

struct Group {
    program: PathBuf,
    home: tempfile::TempDir,
    children: Vec<Child>,
}

impl Drop for Group {
    fn drop(&mut self) {
        for child in &mut self.children {
            if let Err(error) = child.kill().and_then(|()| child.wait()) {
                eprintln!("a process could not be ended: {error}");
            }
        }
    }
}

impl Group {
    fn spawn(&mut self, arguments: &[&str]) -> anyhow::Result<()> {
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
        self.children.push(child);
        Ok(())
    }

    /// A name service and two peers.
    async fn start(&mut self) -> anyhow::Result<(Remote, Remote)> {
        self.spawn(&["names", "serve", "--listen", "127.0.0.1:0", "--expect", "2"])?;
        let home = Home::at(self.home.path());
        let deadline = Instant::now() + LIMIT;
        let address = loop {
            let uri = home.names_runtime().and_then(|runtime| runtime.uri.parse().ok());
            if let Some(uri) = uri.map(|uri: cardume::base::PeerUri| uri.address()) {
                break uri;
            }
            ensure!(Instant::now() < deadline, "the name service did not start");
            sleep(Duration::from_millis(20)).await;
        };
        home.set_names_addresses(&[address])?;
        for name in ["peer-1", "peer-2"] {
            self.spawn(&["--profile", name, "peer", "--headless", "--no-names"])?;
        }
        let connect = async |name: &str| loop {
            match Remote::connect(&home, Some(name)).await {
                Ok(remote) => break Ok(remote),
                Err(error) if Instant::now() > deadline => break Err(error),
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        };
        Ok((connect("peer-1").await?, connect("peer-2").await?))
    }
}

/// Waits until a search finds at least `least` and at most `most` files; gives the time that took.
async fn found(
    remote: &Remote,
    words: &str,
    least: u64,
    most: u64,
    began: Instant,
) -> anyhow::Result<Duration> {
    loop {
        let answer = remote.search(words.to_owned(), 1).await;
        if answer.is_ok_and(|it| it.complete.have == 2 && (least..=most).contains(&it.total)) {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < LIMIT, "{words:?} was not found as it should be");
        sleep(PAUSE).await;
    }
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at =
        |part: usize| times.get(times.len().saturating_sub(1) * part / 100).map_or(0, Duration::as_millis);
    println!("{what}: median {} ms, p90 {} ms, max {} ms", at(50), at(90), at(100));
}

fn make_tree(tree: &Path, files: usize) -> anyhow::Result<()> {
    for number in 0..files {
        let folder = tree.join(format!("course {:04}", number / FILES_A_FOLDER));
        if number % FILES_A_FOLDER == 0 {
            std::fs::create_dir_all(&folder)?;
        }
        std::fs::write(folder.join(format!("lecture {number:07}.txt")), "")?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let changes = numbers.next().transpose()?.unwrap_or(50);
    let files = numbers.next().transpose()?.unwrap_or(1_000).max(1);
    let here = std::env::current_exe()?;
    let program = here.ancestors().nth(2).context("the build folder")?.join("cardume");
    let mut group = Group { program, home: tempfile::tempdir()?, children: Vec::new() };
    let tree = group.home.path().join("tree");
    make_tree(&tree, files)?;
    let (own, other) = group.start().await?;
    found(&other, "nothing", 0, 0, Instant::now()).await?;

    let began = Instant::now();
    own.share(tree.to_str().context("the temporary folder's path is no text")?.to_owned()).await?;
    let first = found(&other, "lecture", 1, u64::MAX, began).await?;
    println!("{files} files shared: the first ones in another peer's search after {} ms", first.as_millis());
    let all = found(&other, "lecture", u64::try_from(files)?, u64::MAX, began).await?;
    println!("all of them after {} ms", all.as_millis());
    let status = other.status().await?;
    println!(
        "meanwhile: {} needless elections, heartbeats late at p99.9 by {} us",
        status.counters.get("needless_elections").copied().unwrap_or(0),
        status.heartbeat_lateness.p999_micros
    );
    measure(&other, &tree, changes).await
}

async fn measure(other: &Remote, tree: &Path, changes: usize) -> anyhow::Result<()> {
    let (mut new, mut renamed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let folder = tree.join("course 0000");
    for number in 0..changes.div_ceil(3) {
        let (first, second) = (format!("drawing{number}"), format!("painting{number}"));
        let paths = [&first, &second].map(|name| folder.join(format!("{name}.png")));
        let began = Instant::now();
        std::fs::write(&paths[0], &first)?;
        new.push(found(other, &first, 1, 1, began).await?);
        let began = Instant::now();
        std::fs::rename(&paths[0], &paths[1])?;
        renamed.push(found(other, &second, 1, 1, began).await?);
        let began = Instant::now();
        std::fs::remove_file(&paths[1])?;
        removed.push(found(other, &second, 0, 0, began).await?);
    }
    let mut all = [new.clone(), renamed.clone(), removed.clone()].concat();
    for (what, times) in
        [("new", &mut new), ("renamed", &mut renamed), ("removed", &mut removed), ("all", &mut all)]
    {
        show(&format!("{what} files in another peer's search"), times);
    }
    Ok(())
}
