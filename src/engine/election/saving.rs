//! The disk rule: nothing (answer, request, own vote, own copy of a roster) leaves this peer or is
//! counted by it before what it depends on is durable.
//!
//! What waits is data in [`Disk::waiting`], released in order by [`Input::StateSaved`]. One save is under
//! way at a time; changes made meanwhile become the next one, so a stalled disk costs no memory.
//!
//! [`Input::StateSaved`]: super::Input::StateSaved

use super::message::{HeartbeatReply, Message, Refusal, VoteAnswer};
use super::{Command, Election, Event, SaveTicket, SavedState};
use crate::base::{Epoch, PeerId};

/// What is durable, what is being saved, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    durable: SavedState,
    saving: Option<(SaveTicket, SavedState)>,
    next: SaveTicket,
    waiting: Vec<(SaveTicket, Waiting)>,
    works: bool,
}

/// Something that depends on state that is not durable yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Waiting {
    /// The answer to a request for a vote or a pre-vote.
    VoteAnswer { to: PeerId, kind: Kind, epoch: Epoch, round: u64, refusal: Option<Refusal> },
    /// The answer to a heartbeat.
    HeartbeatReply { to: PeerId, round: u64 },
    /// Another message.
    Message { to: PeerId, message: Message },
    /// This peer's own vote, and its requests for others.
    Campaign { round: u64 },
    /// Something to tell.
    Tell(Event),
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    PreVote,
    Vote,
}

impl Disk {
    /// The most that waits for one save; what is beyond is dropped as if lost on the way. A group has at
    /// most 64 members, each with an answer or two under way.
    const MAX_WAITING: usize = 256;

    pub(super) fn holding(durable: SavedState) -> Self {
        Self { durable, saving: None, next: SaveTicket(1), waiting: Vec::new(), works: true }
    }

    /// With what is durable now, and tickets that were not given yet.
    pub(super) fn anew(&self, durable: SavedState) -> Self {
        Self { next: self.next, ..Self::holding(durable) }
    }

    pub(super) fn durable(&self) -> &SavedState {
        &self.durable
    }

    pub(super) fn works(&self) -> bool {
        self.works
    }

    /// The save that makes `state` durable; `None` if it is.
    fn ticket_for(&self, state: &SavedState) -> Option<SaveTicket> {
        match &self.saving {
            _ if self.durable == *state => None,
            Some((ticket, saving)) if saving == state => Some(*ticket),
            _ => Some(self.next),
        }
    }
}

impl Election {
    /// Does `what` once the state as it is now is durable; at once if it is.
    pub(super) fn when_saved(&mut self, what: Waiting) {
        let Some(ticket) = self.disk.ticket_for(&self.state) else { return self.release(what) };
        let waiting = &mut self.disk.waiting;
        let is_new = !waiting.iter().any(|(_, waits)| *waits == what);
        if self.disk.works && is_new && waiting.len() < Disk::MAX_WAITING {
            waiting.push((ticket, what));
        }
    }

    pub(super) fn answer_when_saved(&mut self, to: PeerId, message: Message) {
        self.when_saved(Waiting::Message { to, message });
    }

    /// A reply waits for the epoch that it acknowledges, and for a roster that the heartbeat brought. It
    /// does not wait for a roster that is still being saved from an earlier heartbeat: it then
    /// acknowledges the older one, so that a stalled disk does not cost the tracker its majority.
    pub(super) fn reply_to_heartbeat(&mut self, to: PeerId, round: u64, roster_taken: bool) {
        let reply = Waiting::HeartbeatReply { to, round };
        if !roster_taken && self.disk.durable.epoch == self.state.epoch {
            return self.release(reply);
        }
        self.disk.waiting.retain(|(_, waiting)| !matches!(waiting, Waiting::HeartbeatReply { .. }));
        self.when_saved(reply);
    }

    /// At the end of every input: one save for all that it changed.
    pub(super) fn begin_save(&mut self) {
        if !self.disk.works || self.disk.saving.is_some() || self.disk.durable == self.state {
            return;
        }
        let ticket = self.disk.next;
        self.disk.next = SaveTicket(ticket.0 + 1);
        self.disk.saving = Some((ticket, self.state.clone()));
        self.commands.push(Command::SaveState { ticket, state: self.state.clone() });
    }

    pub(super) fn state_saved(&mut self, ticket: SaveTicket) {
        let Some((_, state)) = self.disk.saving.take_if(|(saving, _)| *saving == ticket) else { return };
        let stamp_before = self.disk.durable.roster.as_ref().map(|roster| roster.stamp);
        self.disk.durable = state;
        let (released, waiting) = std::mem::take(&mut self.disk.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|(needs, _)| *needs <= ticket);
        self.disk.waiting = waiting;
        for (_, what) in released {
            self.release(what);
        }
        if self.disk.durable.roster.as_ref().map(|roster| roster.stamp) != stamp_before {
            self.roster_saved();
        }
    }

    /// Voting ends until a restart: after a failed fsync nobody knows what the disk holds.
    pub(super) fn save_failed(&mut self) {
        if std::mem::replace(&mut self.disk.works, false) {
            self.disk.saving = None;
            self.disk.waiting.clear();
            self.tell(Event::VotingEnded);
        }
    }

    fn release(&mut self, what: Waiting) {
        let current_epoch = self.disk.durable.epoch;
        let stamp = self.disk.durable.roster.as_ref().map(|roster| roster.stamp);
        match what {
            Waiting::VoteAnswer { to, kind, epoch, round, refusal } => {
                let answer = VoteAnswer { epoch, round, refusal, current_epoch, stamp };
                self.send(
                    to,
                    match kind {
                        Kind::PreVote => Message::PreVoteAnswer(answer),
                        Kind::Vote => Message::VoteAnswer(answer),
                    },
                );
            }
            Waiting::HeartbeatReply { to, round } => {
                let reply = HeartbeatReply { epoch: current_epoch, round, stamp };
                self.send(to, Message::HeartbeatReply(reply));
            }
            Waiting::Message { to, message } => self.send(to, message),
            Waiting::Campaign { round } => self.ask_for_votes(round),
            Waiting::Tell(event) => self.tell(event),
        }
    }
}
