//! Carries out what a person asks for. Each command runs in a task of its own, so that a search that
//! waits for a tracker holds up nothing else; how many run at once is limited.

use super::drill::Drill;
use super::events::EventSink;
use super::group_state::GroupState;
use super::handle::{Ask, Command, CommandError, Reply};
use super::library_commands::inspect;
use super::search::Searcher;
use super::start::Route;
use super::stop::Stopper;
use super::transfer_task::{DownloadRequest, TransferHandle};
use crate::base::FileName;
use crate::net::peer_link::PeerLinks;
use crate::store::Library;
use crate::wire::codes::Code;
use crate::wire::group::GroupClient;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};

/// How many commands run at once: a person, a script and a window have few.
const MAX_RUNNING: usize = 64;
/// How long the tracker may take to answer the order for a drill.
const DRILL_DEADLINE: Duration = Duration::from_secs(2);

/// What commands work on.
#[derive(Clone)]
pub(super) struct Commands {
    pub(super) library: Arc<Library>,
    pub(super) searcher: Searcher<Route>,
    pub(super) transfers: TransferHandle,
    pub(super) drill: Drill,
    pub(super) links: PeerLinks,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) stopper: Stopper,
    pub(super) download_folder: PathBuf,
    pub(super) sink: EventSink,
}

pub(super) fn refuse(code: Code, message: impl Into<String>) -> CommandError {
    CommandError { code: code as i32, message: message.into() }
}

/// Runs until nobody can ask any more.
pub(super) async fn command_task(commands: Commands, mut asks: mpsc::Receiver<Ask>) {
    let running = Arc::new(Semaphore::new(MAX_RUNNING));
    while let Some((command, answer)) = asks.recv().await {
        let Ok(permit) = Arc::clone(&running).try_acquire_owned() else {
            let busy = refuse(Code::Busy, "too many commands at once; try again in a moment");
            drop(answer.send(Err(busy)));
            continue;
        };
        let commands = commands.clone();
        tokio::spawn(async move {
            let reply = commands.carry_out(command).await;
            // Whoever asked may have gone.
            drop(answer.send(reply));
            drop(permit);
        });
    }
}

impl Commands {
    async fn carry_out(self, command: Command) -> Result<Reply, CommandError> {
        match command {
            Command::Share(path) => self.share(path).await,
            Command::Unshare(path) => self.unshare(path).await,
            Command::Inspect(path) => inspect(path).await,
            Command::Rescan(path) => self.rescan(path).await,
            Command::PauseHashing(path) => self.pause_hashing(path).await,
            Command::ResumeHashing(path) => self.resume_hashing(path).await,
            Command::Skipped(path) => self.skipped(path).await,
            Command::Search { words, page } => {
                let answer = self.searcher.search(&words, page).await;
                answer
                    .map(Reply::Search)
                    .map_err(|error| CommandError { code: error.code(), message: error.to_string() })
            }
            Command::Sources(content) => {
                let answer = self.searcher.sources(content).await;
                answer
                    .map(Reply::Sources)
                    .map_err(|error| CommandError { code: error.code(), message: error.to_string() })
            }
            Command::Download { content, name, to, from, via_rpc } => {
                let name = name.as_deref().map(FileName::new).transpose();
                let name = name.map_err(|error| {
                    refuse(Code::BadParameter, format!("the file's name is refused: {error}"))
                })?;
                let to = to.unwrap_or_else(|| self.download_folder.clone());
                let request = DownloadRequest { content, name, to, from, via_rpc };
                self.transfers.download(request).await.map(Reply::Transfer)
            }
            Command::Cancel(id) => self.transfers.cancel(id).await.map(|()| Reply::Done),
            Command::Crash(duration) => {
                self.drill.start(duration);
                Ok(Reply::Done)
            }
            Command::CrashTracker(duration) => self.crash_tracker(duration).await,
            Command::Recover => {
                self.drill.end();
                Ok(Reply::Done)
            }
            Command::Leave => self.stopper.leave_and_stop().await.map(|()| Reply::Done),
            Command::Stop => {
                self.stopper.stop().await;
                Ok(Reply::Done)
            }
        }
    }

    async fn crash_tracker(&self, duration: Duration) -> Result<Reply, CommandError> {
        let (tracker, me) = {
            let group = self.group.borrow();
            (group.tracker, group.me)
        };
        let Some(tracker) = tracker else {
            return Err(refuse(Code::NoTracker, "there is no tracker to crash; wait until one is elected"));
        };
        if tracker == me {
            self.drill.start(Some(duration));
            return Ok(Reply::Done);
        }
        let Some(client) = self.links.client(tracker) else {
            return Err(refuse(Code::NoTracker, "the tracker is not connected; try again in a moment"));
        };
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // Its silence may swallow the answer; a refusal comes at once.
        match tokio::time::timeout(DRILL_DEADLINE, client.crash(millis)).await {
            Ok(Err(jsonrpsee::core::ClientError::Call(error))) => {
                Err(CommandError { code: error.code(), message: error.message().to_owned() })
            }
            _ => Ok(Reply::Done),
        }
    }
}
