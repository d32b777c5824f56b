//! Fault drills other than the crash: the peer stands still for a while, or its links to single peers are
//! cut. One task keeps which there are and when they end.

use crate::base::PeerId;
use crate::net::peer_link::PeerLinks;
use crate::net::server::ServerHandle;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Orders wait in a short queue; a person gives them.
const MAX_ORDERS: usize = 8;
/// The most links that are cut at once: a roster's members.
const MAX_CUTS: usize = 64;

/// The drills of this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FaultsNow {
    /// The peer stands still.
    pub(super) paused: bool,
    /// The peers to which its link is cut.
    pub(super) cut: BTreeSet<PeerId>,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Pause(Duration),
    Cut(PeerId, Duration),
    End,
}

/// Starts and ends these drills. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    orders: mpsc::Sender<Order>,
    now: watch::Receiver<FaultsNow>,
}

/// What is cut besides the election's own connections.
pub(super) struct Cuttable {
    pub(super) general: Arc<ServerHandle>,
    pub(super) election: Arc<ServerHandle>,
    pub(super) links: PeerLinks,
}

impl Faults {
    /// The drills, and the task that carries them out.
    pub(super) fn new() -> (Self, impl FnOnce(Cuttable)) {
        let (orders, receiver) = mpsc::channel(MAX_ORDERS);
        let (now, seen) = watch::channel(FaultsNow::default());
        let spawn = move |cuttable| drop(tokio::spawn(faults_task(receiver, now, cuttable)));
        (Self { orders, now: seen }, spawn)
    }

    /// Stands still for so long.
    pub(super) fn pause(&self, duration: Duration) {
        // A full queue means that drills are being ordered already.
        self.orders.try_send(Order::Pause(duration)).ok();
    }

    /// Cuts the link to a peer for so long.
    pub(super) fn cut(&self, peer: PeerId, duration: Duration) {
        self.orders.try_send(Order::Cut(peer, duration)).ok();
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        self.orders.try_send(Order::End).ok();
    }

    /// The drills of this moment.
    pub(super) fn now(&self) -> watch::Receiver<FaultsNow> {
        self.now.clone()
    }
}

/// When the drills end.
#[derive(Debug, Default)]
struct Ends {
    pause: Option<Instant>,
    cuts: BTreeMap<PeerId, Instant>,
}

impl Ends {
    fn next(&self) -> Option<Instant> {
        self.cuts.values().copied().chain(self.pause).min()
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Pause(duration) => self.pause = Some(Instant::now() + duration),
            Order::Cut(peer, duration) => {
                if self.cuts.len() < MAX_CUTS || self.cuts.contains_key(&peer) {
                    self.cuts.insert(peer, Instant::now() + duration);
                }
            }
            Order::End => *self = Self::default(),
        }
    }

    fn drop_ended(&mut self) {
        let now = Instant::now();
        self.pause = self.pause.filter(|end| *end > now);
        self.cuts.retain(|_, end| *end > now);
    }

    fn now(&self) -> FaultsNow {
        FaultsNow { paused: self.pause.is_some(), cut: self.cuts.keys().copied().collect() }
    }
}

async fn faults_task(mut orders: mpsc::Receiver<Order>, now: watch::Sender<FaultsNow>, cuttable: Cuttable) {
    let mut ends = Ends::default();
    loop {
        let due = async {
            match ends.next() {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = orders.recv() => match order {
                Some(order) => ends.take(order),
                None => return,
            },
            () = due => {}
        }
        ends.drop_ended();
        let next = ends.now();
        let before = now.borrow().clone();
        cuttable.apply(&before.cut, &next.cut);
        now.send_if_modified(|known| std::mem::replace(known, next.clone()) != next);
    }
}

impl Cuttable {
    fn apply(&self, before: &BTreeSet<PeerId>, now: &BTreeSet<PeerId>) {
        let changed = now.difference(before).map(|peer| (*peer, true));
        for (peer, cut) in changed.chain(before.difference(now).map(|peer| (*peer, false))) {
            self.general.cut_peer(peer, cut);
            self.election.cut_peer(peer, cut);
            self.links.cut_peer(peer, cut);
        }
    }
}
