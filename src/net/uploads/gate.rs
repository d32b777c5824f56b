//! Turns with the tasks that wait for them.

use super::Busy;
use crate::base::PeerId;
use crate::engine::upload::leases::{Lapse, LeaseId, Leases};
use crate::engine::upload::turns::{Asked, Ticket, TurnLimits, Turns};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

/// Turns with their waiting tasks.
#[derive(Clone, Debug)]
pub(in crate::net) struct Gate(Arc<watch::Sender<Waiting>>);

#[derive(Debug)]
struct Waiting {
    turns: Turns,
    calls: BTreeMap<Ticket, oneshot::Sender<()>>,
    leases: Leases,
    /// What leases count from.
    origin: Instant,
}

impl Gate {
    pub(in crate::net) fn new(limits: TurnLimits) -> Self {
        Self(Arc::new(watch::Sender::new(Waiting {
            turns: Turns::new(limits),
            calls: BTreeMap::new(),
            leases: Leases::default(),
            origin: Instant::now(),
        })))
    }

    /// From now on so many turns at once, in all.
    pub(super) fn allow(&self, all: usize) {
        self.change(|waiting| waiting.turns.allow(all));
    }

    pub(super) fn others_wait(&self, peer: PeerId) -> bool {
        self.0.borrow().turns.others_wait(peer)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        let mut result = None;
        self.0.send_if_modified(|waiting| {
            result = Some(change(waiting));
            while let Some(ticket) = waiting.turns.called() {
                if let Some(call) = waiting.calls.remove(&ticket) {
                    // Who has just gone away finishes its turn when it leaves.
                    call.send(()).ok();
                }
            }
            false
        });
        result.expect("the change was made")
    }

    pub(super) fn try_turn(&self, peer: PeerId) -> Option<Turn> {
        let asked = self.change(|waiting| match waiting.turns.ask(peer) {
            Asked::Later(ticket) => {
                waiting.turns.leave(peer, ticket);
                Asked::Full
            }
            other => other,
        });
        (asked == Asked::Now).then(|| Turn { gate: self.clone(), peer, lease: None })
    }

    pub(in crate::net) async fn turn(&self, peer: PeerId, within: Duration) -> Result<Turn, Busy> {
        let (call, called) = oneshot::channel();
        let asked = self.change(|waiting| {
            let asked = waiting.turns.ask(peer);
            if let Asked::Later(ticket) = asked {
                waiting.calls.insert(ticket, call);
                waiting.lapse_for(peer);
            }
            asked
        });
        match asked {
            Asked::Now => Ok(Turn { gate: self.clone(), peer, lease: None }),
            Asked::Full => Err(Busy),
            Asked::Later(ticket) => {
                let mut place = Place { gate: self, peer, ticket: Some(ticket) };
                if !matches!(timeout(within, self.called(peer, called)).await, Ok(Ok(()))) {
                    return Err(Busy);
                }
                place.ticket = None;
                Ok(Turn { gate: self.clone(), peer, lease: None })
            }
        }
    }

    /// Waits for the call; looks meanwhile whether somebody's turn has lapsed.
    async fn called(
        &self,
        peer: PeerId,
        mut called: oneshot::Receiver<()>,
    ) -> Result<(), oneshot::error::RecvError> {
        loop {
            tokio::select! {
                biased;
                call = &mut called => return call,
                () = sleep(LOOK_FOR_LAPSED) => self.change(|waiting| waiting.lapse_for(peer)),
            }
        }
    }
}

impl Waiting {
    /// Somebody's turn lapses, if that helps a peer that waits.
    fn lapse_for(&mut self, peer: PeerId) {
        if self.turns.lacks_only_a_turn(peer)
            && let Some(slow) = self.leases.lapse(self.origin.elapsed())
        {
            self.turns.finish(slow);
        }
    }
}

/// How often who waits looks for a turn that has lapsed.
const LOOK_FOR_LAPSED: Duration = Duration::from_millis(250);

/// A place in the line, given up when it is dropped.
struct Place<'a> {
    gate: &'a Gate,
    peer: PeerId,
    ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        self.gate.change(|waiting| {
            waiting.calls.remove(&ticket);
            if !waiting.turns.leave(self.peer, ticket) {
                // It was called at this very moment.
                waiting.turns.finish(self.peer);
            }
        });
    }
}

/// A turn to send, until it is dropped.
#[derive(Debug)]
pub(in crate::net) struct Turn {
    gate: Gate,
    peer: PeerId,
    lease: Option<LeaseId>,
}

impl Turn {
    /// The reader takes more. From the first time on, one that takes nothing for a while loses its turn to those who
    /// wait, some such at a time.
    pub(in crate::net) fn takes(&mut self) -> Result<(), Lapse> {
        let (peer, lease) = (self.peer, self.lease);
        self.lease = Some(self.gate.change(|waiting| waiting.leases.takes(peer, lease))?);
        Ok(())
    }

    /// The reader is given what it took.
    pub(in crate::net) fn given(&self) {
        if let Some(lease) = self.lease {
            self.gate.change(|waiting| waiting.leases.given(lease, waiting.origin.elapsed()));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.change(|waiting| {
            if self.lease.is_none_or(|lease| waiting.leases.end(lease)) {
                waiting.turns.finish(self.peer);
            }
        });
    }
}
