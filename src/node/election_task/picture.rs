//! What the election task shows to the other tasks, where it changed.

use super::super::group_state::{GroupState, MemberInfo};
use super::ElectionTask;
use crate::base::PeerId;
use crate::engine::election::{Member, Role};
use std::collections::BTreeSet;
use std::sync::Arc;

impl ElectionTask {
    /// Shows the others how things stand, where that changed.
    pub(super) fn publish(&mut self) {
        let newest = self.election.roster();
        let changed = self.wiring.roster.borrow().as_deref() != newest;
        if changed {
            let roster = newest.cloned().map(Arc::new);
            if let Some(roster) = &roster {
                self.book.hint(self.wiring.me, roster);
            }
            self.wiring.roster.send_replace(roster);
            self.publish_book();
        }
        let state = self.picture();
        self.wiring.group.send_if_modified(|known| {
            let changed = **known != state;
            if changed {
                *known = Arc::new(state);
            }
            changed
        });
    }

    pub(super) fn publish_book(&mut self) {
        self.wiring.calls.set_addresses(&self.book);
        self.wiring.addresses.send_replace(self.book.clone());
    }

    fn picture(&self) -> GroupState {
        let me = self.wiring.me;
        let answering = self.answering();
        let members = self.election.roster().map(|roster| {
            let info = |(id, member): (&PeerId, &Member)| {
                // A roster says where a member was when it joined, of this one too.
                let at = if *id == me { Some(self.wiring.here) } else { self.book.get(*id) };
                let info = MemberInfo {
                    name: member.name.clone(),
                    uri: Some(at.map_or(member.uri, |at| at.uri)),
                    voter: member.voter,
                    reachable: answering.contains(id),
                };
                (*id, info)
            };
            roster.members.iter().map(info).collect()
        });
        GroupState {
            me,
            role: if self.silent { Role::Outside } else { self.election.role() },
            epoch: self.election.epoch(),
            tracker: self.election.tracker().filter(|_| !self.silent),
            active: self.election.is_active_tracker() && !self.silent,
            members: members.unwrap_or_default(),
        }
    }

    /// Who answers: a tracker knows it from heartbeats; everybody else from the kept connections.
    fn answering(&self) -> BTreeSet<PeerId> {
        if self.silent {
            return BTreeSet::from([self.wiring.me]);
        }
        let mut answering = self.election.reachable();
        if !self.election.is_active_tracker() {
            let members = self.election.roster().into_iter().flat_map(|roster| roster.members.keys());
            answering.extend(members.copied().filter(|peer| self.wiring.calls.is_connected(*peer)));
        }
        answering.insert(self.wiring.me);
        answering
    }
}
