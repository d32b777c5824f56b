//! What the peer does with the name service: takes the founding from it, registers as tracker, asks it
//! where members listen, and asks the tracker for a seat until this peer is a voter.

use super::address_book::{AddressBook, Addresses};
use super::election_task::TaskEvent;
use super::events::EventSink;
use super::group_state::GroupState;
use super::naming::{Naming, Rename};
use crate::base::{Epoch, PeerId, PeerName, tracker_epoch};
use crate::engine::election::{Member, RegistrationOutcome, Roster};
use crate::net::names_link::{NamesEvent, NamesLink};
use crate::net::peer_link::PeerLinks;
use crate::wire::codes::Code;
use crate::wire::control::{Founders, NamesState};
use crate::wire::convert;
use crate::wire::group::GroupClient;
use crate::wire::names::{Entry, Registered};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// How often a peer without a vote asks for one.
const JOIN_INTERVAL: Duration = Duration::from_millis(250);
/// How long one such call may take.
const JOIN_DEADLINE: Duration = Duration::from_secs(1);
/// How often the name service is asked where members are that do not answer.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// What the task is wired to.
pub(super) struct Membership {
    pub(super) me: PeerId,
    pub(super) naming: Naming,
    pub(super) renames: mpsc::Receiver<Rename>,
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
    /// This peer gives its seat up.
    pub(super) leaves: Arc<AtomicBool>,
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
            Some(rename) = task.renames.recv() => task.naming.rename(rename),
            () = until(task.naming.next_due()) => task.naming.due(),
            Ok(()) = task.addresses.changed() => task.connect(),
            _ = join.tick() => task.join(tracker.as_ref()),
            _ = look.tick() => task.look_for_the_missing(),
        }
    }
}

impl Membership {
    fn names_said(&mut self, event: NamesEvent) {
        match event {
            NamesEvent::Reachable(reachable) => {
                self.tell_state(|state| state.reachable = reachable);
                let kind = if reachable { "names_reachable" } else { "names_unreachable" };
                self.sink.tell(kind, None, None, None);
            }
            NamesEvent::Named(name) => {
                self.naming.named(&name);
                self.tell_state(|state| (state.refused, state.refused_code) = (None, None));
            }
            NamesEvent::NameRefused { code, message } => {
                if let Some(message) = self.naming.refused(code, message) {
                    self.tell_state(|state| {
                        (state.refused, state.refused_code) = (Some(message), Some(code));
                    });
                    let name = Code::of(code).map_or("Internal", Code::name);
                    self.sink.tell("names_refused", None, None, Some(name.to_owned()));
                }
            }
            NamesEvent::Registered(_) => {}
        }
    }

    fn tell_state(&self, change: impl FnOnce(&mut NamesState)) {
        self.state.send_if_modified(|known| {
            let before = known.clone();
            known.uri.clone_from(&self.names_uri);
            change(known);
            *known != before
        });
    }

    async fn registered(&self, registered: Registered, tracker: &mut Option<Entry>) {
        *tracker = registered.tracker;
        let Registered { registered: here, expected, .. } = registered;
        let waits = registered.founding.is_none() && here < expected;
        self.tell_state(|state| state.founding = waits.then_some(Founders { registered: here, expected }));
        let group = self.group.borrow().clone();
        if group.active && group.is_tracker() && registered.highest_epoch < group.epoch.number() {
            // It does not know this tracker (any more): it began anew, or the storage is an older one.
            let (epoch, outcome) = (group.epoch, RegistrationOutcome::Unreachable);
            drop(self.events.send(TaskEvent::Registration { epoch, outcome }).await);
        }
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
        if self.leaves.load(Ordering::Relaxed) {
            return;
        }
        let group = self.group.borrow().clone();
        let name = self.naming.name();
        if group.members.get(&self.me).is_some_and(|me| me.voter && me.name == name) {
            return;
        }
        if group.tracker == Some(self.me) {
            return self.join_at_myself(name);
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
        let (name, here) = (name.to_string(), self.here);
        tokio::spawn(async move {
            let call = client.join(name, here.uri.to_string(), here.election_uri.to_string());
            match tokio::time::timeout(JOIN_DEADLINE, call).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the tracker does not take this peer in yet"),
                Err(_) => tracing::debug!("the tracker did not answer the wish to join"),
            }
        });
    }

    /// The tracker calls itself something else.
    fn join_at_myself(&self, name: PeerName) {
        let Addresses { uri, election_uri } = self.here;
        let member = Member { name, uri, election_uri, voter: true };
        // Nobody waits for the answer; a full queue is tried again at the next turn.
        let (answer, _) = oneshot::channel();
        if self.events.try_send(TaskEvent::Join { peer: self.me, member, answer }).is_err() {
            tracing::debug!("the election is busy; the new name is told a moment later");
        }
    }

    /// Members that moved while nobody could tell: their registration knows.
    fn look_for_the_missing(&self) {
        let group = self.group.borrow().clone();
        if group.members.values().all(|member| member.reachable) {
            return;
        }
        let (names, events) = (self.names.clone(), self.events.clone());
        tokio::spawn(async move {
            let Ok(entries) = names.list("").await else { return };
            let found = addresses_of_the_missing(&entries, &group);
            if !found.is_empty() {
                drop(events.send(TaskEvent::Addresses(found)).await);
            }
        });
    }
}

/// Waits until then; for ever if there is nothing to wait for.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Where those members are registered that do not answer: who answers has said it itself. Where somebody was as the
/// tracker of some epoch is history.
fn addresses_of_the_missing(
    entries: &BTreeMap<String, Entry>,
    group: &GroupState,
) -> Vec<(PeerId, Addresses)> {
    let own = entries.iter().filter(|(name, _)| tracker_epoch(name).is_none());
    let found = own.filter_map(|(_, entry)| addresses_of(entry));
    let is_missing = |peer: &PeerId| group.members.get(peer).is_some_and(|member| !member.reachable);
    found.filter(|(peer, _)| *peer != group.me && is_missing(peer)).collect()
}

fn addresses_of(entry: &Entry) -> Option<(PeerId, Addresses)> {
    let peer = convert::parse_peer_id("peer_id", &entry.peer_id).ok()?;
    let uri = convert::parse_uri("uri", &entry.uri).ok()?;
    let election_uri = convert::parse_uri("election_uri", entry.election_uri.as_deref()?).ok()?;
    Some((peer, Addresses { uri, election_uri }))
}

#[cfg(test)]
mod tests {
    use super::super::group_state::MemberInfo;
    use super::*;

    #[test]
    fn only_who_is_missing_is_looked_for_and_history_says_nothing() {
        let peer = |byte: u8| PeerId::from_bytes([byte; 32]);
        let uri = |port: u16| format!("wss://127.0.0.1:{port}/");
        let entry = |byte: u8, port: u16| Entry {
            peer_id: peer(byte).to_string(),
            uri: uri(port),
            election_uri: Some(uri(port + 1)),
            metadata: BTreeMap::new(),
        };
        let member = |reachable| MemberInfo {
            name: PeerName::new("somebody").expect("a name"),
            uri: None,
            voter: true,
            reachable,
        };
        let group = GroupState {
            members: [(1, true), (2, true), (3, false), (4, false)]
                .map(|(byte, reachable)| (peer(byte), member(reachable)))
                .into(),
            ..GroupState::alone(peer(1))
        };
        let entries = [
            ("Ana", entry(2, 1_000)),
            ("Bia", entry(3, 2_000)),
            ("Tracker_Epoca_7", entry(3, 3_000)),
            ("Tracker_Epoca_8", entry(4, 4_000)),
            ("stranger", entry(9, 5_000)),
        ]
        .map(|(name, entry)| (name.to_owned(), entry))
        .into();
        let parsed = |text: String| text.parse().expect("an address");
        let bia = Addresses { uri: parsed(uri(2_000)), election_uri: parsed(uri(2_001)) };
        assert_eq!(addresses_of_the_missing(&entries, &group), [(peer(3), bia)]);
    }
}
