//! A tracker's roster follows from the one before it: the same members under its new epoch, or one voter
//! more or less with the next version; and that only when the one before it is at a majority's disks.

use super::{Invariant, Step};
use cardume::base::PeerId;
use cardume::engine::election::{Role, Roster, RosterStamp};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct RosterSteps {
    newest: BTreeMap<PeerId, Roster>,
    durable: BTreeMap<PeerId, RosterStamp>,
}

impl Invariant for RosterSteps {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        if let Some(durable) = &step.durable.roster {
            self.durable.insert(step.peer, durable.stamp);
        }
        let Some(roster) = step.election.roster() else { return Ok(()) };
        if self.newest.get(&step.peer).is_some_and(|newest| newest.stamp == roster.stamp) {
            return Ok(());
        }
        let before = self.newest.insert(step.peer, roster.clone());
        let Some(before) = before.filter(|_| step.election.role() == Role::Tracker) else { return Ok(()) };
        let voters = |roster: &Roster| roster.voters().collect::<BTreeSet<_>>();
        let changed = voters(&before).symmetric_difference(&voters(roster)).count();
        let (epoch, version) = (step.election.epoch(), roster.stamp.version);
        let is_next = if version == 0 {
            changed == 0
        } else {
            let next = RosterStamp { epoch, version: version - 1 };
            before.stamp == next && changed <= 1 && self.is_at_majority(&before)
        };
        if is_next && roster.stamp.epoch == epoch {
            return Ok(());
        }
        Err(format!("roster steps: {:?} went from {before:?} to {roster:?}", step.peer))
    }
}

impl RosterSteps {
    fn is_at_majority(&self, roster: &Roster) -> bool {
        let has_it = |voter: &PeerId| self.durable.get(voter).is_some_and(|stamp| *stamp >= roster.stamp);
        roster.voters().filter(has_it).count() >= roster.quorum()
    }
}
