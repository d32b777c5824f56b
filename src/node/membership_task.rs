//! What the peer does with the name service: takes the founding from it, registers as tracker, asks it
//! where members listen, and asks the tracker for a seat until this peer is a voter.

use super::address_book::{AddressBook, Addresses};
use super::election_task::TaskEvent;
use super::events::EventSink;
use super::group_state::GroupState;
use crate::base::{Epoch, PeerId, PeerName};
use crate::engine::election::{RegistrationOutcome, Roster};
use crate::net::names_link::{MyRegistration, NamesEvent, NamesLink};
use crate::net::peer_link::PeerLinks;
use crate::wire::control::NamesState;
use crate::wire::convert;
use crate::wire::group::GroupClient;
use crate::wire::names::{Entry, Registered};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often a peer without a vote asks for one.
const JOIN_INTERVAL: Duration = Duration::from_millis(250);
/// How long one such call may take.
const JOIN_DEADLINE: Duration = Duration::from_secs(1);
/// How often the name service is asked where members are that do not answer.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// What the task is wired to.
pub(super) struct Membership {
    pub(super) me: PeerId,
    pub(super) name: PeerName,
    pub(super) here: Addresses,
    pub(super) names: NamesLink,
    pub(super) names_uri: String,
    pub(super) names_events: mpsc::Receiver<NamesEvent>,
    pub(super) registrations: mpsc::Receiver<Epoch>,
    pub(super) roster: watch::Receiver<Option<Arc<Roster>>>,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) addresses: watch::Receiver<AddressBook>,
    pub(super) links: PeerLinks,
    pub(super) events: mpsc::Sender<TaskEvent>,
    pub(super) state: watch::Sender<NamesState>,
    pub(super) sink: EventSink,
    /// Kept: the link registers what this says for as long as it is there.
    pub(super) _registration: watch::Sender<MyRegistration>,
}

/// Runs until the name link ends.
pub(super) async fn membership_task(mut task: Membership) {
    let mut join = tokio::time::interval(JOIN_INTERVAL);
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    join.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tracker: Option<Entry> = None;
    loop {
        tokio::select! {
            event = task.names_events.recv() => match event {
                Some(NamesEvent::Registered(registered)) => task.registered(registered, &mut tracker).await,
                Some(other) => task.names_said(other),
                None => return,
            },
            Some(epoch) = task.registrations.recv() => task.register(epoch),
            Ok(()) = task.addresses.changed() => task.connect(),
            _ = join.tick() => task.join(tracker.as_ref()),
            _ = look.tick() => task.look_for_the_missing(),
        }
    }
}

impl Membership {
    fn names_said(&self, event: NamesEvent) {
        match event {
            NamesEvent::Reachable(reachable) => {
                let state = NamesState { uri: self.names_uri.clone(), reachable };
                self.state.send_if_modified(|known| {
                    let changed = *known != state;
                    known.clone_from(&state);
                    changed
                });
                let kind = if reachable { "names_reachable" } else { "names_unreachable" };
                self.sink.tell(kind, None, None, None);
            }
            NamesEvent::NameRefused(message) => {
                tracing::warn!(message, "the name service refuses this peer's name");
                self.sink.tell("names_refused", None, None, Some(message));
            }
            NamesEvent::Registered(_) => {}
        }
    }

    async fn registered(&self, registered: Registered, tracker: &mut Option<Entry>) {
        *tracker = registered.tracker;
        if self.roster.borrow().is_some() {
            return;
        }
        let Some(founding) = registered.founding else { return };
        match convert::roster_from_wire(&founding) {
            // Who is not among the founders joins through the tracker.
            Ok(roster) if roster.members.contains_key(&self.me) => {
                drop(self.events.send(TaskEvent::Founded(roster)).await);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the name service's founding roster is malformed"),
        }
    }

    /// Registers as `Tracker_Epoca_x` without holding anything up.
    fn register(&self, epoch: Epoch) {
        let (names, events, here) = (self.names.clone(), self.events.clone(), self.here);
        let roster = self.roster.borrow().clone();
        tokio::spawn(async move {
            let outcome = match roster {
                Some(roster) => names.register_tracker(epoch, here.uri, here.election_uri, &roster).await,
                None => RegistrationOutcome::Unreachable,
            };
            if outcome != RegistrationOutcome::Accepted {
                tracing::debug!(%epoch, ?outcome, "not registered as tracker");
            }
            drop(events.send(TaskEvent::Registration { epoch, outcome }).await);
        });
    }

    fn connect(&mut self) {
        let book = self.addresses.borrow_and_update().clone();
        for (peer, at) in book.iter() {
            self.links.set_address(peer, at.uri.address());
        }
    }

    /// Asks the tracker for a seat, while this peer has none.
    fn join(&self, registered: Option<&Entry>) {
        let group = self.group.borrow().clone();
        if group.members.get(&self.me).is_some_and(|me| me.voter) {
            return;
        }
        let target = group.tracker.or_else(|| {
            let entry = registered?;
            let peer = convert::parse_peer_id("peer_id", &entry.peer_id).ok()?;
            let uri = convert::parse_uri("uri", &entry.uri).ok()?;
            if peer != self.me {
                self.links.set_address(peer, uri.address());
            }
            Some(peer)
        });
        let Some(peer) = target.filter(|peer| *peer != self.me) else { return };
        let Some(client) = self.links.client(peer) else { return };
        let (name, here) = (self.name.to_string(), self.here);
        tokio::spawn(async move {
            let call = client.join(name, here.uri.to_string(), here.election_uri.to_string());
            match tokio::time::timeout(JOIN_DEADLINE, call).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the tracker does not take this peer in yet"),
                Err(_) => tracing::debug!("the tracker did not answer the wish to join"),
            }
        });
    }

    /// Members that moved while nobody could tell: their registration knows.
    fn look_for_the_missing(&self) {
        let group = self.group.borrow().clone();
        if group.members.values().all(|member| member.reachable) {
            return;
        }
        let (names, events, me) = (self.names.clone(), self.events.clone(), self.me);
        tokio::spawn(async move {
            let Ok(entries) = names.list("").await else { return };
            let found: Vec<(PeerId, Addresses)> =
                entries.values().filter_map(addresses_of).filter(|(peer, _)| *peer != me).collect();
            let known: Vec<_> =
                found.into_iter().filter(|(peer, _)| group.members.contains_key(peer)).collect();
            if !known.is_empty() {
                drop(events.send(TaskEvent::Addresses(known)).await);
            }
        });
    }
}

fn addresses_of(entry: &Entry) -> Option<(PeerId, Addresses)> {
    let peer = convert::parse_peer_id("peer_id", &entry.peer_id).ok()?;
    let uri = convert::parse_uri("uri", &entry.uri).ok()?;
    let election_uri = convert::parse_uri("election_uri", entry.election_uri.as_deref()?).ok()?;
    Some((peer, Addresses { uri, election_uri }))
}
