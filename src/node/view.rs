//! The picture of a peer that the window and the command line show: immutable, published when something
//! changed. It uses the shapes of `control_`, so that both show the same.

use super::watch_task::TraceFeed;
use crate::wire::control::{EventRecord, Limits, MemberState, Share, Status, Transfer, Upload};
use std::sync::Arc;

/// A picture of a running peer. Cloning is cheap; every part is replaced as a whole when it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What the peer says of itself.
    pub status: Arc<Status>,
    /// The members of the group, this peer included, by name.
    pub members: Arc<Vec<MemberState>>,
    /// The shared folders.
    pub shares: Arc<Vec<Share>>,
    /// The downloads: those that are not over in the order in which they run, then the others, the newest
    /// first.
    pub transfers: Arc<Vec<Arc<Transfer>>>,
    /// The limits of transfers.
    pub limits: Limits,
    /// What is sent to other peers, and was sent in the last half minute.
    pub uploads: Arc<Vec<Upload>>,
    /// The latest events (at most [`View::MAX_EVENTS`]), oldest first.
    pub events: Arc<Vec<EventRecord>>,
    /// What the members recorded, while the group is watched ([`super::Command::Watch`]).
    pub trace: Arc<TraceFeed>,
    /// Where finished downloads go.
    pub download_folder: Arc<str>,
}

impl View {
    /// How many events a view holds: what a person scrolls through.
    pub const MAX_EVENTS: usize = 500;
}

/// Something to tell the person once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A download is complete: the file's path.
    Downloaded(String),
    /// A download failed: the file's name and the reason.
    DownloadFailed(String, String),
}
