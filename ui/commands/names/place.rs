//! `cardume names stop` and `cardume names move`: the name service of this home ends, or is somewhere else from now on.

use super::super::output::{json, line};
use super::super::{Failure, Outcome};
use super::{identity, name_service_at};
use cardume::node::config::{DEFAULT_NAMES_ADDRESS, Home, NamesRuntime, Profile, is_local, listen_address};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a service may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const PAUSE: Duration = Duration::from_millis(20);
/// An address that belongs to nobody (RFC 5737): to be asked for the way to it, without a packet.
const SOMEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// Stops the name service of this home.
pub(super) async fn stop(home: &Home, as_json: bool) -> Outcome {
    let Some(stopped) = end(home).await? else {
        return Err(Failure::no_peer("no name service of this home runs"));
    };
    if as_json { json(&stopped) } else { line(&format!("the name service at {} has stopped", stopped.uri)) }
}

/// From now on the name service of this home is at `to`; it is started there by the next peer.
pub(super) async fn move_to(home: &Home, to: Option<SocketAddr>, as_json: bool) -> Outcome {
    let to = to.map_or_else(own_address, Ok)?;
    if to.port() == 0 || to.ip().is_unspecified() || !is_local(to.ip()) {
        return Err(Failure::usage(format!(
            "{to} is no address of this machine that others could use; `ip address` lists them"
        )));
    }
    let running: Vec<_> = home.profiles().into_iter().filter(Profile::is_running).collect();
    if !running.is_empty() {
        let names: Vec<_> = running.iter().map(|profile| profile.name.as_str()).collect();
        return Err(Failure::failed(format!(
            "{} would stay at an address that others do not reach: close the windows or stop them first, each by \
             `cardume --profile NAME stop`",
            names.join(", ")
        )));
    }
    end(home).await?;
    home.set_names_addresses(&[to])?;
    if as_json {
        return json(&serde_json::json!({ "names": to }));
    }
    line(&format!(
        "The name service of this home is at {to} from now on. Start `cardume` here; `cardume group invite` then prints \
         what other machines join with. A member that was \
         invited before starts once with `cardume peer --names {to}`"
    ))
}

/// The address of this machine by which it reaches others.
fn own_address() -> Result<SocketAddr, Failure> {
    let ip = listen_address(&[SOMEWHERE]);
    if ip.is_loopback() {
        return Err(Failure::failed(
            "this machine has no way to others at the moment; name its address: IP:PORT",
        ));
    }
    Ok(SocketAddr::new(ip, DEFAULT_NAMES_ADDRESS.port()))
}

/// Ends the service of this home, if one runs; what it stored stays.
async fn end(home: &Home) -> Result<Option<NamesRuntime>, Failure> {
    if !home.names_run() {
        return Ok(None);
    }
    let known = home.names_runtime().and_then(|runtime| runtime.uri.parse().ok());
    let address = known.map_or(DEFAULT_NAMES_ADDRESS, cardume::base::PeerUri::address);
    let identity = identity(home, &home.names_key()?)?;
    // What answers there says itself which process it is: what a file says may be of an earlier one.
    let found = name_service_at(&identity, address).await;
    let found =
        found.filter(|running| home.names_runtime().is_some_and(|runtime| runtime.pid == running.pid));
    let Some(running) = found else {
        return Err(Failure::failed(format!(
            "a name service of this home runs, but does not answer at {address}; look at names/names.log, and end it by \
             its process"
        )));
    };
    let pid = i32::try_from(running.pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::failed("the name service says no process"))?;
    kill_process(pid, Signal::TERM).map_err(std::io::Error::from)?;
    let deadline = Instant::now() + STOP_LIMIT;
    while home.names_run() {
        if Instant::now() >= deadline {
            return Err(Failure::failed(format!("the name service (process {}) does not end", running.pid)));
        }
        sleep(PAUSE).await;
    }
    Ok(Some(running))
}
