//! Links to peers: one connection task per peer that keeps a connection up and makes a new one when it
//! breaks. Calls are never repeated here; that is for whoever makes them.
//!
//! Invariant: [`PeerLinks::client`] gives a connection that was alive when it was asked, or nothing, and
//! never waits. What is absent on purpose: which peers exist and where they are; somebody says so with
//! [`PeerLinks::set_address`].

use super::caller::{CallerLimits, Client, ConnectError, connect_cuttable};
use super::identity::Identity;
use super::index_calls::ClientSource;
use super::stream::{self, Cuts};
use crate::base::PeerId;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The first pause between two attempts; the very first attempt is made at once.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause: how late a peer that came back is noticed.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// A connection that lived for so long was a good one: the next attempt is made at once.
const GOOD_AFTER: Duration = Duration::from_secs(1);

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody said where the peer is.
    #[error("the address of peer {} is not known", .0.short())]
    UnknownPeer(PeerId),
    /// No connection in time.
    #[error("no connection to peer {} within {within:?}{}", peer.short(), reason(last.as_ref()))]
    NotInTime {
        /// Which peer.
        peer: PeerId,
        /// The limit.
        within: Duration,
        /// Why the last attempt failed.
        last: Option<ConnectError>,
    },
}

fn reason(last: Option<&ConnectError>) -> String {
    last.map(|error| format!(": {error}")).unwrap_or_default()
}

/// What a link's task publishes.
#[derive(Clone, Debug, Default)]
struct State {
    client: Option<Arc<Client>>,
    last_error: Option<ConnectError>,
}

/// What a link's task is to reach. A new `nudge` ends a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    address: SocketAddr,
    nudge: u64,
}

/// The ends of a link's task; dropping them ends it.
struct Link {
    target: watch::Sender<Target>,
    state: watch::Receiver<State>,
}

struct Shared {
    identity: Identity,
    limits: CallerLimits,
    runtime: tokio::runtime::Handle,
    links: watch::Sender<BTreeMap<PeerId, Link>>,
    switch: watch::Sender<Cuts>,
}

/// Kept connections to peers. Cheap to clone; the last clone that goes closes all links.
#[derive(Clone)]
pub struct PeerLinks(Arc<Shared>);

impl fmt::Debug for PeerLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.links.borrow().keys()).finish()
    }
}

impl PeerLinks {
    /// No links yet. Their tasks will run on the tokio runtime that this is called on, wherever the other
    /// methods are called.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(identity: Identity, limits: CallerLimits) -> Self {
        Self(Arc::new(Shared {
            identity,
            limits,
            runtime: tokio::runtime::Handle::current(),
            links: watch::Sender::new(BTreeMap::new()),
            switch: watch::Sender::new(Cuts::default()),
        }))
    }

    /// Says where a peer listens: a new link is begun, and a new address replaces the connection to the
    /// old one. The same address again changes nothing.
    pub fn set_address(&self, peer: PeerId, address: SocketAddr) {
        self.0.links.send_if_modified(|links| {
            if let Some(link) = links.get(&peer) {
                link.target.send_if_modified(|target| {
                    let changed = target.address != address;
                    target.address = address;
                    changed
                });
                return false;
            }
            let (target, targets) = watch::channel(Target { address, nudge: 0 });
            let (publish, state) = watch::channel(State::default());
            let work = Work {
                peer,
                identity: self.0.identity.clone(),
                limits: self.0.limits,
                targets,
                publish,
                cuts: self.0.switch.subscribe(),
            };
            self.0.runtime.spawn(link_task(work));
            links.insert(peer, Link { target, state });
            true
        });
    }

    /// Says that the peer is probably reachable now: a pause between attempts ends at once.
    pub fn retry_now(&self, peer: PeerId) {
        if let Some(link) = self.0.links.borrow().get(&peer) {
            link.target.send_modify(|target| target.nudge = target.nudge.wrapping_add(1));
        }
    }

    /// Ends the link to a peer. Calls that are under way on its connection go on.
    pub fn forget(&self, peer: PeerId) {
        self.0.links.send_if_modified(|links| links.remove(&peer).is_some());
    }

    /// The peers with a link, connected or not.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        self.0.links.borrow().keys().copied().collect()
    }

    /// The connection to a peer, if there is one right now.
    #[must_use]
    pub fn client(&self, peer: PeerId) -> Option<Arc<Client>> {
        let links = self.0.links.borrow();
        let client = links.get(&peer)?.state.borrow().client.clone();
        client.filter(|client| client.is_connected())
    }

    /// Whether there is a connection to a peer right now.
    #[must_use]
    pub fn is_connected(&self, peer: PeerId) -> bool {
        self.client(peer).is_some()
    }

    /// The connection to a peer, waiting for it at most `within`. Cancel-safe.
    ///
    /// # Errors
    /// If nobody said where the peer is, or there is no connection in time (with the reason).
    pub async fn connected(&self, peer: PeerId, within: Duration) -> Result<Arc<Client>, LinkError> {
        let Some(mut state) = self.0.links.borrow().get(&peer).map(|link| link.state.clone()) else {
            return Err(LinkError::UnknownPeer(peer));
        };
        let alive = |state: &State| state.client.as_ref().is_some_and(|client| client.is_connected());
        let client = match tokio::time::timeout(within, state.wait_for(alive)).await {
            Ok(Ok(state)) => state.client.clone(),
            Ok(Err(_)) => return Err(LinkError::UnknownPeer(peer)),
            Err(_) => None,
        };
        let last = state.borrow().last_error.clone();
        client.ok_or(LinkError::NotInTime { peer, within, last })
    }

    /// Drops every connection at once, as a crash would; the links are made anew.
    pub fn drop_all(&self) {
        stream::cut(&self.0.switch);
    }

    /// A fault drill: drops the connection to one peer and makes none until it is mended.
    pub fn cut_peer(&self, peer: PeerId, cut: bool) {
        stream::set_cut(&self.0.switch, peer, cut);
    }

    /// What cuts connections that belong to these links but are not kept by them.
    pub(super) fn cuts(&self) -> watch::Receiver<Cuts> {
        self.0.switch.subscribe()
    }

    /// A fault drill: drops every connection and makes none until it is switched off.
    pub fn set_silent(&self, silent: bool) {
        stream::set_silent(&self.0.switch, silent);
    }
}

impl ClientSource for PeerLinks {
    type Client = Client;

    async fn client(&self, peer: PeerId, deadline: Duration) -> Result<Arc<Client>, String> {
        self.connected(peer, deadline).await.map_err(|error| error.to_string())
    }
}

struct Work {
    peer: PeerId,
    identity: Identity,
    limits: CallerLimits,
    targets: watch::Receiver<Target>,
    publish: watch::Sender<State>,
    cuts: watch::Receiver<Cuts>,
}

/// Why a link's task goes on.
enum Next {
    /// With another attempt.
    Again,
    /// Not at all: nobody wants the link any more.
    End,
}

async fn link_task(mut work: Work) {
    let mut pause = Duration::ZERO;
    loop {
        let peer = work.peer;
        if work.cuts.wait_for(|cuts| !cuts.keeps_out(peer)).await.is_err() {
            return;
        }
        if let Next::End = attempt(&mut work, &mut pause).await {
            return;
        }
        if pause.is_zero() {
            continue;
        }
        // Half to all of the pause, so that peers that lost each other do not meet in lockstep.
        let drawn = pause.mul_f64(rand::random_range(0.5..1.0));
        tokio::select! {
            () = tokio::time::sleep(drawn) => {}
            changed = work.targets.changed() => {
                if changed.is_err() {
                    return;
                }
                pause = Duration::ZERO;
            }
        }
    }
}

/// Connects and stays as long as the connection is good.
async fn attempt(work: &mut Work, pause: &mut Duration) -> Next {
    let Target { address, .. } = *work.targets.borrow_and_update();
    let cuts = work.cuts.clone();
    let connecting = connect_cuttable(&work.identity, address, Some(work.peer), work.limits, &cuts, None);
    let connected = tokio::select! {
        connected = connecting => connected,
        moved = moved(&mut work.targets, address) => return moved,
    };
    let begun = Instant::now();
    match connected {
        Err(error) => {
            tracing::debug!(peer = %work.peer.short(), %error, "no link");
            work.publish.send_modify(|state| state.last_error = Some(error));
        }
        Ok((client, _)) => {
            tracing::debug!(peer = %work.peer.short(), %address, "linked");
            let client = Arc::new(client);
            work.publish.send_replace(State { client: Some(client.clone()), last_error: None });
            let next = tokio::select! {
                error = client.on_disconnect() => {
                    tracing::debug!(peer = %work.peer.short(), %error, "link lost");
                    Next::Again
                }
                moved = moved(&mut work.targets, address) => moved,
            };
            work.publish.send_modify(|state| state.client = None);
            if let Next::End = next {
                return next;
            }
            if begun.elapsed() >= GOOD_AFTER || work.targets.borrow().address != address {
                *pause = Duration::ZERO;
                return Next::Again;
            }
        }
    }
    *pause = (*pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    Next::Again
}

/// Waits until the link is to lead somewhere else, or nowhere.
async fn moved(targets: &mut watch::Receiver<Target>, address: SocketAddr) -> Next {
    match targets.wait_for(|target| target.address != address).await {
        Ok(_) => Next::Again,
        Err(_) => Next::End,
    }
}
