//! At most one peer is ever tracker of an epoch, and nobody raises the alarm that there are two.

use super::{Invariant, Step};
use cardume::base::{Epoch, PeerId};
use cardume::engine::election::{Command, Event, Role};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct OneTracker(BTreeMap<Epoch, PeerId>);

impl Invariant for OneTracker {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        let alarm = |command: &&Command| matches!(command, Command::Tell(Event::TwoTrackers { .. }));
        if let Some(alarm) = step.commands.iter().find(alarm) {
            return Err(format!("one tracker: alarm at {:?}: {alarm:?}", step.peer));
        }
        if step.election.role() != Role::Tracker {
            return Ok(());
        }
        let epoch = step.election.epoch();
        let first = *self.0.entry(epoch).or_insert(step.peer);
        if first == step.peer {
            return Ok(());
        }
        Err(format!("one tracker: {first:?} and {:?} both are tracker of epoch {epoch}", step.peer))
    }
}
