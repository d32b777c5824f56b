//! `control_`: the peer's own key only. Every method is a command or a look at the view.

use super::election_handlers::caller;
use super::handle::{Command, CommandError, Handle, Reply};
use super::transfer_task::Change;
use crate::base::{ContentLink, ContentLinkError, FileName, FolderPath, PeerId};
use crate::wire::check::CheckReport;
use crate::wire::codes::Code;
use crate::wire::control::{
    ControlServer, EventRecord, Limits, MemberState, Share, Status, Transfer, Upload,
};
use crate::wire::convert;
use crate::wire::index::{SearchAnswer, SourcesAnswer};
use crate::wire::library::{Inspection, SkippedFile};
use crate::wire::transfer::{Hurried, Listing, Place};
use jsonrpsee::Extensions;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::types::ErrorObjectOwned;
use std::path::PathBuf;
use std::time::Duration;

/// The most events in one answer.
const MAX_EVENTS: usize = 1_000;
/// How long a question for a download waits at the most.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How long the list may take to show a new download.
const LISTED_DEADLINE: Duration = Duration::from_secs(1);
/// How long it may take to show a change, if it shows.
const SEEN_DEADLINE: Duration = Duration::from_millis(300);

/// Serves `control_`.
pub(super) struct ControlHandlers {
    pub(super) me: PeerId,
    pub(super) handle: Handle,
}

impl ControlHandlers {
    fn own_key(&self, extensions: &Extensions) -> RpcResult<()> {
        if caller(extensions)?.peer == self.me {
            return Ok(());
        }
        Err(Code::NotAllowed.error("control_ answers only to the peer's own key"))
    }

    async fn run(&self, extensions: &Extensions, command: Command) -> RpcResult<Reply> {
        self.own_key(extensions)?;
        self.handle.command(command).await.map_err(error)
    }

    /// Starts a transfer; gives its number.
    async fn listed(&self, extensions: &Extensions, command: Command) -> RpcResult<u64> {
        let Reply::Transfer(id) = self.run(extensions, command).await? else { return Err(mismatch()) };
        // Whoever asks for the transfers next finds it there.
        let mut transfers = self.handle.transfers.clone();
        let listed = transfers.wait_for(|all| all.iter().any(|transfer| transfer.id == id));
        if tokio::time::timeout(LISTED_DEADLINE, listed).await.is_err() {
            tracing::debug!(id, "the transfer is not in the list yet");
        }
        Ok(id)
    }

    async fn done(&self, extensions: &Extensions, command: Command) -> RpcResult<()> {
        self.run(extensions, command).await.map(|_| ())
    }
}

fn error(error: CommandError) -> ErrorObjectOwned {
    let data = error
        .because
        .map(|because| serde_json::json!({ "reason": because.why.word(), "about": because.about }));
    ErrorObjectOwned::owned(error.code, error.message, data)
}

fn mismatch() -> ErrorObjectOwned {
    Code::Internal.error("the command gave an answer of another kind; please report it")
}

#[async_trait]
impl ControlServer for ControlHandlers {
    async fn status(&self, extensions: &Extensions) -> RpcResult<Status> {
        self.own_key(extensions)?;
        Ok(self.handle.view().status.as_ref().clone())
    }

    async fn members(&self, extensions: &Extensions) -> RpcResult<Vec<MemberState>> {
        self.own_key(extensions)?;
        Ok(self.handle.view().members.as_ref().clone())
    }

    async fn share(&self, extensions: &Extensions, path: String) -> RpcResult<()> {
        self.done(extensions, Command::Share(PathBuf::from(path))).await
    }

    async fn unshare(&self, extensions: &Extensions, path: String) -> RpcResult<()> {
        self.done(extensions, Command::Unshare(PathBuf::from(path))).await
    }

    async fn check(&self, extensions: &Extensions) -> RpcResult<CheckReport> {
        match self.run(extensions, Command::Check).await? {
            Reply::Check(report) => Ok(report),
            _ => Err(mismatch()),
        }
    }

    async fn rename(&self, extensions: &Extensions, name: String) -> RpcResult<()> {
        self.done(extensions, Command::Rename(name)).await
    }

    async fn set_download_folder(&self, extensions: &Extensions, path: String) -> RpcResult<()> {
        self.done(extensions, Command::SetDownloadFolder(PathBuf::from(path))).await
    }

    async fn inspect(&self, extensions: &Extensions, path: String) -> RpcResult<Inspection> {
        match self.run(extensions, Command::Inspect(PathBuf::from(path))).await? {
            Reply::Inspection(inspection) => Ok(inspection),
            _ => Err(mismatch()),
        }
    }

    async fn rescan(&self, extensions: &Extensions, path: String) -> RpcResult<()> {
        self.done(extensions, Command::Rescan(PathBuf::from(path))).await
    }

    async fn pause_hashing(&self, extensions: &Extensions, path: String) -> RpcResult<()> {
        self.done(extensions, Command::PauseHashing(PathBuf::from(path))).await
    }

    async fn resume_hashing(&self, extensions: &Extensions, path: String) -> RpcResult<()> {
        self.done(extensions, Command::ResumeHashing(PathBuf::from(path))).await
    }

    async fn skipped(&self, extensions: &Extensions, path: String) -> RpcResult<Vec<SkippedFile>> {
        match self.run(extensions, Command::Skipped(PathBuf::from(path))).await? {
            Reply::Skipped(skipped) => Ok(skipped),
            _ => Err(mismatch()),
        }
    }

    async fn hurry(
        &self,
        extensions: &Extensions,
        peer: String,
        folder: String,
        name: String,
    ) -> RpcResult<Hurried> {
        let peer = convert::parse_peer_id("peer", &peer)?;
        let folder = FolderPath::new(&folder).map_err(|error| convert::bad("folder", error))?;
        let name = FileName::new(&name).map_err(|error| convert::bad("name", error))?;
        match self.run(extensions, Command::Hurry { peer, folder, name }).await? {
            Reply::Hurried(hurried) => Ok(hurried),
            _ => Err(mismatch()),
        }
    }

    async fn shares(&self, extensions: &Extensions) -> RpcResult<Vec<Share>> {
        self.own_key(extensions)?;
        Ok(self.handle.view().shares.as_ref().clone())
    }

    async fn search(
        &self,
        extensions: &Extensions,
        words: String,
        limit: Option<u32>,
        offset: Option<u64>,
        sort: Option<String>,
    ) -> RpcResult<SearchAnswer> {
        let page = convert::page_from_wire(limit, offset, sort.as_deref())?;
        match self.run(extensions, Command::Search { words, page }).await? {
            Reply::Search(answer) => Ok(answer),
            _ => Err(mismatch()),
        }
    }

    async fn sources(&self, extensions: &Extensions, content: String) -> RpcResult<SourcesAnswer> {
        let content = convert::parse_content_id("content", &content)?;
        match self.run(extensions, Command::Sources(content)).await? {
            Reply::Sources(answer) => Ok(answer),
            _ => Err(mismatch()),
        }
    }

    async fn browse(
        &self,
        extensions: &Extensions,
        peer: String,
        folder: Option<String>,
        after: Option<Place>,
        limit: Option<u32>,
        filter: Option<String>,
    ) -> RpcResult<Listing> {
        self.own_key(extensions)?;
        let peer = convert::parse_peer_id("peer", &peer)?;
        let folder = folder.unwrap_or_default();
        let folder = FolderPath::new(&folder).map_err(|error| convert::bad("folder", error))?;
        let ask = convert::ask_from_wire(after.as_ref(), limit, filter)?;
        match self.run(extensions, Command::Browse { peer, folder, ask }).await? {
            Reply::Listing(listing) => Ok(convert::listing_to_wire(&listing)),
            _ => Err(mismatch()),
        }
    }

    async fn open_link(&self, extensions: &Extensions, link: String) -> RpcResult<()> {
        self.own_key(extensions)?;
        let link: ContentLink =
            link.parse().map_err(|error: ContentLinkError| convert::bad("link", error))?;
        if self.handle.open_link(link) {
            return Ok(());
        }
        Err(Code::NotFound.error("this peer has no window; open the link where one is"))
    }

    async fn download(
        &self,
        extensions: &Extensions,
        content: String,
        name: Option<String>,
        to: Option<String>,
        from: Option<Vec<String>>,
        via_rpc: Option<bool>,
    ) -> RpcResult<u64> {
        let from = from.unwrap_or_default();
        let command = Command::Download {
            content: convert::parse_content_id("content", &content)?,
            name,
            to: to.map(PathBuf::from),
            from: from.iter().map(|peer| convert::parse_peer_id("from", peer)).collect::<Result<_, _>>()?,
            via_rpc: via_rpc.unwrap_or(false),
        };
        self.listed(extensions, command).await
    }

    async fn download_folder(
        &self,
        extensions: &Extensions,
        peer: String,
        folder: String,
        to: Option<String>,
    ) -> RpcResult<u64> {
        let peer = convert::parse_peer_id("peer", &peer)?;
        let folder = FolderPath::new(&folder).map_err(|error| convert::bad("folder", error))?;
        self.listed(extensions, Command::DownloadFolder { peer, folder, to: to.map(PathBuf::from) }).await
    }

    async fn transfers(&self, extensions: &Extensions) -> RpcResult<Vec<Transfer>> {
        self.own_key(extensions)?;
        Ok(self.handle.transfers())
    }

    async fn transfer(
        &self,
        extensions: &Extensions,
        id: u64,
        wait_millis: Option<u64>,
    ) -> RpcResult<Option<Transfer>> {
        self.own_key(extensions)?;
        let wait = Duration::from_millis(wait_millis.unwrap_or(0)).min(MAX_WAIT);
        Ok(self.handle.transfer(id, wait).await)
    }

    async fn uploads(&self, extensions: &Extensions) -> RpcResult<Vec<Upload>> {
        self.own_key(extensions)?;
        Ok(self.handle.view().uploads.as_ref().clone())
    }

    async fn cancel(&self, extensions: &Extensions, id: u64) -> RpcResult<()> {
        self.done(extensions, Command::Cancel(id)).await
    }

    async fn change(&self, extensions: &Extensions, what: String, ids: Option<Vec<u64>>) -> RpcResult<()> {
        let change = Change::from_word(&what)
            .ok_or_else(|| convert::bad("what", "pause, resume, cancel, retry, up, down, top or clear"))?;
        let mut transfers = self.handle.transfers.clone();
        transfers.mark_unchanged();
        self.done(extensions, Command::Transfers(change, ids.unwrap_or_default())).await?;
        // Whoever looks next sees it.
        if tokio::time::timeout(SEEN_DEADLINE, transfers.changed()).await.is_err() {
            tracing::trace!("the change is not in the list yet");
        }
        Ok(())
    }

    async fn limits(&self, extensions: &Extensions) -> RpcResult<Limits> {
        self.own_key(extensions)?;
        Ok(self.handle.view().limits)
    }

    async fn set_limits(&self, extensions: &Extensions, limits: Limits) -> RpcResult<()> {
        self.done(extensions, Command::Limits(limits)).await
    }

    async fn crash(&self, extensions: &Extensions, for_millis: Option<u64>) -> RpcResult<()> {
        self.done(extensions, Command::Crash(for_millis.map(Duration::from_millis))).await
    }

    async fn pause(&self, extensions: &Extensions, for_millis: u64, peer: Option<String>) -> RpcResult<()> {
        let peer = peer.map(|peer| convert::parse_peer_id("peer", &peer)).transpose()?;
        let duration = Duration::from_millis(for_millis);
        self.done(extensions, Command::Pause { peer, duration }).await
    }

    async fn cut(&self, extensions: &Extensions, peer: String, for_millis: u64) -> RpcResult<()> {
        let peer = convert::parse_peer_id("peer", &peer)?;
        let duration = Duration::from_millis(for_millis);
        self.done(extensions, Command::Cut { peer, duration }).await
    }

    async fn recover(&self, extensions: &Extensions) -> RpcResult<()> {
        self.done(extensions, Command::Recover).await
    }

    async fn events(&self, extensions: &Extensions, after: Option<u64>) -> RpcResult<Vec<EventRecord>> {
        self.own_key(extensions)?;
        let view = self.handle.view();
        let newer = view.events.iter().filter(|event| after.is_none_or(|after| event.seq > after));
        Ok(newer.take(MAX_EVENTS).cloned().collect())
    }

    async fn leave(&self, extensions: &Extensions) -> RpcResult<()> {
        self.done(extensions, Command::Leave).await
    }

    async fn stop(&self, extensions: &Extensions) -> RpcResult<()> {
        self.done(extensions, Command::Stop).await
    }
}
