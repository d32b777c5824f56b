//! The picture of a peer that the window and the command line show: immutable, published when something
//! changed. It uses the shapes of `control_`, so that both show the same.

use crate::wire::control::{EventRecord, MemberState, Share, Status, Transfer, Upload};
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
    /// The downloads of this process, the newest first.
    pub transfers: Arc<Vec<Transfer>>,
    /// What is sent to other peers, and was sent in the last half minute.
    pub uploads: Arc<Vec<Upload>>,
    /// The latest events (at most [`View::MAX_EVENTS`]), oldest first.
    pub events: Arc<Vec<EventRecord>>,
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
