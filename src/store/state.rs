//! The vote's state on disk: one checksummed record, replaced as a whole.
//!
//! Invariant: after a crash or a power loss at any moment the file holds the old record or the new one,
//! and the new one if [`StateStore::save`] returned `Ok`. A record that is not certainly this peer's own
//! newest one is refused: a vote given twice is worse than an identity lost. After a failed sync or rename the
//! store stays failed, because nobody knows what is on the disk then; a record that could not even be written
//! (the disk is full) leaves the old one as it is, and may be tried again. Deliberately absent: repair.
//!
//! Format 1, UTF-8: the line `cardume state 1`, the line `blake3 <64 hexadecimal digits>` (the hash of
//! the first line with its line end and of the body), and the body in JSON.

use super::fault::{Disk, DiskFile};
use crate::base::{Epoch, FoundingId, MachineId, PeerId, PeerName, PeerUri};
use crate::engine::election::{Member, Roster, RosterStamp, SavedState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The record's file in a profile's folder.
const FILE: &str = "state";
/// The first word of every format.
const MAGIC: &str = "cardume state ";
/// The format that is written.
const FORMAT: u32 = 1;
/// The largest record: a roster of a thousand members is 300 KiB.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A save that failed. But for [`StateError::NotWritten`] voting ends; a restart may begin anew.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The disk did not take the new record, and has the old one: the same save may be tried again.
    #[error("cannot write the election's state: {error}; is the disk full? ({path})")]
    NotWritten {
        /// What the system says.
        error: io::Error,
        /// The record's path.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("cannot save the election's state: {error}; check the disk and restart ({path})")]
    Io {
        /// What the system says.
        error: io::Error,
        /// The record's path.
        path: PathBuf,
    },
    /// An earlier save failed: what is on the disk is not known.
    #[error("the election's state is not saved any more since the disk failed; check it and restart ({0})")]
    Failed(PathBuf),
    /// The record is larger than any that can be read again.
    #[error("the election's state is too large to be saved: {bytes} bytes, the limit is {MAX_BYTES}")]
    Large {
        /// Its size.
        bytes: u64,
    },
}

/// Why a record is not used. The peer takes a new identity and [`StateStore::begin`]s with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateRefusal {
    /// Made on another machine: a cloned image or a restored backup.
    #[error("the election's state was made on another machine")]
    OtherMachine,
    /// Made by another identity.
    #[error("the election's state belongs to another peer")]
    OtherPeer,
    /// Written by a newer version of the program.
    #[error("the election's state was written by a newer version (format {0})")]
    Newer(u32),
    /// Cut, changed, or not a record at all.
    #[error("the election's state is damaged: {0}")]
    Damaged(String),
    /// The disk does not give it.
    #[error("the election's state cannot be read: {0}")]
    Unreadable(String),
}

/// What was found on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// No record. For an identity that has saved before this means that its record was lost, and that it
    /// must not vote any more: take a new one.
    Fresh,
    /// This peer's own state.
    Found(SavedState),
    /// A record that must not be used.
    Refused(StateRefusal),
}

/// Keeps the vote's state of one peer.
pub struct StateStore {
    path: PathBuf,
    machine: MachineId,
    peer: PeerId,
    disk: Box<dyn Disk>,
    failed: bool,
}

impl std::fmt::Debug for StateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateStore")
            .field("path", &self.path)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl StateStore {
    /// Reads the record in `dir`, which exists, and writes it once more: after a kill the record may have
    /// been read from the page cache only, and what is acted upon must not be gone after a power loss.
    /// Blocks.
    ///
    /// # Errors
    /// If that write fails. What cannot be read is [`Loaded::Refused`].
    pub fn open(
        dir: &Path,
        machine: MachineId,
        peer: PeerId,
        disk: impl Disk + 'static,
    ) -> Result<(Self, Loaded), StateError> {
        let mut store = Self { path: dir.join(FILE), machine, peer, disk: Box::new(disk), failed: false };
        let loaded = match store.disk.read(&store.path, MAX_BYTES) {
            Ok(bytes) => match decode(&bytes, machine, peer) {
                Ok(state) => Loaded::Found(state),
                Err(refusal) => Loaded::Refused(refusal),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Loaded::Fresh,
            Err(error) => Loaded::Refused(StateRefusal::Unreadable(error.to_string())),
        };
        if let Loaded::Found(state) = &loaded {
            store.save(state)?;
        }
        Ok((store, loaded))
    }

    /// Begins with an identity that never voted: replaces whatever record is in `dir` by an empty one.
    /// Blocks. Call it after the new identity's key is durable; until it returns, every restart finds
    /// [`Loaded::Fresh`] or [`Loaded::Refused`] and takes another identity, which is safe.
    ///
    /// # Errors
    /// If the disk refuses, or something that is no file is in the record's place.
    pub fn begin(
        dir: &Path,
        machine: MachineId,
        peer: PeerId,
        disk: impl Disk + 'static,
    ) -> Result<(Self, SavedState), StateError> {
        let mut store = Self { path: dir.join(FILE), machine, peer, disk: Box::new(disk), failed: false };
        let empty = SavedState { epoch: Epoch::ZERO, voted_for: None, roster: None };
        store.save(&empty)?;
        Ok((store, empty))
    }

    /// Makes `state` durable. Blocks for the time of two fsyncs. After an error other than
    /// [`StateError::NotWritten`] every later call fails too.
    ///
    /// # Errors
    /// If the disk refuses now, or did before.
    pub fn save(&mut self, state: &SavedState) -> Result<(), StateError> {
        if self.failed {
            return Err(StateError::Failed(self.path.clone()));
        }
        let bytes = encode(state, self.machine, self.peer);
        if bytes.len() as u64 > MAX_BYTES {
            return Err(StateError::Large { bytes: bytes.len() as u64 });
        }
        let temporary = temporary(&self.path);
        let disk = self.disk.as_mut();
        let written = write(disk, &temporary, &bytes)
            .map_err(|error| StateError::NotWritten { error, path: self.path.clone() })?;
        put(disk, written, &temporary, &self.path).map_err(|error| {
            self.failed = true;
            StateError::Io { error, path: self.path.clone() }
        })
    }
}

/// Replaces a file as a whole: temporary file, fsync, rename, fsync of the folder. When it returns `Ok`
/// the new content is durable; after a crash the file has the old or the new one.
pub(super) fn replace(disk: &mut dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    let written = write(disk, &temporary, bytes)?;
    put(disk, written, &temporary, path)
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Writes a new file; nothing is promised of it.
fn write(disk: &mut dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn DiskFile>> {
    let mut file = disk.create(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Puts a written file durably in the place of another one.
fn put(disk: &mut dyn Disk, mut written: Box<dyn DiskFile>, from: &Path, to: &Path) -> io::Result<()> {
    written.sync()?;
    drop(written);
    disk.rename(from, to)?;
    disk.sync_folder(to.parent().unwrap_or(Path::new(".")))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    machine_id: String,
    peer_id: String,
    epoch: u64,
    voted_for: Option<String>,
    roster: Option<RosterBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RosterBody {
    founding_id: String,
    epoch: u64,
    version: u64,
    min_voters: u8,
    members: Vec<MemberBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberBody {
    peer_id: String,
    name: String,
    uri: String,
    election_uri: String,
    voter: bool,
}

fn encode(state: &SavedState, machine: MachineId, peer: PeerId) -> Vec<u8> {
    let body = Body {
        machine_id: machine.to_string(),
        peer_id: peer.to_string(),
        epoch: state.epoch.number(),
        voted_for: state.voted_for.map(|voted| voted.to_string()),
        roster: state.roster.as_ref().map(encode_roster),
    };
    let body = serde_json::to_string_pretty(&body).expect("text and numbers only");
    let first = format!("{MAGIC}{FORMAT}\n");
    format!("{first}blake3 {}\n{body}\n", checksum(&first, &format!("{body}\n"))).into_bytes()
}

fn encode_roster(roster: &Roster) -> RosterBody {
    let member = |(id, member): (&PeerId, &Member)| MemberBody {
        peer_id: id.to_string(),
        name: member.name.as_str().to_owned(),
        uri: member.uri.to_string(),
        election_uri: member.election_uri.to_string(),
        voter: member.voter,
    };
    RosterBody {
        founding_id: roster.founding.to_string(),
        epoch: roster.stamp.epoch.number(),
        version: roster.stamp.version,
        min_voters: roster.min_voters,
        members: roster.members.iter().map(member).collect(),
    }
}

fn checksum(first: &str, body: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(first.as_bytes()).update(body.as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn decode(bytes: &[u8], machine: MachineId, peer: PeerId) -> Result<SavedState, StateRefusal> {
    let damaged = |what: &str| StateRefusal::Damaged(what.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let (format, _) = text
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.split_once('\n'))
        .ok_or_else(|| damaged("it does not begin as a record"))?;
    let format: u32 = format.parse().map_err(|_| damaged("its format is not a number"))?;
    if format > FORMAT {
        return Err(StateRefusal::Newer(format));
    }
    let (first, rest) = text.split_at(text.find('\n').map_or(text.len(), |end| end + 1));
    let (sum, body) = rest
        .strip_prefix("blake3 ")
        .and_then(|rest| rest.split_once('\n'))
        .ok_or_else(|| damaged("it has no checksum"))?;
    if sum != checksum(first, body) {
        return Err(damaged("its checksum does not match"));
    }
    let body: Body = serde_json::from_str(body).map_err(|error| StateRefusal::Damaged(error.to_string()))?;
    // Whose it is comes first: a record of another peer is refused as such, whatever else is in it.
    if body.peer_id != peer.to_string() {
        return Err(StateRefusal::OtherPeer);
    }
    if body.machine_id != machine.to_string() {
        return Err(StateRefusal::OtherMachine);
    }
    decode_state(&body).ok_or_else(|| damaged("a value in it is out of its limits"))
}

fn decode_state(body: &Body) -> Option<SavedState> {
    let voted_for = match &body.voted_for {
        Some(voted) => Some(voted.parse().ok()?),
        None => None,
    };
    let roster = match &body.roster {
        Some(roster) => Some(decode_roster(roster)?),
        None => None,
    };
    Some(SavedState { epoch: Epoch::new(body.epoch)?, voted_for, roster })
}

fn decode_roster(body: &RosterBody) -> Option<Roster> {
    let mut members = BTreeMap::new();
    for member in &body.members {
        let id: PeerId = member.peer_id.parse().ok()?;
        let value = Member {
            name: PeerName::new(&member.name)?,
            uri: member.uri.parse::<PeerUri>().ok()?,
            election_uri: member.election_uri.parse::<PeerUri>().ok()?,
            voter: member.voter,
        };
        if members.insert(id, value).is_some() {
            return None;
        }
    }
    Some(Roster {
        founding: body.founding_id.parse::<FoundingId>().ok()?,
        stamp: RosterStamp { epoch: Epoch::new(body.epoch)?, version: body.version },
        min_voters: body.min_voters,
        members,
    })
}
