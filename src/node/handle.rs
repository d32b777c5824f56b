//! How a person's side talks to a running peer.

use super::because::{Because, Why};
use super::transfer_task::{Change as TransferChange, Transfers};
use super::view::View;
use crate::base::{ContentId, ContentLink, FileName, FolderPath, PeerId};
use crate::engine::browse::{Ask as BrowseAsk, Listing};
use crate::engine::index::Page;
use crate::wire::check::CheckReport;
use crate::wire::control::{Limits, Transfer};
use crate::wire::index::{SearchAnswer, SourcesAnswer};
use crate::wire::library::{Inspection, SkippedFile};
use crate::wire::transfer::Hurried;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// What a person can have a peer do. Each is answered once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Share a folder.
    Share(PathBuf),
    /// Stop sharing a folder.
    Unshare(PathBuf),
    /// Look at a folder before it is shared.
    Inspect(PathBuf),
    /// Look at everything in a shared folder again.
    Rescan(PathBuf),
    /// Hold the hashing of a shared folder.
    PauseHashing(PathBuf),
    /// Let it go on.
    ResumeHashing(PathBuf),
    /// What of a shared folder is not shared, and why.
    Skipped(PathBuf),
    /// Have a peer hash one of its files before others, because somebody waits for it.
    Hurry {
        /// Whose file.
        peer: PeerId,
        /// The folder that it lies in there.
        folder: FolderPath,
        /// What it is called there.
        name: FileName,
    },
    /// Test the links, and what else may stand in the way.
    Check,
    /// Call this peer so from now on.
    Rename(String),
    /// Put finished downloads into this folder from now on.
    SetDownloadFolder(PathBuf),
    /// Search at the tracker.
    Search {
        /// The words.
        words: String,
        /// Which part of the results.
        page: Page,
    },
    /// Ask the tracker who has a content.
    Sources(ContentId),
    /// Ask a peer what lies right in one of its shared folders.
    Browse {
        /// Whom; this peer too.
        peer: PeerId,
        /// In which folder; empty: which folders it shares.
        folder: FolderPath,
        /// Which part.
        ask: BrowseAsk,
    },
    /// Start a download.
    Download {
        /// What.
        content: ContentId,
        /// Under which name; `None`: as the tracker knows it.
        name: Option<String>,
        /// Into which folder; `None`: the download folder.
        to: Option<PathBuf>,
        /// From which peers; empty: from all.
        from: Vec<PeerId>,
        /// With nothing but `transfer_read`.
        via_rpc: bool,
    },
    /// Download a folder of a peer as a folder.
    DownloadFolder {
        /// Whose.
        peer: PeerId,
        /// Which, as its peer calls it.
        folder: FolderPath,
        /// Into which folder; `None`: the download folder.
        to: Option<PathBuf>,
    },
    /// Cancel a download.
    Cancel(u64),
    /// Change downloads; without numbers all that it applies to.
    Transfers(TransferChange, Vec<u64>),
    /// Set the limits of transfers, for this and later starts.
    Limits(Limits),
    /// Be silent as after a crash, for so long (`None`: until [`Command::Recover`]).
    Crash(Option<Duration>),
    /// Stand still for so long, or have another member do so (`group_pause`).
    Pause {
        /// Which member; `None`: this peer.
        peer: Option<PeerId>,
        /// For how long.
        duration: Duration,
    },
    /// Cut the link to a member in both directions, for so long.
    Cut {
        /// To whom.
        peer: PeerId,
        /// For how long.
        duration: Duration,
    },
    /// Watch the group for so long from now: [`View::trace`] grows meanwhile. Zero: not any more.
    Watch(Duration),
    /// Ask the current tracker for such a drill (`group_crash`): the window's button.
    CrashTracker(Duration),
    /// End every fault drill of this peer.
    Recover,
    /// Give up the seat for good and stop.
    Leave,
    /// Stop gracefully: hand over first.
    Stop,
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done (or under way).
    Done,
    /// The number of the transfer that was started.
    Transfer(u64),
    /// What a connection check found.
    Check(CheckReport),
    /// What a folder holds.
    Inspection(Inspection),
    /// What is not shared.
    Skipped(Vec<SkippedFile>),
    /// What came of the wish to have a file hashed.
    Hurried(Hurried),
    /// Results of a search.
    Search(SearchAnswer),
    /// Sources of a content.
    Sources(SourcesAnswer),
    /// A page of a folder.
    Listing(Listing),
}

/// Why a command was not carried out: what failed, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// The error's code (see [`crate::wire::codes::Code`]).
    pub code: i32,
    /// The sentence for a person, in English.
    pub message: String,
    /// The same as data, for translations, where a person can do something about it.
    pub because: Option<Because>,
}

impl CommandError {
    /// An error with this code and sentence.
    #[must_use]
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), because: None }
    }

    /// The same with what it says as data.
    pub(super) fn because(self, why: Why, about: impl Into<String>) -> Self {
        Self { because: Some(Because::new(why, about)), ..self }
    }
}

/// A command and where its answer goes.
pub(super) type Ask = (Command, oneshot::Sender<Result<Reply, CommandError>>);

/// The handle of a running peer. Cheap to clone; the peer runs until [`Command::Stop`] or the end of the
/// process.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) commands: mpsc::Sender<Ask>,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) transfers: watch::Receiver<Transfers>,
    pub(super) stopped: watch::Receiver<bool>,
    /// Links that are handed to the windows of this peer.
    pub(super) links: broadcast::Sender<ContentLink>,
}

impl Handle {
    /// How many opened links wait for a window: a person clicks one at a time.
    pub const MAX_LINKS: usize = 16;

    /// Has the peer do something and waits for the answer. Cancel-safe: what was begun goes on.
    ///
    /// # Errors
    /// Says why it was not done; also when the peer has stopped.
    pub async fn command(&self, command: Command) -> Result<Reply, CommandError> {
        let stopped = || {
            let code = crate::wire::codes::Code::Internal as i32;
            CommandError::new(code, "the peer has stopped").because(Why::Stopping, "")
        };
        let (answer, answered) = oneshot::channel();
        self.commands.send((command, answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Links that a person opens elsewhere (`control_open_link`), from now on: for a window, which shows them and asks.
    /// At most [`Handle::MAX_LINKS`] wait; older ones are dropped.
    #[must_use]
    pub fn opened_links(&self) -> broadcast::Receiver<ContentLink> {
        self.links.subscribe()
    }

    /// Hands a link to the windows of this peer; whether there is one.
    pub(super) fn open_link(&self, link: ContentLink) -> bool {
        self.links.send(link).is_ok()
    }

    /// All downloads, as new as [`Handle::transfer`] tells of one: a view may be a tenth of a second older.
    pub(super) fn transfers(&self) -> Vec<Transfer> {
        self.transfers.borrow().iter().map(|transfer| Transfer::clone(transfer)).collect()
    }

    /// A download as it is when its state changes, or after this time at the latest; `None` if there is none of this
    /// number. Cancel-safe.
    pub(super) async fn transfer(&self, id: u64, wait: Duration) -> Option<Transfer> {
        changed(self.transfers.clone(), id, wait).await.map(|transfer| Transfer::clone(&transfer))
    }

    /// Waits until the peer has stopped: by [`Command::Stop`], [`Command::Leave`], or `control_stop`.
    pub async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // Without a sender it has stopped too.
        drop(stopped.wait_for(|stopped| *stopped).await);
    }

    /// The newest picture.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// The pictures as they come; `changed()` wakes at most ten times a second.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }
}

async fn changed(
    mut transfers: watch::Receiver<Transfers>,
    id: u64,
    wait: Duration,
) -> Option<Arc<Transfer>> {
    let find = |all: &Transfers| all.iter().find(|transfer| transfer.id == id).cloned();
    let first = find(&transfers.borrow_and_update())?;
    let is_another = |all: &Transfers| find(all).is_none_or(|now| now.state != first.state);
    // Too long, or the peer stops: it is as it was last.
    drop(tokio::time::timeout(wait, transfers.wait_for(is_another)).await);
    find(&transfers.borrow())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_download_is_told_when_its_state_changes_or_the_time_is_over() {
        let one = |state: &str, done| {
            let transfer = Transfer { id: 7, state: state.to_owned(), done, ..Transfer::default() };
            Arc::new(vec![Arc::new(transfer)])
        };
        let (sender, transfers) = watch::channel(one("running", 1));
        let ask = |id, millis| {
            let asked = changed(transfers.clone(), id, Duration::from_millis(millis));
            async move { asked.await.map(|transfer| (transfer.state.clone(), transfer.done)) }
        };
        assert_eq!(ask(8, 10_000).await, None);
        assert_eq!(ask(7, 0).await, Some(("running".to_owned(), 1)));
        let publish = async {
            sender.send_replace(one("running", 2));
            tokio::time::sleep(Duration::from_millis(30)).await;
            sender.send_replace(one("finished", 3));
        };
        let told = tokio::time::timeout(Duration::from_secs(20), async {
            let (told, ()) = tokio::join!(ask(7, 3_600_000), publish);
            told
        });
        assert_eq!(told.await, Ok(Some(("finished".to_owned(), 3))));
        let begun = tokio::time::Instant::now();
        assert_eq!(ask(7, 50).await, Some(("finished".to_owned(), 3)));
        assert!(begun.elapsed() >= Duration::from_millis(50), "it is not another one by itself");
    }
}
