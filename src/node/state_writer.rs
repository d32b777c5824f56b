//! The thread that makes the election's state durable. The timing thread hands a state over and goes on;
//! the ticket comes back as an event when the disk has it. A newer state replaces one that still waits:
//! once the newer one is durable, whatever depended on the older one may be said too. What a full disk does not
//! take is tried again until it does: meanwhile this peer does not vote, and the others do without it.

use super::election_task::TaskEvent;
use super::events::Voting;
use crate::engine::election::{SaveTicket, SavedState};
use crate::store::{StateError, StateStore};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Between two tries of what the disk does not take.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Where states are handed over. Dropping it ends the thread.
pub(super) type StateSender = watch::Sender<Option<(SaveTicket, SavedState)>>;

/// Starts the thread. Outcomes go to `events`, and for people to `voting`.
pub(super) fn start(
    mut store: StateStore,
    events: mpsc::Sender<TaskEvent>,
    voting: watch::Sender<Voting>,
) -> std::io::Result<StateSender> {
    let (sender, mut states) = watch::channel::<Option<(SaveTicket, SavedState)>>(None);
    let runtime = super::priority::runtime()?;
    std::thread::Builder::new().name("cardume-state".to_owned()).spawn(move || {
        let mut right = super::priority::RightOfWay::ask();
        runtime.block_on(async move {
            while states.changed().await.is_ok() {
                if let Some(right) = &mut right {
                    right.look();
                }
                let Some(event) = save(&mut store, &mut states, &voting).await else { return };
                if events.send(event).await.is_err() {
                    return;
                }
            }
        });
    })?;
    Ok(sender)
}

/// Saves the newest state. `None`: nobody waits for it any more.
async fn save(
    store: &mut StateStore,
    states: &mut watch::Receiver<Option<(SaveTicket, SavedState)>>,
    voting: &watch::Sender<Voting>,
) -> Option<TaskEvent> {
    loop {
        let (ticket, state) = states.borrow_and_update().clone()?;
        match store.save(&state) {
            Ok(()) => {
                if voting.send_replace(Voting::Works) != Voting::Works {
                    tracing::info!("the vote is durable: this peer votes again");
                }
                return Some(TaskEvent::Saved(ticket));
            }
            Err(error @ StateError::NotWritten { .. }) => {
                if voting.send_replace(Voting::Waits) != Voting::Waits {
                    tracing::error!(%error, "the vote could not be written: this peer does not vote until it can be; make room on that disk");
                }
            }
            Err(error) => {
                voting.send_replace(Voting::Ended);
                tracing::error!(%error, "the vote could not be made durable: this peer does not vote until it is started again; check the disk");
                return Some(TaskEvent::SaveFailed);
            }
        }
        tokio::time::sleep(TRY_AGAIN).await;
        states.has_changed().ok()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Epoch, MachineId, PeerId};
    use crate::store::VolatileDisk;
    use std::path::Path;

    fn state(epoch: u64) -> SavedState {
        SavedState { epoch: Epoch::new(epoch).expect("an epoch"), voted_for: None, roster: None }
    }

    #[tokio::test]
    async fn what_a_full_disk_did_not_take_is_written_when_there_is_room() {
        let disk = VolatileDisk::new();
        let (machine, peer) = (MachineId::from_bytes([1; 16]), PeerId::from_bytes([2; 32]));
        let (store, _) =
            StateStore::begin(Path::new("/profile"), machine, peer, disk.clone()).expect("a store");
        let (events, mut outcomes) = mpsc::channel(8);
        let (voting, mut said) = watch::channel(Voting::Works);
        let states = start(store, events, voting).expect("a thread");
        // The second step writes.
        disk.fail_at(1);
        states.send_replace(Some((SaveTicket(1), state(1))));
        said.wait_for(|voting| *voting == Voting::Waits).await.expect("it is said");
        states.send_replace(Some((SaveTicket(2), state(2))));
        disk.heal();
        assert!(matches!(outcomes.recv().await, Some(TaskEvent::Saved(SaveTicket(2)))));
        assert_eq!(*said.borrow(), Voting::Works);
        // The third one syncs: what the disk holds then nobody knows.
        disk.fail_at(2);
        states.send_replace(Some((SaveTicket(3), state(3))));
        assert!(matches!(outcomes.recv().await, Some(TaskEvent::SaveFailed)));
        assert_eq!(*said.borrow(), Voting::Ended);
    }
}
