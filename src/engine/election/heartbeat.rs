//! How a tracker stays one, and how the others know: R6 (registration), R7, R8, R10.

use super::message::{Heartbeat, HeartbeatReply, Message};
use super::{Command, Election, Event, KnownTracker, Mode, RegistrationOutcome, Stop, Timer, Tracking};
use crate::base::{Epoch, PeerId};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a tracker waits before it tries its registration again: with the call itself the name is
/// back within a second of the name service's return.
const REGISTRATION_RETRY: Duration = Duration::from_millis(500);

impl Election {
    /// R6: the first heartbeat at once, then the registration. The voters' list goes on under the own
    /// epoch (re-stamp), which is committed before anything in it may change.
    pub(super) fn begin_tracking(&mut self, voted: &BTreeSet<PeerId>) {
        self.mode = Mode::Tracker(Tracking::elected_by(voted));
        self.known = Some(KnownTracker { peer: self.me, lives: true });
        self.replaced_needlessly = false;
        self.send_round();
        self.register();
        self.restamp_roster();
        self.roster_may_change();
    }

    pub(super) fn register(&mut self) {
        if matches!(&self.mode, Mode::Tracker(tracking) if !tracking.registered) {
            self.commands.push(Command::Register { epoch: self.state.epoch });
        }
    }

    pub(super) fn registration(&mut self, epoch: Epoch, outcome: &RegistrationOutcome) {
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        if epoch != self.state.epoch {
            return;
        }
        match outcome {
            RegistrationOutcome::Accepted => tracking.registered = true,
            RegistrationOutcome::Superseded { highest } => {
                self.become_follower();
                self.learn_epoch(self.me, *highest);
            }
            RegistrationOutcome::TwoGroups
            | RegistrationOutcome::Refused
            | RegistrationOutcome::Unreachable => {
                tracking.registered = false;
                self.set_exactly(Timer::Registration, REGISTRATION_RETRY);
            }
        }
    }

    /// The next heartbeat is due; a tracker without a majority stops them instead (R8).
    pub(super) fn heartbeat_due(&mut self) {
        let Mode::Tracker(tracking) = &self.mode else { return };
        if tracking.can_judge() && !self.has_fresh_majority() {
            self.tell(Event::SteppedDown(self.state.epoch));
            return self.become_follower();
        }
        self.send_round();
        self.continue_handover();
    }

    /// R10: inert until a fresh quorum has replied; the question goes out at once.
    pub(super) fn begin_inert(&mut self) {
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        tracking.forget_replies();
        self.send_round();
    }

    fn send_round(&mut self) {
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        tracking.round += 1;
        self.send_heartbeats();
        self.set_exactly(Timer::Heartbeat, self.config.heartbeat());
    }

    /// Sends this round's heartbeat to all members, with the durable roster to those who lag.
    pub(super) fn send_heartbeats(&mut self) {
        let (Mode::Tracker(tracking), Some(roster)) = (&self.mode, &self.disk.durable().roster) else {
            return;
        };
        let (epoch, round, stamp) = (self.state.epoch, tracking.round, roster.stamp);
        let others = roster.members.keys().filter(|peer| **peer != self.me);
        let heartbeats: Vec<(PeerId, Heartbeat)> = others
            .map(|peer| {
                let lags = !tracking.has_acknowledged(*peer, stamp);
                (*peer, Heartbeat { epoch, round, stamp, roster: lags.then(|| roster.clone()) })
            })
            .collect();
        for (peer, heartbeat) in heartbeats {
            self.send(peer, Message::Heartbeat(heartbeat));
        }
    }

    /// Whether this peer is tracker and a majority replied to one of the last rounds.
    pub(super) fn has_fresh_majority(&self) -> bool {
        let (Mode::Tracker(tracking), Some(roster)) = (&self.mode, &self.state.roster) else { return false };
        let fresh = tracking.fresh();
        let count = roster.voters().filter(|voter| *voter == self.me || fresh.contains(voter)).count();
        count >= roster.quorum()
    }

    pub(super) fn heartbeat_replied(&mut self, from: PeerId, reply: &HeartbeatReply) {
        let Mode::Tracker(tracking) = &mut self.mode else { return };
        let is_member = self.state.roster.as_ref().is_some_and(|roster| roster.members.contains_key(&from));
        if !is_member || reply.epoch < self.state.epoch {
            return;
        }
        if reply.epoch > self.state.epoch {
            self.learn_epoch(from, reply.epoch);
            return self.stop_if_done();
        }
        let is_news = tracking.replied(from, reply.round);
        if let Some(stamp) = reply.stamp {
            tracking.acknowledge(from, stamp);
        }
        if is_news {
            self.count_towards_joining(from, reply.stamp);
        }
        self.roster_may_change();
        self.continue_handover();
    }

    /// R7.
    pub(super) fn heartbeat(&mut self, from: PeerId, heartbeat: Heartbeat) {
        if heartbeat.epoch.is_absurd_after(self.state.epoch) {
            return self.tell(Event::AbsurdEpoch { from, epoch: heartbeat.epoch });
        }
        if is_malformed(&heartbeat) {
            return;
        }
        if self.is_of_another_group(&heartbeat) {
            return self.tell(Event::TwoGroups { peer: from });
        }
        if heartbeat.epoch < self.state.epoch {
            return self.reply_to_heartbeat(from, heartbeat.round, false);
        }
        let known = self.known.filter(|_| heartbeat.epoch == self.state.epoch).map(|known| known.peer);
        if known.is_some_and(|known| known != from) {
            return self.tell(Event::TwoTrackers { epoch: heartbeat.epoch, other: from });
        }
        if known != Some(from) && !self.is_credible_tracker(from, &heartbeat) {
            return;
        }
        self.follow(from, heartbeat.epoch);
        let roster_taken = heartbeat.roster.is_some_and(|roster| self.take_roster(roster));
        self.reply_to_heartbeat(from, heartbeat.round, roster_taken);
        self.stop_if_done();
    }

    fn is_of_another_group(&self, heartbeat: &Heartbeat) -> bool {
        let (mine, theirs) = (self.state.roster.as_ref(), heartbeat.roster.as_ref());
        mine.zip(theirs).is_some_and(|(mine, theirs)| mine.founding != theirs.founding)
    }

    /// A tracker is a voter of a roster that this peer has or now gets, and this peer is a member of one.
    fn is_credible_tracker(&self, from: PeerId, heartbeat: &Heartbeat) -> bool {
        let rosters = || self.state.roster.iter().chain(&heartbeat.roster);
        let is_member = rosters().any(|roster| roster.members.contains_key(&self.me));
        is_member && rosters().any(|roster| roster.is_voter(from))
    }

    /// A living tracker: its epoch, its follower, timers restarted; a candidacy ends.
    fn follow(&mut self, tracker: PeerId, epoch: Epoch) {
        self.adopt_epoch(epoch);
        self.mode = Mode::Follower;
        self.known = Some(KnownTracker { peer: tracker, lives: true });
        if std::mem::replace(&mut self.replaced_needlessly, false) {
            self.tell(Event::NeedlessElection(epoch));
        }
        self.restart_election_timer();
        self.sticky = true;
        self.set_exactly(Timer::Sticky, self.config.sticky());
    }

    /// A stopping peer that is not tracker any more is done once its successor is heard, or cannot be.
    pub(super) fn stop_if_done(&mut self) {
        let is_tracker = matches!(self.mode, Mode::Tracker(_));
        if self.stop == Stop::Requested && !is_tracker && (self.tracker().is_some() || !self.is_member()) {
            self.finish_stop();
        }
    }
}

/// No roster is newer than its tracker's epoch, and the stamp is the roster's.
fn is_malformed(heartbeat: &Heartbeat) -> bool {
    let stamp = heartbeat.roster.as_ref().map_or(heartbeat.stamp, |roster| roster.stamp);
    stamp != heartbeat.stamp || stamp.epoch > heartbeat.epoch
}
