//! `control_`: a running peer, to its own key only: the command line talks to it with this. The window
//! shows the same shapes.

use super::check::CheckReport;
use super::index::{Complete, SearchAnswer, SourcesAnswer};
use super::library::{Inspection, SkippedFile};
pub use super::library::{LibraryState, Share};
use super::transfer::{Hurried, Listing, Place};
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A peer and where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerRef {
    /// What a person calls it.
    pub name: String,
    /// 64 hexadecimal digits.
    pub peer_id: String,
    /// Its general listener.
    pub uri: String,
}

/// The quorum as this peer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Voters in the roster.
    pub voters: u32,
    /// Those of them that answer, this peer included.
    pub reachable: u32,
    /// How many are needed.
    pub needed: u32,
}

/// The name service as this peer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesState {
    /// Its address.
    pub uri: String,
    /// Whether it answers.
    pub reachable: bool,
    /// Why it does not take this peer's name, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The same as the number of an error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_code: Option<i32>,
    /// While it waits for more peers to found a group: how many there are, and how many are needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub founding: Option<Founders>,
}

/// The peers with which a group is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founders {
    /// So many are registered.
    pub registered: u32,
    /// So many are needed.
    pub expected: u32,
}

/// The tracker's index as this peer knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexState {
    /// Files in it.
    pub files: u64,
    /// How complete it is.
    pub complete: Complete,
    /// Grows with every announced change within an epoch; for the window, which searches again then.
    #[serde(skip)]
    pub revision: u64,
}

/// How much later than 100 ms after the one before the heartbeats came, since the peer started: in so many
/// of a hundred (of a thousand) at most so late. Rounded up by at most a fourth; 0 without heartbeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// Half of them.
    pub p50_micros: u64,
    /// 99 of a hundred.
    pub p99_micros: u64,
    /// 999 of a thousand.
    pub p999_micros: u64,
    /// The worst of all.
    pub worst_micros: u64,
}

/// What a running peer says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The profile's folder name.
    pub profile: String,
    /// The process.
    pub pid: u32,
    /// 64 hexadecimal digits.
    pub peer_id: String,
    /// What a person calls it.
    pub name: String,
    /// `outside`, `follower`, `pre-candidate`, `candidate`, `tracker`; `silent` or `paused` during a fault drill.
    pub role: String,
    /// Its epoch.
    pub epoch: u64,
    /// The tracker, if known.
    pub tracker: Option<PeerRef>,
    /// The quorum.
    pub quorum: Quorum,
    /// The name service.
    pub names: NamesState,
    /// The index.
    pub index: IndexState,
    /// Its own files.
    pub library: LibraryState,
    /// Bytes per second that all downloads receive, over the last 5 s.
    #[serde(default)]
    pub rate_down: u64,
    /// Bytes per second that all uploads send, over the last 5 s.
    #[serde(default)]
    pub rate_up: u64,
    /// `timers_fired`, `pre_votes_refused`, `elections_started`, `needless_elections`,
    /// `heartbeats_late`, `heartbeats_sent`, `heartbeats_received`, …
    pub counters: BTreeMap<String, u64>,
    /// How late the tracker's heartbeats came.
    #[serde(default)]
    pub heartbeat_lateness: Lateness,
    /// Whether its votes are durable: `works`, `waiting` (its disk is full) or `ended` (its disk failed; until it is
    /// started again).
    #[serde(default)]
    pub voting: String,
    /// The address that this machine has now, if it is another one than the peer listens at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// What a person should know now, as "2 of 5 peers here, 3 needed"; empty when all is well.
    pub notice: String,
}

/// A source of a running download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferSource {
    /// 64 hexadecimal digits.
    pub peer: String,
    /// What a person calls it.
    pub name: String,
    /// Verified bytes that came from it.
    pub bytes: u64,
    /// Bytes per second over the last 5 s.
    #[serde(default)]
    pub rate: u64,
    /// `active`, `spare` (enough others are asked), `resting` (asked again soon) or `dropped`.
    #[serde(default)]
    pub state: String,
    /// The code of its last fault, as `bad_piece`.
    #[serde(default)]
    pub fault: Option<String>,
    /// Why it is not used (any more), if so, as a sentence.
    pub dropped: Option<String>,
}

/// A part of the bar of pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarRun {
    /// How wide: so many of all parts, which are at most 512.
    pub parts: u32,
    /// `missing`, `in_flight` or `here`.
    pub state: String,
    /// From which of the transfer's `sources` (its place in the list, from 0).
    pub source: Option<u32>,
}

/// How a whole folder stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderProgress {
    /// Whose folder: 64 hexadecimal digits; empty if an earlier version says it.
    #[serde(default)]
    pub peer: String,
    /// The folder as its peer calls it.
    pub folder: String,
    /// Its files; 0 while they are not known.
    pub files: u64,
    /// Those that are here.
    pub done: u64,
    /// The file that comes now or is waited for, with its path below the folder; small ones come many at once, and
    /// none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

/// Limits that a person set; kept in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes per second that all downloads together receive; `null`: no limit.
    pub down: Option<u64>,
    /// Bytes per second that all uploads together send; `null`: no limit.
    pub up: Option<u64>,
    /// Downloads that run at once; the others wait in their order.
    pub simultaneous: u32,
}

impl Limits {
    /// The least rate: below it connections would be taken for dead.
    pub const MIN_RATE: u64 = 32 * 1024;
    /// The most downloads at once.
    pub const MAX_SIMULTANEOUS: u32 = 64;
}

impl Default for Limits {
    fn default() -> Self {
        Self { down: None, up: None, simultaneous: 3 }
    }
}

/// A download.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its number in this profile.
    pub id: u64,
    /// BLAKE3 of the content; empty for a folder.
    pub content: String,
    /// The file's name.
    pub name: String,
    /// Bytes in all.
    pub size: u64,
    /// Bytes verified and written.
    pub done: u64,
    /// Bytes per second over the last 5 s.
    pub rate: u64,
    /// `waiting`, `running`, `paused`, `finished`, `failed`, `cancelled`.
    pub state: String,
    /// The code of what it is doing or why it waits, as `disk_full`; may be empty.
    #[serde(default)]
    pub reason: String,
    /// What the reason is about: names, a path, an error.
    #[serde(default)]
    pub about: String,
    /// The same as an English sentence.
    pub detail: String,
    /// The finished file.
    pub path: Option<String>,
    /// Seconds that it ran.
    pub seconds: f64,
    /// Where it comes from.
    pub sources: Vec<TransferSource>,
    /// The pieces in order, equal neighbours together; empty while it does not run.
    #[serde(default)]
    pub pieces: Vec<BarRun>,
    /// Of a whole folder.
    #[serde(default)]
    pub folder: Option<FolderProgress>,
}

/// What a member said of itself: of this peer always there, of others while the group is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberNote {
    /// As in [`Status::role`].
    pub role: String,
    /// Its epoch.
    pub epoch: u64,
    /// Files that it shares.
    pub files: u64,
    /// The version of its program.
    pub version: String,
}

/// A content that is sent to a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// 64 hexadecimal digits.
    pub peer: String,
    /// What a person calls that peer.
    pub peer_name: String,
    /// BLAKE3 of the content.
    pub content: String,
    /// What the file is called here.
    pub name: String,
    /// Bytes of the whole content.
    pub size: u64,
    /// Bytes sent to that peer lately, repetitions included.
    pub sent: u64,
    /// Bytes per second over the last 5 s.
    pub rate: u64,
    /// `sending`, `waiting` (for its turn), `idle` (nothing is asked for now), `changed` (the file is not
    /// what it was, and is hashed anew).
    pub state: String,
}

/// A member of the group as this peer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberState {
    /// Who and where.
    #[serde(flatten)]
    pub peer: PeerRef,
    /// Whether it counts for the quorum.
    pub voter: bool,
    /// Whether it is the tracker.
    pub tracker: bool,
    /// Whether it is this peer.
    pub me: bool,
    /// Whether this peer has a connection to it.
    pub connected: bool,
    /// Milliseconds since the last election message from it.
    pub last_contact_millis: Option<u64>,
    /// Whether a fault drill cuts the link to it.
    #[serde(default)]
    pub cut: bool,
    /// What it said of itself.
    #[serde(flatten)]
    pub note: Option<MemberNote>,
}

/// Something that happened, as data; the window and the command line make sentences of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its number, growing by one.
    pub seq: u64,
    /// Milliseconds since 1970 (UTC).
    pub unix_millis: u64,
    /// What: `role_changed`, `timer_expired`, `pre_vote_started`, `election_started`, `vote_given`,
    /// `vote_received`, `tracker_elected`, `tracker_lost`, `share_added`, …
    pub kind: String,
    /// The epoch, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The peer that it is about, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// More, as text: a role, a reason, a file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A running peer, for its own key.
#[rpc(client, server, namespace = "control", namespace_separator = "_")]
pub trait Control {
    /// What the peer says of itself.
    #[method(name = "status", param_kind = map, with_extensions)]
    async fn status(&self) -> RpcResult<Status>;

    /// Members of the group.
    #[method(name = "members", param_kind = map, with_extensions)]
    async fn members(&self) -> RpcResult<Vec<MemberState>>;

    /// Shares a folder.
    #[method(name = "share", param_kind = map, with_extensions)]
    async fn share(&self, path: String) -> RpcResult<()>;

    /// Stops sharing a folder.
    #[method(name = "unshare", param_kind = map, with_extensions)]
    async fn unshare(&self, path: String) -> RpcResult<()>;

    /// The shared folders.
    #[method(name = "shares", param_kind = map, with_extensions)]
    async fn shares(&self) -> RpcResult<Vec<Share>>;

    /// Looks at a folder before it is shared: how many files, and what nobody wants to give away.
    #[method(name = "inspect", param_kind = map, with_extensions)]
    async fn inspect(&self, path: String) -> RpcResult<Inspection>;

    /// Has everything in a shared folder looked at again.
    #[method(name = "rescan", param_kind = map, with_extensions)]
    async fn rescan(&self, path: String) -> RpcResult<()>;

    /// Holds the hashing of a shared folder.
    #[method(name = "pause_hashing", param_kind = map, with_extensions)]
    async fn pause_hashing(&self, path: String) -> RpcResult<()>;

    /// Lets it go on.
    #[method(name = "resume_hashing", param_kind = map, with_extensions)]
    async fn resume_hashing(&self, path: String) -> RpcResult<()>;

    /// What of a shared folder is not shared, and why: the first hundred.
    #[method(name = "skipped", param_kind = map, with_extensions)]
    async fn skipped(&self, path: String) -> RpcResult<Vec<SkippedFile>>;

    /// Has the peer `peer` hash its file `name` in `folder` before others, as `transfer_hurry`.
    #[method(name = "hurry", param_kind = map, with_extensions)]
    async fn hurry(&self, peer: String, folder: String, name: String) -> RpcResult<Hurried>;

    /// Tests the links to the name service and to every peer, and what else may stand in the way.
    #[method(name = "check", param_kind = map, with_extensions)]
    async fn check(&self) -> RpcResult<CheckReport>;

    /// Calls this peer `name` from now on.
    #[method(name = "rename", param_kind = map, with_extensions)]
    async fn rename(&self, name: String) -> RpcResult<()>;

    /// Puts finished downloads into the folder `path` from now on.
    #[method(name = "set_download_folder", param_kind = map, with_extensions)]
    async fn set_download_folder(&self, path: String) -> RpcResult<()>;

    /// Searches at the tracker; parameters as `index_search`.
    #[method(name = "search", param_kind = map, with_extensions)]
    async fn search(
        &self,
        words: String,
        limit: Option<u32>,
        offset: Option<u64>,
        sort: Option<String>,
    ) -> RpcResult<SearchAnswer>;

    /// Asks the tracker who has a content.
    #[method(name = "sources", param_kind = map, with_extensions)]
    async fn sources(&self, content: String) -> RpcResult<SourcesAnswer>;

    /// Asks the peer `peer` (its id; also this one) what it shares; the others as in `transfer_browse`.
    #[method(name = "browse", param_kind = map, with_extensions)]
    async fn browse(
        &self,
        peer: String,
        folder: Option<String>,
        after: Option<Place>,
        limit: Option<u32>,
        filter: Option<String>,
    ) -> RpcResult<Listing>;

    /// Hands a content's link to the window of this peer, which shows it and downloads nothing by itself.
    #[method(name = "open_link", param_kind = map, with_extensions)]
    async fn open_link(&self, link: String) -> RpcResult<()>;

    /// Starts a download under `name` into the folder `to` (default: the download folder), from the peers
    /// `from` (ids; empty: from all). Gives the transfer's number. `via_rpc` uses `transfer_read` only.
    #[method(name = "download", param_kind = map, with_extensions)]
    async fn download(
        &self,
        content: String,
        name: Option<String>,
        to: Option<String>,
        from: Option<Vec<String>>,
        via_rpc: Option<bool>,
    ) -> RpcResult<u64>;

    /// Downloads the folder `folder` of the peer `peer` (its id) into `to`. Gives the transfer's number.
    #[method(name = "download_folder", param_kind = map, with_extensions)]
    async fn download_folder(&self, peer: String, folder: String, to: Option<String>) -> RpcResult<u64>;

    /// The downloads: those that are not over in their order, then the others, the newest first.
    #[method(name = "transfers", param_kind = map, with_extensions)]
    async fn transfers(&self) -> RpcResult<Vec<Transfer>>;

    /// One download; `null` if there is none of this number. Answers when its `state` changes, or after
    /// `wait_millis` (at most 10,000; else at once).
    #[method(name = "transfer", param_kind = map, with_extensions)]
    async fn transfer(&self, id: u64, wait_millis: Option<u64>) -> RpcResult<Option<Transfer>>;

    /// Changes downloads: `pause`, `resume`, `cancel`, `retry`, `up`, `down`, `top` (in the order), or
    /// `clear` (out of the list; only those that are over). Without `ids`: all that it applies to.
    #[method(name = "change", param_kind = map, with_extensions)]
    async fn change(&self, what: String, ids: Option<Vec<u64>>) -> RpcResult<()>;

    /// The limits.
    #[method(name = "limits", param_kind = map, with_extensions)]
    async fn limits(&self) -> RpcResult<Limits>;

    /// Sets all limits; kept for later starts.
    #[method(name = "set_limits", param_kind = map, with_extensions)]
    async fn set_limits(&self, limits: Limits) -> RpcResult<()>;

    /// What is sent to other peers.
    #[method(name = "uploads", param_kind = map, with_extensions)]
    async fn uploads(&self) -> RpcResult<Vec<Upload>>;

    /// Cancels a download.
    #[method(name = "cancel", param_kind = map, with_extensions)]
    async fn cancel(&self, id: u64) -> RpcResult<()>;

    /// A fault drill: the peer is silent as after a crash for so long. `null`: until `recover`.
    #[method(name = "crash", param_kind = map, with_extensions)]
    async fn crash(&self, for_millis: Option<u64>) -> RpcResult<()>;

    /// A fault drill: the peer stands still for so long, at most 60,000 ms, as a stopped process does.
    /// With `peer`, that member is asked to (`group_pause`).
    #[method(name = "pause", param_kind = map, with_extensions)]
    async fn pause(&self, for_millis: u64, peer: Option<String>) -> RpcResult<()>;

    /// A fault drill: the link to the member `peer` is cut in both directions, for at most 60,000 ms.
    #[method(name = "cut", param_kind = map, with_extensions)]
    async fn cut(&self, peer: String, for_millis: u64) -> RpcResult<()>;

    /// Ends every fault drill of this peer.
    #[method(name = "recover", param_kind = map, with_extensions)]
    async fn recover(&self) -> RpcResult<()>;

    /// Events after the number `after`, of the latest 500.
    #[method(name = "events", param_kind = map, with_extensions)]
    async fn events(&self, after: Option<u64>) -> RpcResult<Vec<EventRecord>>;

    /// Gives up the seat for good and stops.
    #[method(name = "leave", param_kind = map, with_extensions)]
    async fn leave(&self) -> RpcResult<()>;

    /// Stops the peer gracefully.
    #[method(name = "stop", param_kind = map, with_extensions)]
    async fn stop(&self) -> RpcResult<()>;
}
