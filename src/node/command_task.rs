//! Carries out what a person asks for. Each command runs in a task of its own, so that a search that
//! waits for a tracker holds up nothing else; how many run at once is limited.

use super::because::Why;
use super::browse::Browser;
use super::check::Checker;
use super::config::Profile;
use super::drill::Drill;
use super::events::EventSink;
use super::faults::Faults;
use super::group_handlers::MAX_DRILL;
use super::group_state::GroupState;
use super::handle::{Ask, Command, CommandError, Reply};
use super::library_commands::inspect;
use super::naming::Rename;
use super::search::{AskError, Searcher};
use super::start::Route;
use super::stop::Stopper;
use super::transfer_task::{DownloadRequest, FolderRequest, TransferHandle};
use super::watch_task::Watcher;
use crate::base::{FileName, FolderPath, PeerId};
use crate::engine::browse::Ask as BrowseAsk;
use crate::net::Client;
use crate::net::peer_link::PeerLinks;
use crate::store::Library;
use crate::wire::codes::Code;
use crate::wire::control::Limits;
use crate::wire::group::GroupClient;
use jsonrpsee::core::ClientError;
use std::path::{Path, PathBuf};
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
    pub(super) faults: Faults,
    pub(super) watcher: Watcher,
    pub(super) links: PeerLinks,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) stopper: Stopper,
    pub(super) profile: Profile,
    pub(super) limits: Arc<watch::Sender<Limits>>,
    pub(super) downloads: watch::Sender<PathBuf>,
    pub(super) renames: mpsc::Sender<Rename>,
    pub(super) checker: Checker,
    pub(super) sink: EventSink,
}

fn unanswered(error: &AskError) -> CommandError {
    CommandError::new(error.code(), error.to_string())
}

pub(super) fn refuse(code: Code, message: impl Into<String>) -> CommandError {
    CommandError::new(code as i32, message.into())
}

/// Runs until nobody can ask any more.
pub(super) async fn command_task(commands: Commands, mut asks: mpsc::Receiver<Ask>) {
    let running = Arc::new(Semaphore::new(MAX_RUNNING));
    while let Some((command, answer)) = asks.recv().await {
        let Ok(permit) = Arc::clone(&running).try_acquire_owned() else {
            let busy = refuse(Code::Busy, "too many commands at once; try again in a moment");
            let busy = busy.because(Why::TooManyCommands, "");
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
            Command::Check => Ok(Reply::Check(self.checker.check().await)),
            Command::Rename(name) => self.rename(&name).await,
            Command::SetDownloadFolder(path) => self.set_download_folder(path).await,
            Command::Inspect(path) => inspect(path).await,
            Command::Rescan(path) => self.rescan(path).await,
            Command::PauseHashing(path) => self.pause_hashing(path).await,
            Command::ResumeHashing(path) => self.resume_hashing(path).await,
            Command::Skipped(path) => self.skipped(path).await,
            Command::Hurry { peer, folder, name } => self.hurry(peer, folder, name).await,
            Command::Search { words, page } => self
                .searcher
                .search(&words, page)
                .await
                .map(Reply::Search)
                .map_err(|error| unanswered(&error)),
            Command::Sources(content) => {
                self.searcher.sources(content).await.map(Reply::Sources).map_err(|error| unanswered(&error))
            }
            Command::Browse { peer, folder, ask } => self.browse(peer, folder, ask).await,
            Command::Download { content, name, to, from, via_rpc } => {
                let name = name.as_deref().map(FileName::new).transpose();
                let name = name.map_err(|error| {
                    refuse(Code::BadParameter, format!("the file's name is refused: {error}"))
                        .because(Why::FileName, error.to_string())
                })?;
                let to = target(to, &self.downloads.borrow())?;
                let request = DownloadRequest { content, name, to, from, via_rpc };
                self.transfers.download(request).await.map(Reply::Transfer)
            }
            Command::DownloadFolder { peer, folder, to } => self.download_folder(peer, folder, to).await,
            Command::Transfers(what, ids) => self.transfers.change(what, ids).await.map(|()| Reply::Done),
            Command::Limits(limits) => self.set_limits(limits).await,
            Command::Cancel(id) => self.transfers.cancel(id).await.map(|()| Reply::Done),
            Command::Crash(duration) => {
                self.drill.start(duration);
                Ok(Reply::Done)
            }
            Command::CrashTracker(duration) => self.crash_tracker(duration).await,
            Command::Pause { peer, duration } => self.pause(peer, duration).await,
            Command::Cut { peer, duration } => self.cut(peer, duration),
            Command::Watch(lease) => {
                self.watcher.watch(lease);
                Ok(Reply::Done)
            }
            Command::Recover => {
                self.drill.end();
                self.faults.end();
                Ok(Reply::Done)
            }
            Command::Leave => {
                self.faults.end();
                self.stopper.leave_and_stop().await.map(|()| Reply::Done)
            }
            Command::Stop => {
                // A peer that stands still could not hand over.
                self.faults.end();
                self.stopper.stop().await;
                Ok(Reply::Done)
            }
        }
    }

    async fn browse(self, peer: PeerId, folder: FolderPath, ask: BrowseAsk) -> Result<Reply, CommandError> {
        let me = self.group.borrow().me;
        let browser = Browser { me, library: self.library, links: self.links };
        browser.page(peer, folder, ask).await.map(Reply::Listing)
    }

    async fn download_folder(
        &self,
        peer: PeerId,
        folder: FolderPath,
        to: Option<PathBuf>,
    ) -> Result<Reply, CommandError> {
        if folder.is_empty() {
            return Err(refuse(Code::BadParameter, "say which folder, as `Music/Albums`"));
        }
        let to = target(to, &self.downloads.borrow())?;
        let request = FolderRequest::new(peer, folder, to);
        self.transfers.download_folder(request).await.map(Reply::Transfer)
    }

    async fn set_limits(&self, limits: Limits) -> Result<Reply, CommandError> {
        let rates = [limits.down, limits.up].into_iter().flatten();
        let at_once = 1..=Limits::MAX_SIMULTANEOUS;
        if !at_once.contains(&limits.simultaneous) || rates.into_iter().any(|rate| rate < Limits::MIN_RATE) {
            let (least, most) = (Limits::MIN_RATE / 1024, Limits::MAX_SIMULTANEOUS);
            let message = format!("a rate is at least {least} KiB/s, and 1 to {most} downloads run at once");
            return Err(refuse(Code::BadParameter, message).because(Why::Limits, ""));
        }
        self.limits.send_replace(limits);
        let profile = self.profile.clone();
        let kept = tokio::task::spawn_blocking(move || profile.set_limits(&limits)).await;
        let failed = |error: &dyn std::fmt::Display| {
            refuse(Code::Internal, format!("the limits hold, but only until the peer stops: {error}"))
        };
        kept.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        Ok(Reply::Done)
    }

    async fn crash_tracker(&self, duration: Duration) -> Result<Reply, CommandError> {
        let (tracker, me) = {
            let group = self.group.borrow();
            (group.tracker, group.me)
        };
        let Some(tracker) = tracker else {
            let nobody = refuse(Code::NoTracker, "there is no tracker to crash; wait until one is elected");
            return Err(nobody.because(Why::NobodyToCrash, ""));
        };
        if tracker == me {
            self.drill.start(Some(duration));
            return Ok(Reply::Done);
        }
        self.order(tracker, "the tracker", async |client| client.crash(millis(duration)).await).await
    }

    async fn pause(&self, peer: Option<PeerId>, duration: Duration) -> Result<Reply, CommandError> {
        drill_time(duration)?;
        let me = self.group.borrow().me;
        match peer.filter(|peer| *peer != me) {
            None => {
                self.faults.pause(duration);
                Ok(Reply::Done)
            }
            Some(peer) => {
                self.order(peer, "that peer", async |client| client.pause(millis(duration)).await).await
            }
        }
    }

    fn cut(&self, peer: PeerId, duration: Duration) -> Result<Reply, CommandError> {
        drill_time(duration)?;
        let group = self.group.borrow();
        if peer == group.me || !group.members.contains_key(&peer) {
            return Err(refuse(Code::BadParameter, "a link is cut to another member of the group"));
        }
        self.faults.cut(peer, duration);
        Ok(Reply::Done)
    }

    /// Orders a drill of another member.
    async fn order(
        &self,
        peer: PeerId,
        who: &str,
        call: impl AsyncFnOnce(&Client) -> Result<(), ClientError>,
    ) -> Result<Reply, CommandError> {
        let Some(client) = self.links.client(peer) else {
            let away = refuse(Code::NoTracker, format!("{who} is not connected; try again in a moment"));
            return Err(away.because(Why::NotConnected, ""));
        };
        // Its silence may swallow the answer; a refusal comes at once.
        match tokio::time::timeout(DRILL_DEADLINE, call(&client)).await {
            Ok(Err(ClientError::Call(error))) => {
                Err(CommandError::new(error.code(), error.message().to_owned()))
            }
            _ => Ok(Reply::Done),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn drill_time(duration: Duration) -> Result<(), CommandError> {
    if duration.is_zero() || duration > MAX_DRILL {
        return Err(refuse(Code::BadParameter, "for_millis: a drill lasts from 1 to 60,000 ms"));
    }
    Ok(())
}

/// Where a download goes. A relative path would be one from where this peer was started, not whoever asks.
fn target(to: Option<PathBuf>, default: &Path) -> Result<PathBuf, CommandError> {
    let Some(to) = to else { return Ok(default.to_owned()) };
    if to.is_absolute() {
        return Ok(to);
    }
    let message = format!("a download's folder is given with its whole path ({})", to.display());
    Err(refuse(Code::BadParameter, message).because(Why::NotWhole, to.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_goes_where_whoever_asks_means_it() {
        let to = |to: Option<&str>| target(to.map(PathBuf::from), Path::new("/srv/downloads"));
        assert_eq!(to(None), Ok("/srv/downloads".into()));
        assert_eq!(to(Some("/home/ana/film")), Ok("/home/ana/film".into()));
        for relative in ["film", "./film", "../film", "~/film", ""] {
            let refused = to(Some(relative)).expect_err("whose?");
            assert_eq!(refused.code, Code::BadParameter as i32, "{relative}");
        }
    }
}
