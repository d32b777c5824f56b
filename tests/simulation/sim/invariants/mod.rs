//! What must hold after every step of every peer, whatever fails: one file each.

mod committed_roster;
mod durable_state;
mod nothing_unsaved;
mod one_tracker;
mod one_vote;
mod roster_steps;

use cardume::base::PeerId;
use cardume::engine::election::{Command, Election, SavedState};

/// What one peer did.
pub(crate) struct Step<'a> {
    pub(crate) peer: PeerId,
    pub(crate) election: &'a Election,
    pub(crate) durable: &'a SavedState,
    pub(crate) commands: &'a [Command],
}

/// Something that holds after every step.
pub(crate) trait Invariant {
    /// Says what is violated.
    fn check(&mut self, step: &Step<'_>) -> Result<(), String>;
}

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(one_tracker::OneTracker::default()),
        Box::new(one_vote::OneVote::default()),
        Box::new(durable_state::DurableState::default()),
        Box::new(nothing_unsaved::NothingUnsaved),
        Box::new(committed_roster::CommittedRoster::default()),
        Box::new(roster_steps::RosterSteps::default()),
    ]
}
