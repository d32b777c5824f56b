//! A name service and five peers in one process, on loopback, in a temporary home: prints the roles until
//! a tracker is elected, silences it as a crash does, and prints who took over.
//!
//! ```sh
//! cargo run --example five_peers
//! ```

use anyhow::{Context as _, ensure};
use cardume::names::{FOUNDING_GRACE, NamesConfig, NamesService};
use cardume::net::{GroupKey, Identity, PeerKey};
use cardume::node::config::Home;
use cardume::node::{self, Command, Handle, PeerConfig};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PEERS: u8 = 5;
const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// Prints the roles whenever they change, until `settled`.
async fn watch(peers: &[Handle], settled: impl Fn(&[Handle]) -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut last = String::new();
    loop {
        let roles: Vec<String> = peers
            .iter()
            .map(|peer| {
                let status = &peer.view().status;
                format!("{} {} ({})", status.name, status.role, status.epoch)
            })
            .collect();
        let line = roles.join("   ");
        if line != last {
            println!("{:>6} ms  {line}", began.elapsed().as_millis());
            last = line;
        }
        if settled(peers) {
            return Ok(());
        }
        ensure!(began.elapsed() < LIMIT, "the group did not settle within {LIMIT:?}");
        sleep(PAUSE).await;
    }
}

/// The epoch in which all of them follow the same tracker.
fn common_epoch(peers: &[Handle]) -> Option<u64> {
    let seen: Vec<_> =
        peers.iter().map(|peer| (peer.view().status.epoch, peer.view().status.tracker.clone())).collect();
    let same = seen.iter().all(|one| one.1.is_some() && *one == seen[0]);
    same.then_some(seen[0].0)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let home = Home::at(folder.path());
    let group = GroupKey::from_bytes(*home.group_key()?.as_bytes());
    let key = PeerKey::from_seed(home.names_key()?.as_bytes());
    let names = NamesService::start(NamesConfig {
        folder: home.names_dir(),
        listen: "127.0.0.1:0".parse()?,
        expect: Some(PEERS),
        identity: Identity::new(&group, &key)?,
        founding_grace: FOUNDING_GRACE,
    })
    .await?;
    home.set_names_addresses(&[names.local_addr()])?;

    let (mut peers, mut locks) = (Vec::new(), Vec::new());
    for number in 1..=PEERS {
        let profile = home.profile(&format!("peer-{number}"))?;
        locks.push(profile.try_lock()?.context("a new profile is free")?);
        peers.push(node::start(PeerConfig::of_profile(&home, profile)?).await?);
    }
    watch(&peers, |peers| common_epoch(peers).is_some()).await?;
    let epoch = common_epoch(&peers).context("settled")?;

    println!("the tracker falls silent as after a crash, for two seconds");
    peers[0].command(Command::CrashTracker(Duration::from_secs(2))).await?;
    watch(&peers, |peers| common_epoch(peers).is_some_and(|new| new > epoch)).await?;

    for peer in &peers {
        peer.command(Command::Stop).await?;
    }
    names.stop().await;
    Ok(())
}
