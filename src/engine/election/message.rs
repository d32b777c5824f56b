//! What peers say to each other about elections. Requests and answers carry kind, epoch and round, so
//! that a late answer is never counted for another round (R5).

use super::roster::{Roster, RosterStamp};
use crate::base::{Epoch, PeerId};

/// One message of the election protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Would you vote for me in this epoch? Changes nothing at the receiver (R4).
    PreVote(VoteRequest),
    /// The answer to a [`Message::PreVote`].
    PreVoteAnswer(VoteAnswer),
    /// Vote for me in this epoch (R2).
    Vote(VoteRequest),
    /// The answer to a [`Message::Vote`].
    VoteAnswer(VoteAnswer),
    /// I am the tracker of this epoch (R7).
    Heartbeat(Heartbeat),
    /// The answer to a [`Message::Heartbeat`].
    HeartbeatReply(HeartbeatReply),
    /// The tracker stops gracefully and names its successor (R11).
    Handover(Handover),
    /// The receiver has noted the [`Message::Handover`].
    HandoverAnswer(HandoverAnswer),
}

/// Asks for a vote or a pre-vote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VoteRequest {
    /// The epoch that is asked for: the asker's epoch + 1.
    pub epoch: Epoch,
    /// The asker's number for this round of asking; echoed in the answer.
    pub round: u64,
    /// The asker's newest roster, always sent along: the receiver may have an older one.
    pub roster: Roster,
}

/// Answers a [`VoteRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VoteAnswer {
    /// The epoch that was asked for.
    pub epoch: Epoch,
    /// The round of the request.
    pub round: u64,
    /// `None` is a grant; `Some` is a refusal with its reason.
    pub refusal: Option<Refusal>,
    /// The answerer's own epoch; a higher one is adopted by the asker.
    pub current_epoch: Epoch,
    /// The answerer's roster stamp.
    pub stamp: Option<RosterStamp>,
}

/// Why a vote or a pre-vote was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The asked epoch is lower than the answerer's.
    OldEpoch,
    /// The asker's roster is older than the answerer's.
    OldRoster,
    /// The asker is no voter of the newer of both rosters.
    NotAVoter,
    /// The answerer voted for somebody else in this epoch.
    VotedForOther,
    /// The answerer knows a tracker in this epoch.
    TrackerKnown,
    /// The answerer heard a heartbeat within the last 150 ms (R3).
    Sticky,
    /// The epoch is more than [`Epoch::MAX_JUMP`] above the answerer's (R12).
    AbsurdEpoch,
    /// The groups were founded separately.
    TwoGroups,
    /// The answerer has no roster, or its disk failed: it does not vote.
    CannotVote,
}

/// The tracker's sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// The tracker's epoch.
    pub epoch: Epoch,
    /// The number of this heartbeat within the epoch, from 1; echoed in the reply.
    pub round: u64,
    /// The tracker's roster stamp.
    pub stamp: RosterStamp,
    /// The roster itself, for a receiver that lags (or is not known to be up to date).
    pub roster: Option<Roster>,
}

/// Answers a [`Heartbeat`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeartbeatReply {
    /// The replier's epoch: higher than the heartbeat's is a refusal.
    pub epoch: Epoch,
    /// The round of the heartbeat.
    pub round: u64,
    /// The stamp of the roster that the replier has made durable; an acknowledgement in this epoch.
    pub stamp: Option<RosterStamp>,
}

/// Names the successor of a tracker that stops (R11).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handover {
    /// The epoch of the tracker that stops.
    pub epoch: Epoch,
    /// Who shall become tracker, in [`Epoch::next`].
    pub successor: PeerId,
}

/// Acknowledges a [`Handover`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HandoverAnswer {
    /// The epoch of the handover.
    pub epoch: Epoch,
}
