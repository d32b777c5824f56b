//! Who counts: the roster changes by one voter at a time, and only after the last change is committed.
//!
//! Raft's membership change (thesis, chapter 4) with a log of length one. Committed means durable at a
//! majority of the roster's own voters, each acknowledged in the tracker's epoch.

use super::saving::Waiting;
use super::tracking::Joining;
use super::{Election, Event, Member, Mode, Roster, RosterStamp, Stop};
use crate::base::PeerId;

/// How many heartbeats a joiner answers before it becomes a voter: two seconds of being there.
const PROBATION: u32 = 20;

impl Election {
    /// The group is founded. Whoever has a roster never founds; a roster of others is none for this peer.
    pub(super) fn founded(&mut self, roster: Roster) {
        if self.state.roster.is_some() || !roster.members.contains_key(&self.me) {
            return;
        }
        self.take_roster(roster);
        if self.is_sole_voter() {
            self.campaign();
        } else {
            self.restart_election_timer();
        }
    }

    /// Makes a newer roster this peer's own; says whether it was one. Used from now on, committed or not.
    pub(super) fn take_roster(&mut self, roster: Roster) -> bool {
        if self.state.roster.as_ref().is_some_and(|mine| mine.stamp >= roster.stamp) {
            return false;
        }
        self.adopt_epoch(roster.stamp.epoch);
        self.state.roster = Some(roster.clone());
        self.when_saved(Waiting::Tell(Event::RosterChanged(roster)));
        true
    }

    /// A new tracker stores the same voters again, under its own epoch.
    pub(super) fn restamp_roster(&mut self) {
        let Some(mut roster) = self.state.roster.clone() else { return };
        roster.stamp = RosterStamp { epoch: self.state.epoch, version: 0 };
        self.take_roster(roster);
    }

    /// The roster became durable here: the others get it at once, and the own copy counts.
    pub(super) fn roster_saved(&mut self) {
        self.send_heartbeats();
        self.roster_may_change();
        self.continue_handover();
    }

    /// Whether the newest roster is of this tracker's epoch and durable at a majority of its voters.
    pub(super) fn roster_is_committed(&self) -> bool {
        let (Mode::Tracker(tracking), Some(roster)) = (&self.mode, &self.state.roster) else { return false };
        let durable_here = self.disk.durable().roster.as_ref() == Some(roster);
        let has_it = |voter| voter == self.me || tracking.has_acknowledged(voter, roster.stamp);
        let count = roster.voters().filter(|voter| has_it(*voter)).count();
        durable_here && roster.stamp.epoch == self.state.epoch && count >= roster.quorum()
    }

    /// Makes the next change if there is one and every earlier one is committed.
    pub(super) fn roster_may_change(&mut self) {
        if !self.disk.works() || !self.roster_is_committed() {
            return;
        }
        let Some(mut roster) = self.state.roster.clone() else { return };
        let stamp = roster.stamp;
        if self.change(&mut roster) {
            roster.stamp = RosterStamp { epoch: stamp.epoch, version: stamp.version + 1 };
            self.take_roster(roster);
        }
    }

    /// Applies one wish: of those who leave before those who come. A stopping tracker only leaves.
    fn change(&mut self, roster: &mut Roster) -> bool {
        let Mode::Tracker(tracking) = &mut self.mode else { return false };
        tracking.leaving.retain(|peer| roster.may_lose(*peer));
        let is_stopping = self.stop != Stop::No;
        let leaver = tracking.leaving.iter().copied().find(|peer| !is_stopping || *peer == self.me);
        if let Some(leaver) = leaver {
            return roster.members.remove(&leaver).is_some();
        }
        if is_stopping {
            return false;
        }
        if let Some((peer, name)) = tracking.renaming.pop_first()
            && let Some(member) = roster.members.get_mut(&peer)
        {
            // Who counts stays as it is.
            member.name = name;
            return true;
        }
        tracking.joining.retain(|peer, _| !roster.is_voter(*peer));
        let has_seat = roster.voters().count() < Roster::MAX_VOTERS;
        for (peer, joining) in &tracking.joining {
            if let Some(member) = roster.members.get_mut(peer) {
                let is_ready =
                    joining.answered >= PROBATION && tracking.has_acknowledged(*peer, roster.stamp);
                if has_seat && is_ready {
                    member.voter = true;
                    return true;
                }
            } else if roster.members.len() < Roster::MAX_MEMBERS {
                roster.members.insert(*peer, joining.member.clone());
                return true;
            }
        }
        false
    }

    pub(super) fn join_requested(&mut self, peer: PeerId, member: Member) {
        let is_voter = self.is_voter(peer);
        let known = self.state.roster.as_ref().and_then(|roster| roster.members.get(&peer));
        let is_renamed = known.is_some_and(|known| known.name != member.name);
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        if is_renamed {
            tracking.renaming.insert(peer, member.name);
            return self.roster_may_change();
        }
        if is_voter || tracking.joining.len() >= Roster::MAX_MEMBERS {
            return;
        }
        let member = Member { voter: false, ..member };
        tracking.joining.entry(peer).or_insert(Joining { member, answered: 0 });
        self.roster_may_change();
    }

    /// The last voter cannot leave; a tracker that leaves hands over first (R11).
    pub(super) fn leave_requested(&mut self, peer: PeerId) {
        let may_leave = self.state.roster.as_ref().is_some_and(|roster| roster.may_lose(peer));
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        tracking.joining.remove(&peer);
        if may_leave {
            tracking.leaving.insert(peer);
        }
        if peer == self.me {
            return self.stop_requested();
        }
        self.roster_may_change();
    }

    /// A joiner has answered another heartbeat, and has a roster durable in which it is a member.
    pub(super) fn count_towards_joining(&mut self, peer: PeerId, stamp: Option<RosterStamp>) {
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        if let Some(joining) = tracking.joining.get_mut(&peer).filter(|_| stamp.is_some()) {
            joining.answered = joining.answered.saturating_add(1);
        }
    }
}
