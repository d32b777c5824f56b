//! The list of downloads: carries out what a person wants of them, keeps the list on disk, and shows them all.
//!
//! Absent on purpose: the order and the life of a download (`transfer::list`), and its bytes.

use super::because::Why;
use super::handle::CommandError;
use super::transfer::download::{Finished, Shared};
use super::transfer::keeper::Keeper;
use super::transfer::limits::{LIST_TICK, PUBLISH_EVERY};
use super::transfer::list::List;
use super::transfer::network::{FolderLister, Network, SourceFinder};
use super::transfer::throttle::Throttle;
use super::transfer::worker::Room;
use crate::base::PeerId;
use crate::net::handlers::transfer::SharedContents;
use crate::store::downloads::{DownloadStore, SavedDownload};
use crate::wire::codes::Code;
use crate::wire::control::{Limits, Transfer};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use super::transfer::download::DownloadRequest;
pub use super::transfer::folder::FolderRequest;
pub use super::transfer::list::Change;

/// Commands that wait; a person does not give more at once.
const COMMANDS: usize = 64;

/// All downloads as they are shown.
pub type Transfers = Arc<Vec<Arc<Transfer>>>;

/// What downloads need of the rest of the peer.
pub struct TransferDeps {
    /// This peer, which is not a source for itself over the network.
    pub me: PeerId,
    /// The way to sources.
    pub network: Arc<dyn Network>,
    /// Who knows the sources.
    pub finder: Arc<dyn SourceFinder>,
    /// Who knows what is in a peer's folder.
    pub lister: Arc<dyn FolderLister>,
    /// What this peer shares: a content that is here already is copied, not fetched.
    pub contents: Arc<dyn SharedContents>,
    /// Called with every finished file, so that the library sees it at once.
    pub finished: Finished,
    /// The limits as they change.
    pub limits: watch::Receiver<Limits>,
    /// Where the list is kept and what was in it; `None`: nowhere.
    pub kept: Option<(DownloadStore, Vec<SavedDownload>)>,
}

enum Command {
    Download(DownloadRequest, oneshot::Sender<Result<u64, CommandError>>),
    Folder(FolderRequest, oneshot::Sender<Result<u64, CommandError>>),
    Change(Change, Vec<u64>, oneshot::Sender<Result<(), CommandError>>),
    Close(oneshot::Sender<Result<(), CommandError>>),
}

/// The downloads of this profile. They end, resumable, when the last handle is dropped.
#[derive(Clone)]
pub struct TransferHandle {
    commands: mpsc::Sender<Command>,
    transfers: watch::Receiver<Transfers>,
}

impl TransferHandle {
    /// Starts a download and gives its number. One of the same content into the same folder that is not
    /// over is given again.
    ///
    /// # Errors
    /// If too many are under way, or the peer is stopping. What goes wrong later is in the download's
    /// picture.
    pub async fn download(&self, request: DownloadRequest) -> Result<u64, CommandError> {
        self.ask(|answer| Command::Download(request, answer)).await
    }

    /// Starts the download of a folder and gives its number; the same again is given again.
    ///
    /// # Errors
    /// As [`TransferHandle::download`].
    pub async fn download_folder(&self, request: FolderRequest) -> Result<u64, CommandError> {
        self.ask(|answer| Command::Folder(request, answer)).await
    }

    /// Changes downloads; without `ids` all that it applies to.
    ///
    /// # Errors
    /// If there is none of such a number.
    pub async fn change(&self, what: Change, ids: Vec<u64>) -> Result<(), CommandError> {
        self.ask(|answer| Command::Change(what, ids, answer)).await
    }

    /// Cancels a download and removes what it left; one that is over stays as it is.
    ///
    /// # Errors
    /// If there is none of that number.
    pub async fn cancel(&self, id: u64) -> Result<(), CommandError> {
        self.change(Change::Cancel, vec![id]).await
    }

    /// Ends all downloads, resumable, and returns when the list is saved as it is now.
    ///
    /// # Errors
    /// If that was done before.
    pub async fn close(&self) -> Result<(), CommandError> {
        self.ask(Command::Close).await
    }

    /// All downloads: those that are not over in the order in which they run, then the others, the newest
    /// first. Changes at most ten times a second.
    #[must_use]
    pub fn transfers(&self) -> watch::Receiver<Transfers> {
        self.transfers.clone()
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, CommandError>>) -> Command,
    ) -> Result<T, CommandError> {
        let stopping =
            || CommandError::new(Code::Internal as i32, "the peer is stopping").because(Why::Stopping, "");
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }
}

/// Starts the task that keeps the downloads, and those that were kept; needs a tokio runtime around it.
#[must_use]
pub fn spawn(deps: TransferDeps) -> TransferHandle {
    let (commands, asked) = mpsc::channel(COMMANDS);
    let (store, saved) = deps.kept.unzip();
    let shared = Arc::new(Shared {
        me: deps.me,
        network: deps.network,
        finder: deps.finder,
        lister: deps.lister,
        contents: deps.contents,
        finished: deps.finished,
        room: Room::new(),
        throttle: Arc::new(Throttle::new(deps.limits.clone())),
    });
    let mut list = List::new(shared, saved.unwrap_or_default(), deps.limits.borrow().simultaneous);
    list.rebalance();
    let (published, transfers) = watch::channel(list.pictures());
    let keeper = Keeper::new(store);
    tokio::spawn(transfer_task(list, asked, deps.limits, published, keeper));
    TransferHandle { commands, transfers }
}

async fn transfer_task(
    mut list: List,
    mut asked: mpsc::Receiver<Command>,
    mut limits: watch::Receiver<Limits>,
    published: watch::Sender<Transfers>,
    mut keeper: Keeper,
) {
    let changed = list.changed.clone();
    let (mut publish_at, mut published_at): (Option<Instant>, _) = (None, Instant::now());
    let mut tick = interval(LIST_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = publish_at.unwrap_or_else(Instant::now);
        tokio::select! {
            command = asked.recv() => match command {
                None => return keeper.close(|| list.saved()).await,
                Some(command) => {
                    if matches!(command, Command::Change(..)) {
                        keeper.wait_no_longer();
                    }
                    if let Some(done) = carry_out(&mut list, command) {
                        keeper.close(|| list.saved()).await;
                        drop(done.send(Ok(())));
                        return;
                    }
                    keeper.is_dirty = true;
                    publish_at = Some(Instant::now());
                }
            },
            () = changed.notified(), if publish_at.is_none() => publish_at = Some(published_at + PUBLISH_EVERY),
            () = tokio::time::sleep_until(due), if publish_at.is_some() => {
                published.send_replace(list.pictures());
                keeper.is_dirty |= list.has_become_known();
                (publish_at, published_at) = (None, Instant::now());
            }
            Some(ended) = list.tasks.join_next(), if !list.tasks.is_empty() => {
                list.ended(ended);
                keeper.is_dirty = true;
                publish_at = Some(Instant::now());
            }
            Ok(()) = limits.changed() => {
                list.simultaneous = limits.borrow_and_update().simultaneous;
                list.enforce_order();
            }
            () = keeper.may_go_on() => {}
            _ = tick.tick() => {
                list.look_after();
                keeper.is_dirty |= keeper.is_failing();
            }
        }
        keeper.save(|| list.saved());
    }
}

/// Gives back whom to answer when all is over, if that is what was asked for.
fn carry_out(list: &mut List, command: Command) -> Option<oneshot::Sender<Result<(), CommandError>>> {
    // Who asked may be gone by now: the answer is then nobody's.
    match command {
        Command::Download(request, answer) => drop(answer.send(list.download(request))),
        Command::Folder(request, answer) => drop(answer.send(list.folder(request))),
        Command::Change(what, ids, answer) => drop(answer.send(list.change(what, &ids))),
        Command::Close(done) => return Some(done),
    }
    None
}
