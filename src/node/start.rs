//! Starts a peer: wires its tasks together. Nothing is decided here.

mod timed;

use super::address_book::Addresses;
use super::address_task::address_task;
use super::benefit_task::benefit_task;
use super::check::Checker;
use super::command_task::{Commands, command_task};
use super::config::{HomeError, PeerConfig, Runtime};
use super::contents::Contents;
use super::control_handlers::ControlHandlers;
use super::drill::{Drill, Silenced};
use super::election_task::TaskEvent;
use super::events::{EventSink, Occurrence};
use super::faults::{Cuttable, Faults};
use super::finder::TrackerFinder;
use super::group_handlers::GroupHandlers;
use super::group_state::GroupState;
use super::handle::Handle;
use super::links_task::links_task;
use super::membership_task::{Membership, membership_task};
use super::naming::{Naming, Rename};
use super::opening::{Opened, StartError, open};
use super::search::Searcher;
use super::share_task::share_task;
use super::stop::Stopper;
use super::trace_task::Tracer;
use super::tracker_route::TrackerRoute;
use super::tracker_task::{self, TrackerHandle};
use super::transfer::link::PeerNetwork;
use super::transfer_task;
use super::transfer_task::{TransferDeps, TransferHandle};
use super::upload_task::{Sent, upload_task};
use super::view::View;
use super::view_library::Hashing;
use super::view_task::{Sources, view_task};
use super::watch_task::{Watcher, Watching};
use crate::base::{ByteRate, Epoch, PeerId, PeerName};
use crate::engine::election::Roster;
use crate::net::caller::CallerLimits;
use crate::net::handlers::index::index_methods;
use crate::net::handlers::transfer::TransferHandler;
use crate::net::identity::Identity;
use crate::net::names_link::{MyRegistration, NamesEvent, NamesLink};
use crate::net::peer_link::PeerLinks;
use crate::net::server::{Server, ServerHandle, ServerLimits};
use crate::net::{ContentService, RemoteIndex, Uploads};
use crate::store::Library;
use crate::store::downloads::{DownloadStore, SavedDownload};
use crate::wire::control::{ControlServer, Limits, NamesState};
use crate::wire::convert;
use crate::wire::election::IndexSummary;
use crate::wire::group::GroupServer;
use crate::wire::transfer::TransferServer;
use jsonrpsee::Methods;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use timed::{Heard, IndexNews, Timed};
use tokio::sync::{broadcast, mpsc, watch};

/// How many commands wait.
const MAX_ASKS: usize = 64;
/// How long a search waits for a tracker and its answer.
const SEARCH_DEADLINE: Duration = Duration::from_secs(5);

/// Starts the peer of a profile whose lock the caller holds, inside of a multi-threaded tokio runtime.
/// It runs until [`super::Command::Stop`] or the end of the process; [`Handle::stopped`] tells.
///
/// # Errors
/// Says what could not be opened or bound.
pub async fn start(config: PeerConfig) -> Result<Handle, StartError> {
    let opening = config.clone();
    let opened = tokio::task::spawn_blocking(move || open(&opening)).await;
    let opened = opened.map_err(|error| std::io::Error::other(error.to_string()))??;
    wire(config, opened).await
}

/// What the rest works with. The order of making: whoever is asked comes before whoever asks.
struct Core {
    config: PeerConfig,
    identity: Identity,
    me: PeerId,
    here: Addresses,
    library: Arc<Library>,
    contents: Arc<Contents>,
    uploads: Uploads,
    links: PeerLinks,
    tracker: TrackerHandle,
    searcher: Searcher<Route>,
    transfers: TransferHandle,
    limits: Arc<watch::Sender<Limits>>,
    drill: Drill,
    faults: Faults,
    tracer: Tracer,
    watcher: Watcher,
    sink: EventSink,
    /// What the peer is called, and where downloads go, while it runs.
    name: watch::Sender<PeerName>,
    downloads: watch::Sender<PathBuf>,
}

async fn wire(config: PeerConfig, opened: Opened) -> Result<Handle, StartError> {
    let Opened { identity, store, saved, library, downloads, general, election, here } = opened;
    let (sink, records) = EventSink::new();
    let (faults, start_faults) = Faults::new();
    let timed = Timed {
        config: &config,
        identity: &identity,
        library: &library,
        here,
        sink: &sink,
        faults: faults.now(),
    };
    let Heard { events, group, roster, summary, contacts, addresses, registrations, index, server } =
        timed.start(election, store, saved).await?;
    let tracer = Tracer::spawn(events.clone(), group.clone(), Arc::clone(&library));
    let (core, start_drill) =
        core(Made { config, identity, here, library, downloads, sink, faults, tracer }, group.clone());
    core.spawn_limits();
    core.spawn_index(&events, group.clone(), index);

    let (names_state, names_seen) = watch::channel(NamesState::default());
    let pictures = core.pictures(records, names_seen, summary, contacts, group.clone(), roster.clone());
    let (asks, ask_receiver) = mpsc::channel(MAX_ASKS);
    let (stopped_sender, stopped) = watch::channel(false);
    let handle = Handle {
        commands: asks,
        view: pictures,
        transfers: core.transfers.transfers(),
        stopped,
        links: broadcast::Sender::new(Handle::MAX_LINKS),
    };
    let general = Arc::new(core.serve(general, &events, group.clone(), &handle)?);

    let (names, names_events, registration) = core.names_link(roster.clone());
    let (renames, rename_receiver) = mpsc::channel(MAX_ASKS);
    let naming = core.naming(registration, &names);
    tokio::spawn(links_task(core.links.clone(), addresses.clone()));
    let checker = core.checker(names.clone(), names_state.subscribe(), group.clone(), roster.clone());
    let leaves = Arc::new(AtomicBool::new(false));
    tokio::spawn(membership_task(Membership {
        leaves: leaves.clone(),
        me: core.me,
        naming,
        renames: rename_receiver,
        here,
        names: names.clone(),
        names_uri: core.config.names.first().map(|at| format!("wss://{at}/")).unwrap_or_default(),
        names_events,
        registrations,
        roster: roster.clone(),
        group: group.clone(),
        addresses,
        links: core.links.clone(),
        events: events.clone(),
        state: names_state,
        sink: core.sink.clone(),
    }));
    let links = core.links.clone();
    let cuttable =
        Cuttable { general: Arc::clone(&general), election: Arc::clone(&server), links: links.clone() };
    start_faults(cuttable);
    start_drill(Silenced { general, election: server, links: links.clone(), names, events: events.clone() });
    let transfers = core.transfers.clone();
    let stopper =
        Stopper { events, group: group.clone(), roster, links, transfers, stopped: stopped_sender, leaves };
    core.tell_where()?;
    tokio::spawn(command_task(core.commands(group, stopper, renames, checker), ask_receiver));
    Ok(handle)
}

/// What is made before the rest.
struct Made {
    config: PeerConfig,
    identity: Identity,
    here: Addresses,
    library: Arc<Library>,
    downloads: Option<(DownloadStore, Vec<SavedDownload>)>,
    sink: EventSink,
    faults: Faults,
    tracer: Tracer,
}

/// Makes what the tasks share.
fn core(made: Made, group: watch::Receiver<Arc<GroupState>>) -> (Core, impl FnOnce(Silenced)) {
    let Made { config, identity, here, library, downloads, sink, faults, tracer } = made;
    let me = identity.peer_id();
    let links = PeerLinks::new(identity.clone(), CallerLimits::GENERAL);
    let tracker = tracker_task::spawn(me, group.clone());
    let (drill, start_drill) = Drill::new();
    let watcher =
        Watcher::spawn(Watching { tracer: tracer.clone(), links: links.clone(), group: group.clone() });
    let searcher = Searcher::new(route(me, &links, &tracker), group, SEARCH_DEADLINE);
    let contents = Arc::new(Contents::new(Arc::clone(&library)));
    let finished = Arc::clone(&library);
    let network = Arc::new(PeerNetwork { identity: identity.clone(), links: links.clone() });
    let (limits, limits_seen) = watch::channel(config.profile.limits());
    let transfers = transfer_task::spawn(TransferDeps {
        me,
        network: network.clone(),
        lister: network,
        limits: limits_seen,
        kept: downloads,
        finder: Arc::new(TrackerFinder(searcher.clone())),
        contents: contents.clone(),
        finished: Arc::new(move |path, verified| match verified {
            Some(verified) => finished.arrived(path, verified),
            None => finished.noticed(path),
        }),
    });
    let core = Core {
        name: watch::Sender::new(config.name.clone()),
        downloads: watch::Sender::new(config.profile.download_folder.clone()),
        config,
        identity,
        me,
        here,
        library,
        contents,
        uploads: Uploads::new(Uploads::LIMITS),
        links,
        tracker,
        searcher,
        transfers,
        limits: Arc::new(limits),
        drill,
        faults,
        tracer,
        watcher,
        sink,
    };
    (core, start_drill)
}

/// The way to whoever is tracker.
pub(super) type Route = TrackerRoute<RemoteIndex<PeerLinks>>;

fn route(me: PeerId, links: &PeerLinks, tracker: &TrackerHandle) -> Route {
    TrackerRoute { me, local: tracker.clone(), remote: RemoteIndex(links.clone()) }
}

impl Core {
    /// Uploads keep the limit that the person sets.
    fn spawn_limits(&self) {
        let (uploads, mut limits) = (self.uploads.clone(), self.limits.subscribe());
        tokio::spawn(async move {
            loop {
                let up = limits.borrow_and_update().up;
                uploads.limit_speed(up.map(ByteRate::per_second));
                if limits.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    fn route(&self) -> Route {
        route(self.me, &self.links, &self.tracker)
    }

    /// The tasks around the index: announcing, and telling heartbeats how it stands.
    fn spawn_index(
        &self,
        events: &mpsc::Sender<TaskEvent>,
        group: watch::Receiver<Arc<GroupState>>,
        IndexNews { heard, mut positions }: IndexNews,
    ) {
        let searcher = Searcher::new(self.route(), group.clone(), SEARCH_DEADLINE);
        tokio::spawn(benefit_task(Arc::clone(&self.library), searcher, self.me));
        tokio::spawn(share_task(Arc::clone(&self.library), group, heard, self.route()));
        let tracker = self.tracker.clone();
        tokio::spawn(async move {
            while let Some((peer, position)) = positions.recv().await {
                tracker.position_seen(peer, position);
            }
        });
        let (mut standing, events) = (self.tracker.standing(), events.clone());
        tokio::spawn(async move {
            while standing.changed().await.is_ok() {
                let now = standing.borrow_and_update().clone();
                if let Some(now) = now
                    && events.send(TaskEvent::Summary(now)).await.is_err()
                {
                    return;
                }
            }
        });
    }

    fn pictures(
        &self,
        records: mpsc::Receiver<Occurrence>,
        names: watch::Receiver<NamesState>,
        summary: watch::Receiver<Option<(Epoch, IndexSummary)>>,
        contacts: watch::Receiver<BTreeMap<PeerId, u64>>,
        group: watch::Receiver<Arc<GroupState>>,
        roster: watch::Receiver<Option<Arc<Roster>>>,
    ) -> watch::Receiver<Arc<View>> {
        let mut sources = Sources {
            profile: self.config.profile.name.clone(),
            name: self.name.subscribe(),
            me: self.me,
            uri: self.here.uri.to_string(),
            downloads: self.downloads.subscribe(),
            group,
            roster,
            summary,
            contacts,
            names,
            drill: self.drill.running(),
            voting: self.sink.voting.subscribe(),
            moved: self.moved(),
            faults: self.faults.now(),
            trace: self.watcher.feed(),
            transfers: self.transfers.transfers(),
            limits: self.limits.subscribe(),
            uploads: self.sent(),
            library_changed: self.library.changed(),
            library: Arc::clone(&self.library),
            records,
            counters: Arc::clone(&self.sink.counters),
            lateness: Arc::clone(&self.sink.lateness),
            hashing: Hashing::default(),
        };
        let (sender, pictures) = watch::channel(Arc::new(sources.first_picture()));
        tokio::spawn(view_task(sources, sender));
        pictures
    }

    fn naming(&self, registration: watch::Sender<MyRegistration>, names: &NamesLink) -> Naming {
        let (profile, name) = (self.config.profile.clone(), self.name.clone());
        Naming::new(profile, registration, name, names.clone(), self.sink.clone())
    }

    /// For the command line.
    fn tell_where(&self) -> Result<(), HomeError> {
        let (uri, election_uri) = (self.here.uri.to_string(), self.here.election_uri.to_string());
        self.config.profile.write_runtime(&Runtime { pid: std::process::id(), uri, election_uri })
    }

    /// Where this machine is reached, when that is elsewhere than it listens.
    fn moved(&self) -> watch::Receiver<Option<IpAddr>> {
        let (sender, moved) = watch::channel(None);
        tokio::spawn(address_task(self.here.uri.address().ip(), self.config.names.clone(), sender));
        moved
    }

    /// What is sent to others, as it changes.
    fn sent(&self) -> watch::Receiver<Arc<Vec<Sent>>> {
        let (sender, sent) = watch::channel(Arc::default());
        tokio::spawn(upload_task(self.uploads.clone(), sender));
        sent
    }

    fn serve(
        &self,
        listener: TcpListener,
        events: &mpsc::Sender<TaskEvent>,
        group: watch::Receiver<Arc<GroupState>>,
        handle: &Handle,
    ) -> std::io::Result<ServerHandle> {
        let group = GroupHandlers {
            events: events.clone(),
            drill: self.drill.clone(),
            faults: self.faults.clone(),
            tracer: self.tracer.clone(),
            drills_from_anywhere: self.config.drills,
            listen: self.config.listen,
            links: self.links.clone(),
            group,
            rhythm: self.sink.rhythm.clone(),
        };
        let control = ControlHandlers { me: self.me, handle: handle.clone() };
        let service = ContentService { route: self.contents.clone(), uploads: self.uploads.clone() };
        let parts: [Methods; 4] = [
            group.into_rpc().into(),
            control.into_rpc().into(),
            index_methods(self.tracker.clone()).into(),
            TransferHandler::new(self.contents.clone(), service.clone()).into_rpc().into(),
        ];
        let mut methods = Methods::new();
        for part in parts {
            methods.merge(part).map_err(|error| std::io::Error::other(error.to_string()))?;
        }
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Server::start(listener, &self.identity, methods, Some(service), ServerLimits::GENERAL)
    }

    fn names_link(
        &self,
        roster: watch::Receiver<Option<Arc<Roster>>>,
    ) -> (NamesLink, mpsc::Receiver<NamesEvent>, watch::Sender<MyRegistration>) {
        let (sender, registration) = watch::channel(MyRegistration {
            name: self.config.name.clone(),
            uri: self.here.uri,
            election_uri: self.here.election_uri,
            metadata: BTreeMap::new(),
        });
        let names = self.config.names.clone();
        let (link, events) =
            NamesLink::start(self.identity.clone(), names, registration, wire_roster(roster));
        (link, events, sender)
    }

    fn checker(
        &self,
        names: NamesLink,
        names_state: watch::Receiver<NamesState>,
        group: watch::Receiver<Arc<GroupState>>,
        roster: watch::Receiver<Option<Arc<Roster>>>,
    ) -> Checker {
        Checker {
            name: self.name.subscribe(),
            here: self.here,
            home: self.config.home.clone(),
            names,
            names_state,
            names_address: self.config.names.first().copied(),
            identity: self.identity.clone(),
            links: self.links.clone(),
            group,
            roster,
            rhythm: self.sink.rhythm.clone(),
            downloads: self.downloads.subscribe(),
            library: Arc::clone(&self.library),
        }
    }

    fn commands(
        self,
        group: watch::Receiver<Arc<GroupState>>,
        stopper: Stopper,
        renames: mpsc::Sender<Rename>,
        checker: Checker,
    ) -> Commands {
        Commands {
            library: self.library,
            searcher: self.searcher,
            transfers: self.transfers,
            drill: self.drill,
            faults: self.faults,
            watcher: self.watcher,
            links: self.links,
            group,
            stopper,
            downloads: self.downloads,
            profile: self.config.profile,
            limits: self.limits,
            renames,
            checker,
            sink: self.sink,
        }
    }
}

/// The roster in the shape of the protocol, as it changes.
fn wire_roster(
    mut roster: watch::Receiver<Option<Arc<Roster>>>,
) -> watch::Receiver<Option<crate::wire::group::Roster>> {
    let shape = |roster: &Option<Arc<Roster>>| roster.as_ref().map(|roster| convert::roster_to_wire(roster));
    let (sender, receiver) = watch::channel(shape(&roster.borrow()));
    tokio::spawn(async move {
        while roster.changed().await.is_ok() {
            let new = shape(&roster.borrow_and_update());
            sender.send_replace(new);
        }
    });
    receiver
}
