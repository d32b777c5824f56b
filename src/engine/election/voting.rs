//! How a tracker is elected: R1 to R6, R12.

use super::message::{Message, Refusal, VoteAnswer, VoteRequest};
use super::saving::{Kind, Waiting};
use super::{Election, Event, Mode, Tally, Timer};
use crate::base::{Epoch, PeerId};

impl Election {
    /// The failure detector of a follower, the retry of a candidate.
    pub(super) fn election_timer_fired(&mut self) {
        let is_saved = *self.disk.durable() == self.state;
        match self.mode {
            Mode::Tracker(_) => return,
            // Its vote is still being saved: another round would only wait behind it.
            Mode::Candidate(_) if self.disk.works() && !is_saved => return self.restart_election_timer(),
            Mode::Follower => self.tell(Event::TimerExpired),
            _ => {}
        }
        self.mode = Mode::Follower;
        self.lose_tracker();
        if !self.is_member() {
            return;
        }
        self.restart_election_timer();
        if self.disk.works() && is_saved && self.is_voter(self.me) {
            self.ask_for_pre_votes();
        }
    }

    /// R4: asks with the next epoch and changes nothing, neither here nor there.
    fn ask_for_pre_votes(&mut self) {
        let epoch = self.state.epoch.next();
        let Some(tally) = self.begin_round(epoch) else { return };
        let won = tally.is_won();
        self.tell(Event::PreVoteStarted(epoch));
        self.mode = Mode::PreCandidate(tally);
        if won {
            return self.campaign();
        }
        self.ask_voters(epoch, Message::PreVote);
    }

    /// A new round of asking, this peer's own grant counted; `None` without a roster or a next epoch.
    fn begin_round(&mut self, epoch: Epoch) -> Option<Tally> {
        if epoch <= self.state.epoch {
            return None;
        }
        self.round += 1;
        self.heard.begin_round();
        let mut tally = Tally::new(epoch, self.round, self.state.roster.as_ref()?);
        tally.count(self.me, true);
        Some(tally)
    }

    fn ask_voters(&mut self, epoch: Epoch, kind: fn(VoteRequest) -> Message) {
        let Some(roster) = self.state.roster.clone() else { return };
        let request = VoteRequest { epoch, round: self.round, roster };
        for voter in self.other_voters() {
            self.send(voter, kind(request.clone()));
        }
    }

    /// Takes the next epoch with a vote for oneself. Nobody is asked before that vote is durable.
    pub(super) fn campaign(&mut self) {
        let epoch = self.state.epoch.next();
        let can_ask = self.disk.works() && self.is_voter(self.me);
        let Some(tally) = can_ask.then(|| self.begin_round(epoch)).flatten() else { return };
        let round = tally.round();
        self.enter_epoch(epoch, Some(self.me));
        self.mode = Mode::Candidate(tally);
        self.restart_election_timer();
        self.tell(Event::ElectionStarted(epoch));
        self.when_saved(Waiting::Campaign { round });
    }

    /// The own vote is durable: it counts, and the others may be asked.
    pub(super) fn ask_for_votes(&mut self, round: u64) {
        let Mode::Candidate(tally) = &self.mode else { return };
        if tally.round() != round {
            return;
        }
        let (epoch, won) = (tally.epoch(), tally.is_won());
        self.tell(Event::VoteGiven { to: self.me, epoch });
        if won {
            return self.become_tracker();
        }
        self.ask_voters(epoch, Message::Vote);
    }

    pub(super) fn pre_vote_asked(&mut self, from: PeerId, request: &VoteRequest) {
        let refusal = self.refusal(from, request);
        self.answer_vote(from, Kind::PreVote, request, refusal);
    }

    pub(super) fn vote_asked(&mut self, from: PeerId, request: &VoteRequest) {
        let refusal = self.refusal(from, request);
        if refusal.is_none() && !self.has_voted_for(from, request.epoch) {
            self.give_vote(from, request.epoch);
        }
        self.answer_vote(from, Kind::Vote, request, refusal);
    }

    fn give_vote(&mut self, to: PeerId, epoch: Epoch) {
        self.adopt_epoch(epoch);
        self.mode = Mode::Follower;
        self.state.voted_for = Some(to);
        self.restart_election_timer();
        self.when_saved(Waiting::Tell(Event::VoteGiven { to, epoch }));
    }

    fn has_voted_for(&self, peer: PeerId, epoch: Epoch) -> bool {
        epoch == self.state.epoch && self.state.voted_for == Some(peer)
    }

    fn answer_vote(&mut self, to: PeerId, kind: Kind, request: &VoteRequest, refusal: Option<Refusal>) {
        match refusal {
            Some(Refusal::TwoGroups) => self.tell(Event::TwoGroups { peer: to }),
            Some(Refusal::AbsurdEpoch) => self.tell(Event::AbsurdEpoch { from: to, epoch: request.epoch }),
            _ => {}
        }
        let (epoch, round) = (request.epoch, request.round);
        self.when_saved(Waiting::VoteAnswer { to, kind, epoch, round, refusal });
    }

    /// R2, R3, R12: why `from` does not get this peer's vote; `None` is a grant.
    fn refusal(&self, from: PeerId, request: &VoteRequest) -> Option<Refusal> {
        let Some(mine) = self.state.roster.as_ref().filter(|_| self.disk.works()) else {
            return Some(Refusal::CannotVote);
        };
        if request.roster.founding != mine.founding {
            return Some(Refusal::TwoGroups);
        }
        if request.epoch.is_absurd_after(self.state.epoch) {
            return Some(Refusal::AbsurdEpoch);
        }
        if request.epoch < self.state.epoch {
            return Some(Refusal::OldEpoch);
        }
        if self.has_voted_for(from, request.epoch) {
            return None; // A repeated request gets the same answer.
        }
        if request.roster.stamp < mine.stamp {
            return Some(Refusal::OldRoster);
        }
        if !request.roster.is_voter(from) {
            return Some(Refusal::NotAVoter);
        }
        if self.is_sticky_towards(from, request.epoch) {
            return Some(Refusal::Sticky);
        }
        if request.epoch > self.state.epoch {
            return None;
        }
        if self.state.voted_for.is_some() {
            return Some(Refusal::VotedForOther);
        }
        self.known.map(|_| Refusal::TrackerKnown)
    }

    /// R3: a tracker lives, or this peer is one; except in a handover that the tracker asked for (R11).
    fn is_sticky_towards(&self, from: PeerId, epoch: Epoch) -> bool {
        let handed_over = self.named_successor == Some(from) && epoch == self.state.epoch.next();
        !handed_over && (self.sticky || self.is_active_tracker())
    }

    pub(super) fn pre_vote_answered(&mut self, from: PeerId, answer: &VoteAnswer) {
        let Mode::PreCandidate(tally) = &mut self.mode else { return };
        let Some(is_first) = Self::count(tally, from, answer) else { return };
        let (won, lost) = (tally.is_won(), tally.is_lost());
        self.heard.note(from);
        if !is_first || self.catch_up(from, answer) {
            return;
        }
        if won {
            return self.campaign();
        }
        if let Some(refusal) = answer.refusal.filter(|_| lost) {
            self.mode = Mode::Follower;
            self.tell(Event::PreVoteRefused { by: from, refusal });
        }
    }

    pub(super) fn vote_answered(&mut self, from: PeerId, answer: &VoteAnswer) {
        let Mode::Candidate(tally) = &mut self.mode else { return };
        let Some(is_first) = Self::count(tally, from, answer) else { return };
        let won = tally.is_won();
        self.heard.note(from);
        if !is_first {
            return;
        }
        match answer.refusal {
            Some(refusal) => self.tell(Event::VoteRefused { by: from, refusal }),
            None => self.tell(Event::VoteReceived { from, epoch: answer.epoch }),
        }
        if !self.catch_up(from, answer) && won {
            self.become_tracker();
        }
    }

    /// R5: `None` if the answer is not one to this round; else whether it is the first of this voter.
    fn count(tally: &mut Tally, from: PeerId, answer: &VoteAnswer) -> Option<bool> {
        let asked = (answer.epoch, answer.round) == (tally.epoch(), tally.round());
        asked.then(|| tally.count(from, answer.refusal.is_none()))
    }

    /// R4: a refusal carries the refuser's epoch, and a higher one is adopted.
    fn catch_up(&mut self, from: PeerId, answer: &VoteAnswer) -> bool {
        match answer.refusal {
            Some(Refusal::TwoGroups) => {
                self.tell(Event::TwoGroups { peer: from });
                false
            }
            Some(_) => self.learn_epoch(from, answer.current_epoch),
            None => false,
        }
    }

    /// Adopts a higher epoch that an answer to this peer carries, unless it cannot be honest (R12).
    pub(super) fn learn_epoch(&mut self, from: PeerId, epoch: Epoch) -> bool {
        if epoch.is_absurd_after(self.state.epoch) {
            self.tell(Event::AbsurdEpoch { from, epoch });
            return false;
        }
        let is_higher = epoch > self.state.epoch;
        self.adopt_epoch(epoch);
        is_higher
    }

    /// A quorum voted: tracker of this epoch (R6).
    fn become_tracker(&mut self) {
        let Mode::Candidate(tally) = &self.mode else { return };
        let voted = tally.granted().clone();
        self.cancel(Timer::Election);
        self.cancel(Timer::Sticky);
        self.sticky = false;
        self.begin_tracking(&voted);
    }
}
