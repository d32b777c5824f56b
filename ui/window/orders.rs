//! The window's commands on their way to the peer: those that touch the same thing keep their order.
//!
//! Invariant: of one [`Lane`] at most one command is under way, and they go in the order in which the person gave
//! them; no lane waits for another one. What only looks has no order and goes at once.

use super::action::{Action, Subject};
use super::bridge::{Back, Peer, internal, unix_millis};
use cardume::node::Command;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// The most orders that wait in a lane: each is something that a person did, all that was selected then, or one of the
/// folders that were dropped at once.
const MAX_WAITING: usize = 1_024;

/// What commands are about: within one their order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Downloads, and where they go.
    Transfers,
    /// The shared folders.
    Library,
    /// Fault drills.
    Drills,
    /// Watching the group.
    Watching,
    /// The peer's name and its end.
    Peer,
}

impl Lane {
    /// All of them.
    const ALL: [Self; 5] = [Self::Transfers, Self::Library, Self::Drills, Self::Watching, Self::Peer];

    /// The lane of a command; `None`: it only looks.
    const fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Download { .. }
            | Command::DownloadFolder { .. }
            | Command::Cancel(_)
            | Command::Transfers(..)
            | Command::Limits(_)
            | Command::SetDownloadFolder(_) => Some(Self::Transfers),
            Command::Share(_)
            | Command::Unshare(_)
            | Command::Rescan(_)
            | Command::PauseHashing(_)
            | Command::ResumeHashing(_) => Some(Self::Library),
            Command::Crash(_)
            | Command::CrashTracker(_)
            | Command::Pause { .. }
            | Command::Cut { .. }
            | Command::Recover => Some(Self::Drills),
            Command::Watch(_) => Some(Self::Watching),
            Command::Rename(_) | Command::Leave | Command::Stop => Some(Self::Peer),
            Command::Inspect(_)
            | Command::Skipped(_)
            | Command::Check
            | Command::Search { .. }
            | Command::Sources(_)
            | Command::Hurry { .. }
            | Command::Browse { .. } => None,
        }
    }
}

/// Commands that are carried out one after the other.
type Order = Vec<(Subject, Command)>;

/// The lanes to a peer.
pub(super) struct Orders<P: Peer> {
    peer: P,
    runtime: tokio::runtime::Handle,
    back: Back,
    lanes: BTreeMap<Lane, mpsc::Sender<Order>>,
}

impl<P: Peer> Orders<P> {
    /// Lanes to `peer`; answers go `back`.
    pub(super) fn new(peer: &P, runtime: &tokio::runtime::Handle, back: &Back) -> Self {
        let lane = |lane| {
            let (sender, orders) = mpsc::channel(MAX_WAITING);
            runtime.spawn(lane_task(peer.clone(), orders, back.clone()));
            (lane, sender)
        };
        let lanes = Lane::ALL.into_iter().map(lane).collect();
        Self { peer: peer.clone(), runtime: runtime.clone(), back: back.clone(), lanes }
    }

    /// Sends commands that belong together on their way; they go one after the other.
    pub(super) fn give(&self, order: Order) {
        let lane = order.first().and_then(|(_, command)| Lane::of(command));
        let Some(lane) = lane.and_then(|lane| self.lanes.get(&lane)) else {
            self.runtime.spawn(carry_out(self.peer.clone(), order, self.back.clone()));
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(order)) = lane.try_send(order)
            && let Some((subject, _)) = order.into_iter().next()
        {
            let answer = Err(internal("too much waits to be done; try again in a moment".to_owned()));
            self.back.send(Action::Answered { subject, answer, at_unix_millis: unix_millis() });
        }
    }
}

/// Until the window is gone.
async fn lane_task<P: Peer>(peer: P, mut orders: mpsc::Receiver<Order>, back: Back) {
    while let Some(order) = orders.recv().await {
        carry_out(peer.clone(), order, back.clone()).await;
    }
}

async fn carry_out<P: Peer>(peer: P, order: Order, back: Back) {
    for (subject, command) in order {
        let answer = peer.command(command).await;
        back.send(Action::Answered { subject, answer, at_unix_millis: unix_millis() });
    }
}
