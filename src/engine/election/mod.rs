//! The election: who is tracker. See `ELECTION` rules R1-R13 in PROTOCOL.md.
//!
//! A protocol core without I/O: [`Election::handle`] takes an [`Input`], [`Election::take_commands`]
//! gives what the shell has to do, in order. The struct that runs in production is the one that is
//! simulated and model-checked.

mod command;
mod config;
mod message;
mod roster;

pub use command::{Command, Event, Input, RegistrationOutcome, Role, SaveTicket, SavedState, Timer};
pub use config::{ElectionConfig, ElectionConfigError};
pub use message::{
    Handover, HandoverAnswer, Heartbeat, HeartbeatReply, Message, Refusal, VoteAnswer, VoteRequest,
};
pub use roster::{Member, Roster, RosterStamp};

use crate::base::{Epoch, PeerId};
use std::collections::BTreeSet;

/// The election of one peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Election {
    me: PeerId,
    config: ElectionConfig,
    saved: SavedState,
}

impl Election {
    /// An election that goes on from `saved`, which is durable.
    #[must_use]
    pub fn new(me: PeerId, config: ElectionConfig, saved: SavedState) -> Self {
        Self { me, config, saved }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input) {
        let _ = input;
    }

    /// What the shell has to do now, in order; empties the list.
    #[must_use]
    pub fn take_commands(&mut self) -> Vec<Command> {
        Vec::new()
    }

    /// What this peer is.
    #[must_use]
    pub fn role(&self) -> Role {
        Role::Outside
    }

    /// The highest epoch adopted.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.saved.epoch
    }

    /// The tracker of the current epoch, as far as known; may be this peer.
    #[must_use]
    pub fn tracker(&self) -> Option<PeerId> {
        None
    }

    /// Whether this peer is tracker and a majority replied lately: it may answer searches (R8, R10).
    #[must_use]
    pub fn is_active_tracker(&self) -> bool {
        false
    }

    /// The newest roster.
    #[must_use]
    pub fn roster(&self) -> Option<&Roster> {
        self.saved.roster.as_ref()
    }

    /// The voters heard of within the last 300 ms of this peer's own asking or heartbeats, itself included.
    #[must_use]
    pub fn reachable(&self) -> BTreeSet<PeerId> {
        BTreeSet::from([self.me])
    }
}
