//! `cardume peer`, and `cardume` alone: runs a peer, with a window or without.

use super::lifeline::{asked_to_stop, stdin_end};
use super::output::{json, line};
use super::{Failure, Outcome, asking};
use crate::args::{Global, PeerArgs};
use cardume::base::PeerName;
use cardume::names::client::identity_of;
use cardume::names::start::{StartPlan, Started, serve_arguments, spawn_if_absent};
use cardume::net::belongs_to_others;
use cardume::node::config::{
    Home, HomeError, Invite, Profile, ProfileLock, Replace, WantedPort, listen_address,
};
use cardume::node::{Command, CommandError, Handle, PeerConfig, go_after_timing};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long a peer gets for a graceful stop: a handover (2 s) and the storing of state are within it.
const STOP_LIMIT: Duration = Duration::from_secs(4);
/// How long a window whose peer has stopped gets to store its settings and close.
#[cfg(feature = "window")]
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How long what still runs gets after that.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(500);

/// Runs a peer until it is asked to stop.
pub(crate) fn run(global: &Global, args: &PeerArgs) -> Outcome {
    let home = asking::home(global)?;
    let (profile, lock) = take_profile(&home, global.profile.as_deref())?;
    let shares = shares(global, args)?;
    let mut config = configure(&home, profile.clone(), args)?;
    let mut workers = tokio::runtime::Builder::new_multi_thread();
    let runtime = workers.enable_all().thread_name("worker").on_thread_start(go_after_timing).build()?;
    let stdin = if global.stop_with_stdin { Some(stdin_end()?) } else { None };
    runtime.block_on(settle_names_address(&mut config))?;
    let begin = begin(config, shares);
    let ended = if args.headless {
        let served = runtime.block_on(begin).and_then(|handle| {
            announce(global, &profile, &handle)?;
            runtime.block_on(serve(handle, stdin))
        });
        served.map(|()| None)
    } else {
        open_window(&home, &profile, args, &runtime, begin, stdin)
    };
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    let cleared = profile.clear_runtime();
    drop(lock); // last: until here nobody else may be in the profile
    if let Some(invite) = ended? {
        home.join(&invite, Replace::OtherGroup)?;
        return again();
    }
    Ok(cleared?)
}

/// Begins anew, as this process where that is possible, so that whoever started it keeps it.
fn again() -> Outcome {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1));
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut command).into());
    #[cfg(not(unix))]
    Ok(drop(command.spawn()?))
}

fn take_profile(home: &Home, name: Option<&str>) -> Result<(Profile, ProfileLock), Failure> {
    let Some(name) = name else { return Ok(home.next_free_profile()?) };
    let profile = home.profile(name)?;
    let lock = profile.try_lock()?.ok_or_else(|| HomeError::InUse(name.to_owned()))?;
    Ok((profile, lock))
}

fn configure(home: &Home, profile: Profile, args: &PeerArgs) -> Result<PeerConfig, Failure> {
    if let Some(name) = &args.name {
        let refused = || {
            Failure::usage(format!("{name:?} is no peer's name: up to 64 bytes of letters, digits, - _ ."))
        };
        profile.set_peer_name(&PeerName::new(name).ok_or_else(refused)?)?;
    }
    if !args.names.is_empty() {
        home.set_names_addresses(&args.names)?;
    }
    let usual = PeerConfig::of_profile(home, profile)?;
    Ok(PeerConfig {
        listen: args.listen.unwrap_or_else(|| listen_address(&usual.names)),
        port: args.port.map_or(usual.port, WantedPort::Ordered),
        election_port: args.election_port.map_or(usual.election_port, WantedPort::Ordered),
        start_names: !args.no_names,
        expect: args.expect,
        drills: args.drills,
        seed: args.seed,
        ..usual
    })
}

/// The folders to share, after asking about those that a person may not mean.
fn shares(global: &Global, args: &PeerArgs) -> Result<Vec<PathBuf>, Failure> {
    let share = |folder: &PathBuf| {
        let folder = super::share::absolute(folder)?;
        if folder.is_dir() {
            super::share::confirm(global, &folder, args.yes)?;
        }
        Ok(folder)
    };
    args.share.iter().map(share).collect()
}

async fn begin(config: PeerConfig, shares: Vec<PathBuf>) -> Result<Handle, Failure> {
    if config.start_names {
        // Beside the peer's own start: a peer does not wait for the name service. Not by a worker: what that
        // starts is as nice as it is itself.
        let names = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let starting = start_names(config.clone());
        std::thread::Builder::new().name("names".to_owned()).spawn(move || names.block_on(starting))?;
    }
    let handle = cardume::node::start(config).await.map_err(anyhow::Error::from)?;
    for folder in shares {
        handle.command(Command::Share(folder)).await?;
    }
    Ok(handle)
}

/// Starts the name service as a process of its own, where it should be on this machine and none answers.
async fn start_names(config: PeerConfig) {
    let Ok(program) = std::env::current_exe() else { return };
    for address in config.names.iter().copied() {
        let plan = StartPlan {
            address,
            folder: config.home.names_dir(),
            program: program.clone(),
            arguments: serve_arguments(config.home.folder(), address, config.expect),
        };
        match spawn_if_absent(&plan).await {
            Ok(Started::Elsewhere) => {}
            Ok(Started::AlreadyThere) => return warn_of_others(&config, address).await,
            Ok(Started::Spawned(pid)) => {
                return tracing::info!(pid, %address, "started the name service");
            }
            Err(error) => tracing::warn!(%error, "no name service was started"),
        }
    }
}

/// Gives a home that never had a name service an address of its own, where the usual one belongs to another group
/// or program of this machine: that of another user, for example.
async fn settle_names_address(config: &mut PeerConfig) -> Outcome {
    let [usual] = config.names[..] else { return Ok(()) };
    let is_new = config.start_names && config.home.names_origin() == "usual";
    if !is_new || !is_of_others(config, usual).await {
        return Ok(());
    }
    let own = TcpListener::bind((usual.ip(), 0))?.local_addr()?;
    config.home.set_names_address_once(own)?;
    config.names = config.home.names_addresses()?;
    tracing::info!(%usual, now = ?config.names, "another group or program has the usual address of the name service");
    Ok(())
}

async fn is_of_others(config: &PeerConfig, address: SocketAddr) -> bool {
    match identity_of(config.group_key.as_bytes(), config.peer_key.as_bytes()) {
        Ok(identity) => belongs_to_others(&identity, address).await,
        Err(_) => false,
    }
}

/// Says when what answers at the address of a name service is none of this group.
async fn warn_of_others(config: &PeerConfig, address: SocketAddr) {
    if is_of_others(config, address).await {
        tracing::warn!(
            %address,
            "the address of the name service belongs to another group or program: this peer has no name service; \
             choose another port with `cardume names serve --listen {}:PORT`, and start the peers with --names and \
             that address",
            address.ip()
        );
    }
}

fn announce(global: &Global, profile: &Profile, handle: &Handle) -> Outcome {
    let view = handle.view();
    if global.json {
        return json(view.status.as_ref());
    }
    line(&format!("{} runs (process {}); Ctrl+C stops it", profile.name, std::process::id()))
}

/// Waits until the peer has stopped, by itself or because it was asked to.
async fn serve(handle: Handle, stdin: Option<watch::Receiver<bool>>) -> Outcome {
    tokio::select! {
        () = handle.stopped() => return Ok(()),
        () = asked_to_stop(stdin) => {}
    }
    Ok(stop(&handle).await?)
}

/// Stops gracefully. One that takes too long is stopped all the same, as a crash would.
async fn stop(handle: &Handle) -> Result<(), CommandError> {
    if let Ok(answer) = tokio::time::timeout(STOP_LIMIT, handle.command(Command::Stop)).await {
        answer.map(drop)
    } else {
        tracing::warn!("the graceful stop took longer than {STOP_LIMIT:?} and was cut short");
        Ok(())
    }
}

#[cfg(feature = "window")]
fn open_window(
    home: &Home,
    profile: &Profile,
    args: &PeerArgs,
    runtime: &Runtime,
    begin: impl Future<Output = Result<Handle, Failure>> + Send + 'static,
    stdin: Option<watch::Receiver<bool>>,
) -> Result<Option<Invite>, Failure> {
    use crate::window::{Desk, WindowOptions, run};
    let desk = Desk::new(home.clone(), profile.clone());
    let options = WindowOptions {
        title: format!("Cardume - {}", profile.name),
        position: args.position.map(|(x, y)| [x, y]),
        size: args.size.map(|(width, height)| [width, height]),
        link: args.link.clone(),
        settings_file: Some(profile.dir.join("window.ron")),
        desk: Some(desk.clone()),
        welcomes: args.share.is_empty(),
        ..WindowOptions::default()
    };
    // While the system makes the window. Not by a worker: the threads that keep time would be as nice.
    let workers = runtime.handle().clone();
    let beginning =
        std::thread::Builder::new().name("begin".to_owned()).spawn(move || workers.block_on(begin))?;
    let mut failure = None;
    let begun = || match beginning.join() {
        Ok(Ok(handle)) => {
            runtime.spawn(end_task(handle.clone(), stdin, profile.clone(), desk.clone()));
            Some(handle)
        }
        Ok(Err(error)) => {
            failure = Some(error);
            None
        }
        Err(_) => {
            failure =
                Some(Failure::from(anyhow::anyhow!("the peer's start broke off; what is above says where")));
            None
        }
    };
    run(begun, runtime.handle().clone(), &options)?;
    failure.map_or_else(|| Ok(desk.joining()), Err)
}

/// The window has the main thread; whatever else ends the process stops the peer from here.
#[cfg(feature = "window")]
async fn end_task(
    handle: Handle,
    stdin: Option<watch::Receiver<bool>>,
    profile: Profile,
    desk: crate::window::Desk,
) {
    let stopped = tokio::select! {
        () = asked_to_stop(stdin) => stop(&handle).await,
        () = handle.stopped() => {
            // Stopped by the window itself, which closes and then ends the process; or by a command.
            tokio::time::sleep(CLOSE_LIMIT).await;
            Ok(())
        }
    };
    if desk.joining().is_some() {
        // The process goes on in another group.
        return;
    }
    let cleared = profile.clear_runtime();
    std::process::exit(i32::from(stopped.is_err() || cleared.is_err()));
}

#[cfg(not(feature = "window"))]
fn open_window(
    _home: &Home,
    _profile: &Profile,
    _args: &PeerArgs,
    _runtime: &Runtime,
    _begin: impl Future<Output = Result<Handle, Failure>> + Send + 'static,
    _stdin: Option<watch::Receiver<bool>>,
) -> Result<Option<Invite>, Failure> {
    Err(Failure::usage("this program was built without windows; use `cardume peer --headless`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardume::names::{NamesConfig, NamesService};
    use std::net::Ipv4Addr;

    /// The configuration of a peer of this home, as if a name service were usually there.
    fn config(home: &Home, number: u8, usual: SocketAddr) -> PeerConfig {
        let profile = home.profile(&format!("peer-{number}")).expect("a profile");
        PeerConfig { names: vec![usual], ..PeerConfig::of_profile(home, profile).expect("readable") }
    }

    #[tokio::test]
    async fn a_home_whose_usual_address_belongs_to_another_group_takes_one_of_its_own() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let [home, other] = [&folders[0], &folders[1]].map(|folder| Home::at(folder.path()));
        let (group, key) = (other.group_key().expect("a key"), other.names_key().expect("a key"));
        let service = NamesConfig {
            folder: other.names_dir(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            expect: None,
            identity: identity_of(group.as_bytes(), key.as_bytes()).expect("an identity"),
            founding_grace: Duration::ZERO,
        };
        let service = NamesService::start(service).await.expect("starts");
        let usual = service.local_addr();

        let mut member = config(&other, 1, usual);
        settle_names_address(&mut member).await.expect("nothing to do");
        assert_eq!(member.names, [usual]);

        let mut stranger = config(&home, 1, usual);
        settle_names_address(&mut stranger).await.expect("a port");
        assert_ne!(stranger.names, [usual]);
        assert_eq!(home.names_addresses().expect("readable"), stranger.names);
        // One that started at the same time looked before that was stored.
        home.set_names_address_once(usual).expect("is there");
        assert_eq!(home.names_addresses().expect("readable"), stranger.names);
        service.stop().await;
    }
}
