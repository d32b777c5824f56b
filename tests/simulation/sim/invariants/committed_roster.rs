//! A committed roster is never lost: no later tracker is elected with an older one. And a roster is what
//! its stamp says: one stamp, one content.

use super::{Invariant, Step};
use cardume::base::Epoch;
use cardume::engine::election::{Role, Roster, RosterStamp};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct CommittedRoster {
    /// The newest committed in each epoch.
    committed: BTreeMap<Epoch, RosterStamp>,
    contents: BTreeMap<RosterStamp, Roster>,
}

impl Invariant for CommittedRoster {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        let Some(roster) = step.election.roster() else { return Ok(()) };
        let content = self.contents.entry(roster.stamp).or_insert_with(|| roster.clone());
        if content != roster {
            return Err(format!("committed roster: two rosters {content:?} and {roster:?}"));
        }
        if step.election.role() != Role::Tracker {
            return Ok(());
        }
        let epoch = step.election.epoch();
        if let Some(committed) = step.election.committed_roster() {
            self.committed.insert(epoch, committed.stamp);
        }
        let earlier = self.committed.range(..epoch).map(|(_, stamp)| *stamp).max();
        if earlier.is_some_and(|stamp| roster.stamp < stamp) {
            return Err(format!(
                "committed roster: {earlier:?} is lost, {:?} is tracker of epoch {epoch} with {:?}",
                step.peer, roster.stamp
            ));
        }
        Ok(())
    }
}
