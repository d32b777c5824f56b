//! A running peer as the command line sees it: `control_` over TLS with the profile's own key.
//!
//! Absent on purpose: starting a peer. A command that needs one says so instead.

use super::CommandError;
use super::config::{Home, HomeError, Profile};
use crate::base::PeerId;
use crate::engine::index::Page;
use crate::net::{self, CallerLimits, Client, GroupKey, Identity, IdentityError, PeerKey};
use crate::wire::check::CheckReport;
use crate::wire::codes::Code;
use crate::wire::control::{
    ControlClient, EventRecord, Limits, MemberState, Share, Status, Transfer, Upload,
};
use crate::wire::group::GroupClient;
use crate::wire::index::{SearchAnswer, SourcesAnswer};
use crate::wire::library::SkippedFile;
use crate::wire::transfer::{Hurried, Listing, Place};
use jsonrpsee::core::client::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a call to a peer on this machine may take; a search at a tracker far away is within it.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Why no peer could be asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No process is in the profile.
    #[error("no peer runs in the profile {0}; start one with `cardume`, or name another with --profile")]
    NotRunning(String),
    /// No process is in any profile.
    #[error("no peer runs here; start one with `cardume` or `cardume demo`, or name its home with --home")]
    NoneRunning,
    /// A peer runs and does not answer.
    #[error("the peer of {profile} does not answer ({why}); it may be starting or stopping: try again")]
    Silent {
        /// Its profile.
        profile: String,
        /// Why.
        why: String,
    },
    /// The home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The keys make no certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// What a download asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownloadRequest {
    /// The content: 64 hexadecimal digits.
    pub content: String,
    /// Under which name; `None`: as the tracker knows it.
    pub name: Option<String>,
    /// Into which folder; `None`: the download folder.
    pub to: Option<String>,
    /// From which peers (ids); empty: from all.
    pub from: Vec<String>,
    /// With nothing but `transfer_read`.
    pub via_rpc: bool,
}

/// A kept connection to a running peer.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    home: Home,
    profile: Profile,
}

impl Remote {
    /// Connects to the peer of `profile`; `None`: of the first profile that runs.
    ///
    /// # Errors
    /// If none runs or it does not answer.
    pub async fn connect(home: &Home, profile: Option<&str>) -> Result<Self, RemoteError> {
        let profile = match profile {
            Some(name) => home.profile(name)?,
            None => home.profiles().into_iter().find(Profile::is_running).ok_or(RemoteError::NoneRunning)?,
        };
        if !profile.is_running() {
            return Err(RemoteError::NotRunning(profile.name));
        }
        let silent = |why: String| RemoteError::Silent { profile: profile.name.clone(), why };
        let runtime = profile.runtime().ok_or_else(|| silent("it does not listen yet".to_owned()))?;
        let uri: crate::base::PeerUri =
            runtime.uri.parse().map_err(|error: crate::base::PeerUriError| silent(error.to_string()))?;
        let client = dial(home, &profile, uri.address(), None).await.map_err(silent)?;
        Ok(Self { client, home: home.clone(), profile })
    }

    /// The profile that was connected to.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What the peer says of itself.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn status(&self) -> Result<Status, CommandError> {
        answer(self.client.status()).await
    }

    /// The members of its group.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn members(&self) -> Result<Vec<MemberState>, CommandError> {
        answer(self.client.members()).await
    }

    /// Has it share a folder.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn share(&self, path: String) -> Result<(), CommandError> {
        answer(self.client.share(path)).await
    }

    /// Has it stop sharing a folder.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn unshare(&self, path: String) -> Result<(), CommandError> {
        answer(self.client.unshare(path)).await
    }

    /// Calls it so from now on.
    ///
    /// # Errors
    /// As the peer answers (another peer may have the name); also if it stopped.
    pub async fn rename(&self, name: String) -> Result<(), CommandError> {
        answer(self.client.rename(name)).await
    }

    /// Has it test its links.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn check(&self) -> Result<CheckReport, CommandError> {
        answer(self.client.check()).await
    }

    /// Has it look at everything in a shared folder again.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn rescan(&self, path: String) -> Result<(), CommandError> {
        answer(self.client.rescan(path)).await
    }

    /// Has it hold the hashing of a shared folder.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn pause_hashing(&self, path: String) -> Result<(), CommandError> {
        answer(self.client.pause_hashing(path)).await
    }

    /// Has it go on hashing a shared folder.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn resume_hashing(&self, path: String) -> Result<(), CommandError> {
        answer(self.client.resume_hashing(path)).await
    }

    /// What it does not share of a shared folder, and why.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn skipped(&self, path: String) -> Result<Vec<SkippedFile>, CommandError> {
        answer(self.client.skipped(path)).await
    }

    /// Has a peer hash its file of this name in `folder` before others.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn hurry(&self, peer: String, folder: String, name: String) -> Result<Hurried, CommandError> {
        answer(self.client.hurry(peer, folder, name)).await
    }

    /// Its shared folders.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn shares(&self) -> Result<Vec<Share>, CommandError> {
        answer(self.client.shares()).await
    }

    /// Searches at the tracker.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn search(&self, words: String, page: impl Into<Page>) -> Result<SearchAnswer, CommandError> {
        let page = page.into();
        let sort = page.sort.to_string();
        answer(self.client.search(words, Some(page.limit), Some(page.offset), Some(sort))).await
    }

    /// Asks the tracker who has a content.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn sources(&self, content: String) -> Result<SourcesAnswer, CommandError> {
        answer(self.client.sources(content)).await
    }

    /// Asks the peer of this id what lies right in one of its shared folders (empty: which it shares), behind
    /// `after`: at most `limit` whose name contains `filter` (empty: all).
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn browse(
        &self,
        peer: String,
        folder: String,
        after: Option<Place>,
        limit: u32,
        filter: String,
    ) -> Result<Listing, CommandError> {
        answer(self.client.browse(peer, Some(folder), after, Some(limit), Some(filter))).await
    }

    /// Hands a content's link to its window, if it has one.
    ///
    /// # Errors
    /// As the peer answers (`NotFound`: it has no window); also if it stopped.
    pub async fn open_link(&self, link: String) -> Result<(), CommandError> {
        answer(self.client.open_link(link)).await
    }

    /// Starts a download; gives its number.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn download(&self, request: DownloadRequest) -> Result<u64, CommandError> {
        let DownloadRequest { content, name, to, from, via_rpc } = request;
        answer(self.client.download(content, name, to, Some(from), Some(via_rpc))).await
    }

    /// The downloads of its process.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn transfers(&self) -> Result<Vec<Transfer>, CommandError> {
        answer(self.client.transfers()).await
    }

    /// A download of its process, when its state changes, or after this time at the latest; `None` if there is none of
    /// this number.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn transfer(&self, id: u64, wait: Duration) -> Result<Option<Transfer>, CommandError> {
        answer(self.client.transfer(id, Some(millis(wait)))).await
    }

    /// What it sends to others.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn uploads(&self) -> Result<Vec<Upload>, CommandError> {
        answer(self.client.uploads()).await
    }

    /// Cancels a download.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn cancel(&self, id: u64) -> Result<(), CommandError> {
        answer(self.client.cancel(id)).await
    }

    /// Starts the download of a folder of a peer (its id); gives its number.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn download_folder(
        &self,
        peer: String,
        folder: String,
        to: Option<String>,
    ) -> Result<u64, CommandError> {
        answer(self.client.download_folder(peer, folder, to)).await
    }

    /// Changes downloads: `pause`, `resume`, `cancel`, `retry`, `up`, `down`, `top` or `clear`.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn change(&self, what: &str, ids: Vec<u64>) -> Result<(), CommandError> {
        answer(self.client.change(what.to_owned(), Some(ids))).await
    }

    /// The limits of transfers.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn limits(&self) -> Result<Limits, CommandError> {
        answer(self.client.limits()).await
    }

    /// Sets the limits of transfers.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn set_limits(&self, limits: Limits) -> Result<(), CommandError> {
        answer(self.client.set_limits(limits)).await
    }

    /// A fault drill of this peer.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn crash(&self, for_time: Duration) -> Result<(), CommandError> {
        answer(ControlClient::crash(&self.client, Some(millis(for_time)))).await
    }

    /// Has a member stand still for so long.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn pause(&self, member: &MemberState, for_time: Duration) -> Result<(), CommandError> {
        let peer = Some(member.peer.peer_id.clone());
        answer(ControlClient::pause(&self.client, millis(for_time), peer)).await
    }

    /// Cuts the link to a member for so long.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn cut(&self, member: &MemberState, for_time: Duration) -> Result<(), CommandError> {
        answer(self.client.cut(member.peer.peer_id.clone(), millis(for_time))).await
    }

    /// Ends every drill of this peer.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn recover(&self) -> Result<(), CommandError> {
        answer(self.client.recover()).await
    }

    /// A fault drill of another member, as this peer.
    ///
    /// # Errors
    /// As that peer answers; also if it cannot be reached.
    pub async fn crash_member(&self, member: &MemberState, for_time: Duration) -> Result<(), CommandError> {
        let failed = |message: String| CommandError::new(Code::Internal as i32, message);
        let uri: crate::base::PeerUri =
            member.peer.uri.parse().map_err(|error: crate::base::PeerUriError| {
                failed(format!("{}: {error}", member.peer.name))
            })?;
        let peer: PeerId =
            member.peer.peer_id.parse().map_err(|error: crate::base::ParseIdError| {
                failed(format!("{}: {error}", member.peer.name))
            })?;
        let client = dial(&self.home, &self.profile, uri.address(), Some(peer))
            .await
            .map_err(|why| failed(format!("{} does not answer: {why}", member.peer.name)))?;
        match tokio::time::timeout(CALL_LIMIT, GroupClient::crash(&client, millis(for_time))).await {
            Ok(Err(Error::Call(error))) => Err(CommandError::new(error.code(), error.message().to_owned())),
            // A peer that falls silent may do so before its answer is out: that is the drill.
            _ => Ok(()),
        }
    }

    /// Events after the number `after`, at most 1,000.
    ///
    /// # Errors
    /// As the peer answers; also if it stopped.
    pub async fn events(&self, after: u64) -> Result<Vec<EventRecord>, CommandError> {
        answer(self.client.events(Some(after))).await
    }

    /// Has it give up its seat for good and stop. A peer that ended before its answer was on the way has left.
    ///
    /// # Errors
    /// As the peer answers.
    pub async fn leave(&self) -> Result<(), CommandError> {
        answer(ended(ControlClient::leave(&self.client))).await
    }

    /// Has it stop gracefully. A peer that ended before its answer was on the way has stopped too.
    ///
    /// # Errors
    /// As the peer answers.
    pub async fn stop(&self) -> Result<(), CommandError> {
        answer(ended(self.client.stop())).await
    }
}

/// A connection as the peer of `profile`, to a member (`None`: to that peer itself).
async fn dial(
    home: &Home,
    profile: &Profile,
    address: SocketAddr,
    expected: Option<PeerId>,
) -> Result<Client, String> {
    let identity = identity(home, profile).map_err(|error| error.to_string())?;
    let expected = expected.unwrap_or(identity.peer_id());
    let connected = net::connect(&identity, address, Some(expected), CallerLimits::GENERAL).await;
    connected.map(|(client, _)| client).map_err(|error| error.to_string())
}

/// The peer of `profile` as a member of the group of `home`: what the command line calls with, and what
/// `cardume group credentials` gives to other programs.
///
/// # Errors
/// If a key cannot be read.
pub fn identity(home: &Home, profile: &Profile) -> Result<Identity, RemoteError> {
    let group = GroupKey::from_bytes(*home.group_key()?.as_bytes());
    Ok(Identity::new(&group, &PeerKey::from_seed(profile.peer_key()?.as_bytes()))?)
}

/// The answer of a peer that ends: the connection may end before it is there.
async fn ended(call: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    match call.await {
        Err(Error::RestartNeeded(_) | Error::ServiceDisconnect | Error::Transport(_)) => Ok(()),
        answered => answered,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn answer<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, CommandError> {
    let internal = |message: String| CommandError::new(Code::Internal as i32, message);
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::Call(error))) => Err(CommandError::new(error.code(), error.message().to_owned())),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a call to the peer failed");
            let message = "the peer ended, or the connection to it broke; what it was told is not lost: ask again when it runs";
            Err(internal(message.to_owned()))
        }
        Err(_) => Err(internal("the peer did not answer within 10 s; its log may say why".to_owned())),
    }
}
