//! The fault drill: the peer is silent as after a crash. Connections are dropped, nothing is answered,
//! timers stop; at the end it comes back with what its disk holds, as after a restart. Its own key is
//! still served, so that a person can end the drill.

use super::election_task::TaskEvent;
use crate::net::names_link::NamesLink;
use crate::net::peer_link::PeerLinks;
use crate::net::server::ServerHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What falls silent.
pub(super) struct Silenced {
    pub(super) general: Arc<ServerHandle>,
    pub(super) election: Arc<ServerHandle>,
    pub(super) links: PeerLinks,
    pub(super) names: NamesLink,
    pub(super) events: mpsc::Sender<TaskEvent>,
}

/// Starts and ends drills. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Drill {
    orders: mpsc::Sender<Order>,
    running: watch::Receiver<bool>,
}

#[derive(Debug)]
enum Order {
    Start(Option<Duration>),
    End,
}

/// Orders wait in a short queue; a person gives them.
const MAX_ORDERS: usize = 8;

impl Drill {
    /// The drill, and the task that carries it out.
    pub(super) fn new() -> (Self, impl FnOnce(Silenced)) {
        let (orders, receiver) = mpsc::channel(MAX_ORDERS);
        let (running, is_running) = watch::channel(false);
        let spawn = move |silenced| drop(tokio::spawn(drill_task(receiver, running, silenced)));
        (Self { orders, running: is_running }, spawn)
    }

    /// Begins a drill; `None`: until [`Drill::end`]. One that runs goes on with the new time.
    pub(super) fn start(&self, duration: Option<Duration>) {
        // A full queue means that drills are being ordered already.
        drop(self.orders.try_send(Order::Start(duration)));
    }

    /// Ends the drill.
    pub(super) fn end(&self) {
        drop(self.orders.try_send(Order::End));
    }

    /// Whether a drill runs.
    pub(super) fn running(&self) -> watch::Receiver<bool> {
        self.running.clone()
    }
}

async fn drill_task(mut orders: mpsc::Receiver<Order>, running: watch::Sender<bool>, silenced: Silenced) {
    while let Some(order) = orders.recv().await {
        let Order::Start(mut duration) = order else { continue };
        silenced.set(true).await;
        running.send_replace(true);
        loop {
            let end = async {
                match duration {
                    Some(duration) => tokio::time::sleep(duration).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = end => break,
                order = orders.recv() => match order {
                    Some(Order::Start(again)) => duration = again,
                    Some(Order::End) | None => break,
                },
            }
        }
        silenced.set(false).await;
        running.send_replace(false);
    }
}

impl Silenced {
    async fn set(&self, silent: bool) {
        if silent {
            // The election first: nothing may be said by it while its connections are cut one by one.
            drop(self.events.send(TaskEvent::Silence(true)).await);
        }
        self.election.silence(silent);
        self.general.silence(silent);
        self.links.set_silent(silent);
        self.names.set_silent(silent);
        if !silent {
            drop(self.events.send(TaskEvent::Silence(false)).await);
        }
    }
}
