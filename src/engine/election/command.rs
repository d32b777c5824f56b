//! What goes into an election and what comes out of it.

use super::message::Message;
use super::roster::{Member, Roster};
use crate::base::{Epoch, PeerId};
use std::ops::Range;
use std::time::Duration;

/// A timer of the election. Setting it again replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// No heartbeat for too long: the failure detector of a follower; the retry of a candidate.
    Election,
    /// The tracker's next heartbeat.
    Heartbeat,
    /// The end of the time in which votes are refused after a heartbeat (R3).
    Sticky,
    /// A stopping tracker has waited long enough for its successor (R11).
    Handover,
    /// The registration of `Tracker_Epoca_x` is tried again (R6).
    Registration,
}

/// What must be durable before anything that depends on it leaves this peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SavedState {
    /// The highest epoch adopted.
    pub epoch: Epoch,
    /// Who got this peer's vote in `epoch`.
    pub voted_for: Option<PeerId>,
    /// The newest roster; `None` before the peer belongs to a group.
    pub roster: Option<Roster>,
}

/// The number of a save, growing by one; saves complete in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaveTicket(pub u64);

/// What the name service said about a registration as `Tracker_Epoca_x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegistrationOutcome {
    /// The name is ours.
    Accepted,
    /// Somebody else of the same founding holds this epoch or a higher one: step down (R6).
    Superseded {
        /// The highest epoch that the name service ever accepted.
        highest: Epoch,
    },
    /// Another founding holds the name service: nobody's epoch changes.
    TwoGroups,
    /// Refused for another reason, which the message tells.
    Refused,
    /// Nobody answered; it is tried again.
    Unreachable,
}

/// Something that happened to this peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The shell is ready; once, first.
    Started,
    /// A timer that was set has run out.
    TimerFired(Timer),
    /// A message came in over a connection that proved who sent it.
    Received {
        /// Who sent it.
        from: PeerId,
        /// The message.
        message: Message,
    },
    /// This save and all earlier ones are durable.
    StateSaved(SaveTicket),
    /// The disk refused; voting ends until a restart.
    SaveFailed,
    /// Time jumped or the timing thread was held up for more than 150 ms (R10). The shell looks at its
    /// clock first: this comes before anything that came in meanwhile.
    ClockJumped,
    /// The name service (or the shell, for a group of one's own) founded a group with this roster.
    /// Ignored when there is a roster already.
    Founded(Roster),
    /// The outcome of a [`Command::Register`].
    Registration {
        /// The epoch that was registered.
        epoch: Epoch,
        /// What came of it.
        outcome: RegistrationOutcome,
    },
    /// A peer asks the tracker to make it a member; repeated until it is a voter.
    JoinRequested {
        /// Who asks.
        peer: PeerId,
        /// Its data; `voter` is ignored.
        member: Member,
    },
    /// A member asks the tracker to give up its seat for good.
    LeaveRequested(PeerId),
    /// A person closes the program: hand over, then [`Command::Stopped`] (R11).
    StopRequested,
}

/// What the shell has to do. In the order given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// (Re)start a timer; the shell draws the time uniformly from the range, which is never empty (a time
    /// that is not drawn is a range of one nanosecond).
    SetTimer {
        /// Which.
        timer: Timer,
        /// When it fires, from now.
        after: Range<Duration>,
    },
    /// Stop a timer.
    CancelTimer(Timer),
    /// Send a message. Requests are sent once; answers belong to the request with the same epoch and round.
    Send {
        /// To whom.
        to: PeerId,
        /// What.
        message: Message,
    },
    /// Make this state durable, then [`Input::StateSaved`]; on failure [`Input::SaveFailed`].
    SaveState {
        /// The number of this save.
        ticket: SaveTicket,
        /// The state.
        state: SavedState,
    },
    /// Register as `Tracker_Epoca_x` at the name service, then [`Input::Registration`].
    Register {
        /// The epoch x.
        epoch: Epoch,
    },
    /// Tell people and counters what happened.
    Tell(Event),
    /// A graceful stop is complete: the process may end.
    Stopped,
}

/// What a peer is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Belongs to no group yet.
    Outside,
    /// Follows a tracker or waits for one.
    Follower,
    /// Asks whether an election would succeed.
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Elected; keeps the index.
    Tracker,
}

/// Something that a person or a counter wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The role changed.
    RoleChanged(Role),
    /// The epoch grew.
    EpochAdopted(Epoch),
    /// The timer ran out without a heartbeat: a failure was detected.
    TimerExpired,
    /// A pre-vote round was begun for this epoch.
    PreVoteStarted(Epoch),
    /// A pre-vote round ended without a majority.
    PreVoteRefused {
        /// Who refused.
        by: PeerId,
        /// Why.
        refusal: Refusal,
    },
    /// An election was begun in this epoch.
    ElectionStarted(Epoch),
    /// This peer's vote is given (and durable).
    VoteGiven {
        /// To whom.
        to: PeerId,
        /// In which epoch.
        epoch: Epoch,
    },
    /// A vote for this peer was counted.
    VoteReceived {
        /// From whom.
        from: PeerId,
        /// In which epoch.
        epoch: Epoch,
    },
    /// A vote was refused.
    VoteRefused {
        /// By whom.
        by: PeerId,
        /// Why.
        refusal: Refusal,
    },
    /// This epoch has this tracker, which may be this peer.
    TrackerKnown {
        /// Who.
        tracker: PeerId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The tracker is not known any more.
    TrackerLost {
        /// Who it was.
        tracker: PeerId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// A tracker without a majority became a follower (R8).
    SteppedDown(Epoch),
    /// An old tracker was heard again after its successor was elected without its failing: the change was needless.
    NeedlessElection(Epoch),
    /// Two trackers in one epoch: never happens while the safety rules hold; an alarm.
    TwoTrackers {
        /// The epoch.
        epoch: Epoch,
        /// The other tracker.
        other: PeerId,
    },
    /// A message with an epoch that cannot be honest was refused (R12).
    AbsurdEpoch {
        /// Who sent it.
        from: PeerId,
        /// The epoch.
        epoch: Epoch,
    },
    /// Another founding was met.
    TwoGroups {
        /// Who belongs to it.
        peer: PeerId,
    },
    /// The roster changed (and is durable here).
    RosterChanged(Roster),
    /// The disk refused the state: this peer does not vote until it is started again.
    VotingEnded,
    /// A stopping tracker named its successor.
    HandingOver {
        /// To whom.
        successor: PeerId,
    },
}

use super::message::Refusal;
