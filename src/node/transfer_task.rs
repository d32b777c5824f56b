//! The list of downloads: starts them, cancels them, and shows them all.
//!
//! **Ended downloads stay in the list and never change again.** Absent on purpose: a memory beyond the
//! process; a download that is asked for again finds its partial file.

use super::handle::CommandError;
use super::transfer::download::{Shared, download_task};
use super::transfer::limits::{MAX_RUNNING, MAX_TRANSFERS, PUBLISH_EVERY};
use super::transfer::network::{Network, SourceFinder};
use super::transfer::progress::Progress;
use super::transfer::worker::Room;
use crate::base::PeerId;
use crate::net::handlers::transfer::SharedContents;
use crate::wire::codes::Code;
use crate::wire::control::Transfer;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use super::transfer::download::DownloadRequest;

/// Commands that wait; a person does not give more at once.
const COMMANDS: usize = 64;

/// What downloads need of the rest of the peer.
pub struct TransferDeps {
    /// This peer, which is not a source for itself over the network.
    pub me: PeerId,
    /// The way to sources.
    pub network: Arc<dyn Network>,
    /// Who knows the sources.
    pub finder: Arc<dyn SourceFinder>,
    /// What this peer shares: a content that is here already is copied, not fetched.
    pub contents: Arc<dyn SharedContents>,
    /// Called with every finished file, so that the library sees it at once.
    pub finished: Arc<dyn Fn(&Path) + Send + Sync>,
}

enum Command {
    Download(DownloadRequest, oneshot::Sender<Result<u64, CommandError>>),
    Cancel(u64, oneshot::Sender<Result<(), CommandError>>),
}

/// The downloads of this process. They end, resumable, when the last handle is dropped.
#[derive(Clone)]
pub struct TransferHandle {
    commands: mpsc::Sender<Command>,
    transfers: watch::Receiver<Arc<Vec<Transfer>>>,
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

    /// Cancels a download and removes what it left; one that is over stays as it is.
    ///
    /// # Errors
    /// If there is none of that number.
    pub async fn cancel(&self, id: u64) -> Result<(), CommandError> {
        self.ask(|answer| Command::Cancel(id, answer)).await
    }

    /// All downloads, the newest first; changes at most ten times a second.
    #[must_use]
    pub fn transfers(&self) -> watch::Receiver<Arc<Vec<Transfer>>> {
        self.transfers.clone()
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, CommandError>>) -> Command,
    ) -> Result<T, CommandError> {
        let stopping = || error(Code::Internal, "the peer is stopping".to_owned());
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }
}

/// Starts the task that keeps the downloads; needs a tokio runtime around it.
#[must_use]
pub fn spawn(deps: TransferDeps) -> TransferHandle {
    let (commands, asked) = mpsc::channel(COMMANDS);
    let (published, transfers) = watch::channel(Arc::default());
    let shared = Arc::new(Shared {
        me: deps.me,
        network: deps.network,
        finder: deps.finder,
        contents: deps.contents,
        finished: deps.finished,
        room: Room::new(),
        turns: Arc::new(Semaphore::new(MAX_RUNNING)),
    });
    tokio::spawn(transfer_task(List::new(shared, published), asked));
    TransferHandle { commands, transfers }
}

/// A download in the list.
struct Entry {
    id: u64,
    request: DownloadRequest,
    shown: watch::Receiver<Transfer>,
    cancelled: CancellationToken,
}

impl Entry {
    fn is_over(&self) -> bool {
        matches!(self.shown.borrow().state.as_str(), "finished" | "failed" | "cancelled")
    }
}

struct List {
    shared: Arc<Shared>,
    /// The newest first.
    entries: VecDeque<Entry>,
    last_id: u64,
    tasks: JoinSet<()>,
    changed: Arc<Notify>,
    published: watch::Sender<Arc<Vec<Transfer>>>,
}

async fn transfer_task(mut list: List, mut asked: mpsc::Receiver<Command>) {
    let changed = list.changed.clone();
    let (mut publish_at, mut published_at): (Option<Instant>, _) = (None, Instant::now());
    loop {
        let due = publish_at.unwrap_or_else(Instant::now);
        tokio::select! {
            command = asked.recv() => match command {
                None => return,
                Some(command) => {
                    list.carry_out(command);
                    publish_at.get_or_insert_with(Instant::now);
                }
            },
            () = changed.notified(), if publish_at.is_none() => publish_at = Some(published_at + PUBLISH_EVERY),
            () = tokio::time::sleep_until(due), if publish_at.is_some() => {
                list.publish();
                (publish_at, published_at) = (None, Instant::now());
            }
            Some(ended) = list.tasks.join_next(), if !list.tasks.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a download's task ended by itself");
                }
            }
        }
    }
}

impl List {
    fn new(shared: Arc<Shared>, published: watch::Sender<Arc<Vec<Transfer>>>) -> Self {
        let (entries, tasks, changed) = (VecDeque::new(), JoinSet::new(), Arc::default());
        Self { shared, entries, last_id: 0, tasks, changed, published }
    }

    fn carry_out(&mut self, command: Command) {
        // Who asked may be gone by now: the answer is then nobody's.
        match command {
            Command::Download(request, answer) => drop(answer.send(self.start(request))),
            Command::Cancel(id, answer) => drop(answer.send(self.cancel(id))),
        }
    }

    fn start(&mut self, request: DownloadRequest) -> Result<u64, CommandError> {
        let same =
            |entry: &&Entry| entry.request.content == request.content && entry.request.to == request.to;
        if let Some(entry) = self.entries.iter().filter(same).find(|entry| !entry.is_over()) {
            return Ok(entry.id);
        }
        if self.entries.len() >= MAX_TRANSFERS {
            let over = self.entries.iter().rposition(Entry::is_over);
            let oldest = over.ok_or_else(|| {
                error(Code::Busy, format!("{MAX_TRANSFERS} downloads are under way; wait for some to end"))
            })?;
            self.entries.remove(oldest);
        }
        self.last_id += 1;
        let (progress, shown) = Progress::new(first_picture(self.last_id, &request), self.changed.clone());
        let cancelled = CancellationToken::new();
        self.tasks.spawn(download_task(self.shared.clone(), request.clone(), progress, cancelled.clone()));
        self.entries.push_front(Entry { id: self.last_id, request, shown, cancelled });
        Ok(self.last_id)
    }

    fn cancel(&self, id: u64) -> Result<(), CommandError> {
        let entry = self.entries.iter().find(|entry| entry.id == id);
        let entry = entry.ok_or_else(|| {
            error(Code::NotFound, format!("there is no download {id}; see the list of downloads"))
        })?;
        entry.cancelled.cancel();
        Ok(())
    }

    fn publish(&self) {
        let all = self.entries.iter().map(|entry| entry.shown.borrow().clone()).collect();
        self.published.send_replace(Arc::new(all));
    }
}

fn first_picture(id: u64, request: &DownloadRequest) -> Transfer {
    let name = request.name.as_ref().map_or_else(|| request.content.short(), ToString::to_string);
    Transfer {
        id,
        content: request.content.to_string(),
        name,
        size: 0,
        done: 0,
        rate: 0,
        state: "waiting".to_owned(),
        detail: "queued".to_owned(),
        path: None,
        seconds: 0.0,
        sources: Vec::new(),
    }
}

fn error(code: Code, message: String) -> CommandError {
    CommandError { code: code as i32, message }
}
