//! How a tracker stops: R11. It names a successor, votes for it, and waits for its first heartbeat.
//!
//! The others are told first, so that the successor's requests find them willing; the successor is told
//! when, with it, a quorum knows.

use super::message::{Handover, HandoverAnswer, Message};
use super::tracking::Handing;
use super::{Command, Election, Event, Mode, Stop, Timer};
use crate::base::PeerId;
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest that a stop waits for the successor.
const MAX_HANDOVER: Duration = Duration::from_secs(2);

impl Election {
    pub(super) fn stop_requested(&mut self) {
        if self.stop != Stop::No {
            return;
        }
        let gives_seat_up = self.gives_seat_up();
        self.stop = Stop::Requested;
        let Mode::Tracker(tracking) = &mut self.mode else { return self.finish_stop() };
        if gives_seat_up {
            tracking.leaving.insert(self.me);
        }
        self.set_exactly(Timer::Handover, MAX_HANDOVER);
        self.roster_may_change();
        self.continue_handover();
    }

    pub(super) fn finish_stop(&mut self) {
        self.stop = Stop::Complete;
        self.commands.push(Command::Stopped);
    }

    pub(super) fn handover_timed_out(&mut self) {
        if self.stop == Stop::Requested {
            self.finish_stop();
        }
    }

    /// Goes on with a stop, as far as it can: the own seat first, then the successor.
    pub(super) fn continue_handover(&mut self) {
        let Mode::Tracker(tracking) = &self.mode else { return };
        if self.stop != Stop::Requested {
            return;
        }
        let leaves = tracking.leaving.contains(&self.me);
        if leaves && (self.is_member() || !self.roster_is_committed()) {
            return;
        }
        if tracking.handing.is_none() && !self.name_successor() {
            return self.finish_stop();
        }
        self.tell_handover();
    }

    /// The most up-to-date voter: with the newest roster, heard last. False if nobody is there.
    fn name_successor(&mut self) -> bool {
        let others = self.other_voters();
        let (Mode::Tracker(tracking), Some(roster)) = (&mut self.mode, &self.state.roster) else {
            return false;
        };
        let fresh = tracking.fresh();
        let rank =
            |peer: &PeerId| (tracking.has_acknowledged(*peer, roster.stamp), tracking.last_reply(*peer));
        let best = others.into_iter().rev().filter(|peer| fresh.contains(peer)).max_by_key(rank);
        let Some(successor) = best else { return false };
        tracking.handing = Some(Handing { successor, noted: BTreeSet::new() });
        self.named_successor = Some(successor);
        self.tell(Event::HandingOver { successor });
        true
    }

    /// Tells whoever does not know yet. Repeated with every heartbeat.
    fn tell_handover(&mut self) {
        let (Mode::Tracker(tracking), Some(roster)) = (&self.mode, &self.state.roster) else { return };
        let Some(handing) = tracking.handing.clone() else { return };
        let willing = roster.voters().filter(|v| *v == self.me || handing.noted.contains(v)).count();
        let is_time = willing + 1 >= roster.quorum();
        let message = Handover { epoch: self.state.epoch, successor: handing.successor };
        for voter in self.other_voters() {
            let is_next = voter != handing.successor || is_time;
            if is_next && !handing.noted.contains(&voter) {
                self.send(voter, Message::Handover(message.clone()));
            }
        }
    }

    /// Only the tracker of this epoch hands over, and only to a voter.
    pub(super) fn handover(&mut self, from: PeerId, handover: &Handover) {
        let is_tracker = self.known.is_some_and(|known| known.peer == from);
        if !is_tracker || handover.epoch != self.state.epoch || !self.is_voter(handover.successor) {
            return;
        }
        let answer = HandoverAnswer { epoch: handover.epoch };
        self.answer_when_saved(from, Message::HandoverAnswer(answer));
        self.named_successor = Some(handover.successor);
        if handover.successor == self.me {
            self.campaign();
        }
    }

    pub(super) fn handover_answered(&mut self, from: PeerId, answer: &HandoverAnswer) {
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        let Some(handing) = &mut tracking.handing else { return };
        if answer.epoch == self.state.epoch && handing.noted.insert(from) {
            self.continue_handover();
        }
    }
}
