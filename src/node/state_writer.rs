//! The thread that makes the election's state durable. The timing thread hands a state over and goes on;
//! the ticket comes back as an event when the disk has it. A newer state replaces one that still waits:
//! once the newer one is durable, whatever depended on the older one may be said too.

use super::election_task::TaskEvent;
use crate::engine::election::{SaveTicket, SavedState};
use crate::store::StateStore;
use tokio::sync::{mpsc, watch};

/// Where states are handed over. Dropping it ends the thread.
pub(super) type StateSender = watch::Sender<Option<(SaveTicket, SavedState)>>;

/// Starts the thread. Outcomes go to `events`.
pub(super) fn start(mut store: StateStore, events: mpsc::Sender<TaskEvent>) -> std::io::Result<StateSender> {
    let (sender, mut states) = watch::channel::<Option<(SaveTicket, SavedState)>>(None);
    let runtime = super::priority::runtime()?;
    std::thread::Builder::new().name("cardume-state".to_owned()).spawn(move || {
        super::priority::go_first_if_asked();
        runtime.block_on(async move {
            while states.changed().await.is_ok() {
                let Some((ticket, state)) = states.borrow_and_update().clone() else { continue };
                let event = match store.save(&state) {
                    Ok(()) => TaskEvent::Saved(ticket),
                    Err(error) => {
                        tracing::error!(%error, "the vote could not be made durable: this peer does not vote until it is started again; check the disk");
                        TaskEvent::SaveFailed
                    }
                };
                if events.send(event).await.is_err() {
                    return;
                }
            }
        });
    })?;
    Ok(sender)
}
