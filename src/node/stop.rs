//! The graceful stop: a tracker names its successor first, a peer of a large group gives its seat up, a
//! peer of a small one keeps it (R11).

use super::election_task::TaskEvent;
use super::group_state::GroupState;
use super::handle::CommandError;
use super::transfer_task::TransferHandle;
use crate::engine::election::Roster;
use crate::net::peer_link::PeerLinks;
use crate::wire::codes::Code;
use crate::wire::group::GroupClient;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// A handover takes 2 s at the most (R11); this is the end of patience.
const STOP_DEADLINE: Duration = Duration::from_secs(3);
/// How long giving the seat up may take, with repetitions.
const LEAVE_DEADLINE: Duration = Duration::from_secs(2);
/// How long it is waited for the list of downloads to be saved: a disk may hang.
const SAVE_DEADLINE: Duration = Duration::from_secs(1);
/// Between two wishes to leave.
const LEAVE_INTERVAL: Duration = Duration::from_millis(100);

/// What a peer does when it is no tracker any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Its part in the election ends.
    End,
    /// It follows its successor.
    Follow,
}

/// Stops the peer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Stopper {
    pub(super) events: mpsc::Sender<TaskEvent>,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) roster: watch::Receiver<Option<Arc<Roster>>>,
    pub(super) links: PeerLinks,
    pub(super) transfers: TransferHandle,
    pub(super) stopped: watch::Sender<bool>,
    /// It gives its seat up, and asks for no other one.
    pub(super) leaves: Arc<AtomicBool>,
}

impl Stopper {
    /// Hands over, gives the seat up in a large group, and ends the peer. Takes at most a few seconds.
    pub(super) async fn stop(&self) {
        if !self.group.borrow().is_tracker() && self.gives_seat_up() {
            self.leaves.store(true, Ordering::Relaxed);
            drop(self.leave().await);
        }
        self.stop_election(After::End).await;
        self.end().await;
    }

    /// Gives the seat up for good and ends the peer. After an error the peer goes on.
    pub(super) async fn leave_and_stop(&self) -> Result<(), CommandError> {
        let group = self.group.borrow().clone();
        if group.members.len() > 1 {
            can_be_left(&group)?;
            if group.is_tracker() {
                // The successor removes the seat of its predecessor, which answers until that is committed.
                self.stop_election(After::Follow).await;
            }
            self.leaves.store(true, Ordering::Relaxed);
            let left = self.leave().await;
            self.leaves.store(left.is_ok(), Ordering::Relaxed);
            left?;
        }
        self.stop_election(After::End).await;
        self.end().await;
        Ok(())
    }

    /// The last of it: nothing that was asked of the downloads is lost.
    async fn end(&self) {
        if tokio::time::timeout(SAVE_DEADLINE, self.transfers.close()).await.is_err() {
            tracing::warn!("the list of downloads could not be saved in time");
        }
        self.stopped.send_replace(true);
    }

    async fn stop_election(&self, after: After) {
        let (done, is_done) = oneshot::channel();
        if self.events.send(TaskEvent::Stop { after, done }).await.is_ok()
            && tokio::time::timeout(STOP_DEADLINE, is_done).await.is_err()
        {
            tracing::warn!("no successor took over in time; the others will elect one by themselves");
        }
    }

    fn gives_seat_up(&self) -> bool {
        let roster = self.roster.borrow();
        roster.as_ref().is_some_and(|roster| roster.has_spare_seat())
    }

    /// Asks the tracker to remove this peer's seat, until it is gone.
    async fn leave(&self) -> Result<(), CommandError> {
        let refused = |message: String| CommandError::new(Code::NoTracker as i32, message);
        let deadline = tokio::time::Instant::now() + LEAVE_DEADLINE;
        let mut reason = "there is no tracker to leave at; try again when one is elected".to_owned();
        let mut tracker = None;
        while tokio::time::Instant::now() < deadline {
            // Whoever has no seat any more hears no heartbeats, and still has to hear that it is gone.
            tracker = self.group.borrow().tracker.or(tracker);
            if let Some(client) = tracker.and_then(|tracker| self.links.client(tracker)) {
                match tokio::time::timeout_at(deadline, client.leave()).await {
                    Ok(Ok(membership)) if !membership.member => return Ok(()),
                    Ok(Ok(_)) => "the tracker did not remove the seat in time".clone_into(&mut reason),
                    Ok(Err(error)) => reason = format!("the tracker refused: {error}"),
                    Err(_) => {}
                }
            }
            tokio::time::sleep(LEAVE_INTERVAL).await;
        }
        Err(refused(reason))
    }
}

/// Whether a majority of the voters that would be left is here.
fn can_be_left(group: &GroupState) -> Result<(), CommandError> {
    let left = || group.members.iter().filter(|(peer, member)| member.voter && **peer != group.me);
    let here = left().filter(|(_, member)| member.reachable).count();
    let needed = left().count() / 2 + 1;
    if here >= needed {
        return Ok(());
    }
    let message = format!(
        "without this peer the group could not go on: of the {} others {needed} must be here, and {here} are; start more of them, or just stop this one",
        left().count()
    );
    Err(CommandError::new(Code::NoTracker as i32, message))
}
