//! Starts the timing thread with the election on it.

use super::super::address_book::{AddressBook, Addresses};
use super::super::election_task::{TaskEvent, Wiring};
use super::super::events::EventSink;
use super::super::faults::FaultsNow;
use super::super::group_state::GroupState;
use super::super::opening::StartError;
use super::super::share_task::HeardPosition;
use super::super::{PeerConfig, state_writer, timing};
use crate::base::{Epoch, PeerId};
use crate::engine::election::{ElectionConfig, Roster, SavedState};
use crate::engine::index::IndexPosition;
use crate::net::identity::Identity;
use crate::net::server::ServerHandle;
use crate::store::{Library, StateStore};
use crate::wire::election::IndexSummary;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// How many events wait for the election at the most. It takes microseconds for each; whoever finds the
/// queue full is not answered, as if it were unreachable.
const MAX_ELECTION_EVENTS: usize = 1024;
/// Registrations as tracker that wait: one per epoch, and the election repeats.
const MAX_REGISTRATIONS: usize = 4;
/// Positions from heartbeats that wait for the index; the next heartbeat says them again.
const MAX_POSITIONS: usize = 256;

/// What the election task publishes, and what reaches it.
pub(super) struct Heard {
    pub(super) events: mpsc::Sender<TaskEvent>,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) roster: watch::Receiver<Option<Arc<Roster>>>,
    pub(super) summary: watch::Receiver<Option<(Epoch, IndexSummary)>>,
    pub(super) contacts: watch::Receiver<BTreeMap<PeerId, u64>>,
    pub(super) addresses: watch::Receiver<AddressBook>,
    pub(super) registrations: mpsc::Receiver<Epoch>,
    pub(super) index: IndexNews,
    pub(super) server: Arc<ServerHandle>,
}

/// What heartbeats and their replies say of lists of files.
pub(super) struct IndexNews {
    /// Of the own one at the tracker.
    pub(super) heard: watch::Receiver<Option<HeardPosition>>,
    /// Of those of others, at the tracker.
    pub(super) positions: mpsc::Receiver<(PeerId, IndexPosition)>,
}

/// What the timing thread is started with.
pub(super) struct Timed<'a> {
    pub(super) config: &'a PeerConfig,
    pub(super) identity: &'a Identity,
    pub(super) library: &'a Arc<Library>,
    pub(super) here: Addresses,
    pub(super) sink: &'a EventSink,
    pub(super) faults: watch::Receiver<FaultsNow>,
}

impl Timed<'_> {
    pub(super) async fn start(
        self,
        listener: TcpListener,
        store: StateStore,
        saved: SavedState,
    ) -> Result<Heard, StartError> {
        let me = self.identity.peer_id();
        let (events, election_events) = mpsc::channel(MAX_ELECTION_EVENTS);
        let (group_sender, group) = watch::channel(Arc::new(GroupState::alone(me)));
        let (roster_sender, roster) = watch::channel(None);
        let (summary_sender, summary) = watch::channel(None);
        let (heard_sender, heard) = watch::channel(None);
        let (contact_sender, contacts) = watch::channel(BTreeMap::new());
        let (address_sender, addresses) = watch::channel(AddressBook::default());
        let (registration_sender, registrations) = mpsc::channel(MAX_REGISTRATIONS);
        let (position_sender, positions) = mpsc::channel(MAX_POSITIONS);
        let states = state_writer::start(store, events.clone(), self.sink.voting.clone())?;
        let timing = timing::Timing {
            identity: self.identity.clone(),
            listener,
            here: self.here,
            position: positions_of(self.library),
            events: events.clone(),
        };
        let here = self.here;
        let (seed, sink) = (self.config.seed.unwrap_or_else(rand::random), self.sink.clone());
        let faults = self.faults;
        let served = timing::start(timing, move |calls| Wiring {
            me,
            here,
            config: ElectionConfig::default(),
            saved,
            seed,
            events: election_events,
            calls,
            states,
            registrations: registration_sender,
            group: group_sender,
            roster: roster_sender,
            summary: summary_sender,
            heard: heard_sender,
            positions: position_sender,
            contacts: contact_sender,
            addresses: address_sender,
            faults,
            sink,
        })?;
        let server = served.await.map_err(|_| StartError::Timing)?;
        let index = IndexNews { heard, positions };
        Ok(Heard { events, group, roster, summary, contacts, addresses, registrations, index, server })
    }
}

/// Where the library's list stands, without its locks: the timing thread reads it with every heartbeat.
fn positions_of(library: &Arc<Library>) -> watch::Receiver<IndexPosition> {
    let first = library.position();
    let (sender, receiver) = watch::channel(first);
    let mut changed = library.changed();
    tokio::spawn(async move {
        while changed.changed().await.is_ok() {
            let seq = *changed.borrow_and_update();
            sender.send_replace(IndexPosition { index_id: first.index_id, seq });
        }
    });
    receiver
}
