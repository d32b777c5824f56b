//! What a person can do on the group page.

use super::super::model::Speed;

/// What a person can do on the group page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupAction {
    /// Show what happens now.
    Live,
    /// Play the recording from where the ring stands, or stop there.
    PlayPause,
    /// Show this moment, in microseconds since 1970.
    Seek(u64),
    /// Play at this speed.
    Speed(Speed),
    /// Show the election before or after where the ring stands, from its beginning.
    Election(Step),
    /// Write what is recorded into a file in the download folder.
    Export,
    /// Have a peer stand still for a while.
    Pause(String),
    /// Cut the link to a peer for a while.
    Cut(String),
    /// End all drills of this peer.
    Recover,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Earlier.
    Back,
    /// Later.
    Forward,
}
