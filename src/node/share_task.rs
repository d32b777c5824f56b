//! Keeps the tracker told of this peer's files: everything to every new tracker, every change at once; and
//! the other voters at leisure, so that whoever is elected next knows already.
//!
//! Invariant: whatever is lost on the way, two seconds after the way is free again the tracker's list is
//! this peer's list. It holds because every call's answer is waited for, every answer that does not fit
//! begins the announcement anew, and so does a heartbeat that tells of another list than the one that was
//! told ([`HeardPosition`]); a second after a change, and every minute without one, the whole is compared
//! (`announce_begin` with the running digest, which costs nothing where nothing is missing).
//!
//! Three loops on one task: `own_list` keeps the digest up, `announcer` tells the tracker, `standby` tells
//! the voters. What is absent on purpose: knowledge of folders and files. The library numbers the changes;
//! this task only carries them.

mod announcer;
mod own_list;
mod standby;

use super::GroupState;
use super::search::other_target;
use crate::base::Epoch;
use crate::engine::index::{Announcement, Change, FileEntry, IndexPosition};
use crate::net::IndexCalls;
use announcer::{Announcer, keep_told};
use own_list::OwnList;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the whole is compared while nothing changes.
pub const CHECK: Duration = Duration::from_mins(1);
/// The longest time between a change and the next comparison of the whole.
pub const CHECK_CHANGED: Duration = Duration::from_secs(1);

/// The list of this peer's files, as the library keeps it.
pub trait AnnouncedFiles: Send + Sync + 'static {
    /// Where the list stands; durable.
    fn position(&self) -> IndexPosition;

    /// All files by key, and where the list stands with them. May block for as long as it takes to copy
    /// them.
    fn entries(&self) -> (IndexPosition, Vec<FileEntry>);

    /// The changes after `seq`, in order: the n-th one has the number `seq + n`. `None` if they are not
    /// known any more.
    fn changes_since(&self, seq: u64) -> Option<Vec<Change>>;

    /// The number of the last change, each time that it grew.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// What the tracker's last heartbeat said about this peer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeardPosition {
    /// The heartbeat's epoch.
    pub epoch: Epoch,
    /// Where the list stands that the tracker knows to be up to date; `None`: it knows of none.
    pub known: Option<IndexPosition>,
    /// Whether it has the lists of all peers that answer.
    pub complete: bool,
}

/// Announces `files` to whoever is tracker, for as long as `group` is published. `heard` changes with every
/// heartbeat, whether it says something new or not.
pub async fn share_task<F: AnnouncedFiles, C: IndexCalls>(
    files: Arc<F>,
    group: watch::Receiver<Arc<GroupState>>,
    heard: watch::Receiver<Option<HeardPosition>>,
    calls: C,
) {
    let changed = files.changed();
    let own = OwnList::load(&files).await;
    let (publish, announced) = watch::channel(own.announcement());
    let (settle, settled) = watch::channel(None);
    tokio::select! {
        () = own_list::keep(own, &files, changed, publish) => {}
        () = tell_tracker(&files, group.clone(), heard.clone(), &calls, &announced, settle) => {}
        () = standby::tell_voters(&files, group, heard, &calls, &announced, settled) => {}
    }
}

/// Tells each tracker in turn; `settle` says of which epoch the tracker has been told everything.
async fn tell_tracker<F: AnnouncedFiles, C: IndexCalls>(
    files: &Arc<F>,
    mut group: watch::Receiver<Arc<GroupState>>,
    mut heard: watch::Receiver<Option<HeardPosition>>,
    calls: &C,
    announced: &watch::Receiver<Announcement>,
    settle: watch::Sender<Option<Epoch>>,
) {
    loop {
        let Some((epoch, tracker)) = group.borrow_and_update().target() else {
            if group.changed().await.is_err() {
                return;
            }
            continue;
        };
        let to = Announcer { files, calls, announced, epoch, to: tracker, standby: false };
        tokio::select! {
            () = keep_told(&to, &mut heard, &settle) => {}
            () = other_target(&mut group, (epoch, tracker)) => {}
        }
    }
}
