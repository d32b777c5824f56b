//! What is durable only grows: the epoch, the roster's stamp, and the vote within an epoch.

use super::{Invariant, Step};
use cardume::base::PeerId;
use cardume::engine::election::SavedState;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct DurableState(BTreeMap<PeerId, SavedState>);

impl Invariant for DurableState {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        let now = step.durable;
        if step.election.epoch() < now.epoch {
            return Err(format!("durable state: {:?} is below its durable epoch {}", step.peer, now.epoch));
        }
        let Some(before) = self.0.get(&step.peer) else {
            self.0.insert(step.peer, now.clone());
            return Ok(());
        };
        if before == now {
            return Ok(());
        }
        let stamp = |state: &SavedState| state.roster.as_ref().map(|roster| roster.stamp);
        let vote_changed =
            now.epoch == before.epoch && before.voted_for.is_some() && now.voted_for != before.voted_for;
        if now.epoch < before.epoch || stamp(now) < stamp(before) || vote_changed {
            return Err(format!("durable state: {:?} went from {before:?} to {now:?}", step.peer));
        }
        self.0.insert(step.peer, now.clone());
        Ok(())
    }
}
