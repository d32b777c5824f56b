//! What elections did, as every peer recorded it itself: the values, and [`History`], which merges the
//! records of a group and says how things stood at any moment of it.
//!
//! Invariant: nothing is made up. A message is shown from its sender's record and arrives only by its
//! receiver's; a peer whose records are not known for a moment is not shown as present then. Absent on
//! purpose: clocks (records carry stamps) and drawing.

mod failover;
mod history;
mod lane;
mod moment;

pub use failover::Failover;
pub use history::{History, Letter, Part};
pub use lane::Fault;
pub use moment::{Condition, Dot, Moment, PeerMoment, TimerMoment};

use super::election::{Message, Refusal, Role};
use crate::base::{Epoch, PeerId};

/// Something that a peer did or noticed in an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number at that peer, growing by one.
    pub seq: u64,
    /// Microseconds since 1970 (UTC), by that peer's clock.
    pub at_micros: u64,
    /// What.
    pub what: What,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The random timer was (re)started with this length.
    TimerSet {
        /// In microseconds.
        after_micros: u64,
    },
    /// The timer was stopped (a tracker has none).
    TimerStopped,
    /// The timer ran out.
    TimerExpired,
    /// The role is now this.
    Role(Role),
    /// The epoch is now this.
    Epoch(Epoch),
    /// The tracker of this epoch is known, or (`None`) not known any more.
    Tracker {
        /// Who; may be the peer itself.
        tracker: Option<PeerId>,
        /// Of which epoch.
        epoch: Epoch,
    },
    /// A message went out.
    Sent(Mail),
    /// A message would have gone out, but there was no connection.
    Unsent(Mail),
    /// A message came in.
    Received(Mail),
    /// How the index of this tracker stands.
    Index {
        /// The tracker's epoch.
        epoch: Epoch,
        /// Files in it.
        files: u64,
        /// Peers whose list is in it.
        have: u32,
        /// Peers that are expected to announce.
        of: u32,
    },
    /// A fault drill of the peer begins.
    FaultBegan(FaultKind),
    /// It ends.
    FaultEnded(FaultKind),
}

/// A fault drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Silent as after a crash.
    Crash,
    /// Standing still.
    Pause,
    /// The link to one peer is cut.
    Cut(PeerId),
}

/// A message without its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mail {
    /// The other end: the receiver of what is sent, the sender of what is received.
    pub peer: PeerId,
    /// What sort of message.
    pub kind: MailKind,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its round.
    pub round: u64,
    /// Why an answer is a refusal; `None` is a grant (or no answer to a question).
    pub refusal: Option<Refusal>,
}

/// The sorts of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailKind {
    /// Would you vote for me?
    PreVote,
    /// The answer to that.
    PreVoteAnswer,
    /// Vote for me.
    Vote,
    /// The answer to that.
    VoteAnswer,
    /// The tracker lives.
    Heartbeat,
    /// The answer to that.
    HeartbeatReply,
    /// The tracker names its successor.
    Handover,
    /// The answer to that.
    HandoverAnswer,
}

impl MailKind {
    /// Whether it is of the steady traffic: ten a second in each direction.
    #[must_use]
    pub const fn is_beat(self) -> bool {
        matches!(self, Self::Heartbeat | Self::HeartbeatReply)
    }
}

impl Mail {
    /// A message to or from `peer`.
    #[must_use]
    pub fn of(peer: PeerId, message: &Message) -> Self {
        let plain = |kind, epoch, round| Self { peer, kind, epoch, round, refusal: None };
        match message {
            Message::PreVote(request) => plain(MailKind::PreVote, request.epoch, request.round),
            Message::Vote(request) => plain(MailKind::Vote, request.epoch, request.round),
            Message::PreVoteAnswer(answer) => {
                Self { refusal: answer.refusal, ..plain(MailKind::PreVoteAnswer, answer.epoch, answer.round) }
            }
            Message::VoteAnswer(answer) => {
                Self { refusal: answer.refusal, ..plain(MailKind::VoteAnswer, answer.epoch, answer.round) }
            }
            Message::Heartbeat(beat) => plain(MailKind::Heartbeat, beat.epoch, beat.round),
            Message::HeartbeatReply(reply) => plain(MailKind::HeartbeatReply, reply.epoch, reply.round),
            Message::Handover(handover) => plain(MailKind::Handover, handover.epoch, 0),
            Message::HandoverAnswer(answer) => plain(MailKind::HandoverAnswer, answer.epoch, 0),
        }
    }
}

#[cfg(test)]
mod tests;
