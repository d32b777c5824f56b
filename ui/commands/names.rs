//! `cardume names`: runs the name service, and asks it.

mod place;
mod watch;

use super::{Failure, Outcome};
use crate::args::Global;
use cardume::base::{PeerUri, tracker_epoch};
use cardume::names::client::{NamesTool, ToolError, identity_of};
use cardume::names::{FOUNDING_GRACE, NamesConfig, ServeError, serve};
use cardume::net::Identity;
use cardume::node::config::{DEFAULT_NAMES_ADDRESS, Home, NamesRuntime, Profile, Secret, is_local};
use cardume::wire::names::{Entry, Pong};
use clap::Subcommand;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What to do with the name service.
#[derive(Clone, Debug, Subcommand)]
#[command(after_help = "Examples:\n  cardume names serve --expect 5\n  cardume names list Tracker_\n  \
    cardume names list --pattern '^peer-[0-9]+$' --metadata room=2\n  cardume names lookup peer-1 --json")]
pub(crate) enum NamesCommand {
    /// Runs a name service until it is interrupted.
    Serve {
        /// Where it listens [default: as configured, else 127.0.0.1:7734].
        #[arg(long, value_name = "IP:PORT")]
        listen: Option<SocketAddr>,
        /// With how many peers the group is founded, once [default: as at the last start, else 1].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=7))]
        expect: Option<u8>,
    },
    /// Stops the name service of this home; what it stored stays. The next peer here starts it again.
    Stop,
    /// From now on the name service of this home is where other machines reach it; peers here are to be stopped before.
    Move {
        /// An address of this machine [default: that by which it reaches others, with port 7734].
        #[arg(value_name = "IP:PORT")]
        to: Option<SocketAddr>,
    },
    /// Lists what is registered, the history of trackers included.
    List {
        /// Only names that begin with this.
        prefix: Option<String>,
        /// Only names in which this regular expression is found, as `^peer-[0-9]+$`.
        #[arg(long, value_name = "RE", allow_hyphen_values = true)]
        pattern: Option<String>,
        /// Only what carries this, as KEY=VALUE; repeatable.
        #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_and_value)]
        metadata: Vec<(String, String)>,
    },
    /// Says what is registered under a name.
    Lookup {
        /// The name, as `peer-1` or `Tracker_Epoca_1`.
        name: String,
    },
    /// Registers a further name for the peer of this profile, which has to run and answer at the address.
    Register {
        /// The name.
        name: String,
        /// Where the peer answers: wss://IP:PORT/.
        uri: PeerUri,
        /// What else it says, as KEY=VALUE; repeatable.
        #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_and_value)]
        metadata: Vec<(String, String)>,
        /// For so many seconds, 1 to 3600; nobody renews it [default: 30].
        #[arg(long, value_name = "SECONDS")]
        lease: Option<u64>,
    },
    /// Removes a name that belongs to the peer of this profile.
    Remove {
        /// The name.
        name: String,
    },
    /// Replaces what a name that belongs to the peer of this profile carries, until it is registered anew.
    SetMetadata {
        /// The name.
        name: String,
        /// What it says from now on; without any, nothing.
        #[arg(value_name = "KEY=VALUE", value_parser = key_and_value)]
        metadata: Vec<(String, String)>,
    },
    /// Prints each change as it comes, until it is interrupted.
    Watch,
    /// Asks the name service for a sign of life.
    Ping,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has the form KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        if error.is_unknown_name() {
            return Self::not_found(error.to_string());
        }
        if error.is_of_form() {
            return Self::usage(error.to_string());
        }
        Self::failed(error.to_string())
    }
}

/// Does it and says how that ended.
pub(crate) fn run(global: &Global, command: NamesCommand) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run_async(global, command))
}

async fn run_async(global: &Global, command: NamesCommand) -> Outcome {
    let home = Home::choose(global.home.as_deref())?;
    match command {
        NamesCommand::Serve { listen, expect } => {
            return run_service(&home, listen, expect, global.json).await;
        }
        NamesCommand::Stop => return place::stop(&home, global.json).await,
        NamesCommand::Move { to } => return place::move_to(&home, to, global.json).await,
        _ => {}
    }
    let identity = caller_identity(&home, global.profile.as_deref())?;
    if matches!(command, NamesCommand::Watch) {
        return watch::watch(&home, &identity, global.json).await;
    }
    let tool = NamesTool::connect(&identity, &home.names_addresses()?).await?;
    ask(&tool, command, global.json).await
}

async fn ask(tool: &NamesTool, command: NamesCommand, json: bool) -> Outcome {
    match command {
        NamesCommand::Serve { .. } | NamesCommand::Stop | NamesCommand::Move { .. } | NamesCommand::Watch => {
            Ok(())
        }
        NamesCommand::List { prefix, pattern, metadata } => {
            let entries = tool.list(prefix, pattern, metadata.into_iter().collect()).await?;
            if json { print_json(&entries) } else { print_text(&table(&entries)) }
        }
        NamesCommand::Lookup { name } => {
            let entry = tool.lookup(&name).await?;
            print_entry(name, entry, json)
        }
        NamesCommand::SetMetadata { name, metadata } => {
            let entry = tool.set_metadata(&name, metadata.into_iter().collect()).await?;
            print_entry(name, entry, json)
        }
        NamesCommand::Register { name, uri, metadata, lease } => {
            let lease = lease.map(Duration::from_secs);
            let registered = tool.register(&name, uri, metadata.into_iter().collect(), lease).await?;
            if json {
                return print_json(&registered);
            }
            print_text(&format!("{name} is registered for {} s\n", registered.lease_millis / 1000))
        }
        NamesCommand::Remove { name } => {
            if !tool.remove(&name).await? {
                return Err(Failure::not_found(format!("no such name is registered: {name}")));
            }
            if json { print_json(&true) } else { print_text(&format!("{name} is removed\n")) }
        }
        NamesCommand::Ping => {
            let pong = tool.ping().await?;
            if json { print_json(&pong) } else { print_text(&pong_text(&pong, tool.address())) }
        }
    }
}

fn print_entry(name: String, entry: Entry, json: bool) -> Outcome {
    if json { print_json(&entry) } else { print_text(&table(&BTreeMap::from([(name, entry)]))) }
}

fn pong_text(pong: &Pong, address: SocketAddr) -> String {
    let Pong { service, pid, count, highest_epoch } = pong;
    format!("{service} answers at {address} (process {pid}): {count} names, highest epoch {highest_epoch}\n")
}

/// The key in whose name the service is asked: the given profile's; else that of the first peer that
/// runs, or exists; else the name service's own, which can ask like any member.
fn caller_identity(home: &Home, profile: Option<&str>) -> Result<Identity, Failure> {
    let seed = if let Some(name) = profile {
        home.profile(name)?.peer_key()?
    } else {
        let profiles = home.profiles();
        let chosen = profiles.iter().find(|profile| profile.is_running()).or(profiles.first());
        chosen.map_or_else(|| home.names_key(), Profile::peer_key)?
    };
    identity(home, &seed)
}

fn identity(home: &Home, seed: &Secret) -> Result<Identity, Failure> {
    identity_of(home.group_key()?.as_bytes(), seed.as_bytes())
        .map_err(|error| Failure::failed(error.to_string()))
}

async fn run_service(home: &Home, listen: Option<SocketAddr>, expect: Option<u8>, json: bool) -> Outcome {
    let listen = match listen {
        Some(listen) => listen,
        None => default_listen(home)?,
    };
    home.settle_names()?;
    let identity = identity(home, &home.names_key()?)?;
    let config = NamesConfig {
        folder: home.names_dir(),
        listen,
        expect,
        identity: identity.clone(),
        founding_grace: FOUNDING_GRACE,
    };
    let ready = |address| announce(home, address, json);
    match serve(config, ready).await {
        Ok(()) => Ok(()),
        // Whoever started one at the same time has what it wanted.
        Err(ServeError::AddressInUse(address)) => match name_service_at(&identity, address).await {
            Some(running) if json => print_json(&running),
            Some(_) => print_text(&format!("a name service of this group already runs at {address}\n")),
            None => Err(Failure::failed(ServeError::AddressInUse(address).to_string())),
        },
        Err(error) => Err(Failure::failed(error.to_string())),
    }
}

/// The first configured address that is this machine's; else the usual one.
fn default_listen(home: &Home) -> Result<SocketAddr, Failure> {
    let configured = home.names_addresses()?;
    Ok(configured.into_iter().find(|address| is_local(address.ip())).unwrap_or(DEFAULT_NAMES_ADDRESS))
}

/// The name service of this group that answers there, if one does.
async fn name_service_at(identity: &Identity, address: SocketAddr) -> Option<NamesRuntime> {
    let address = reachable(address);
    let tool = NamesTool::connect(identity, &[address]).await.ok()?;
    let pid = tool.ping().await.ok()?.pid;
    Some(NamesRuntime { pid, uri: PeerUri::new(address)?.to_string() })
}

/// Where this machine reaches a listener: one on all addresses by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Tells the command line and the starter where the service is. It serves even if nobody reads that.
fn announce(home: &Home, address: SocketAddr, json: bool) {
    let Some(uri) = PeerUri::new(reachable(address)) else { return };
    let runtime = NamesRuntime { pid: std::process::id(), uri: uri.to_string() };
    if let Err(error) = home.write_names_runtime(&runtime) {
        tracing::warn!("the command line will not find this service by itself: {error}");
    }
    let text = format!("name service: {uri}\n");
    let printed = if json { print_json(&runtime) } else { print_text(&text) };
    if printed.is_err() {
        tracing::debug!("nobody reads the standard output");
    }
}

/// One line for each name: peers first, then trackers by epoch.
fn table(entries: &BTreeMap<String, Entry>) -> String {
    let mut rows: Vec<_> = entries.iter().collect();
    rows.sort_by_key(|(name, _)| (tracker_epoch(name), *name));
    let heading = ["NAME", "ADDRESS", "PEER", "ELECTION", "METADATA"].map(str::to_owned);
    let mut lines = vec![heading];
    lines.extend(rows.into_iter().map(|(name, entry)| {
        let metadata: Vec<_> = entry.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let peer = entry.peer_id.chars().take(8).collect();
        let election = entry.election_uri.clone().unwrap_or_else(|| "-".to_owned());
        [name.clone(), entry.uri.clone(), peer, election, metadata.join(", ")]
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for line in &lines {
        let padded = line.iter().enumerate().map(|(column, cell)| {
            let width = widths.get(column).copied().unwrap_or(0);
            format!("{cell:width$}")
        });
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn print_json(value: &impl Serialize) -> Outcome {
    print_text(&format!("{}\n", serde_json::to_string(value)?))
}

fn print_text(text: &str) -> Outcome {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(port: u16, metadata: &[(&str, &str)]) -> Entry {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Entry {
            uri: format!("wss://127.0.0.1:{port}/"),
            election_uri: (port != 3).then(|| "wss://127.0.0.1:9/".to_owned()),
            peer_id: "0123456789abcdef".to_owned(),
            metadata: metadata.collect(),
        }
    }

    #[test]
    fn the_table_lists_peers_and_then_trackers_by_epoch() {
        let entries = [
            ("Tracker_Epoca_10", entry(1, &[])),
            ("Tracker_Epoca_9", entry(2, &[])),
            ("peer-1", entry(3, &[("files", "4"), ("version", "1")])),
        ];
        let entries = entries.map(|(name, entry)| (name.to_owned(), entry)).into();
        let expected = "\
NAME              ADDRESS             PEER      ELECTION            METADATA
peer-1            wss://127.0.0.1:3/  01234567  -                   files=4, version=1
Tracker_Epoca_9   wss://127.0.0.1:2/  01234567  wss://127.0.0.1:9/
Tracker_Epoca_10  wss://127.0.0.1:1/  01234567  wss://127.0.0.1:9/
";
        assert_eq!(table(&entries), expected);
    }
}
