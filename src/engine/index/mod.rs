//! The index of the group's files: who has which. Soft state of the tracker, owned by the peers.
//!
//! A peer announces its whole list with [`Index::begin`] and numbered chunks; it is built in the shadow
//! and swapped in when count and digest match. Afterwards it sends deltas, each of which says what it
//! follows. Whatever does not fit is answered with [`Taken::Gap`], never dropped in silence: the peer
//! begins again, which costs nothing where nothing was lost.
//!
//! Invariant: the list of a peer that the index shows is a list that this peer had. What is absent on
//! purpose: epochs and times (the tracker's task checks and counts them), and any trust in what a peer
//! says about the files of another.

mod bits;
mod column;
mod contents;
mod digest;
mod entry;
mod facets;
mod find;
mod fitting;
mod fold;
mod frequent;
mod hits;
mod list;
mod order;
mod page;
mod query;
mod room;
mod rows;
mod search;
mod select;
mod signature;
mod slices;
mod spelling;
#[cfg(test)]
mod tests;
mod workers;

pub use digest::{EntryHash, ListDigest, digest};
pub use entry::{Change, FileEntry, IndexPosition};
pub use facets::Facets;
pub use fold::{MAX_FOLDED_BYTES, fold};
pub use page::{Direction, Page, ParseSortError, Sort, SortKey};
pub use query::{ChosenPeers, Operator, Query, QueryError, Rank};
pub use search::{Found, Matches, Source};
pub use workers::{Alone, Workers};

use crate::base::PeerId;
use bits::Bits;
use contents::Contents;
use list::List;
use room::Room;
use std::collections::{BTreeMap, BTreeSet};

/// What a peer says of its whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Where it stands.
    pub position: IndexPosition,
    /// How many files.
    pub count: u64,
    /// The [`digest`] of them.
    pub digest: [u8; 32],
}

/// A part of an announced list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The database that was announced.
    pub index_id: [u8; 16],
    /// Its number, from 0.
    pub number: u32,
    /// Whether it is the last one.
    pub last: bool,
    /// The files.
    pub files: Vec<FileEntry>,
}

/// Changes of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The database.
    pub index_id: [u8; 16],
    /// The number of the change that it follows.
    pub prev_seq: u64,
    /// The number of its last change; higher than `prev_seq`.
    pub seq: u64,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

/// The answer to an [`Announcement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The tracker has exactly this.
    UpToDate,
    /// Send the changes after this number, or, if they are not known any more, everything.
    SendFrom(u64),
    /// Send everything.
    SendAll,
}

/// The answer to a chunk or a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Taken, or had already.
    Accepted,
    /// Not what was expected; the list is known up to this number (`None`: not at all). Begin again.
    Gap(Option<u64>),
}

/// Why an announcement is refused for good: to repeat it does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// More than [`Index::MAX_FILES_PER_PEER`].
    #[error("a peer announces at most {} files; share fewer", Index::MAX_FILES_PER_PEER)]
    TooManyFiles,
    /// More than [`Index::MAX_FILES`] or [`Index::MAX_BYTES`].
    #[error("the group's index is full (at the most {} files); share fewer", Index::MAX_FILES)]
    IndexFull,
    /// More than [`Index::MAX_PEERS`].
    #[error("an index holds the lists of at most {} peers", Index::MAX_PEERS)]
    TooManyPeers,
    /// A delta that leads nowhere or backwards.
    #[error("the number of a delta's last change is higher than that of the change before it")]
    BadOrder,
}

/// The index: the lists of all peers.
#[derive(Clone, Debug, Default)]
pub struct Index {
    peers: BTreeMap<PeerId, PeerState>,
    contents: Contents,
    room: Room,
}

/// What is known of one peer.
#[derive(Clone, Debug, Default)]
struct PeerState {
    /// The list in use and where it stands.
    current: Option<(IndexPosition, List)>,
    /// The list that is coming in.
    shadow: Option<Shadow>,
    /// The database and the number of chunks of the last snapshot, so that its chunks may be repeated.
    taken: Option<([u8; 16], u32)>,
    /// What was last announced, while the list is not there yet.
    announced: Option<Announcement>,
    /// Whether the list was found to be what the peer has, since [`Index::begin_epoch`].
    confirmed: bool,
    /// Whether the peer's files are shown.
    present: bool,
    /// Whether the peer does not answer at the moment: what is shown of it comes last.
    fading: bool,
}

/// A list that is coming in.
#[derive(Clone, Debug)]
struct Shadow {
    target: Announcement,
    next: u32,
    list: List,
}

impl Index {
    /// The most files of one peer: as many as one shares.
    pub const MAX_FILES_PER_PEER: u64 = 2_000_000;
    /// The most files in all, lists that are coming in included: with usual names they take some 180 bytes
    /// each.
    pub const MAX_FILES: u64 = 8_000_000;
    /// The most memory, whatever the names are: what bounds the tracker's.
    pub const MAX_BYTES: usize = 2 << 30;
    /// So many contents that no list has any more are kept at the most, or a quarter of those that one has.
    const MAX_OLD_CONTENTS: usize = 4096;
    /// The most peers: as many as a group has members.
    pub const MAX_PEERS: usize = 64;

    /// An empty index. Peers choose what stands in it; with a seed that they do not know (64 random bits)
    /// they cannot choose what is slow to look up. Nothing else depends on it.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { contents: Contents::seeded(seed), ..Self::default() }
    }

    /// A peer announces its list. What was coming in from it before is forgotten.
    ///
    /// # Errors
    /// If there are too many files or peers.
    pub fn begin(&mut self, peer: PeerId, announced: Announcement) -> Result<Begun, AnnounceError> {
        if announced.count > Self::MAX_FILES_PER_PEER {
            return Err(AnnounceError::TooManyFiles);
        }
        if self.peers.len() >= Self::MAX_PEERS && !self.peers.contains_key(&peer) {
            return Err(AnnounceError::TooManyPeers);
        }
        Ok(self.peers.entry(peer).or_insert_with(PeerState::announcing).begin(announced))
    }

    /// A part of the list that was announced; numbered from 0. Repeating one changes nothing.
    ///
    /// # Errors
    /// If there are too many files.
    pub fn chunk(&mut self, peer: PeerId, chunk: Chunk) -> Result<Taken, AnnounceError> {
        self.check_room(chunk.files.len())?;
        let Some(state) = self.peers.get_mut(&peer) else { return Ok(Taken::Gap(None)) };
        let taken = state.chunk(chunk, &mut self.contents);
        self.forget_contents();
        Ok(taken)
    }

    /// Changes of a list that is in use. Repeating them changes nothing.
    ///
    /// # Errors
    /// If there are too many files, or `seq` is not higher than `prev_seq`.
    pub fn delta(&mut self, peer: PeerId, delta: Delta) -> Result<Taken, AnnounceError> {
        if delta.seq <= delta.prev_seq {
            return Err(AnnounceError::BadOrder);
        }
        if self.check_room(delta.changes.len()).is_err() {
            // What is gone, or is otherwise than before, is told also when there is no room for more.
            let list = self.peers.get(&peer).and_then(|state| state.current.as_ref()).map(|(_, list)| list);
            let more = list.and_then(|list| list.room_for(&delta.changes));
            more.map_or(Ok(()), |more| self.check_room(more))?;
        }
        let Some(state) = self.peers.get_mut(&peer) else { return Ok(Taken::Gap(None)) };
        let taken = state.delta(delta, &mut self.contents);
        self.forget_contents();
        taken
    }

    /// A new epoch: lists stay (the tracker starts warm), but every peer has to announce again before it
    /// counts in [`Index::complete`].
    pub fn begin_epoch(&mut self) {
        for state in self.peers.values_mut() {
            state.confirmed = false;
            state.announced = None;
            state.shadow = None;
        }
    }

    /// Forgets a peer and its files.
    pub fn remove_peer(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        self.forget_contents();
    }

    /// Forgets every peer but these: the members of the group.
    pub fn keep(&mut self, members: &BTreeSet<PeerId>) {
        self.peers.retain(|peer, _| members.contains(peer));
        self.forget_contents();
    }

    /// Shows the files of exactly these peers: those that answer, and those that stopped a moment ago
    /// (`fading`), whose files come last. The list of one that stops answering is kept, but has to be
    /// announced again before it counts; one that is announced before its peer is known to answer counts
    /// from then on.
    pub fn set_present(&mut self, answering: &BTreeSet<PeerId>, fading: &BTreeSet<PeerId>) {
        for (peer, state) in &mut self.peers {
            let answers = answering.contains(peer);
            let stops = !answers && !state.fading;
            state.fading = !answers;
            state.present = answers || fading.contains(peer);
            state.confirmed &= !stops;
        }
    }

    /// Forgets what is coming in from this peer: its whole list is taken later. What is in use stays.
    pub fn put_off(&mut self, peer: PeerId) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.shadow = None;
        }
    }

    /// How many files the whole list has that is coming in from this peer.
    #[must_use]
    pub fn coming_in(&self, peer: PeerId) -> Option<u64> {
        self.peers.get(&peer)?.shadow.as_ref().map(|shadow| shadow.target.count)
    }

    /// The peers whose list is known to be up to date, and where these stand.
    pub fn confirmed(&self) -> impl Iterator<Item = (PeerId, IndexPosition)> {
        let confirmed = self.peers.iter().filter(|(_, state)| state.confirmed);
        confirmed.filter_map(|(peer, state)| Some((*peer, state.current.as_ref()?.0)))
    }

    /// Of the `expected` peers, how many there are and of how many, that answer, the list is known to be up
    /// to date.
    #[must_use]
    pub fn complete(&self, expected: &BTreeSet<PeerId>) -> (usize, usize) {
        let counts = |state: &PeerState| state.confirmed && !state.fading;
        let confirmed = |peer: &&PeerId| self.peers.get(peer).is_some_and(counts);
        (expected.iter().filter(confirmed).count(), expected.len())
    }

    /// How many files of present peers.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.present_lists().map(|(_, list)| list.len() as u64).sum()
    }

    /// Where the list of a peer stands.
    #[must_use]
    pub fn position(&self, peer: PeerId) -> Option<IndexPosition> {
        self.peers.get(&peer)?.current.as_ref().map(|(position, _)| *position)
    }

    /// The files of a peer in the order of their keys.
    pub fn entries(&self, peer: PeerId) -> impl Iterator<Item = FileEntry> {
        let current = self.peers.get(&peer).and_then(|state| state.current.as_ref());
        current.into_iter().flat_map(|(_, list)| list.entries(&self.contents))
    }

    /// The lists that are shown: first those of peers that answer, then the fading ones, each by peer.
    fn present_lists(&self) -> impl Iterator<Item = (&PeerId, &List)> {
        let those = |fading: bool| {
            let present = self.peers.iter().filter(move |(_, state)| state.present && state.fading == fading);
            present.filter_map(|(peer, state)| state.current.as_ref().map(|(_, list)| (peer, list)))
        };
        those(false).chain(those(true))
    }

    fn answers(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|state| !state.fading)
    }

    fn check_room(&self, more: usize) -> Result<(), AnnounceError> {
        let held: usize = self.peers.values().map(PeerState::files).sum();
        let bytes: usize = self.lists().map(List::bytes).sum();
        let fits = self.room.fits(held + more, bytes + self.contents.bytes());
        if fits { Ok(()) } else { Err(AnnounceError::IndexFull) }
    }

    fn lists(&self) -> impl Iterator<Item = &List> {
        self.peers.values().flat_map(PeerState::lists)
    }

    /// Forgets contents that no list has any more, when there may be many of them: on average, each change
    /// costs constant time.
    fn forget_contents(&mut self) {
        let files: usize = self.peers.values().map(PeerState::files).sum();
        if self.contents.len() <= files + (files / 4).max(Self::MAX_OLD_CONTENTS) {
            return;
        }
        let mut used = Bits::below(self.contents.len());
        self.lists().for_each(|list| list.mark(&mut used));
        let numbers = self.contents.retain(&used);
        for list in self.peers.values_mut().flat_map(PeerState::lists_mut) {
            list.renumber(&numbers, &mut self.contents);
        }
    }
}

impl PeerState {
    /// Who announces is there.
    fn announcing() -> Self {
        Self { present: true, ..Self::default() }
    }

    fn files(&self) -> usize {
        self.current.as_ref().map_or(0, |(_, list)| list.len())
            + self.shadow.as_ref().map_or(0, |shadow| shadow.list.len())
    }

    fn lists(&self) -> impl Iterator<Item = &List> {
        let current = self.current.as_ref().map(|(_, list)| list);
        current.into_iter().chain(self.shadow.as_ref().map(|shadow| &shadow.list))
    }

    fn lists_mut(&mut self) -> impl Iterator<Item = &mut List> {
        let current = self.current.as_mut().map(|(_, list)| list);
        current.into_iter().chain(self.shadow.as_mut().map(|shadow| &mut shadow.list))
    }

    fn seq_of(&self, index_id: [u8; 16]) -> Option<u64> {
        self.current.as_ref().filter(|(at, _)| at.index_id == index_id).map(|(at, _)| at.seq)
    }

    fn begin(&mut self, announced: Announcement) -> Begun {
        self.taken = None;
        let known = self.seq_of(announced.position.index_id);
        if self.has(&announced) {
            self.confirm();
            return Begun::UpToDate;
        }
        self.confirmed = false;
        self.announced = Some(announced);
        self.shadow = Some(Shadow { target: announced, next: 0, list: List::default() });
        match known {
            Some(seq) if seq < announced.position.seq => Begun::SendFrom(seq),
            _ => Begun::SendAll,
        }
    }

    fn has(&self, announced: &Announcement) -> bool {
        self.current
            .as_ref()
            .is_some_and(|(position, list)| *position == announced.position && list.matches(announced))
    }

    fn confirm(&mut self) {
        self.confirmed = true;
        self.announced = None;
        self.shadow = None;
    }

    fn gap(&mut self, index_id: [u8; 16]) -> Taken {
        self.confirmed = false;
        self.shadow = None;
        Taken::Gap(self.seq_of(index_id))
    }

    fn chunk(&mut self, Chunk { index_id, number, last, files }: Chunk, contents: &mut Contents) -> Taken {
        let Some(shadow) = self.shadow.as_mut().filter(|it| it.target.position.index_id == index_id) else {
            let repeated = self.taken.is_some_and(|(id, chunks)| id == index_id && number < chunks);
            return if repeated { Taken::Accepted } else { self.gap(index_id) };
        };
        if number < shadow.next && !last {
            return Taken::Accepted;
        }
        let room = shadow.target.count.saturating_sub(shadow.list.len() as u64);
        if number != shadow.next || files.len() as u64 > room {
            return self.gap(index_id);
        }
        shadow.next += 1;
        for file in &files {
            shadow.list.put(file, contents);
        }
        if last { self.swap_in(index_id) } else { Taken::Accepted }
    }

    fn swap_in(&mut self, index_id: [u8; 16]) -> Taken {
        match self.shadow.take() {
            Some(mut shadow) if shadow.list.matches(&shadow.target) => {
                shadow.list.shrink();
                self.taken = Some((index_id, shadow.next));
                self.current = Some((shadow.target.position, shadow.list));
                self.confirm();
                Taken::Accepted
            }
            _ => self.gap(index_id),
        }
    }

    fn delta(&mut self, delta: Delta, contents: &mut Contents) -> Result<Taken, AnnounceError> {
        let Delta { index_id, prev_seq, seq, changes } = delta;
        let Some((position, list)) = self.current.as_mut().filter(|(at, _)| at.index_id == index_id) else {
            return Ok(self.gap(index_id));
        };
        if seq <= position.seq {
            return Ok(Taken::Accepted);
        }
        if prev_seq != position.seq {
            return Ok(self.gap(index_id));
        }
        if list.exceeds(&changes) {
            return Err(AnnounceError::TooManyFiles);
        }
        for change in &changes {
            list.apply(change, contents);
        }
        position.seq = seq;
        Ok(self.after_delta())
    }

    /// Whether the list is now what was announced. Where they differ at the same number, a change was lost
    /// that nobody can name, and everything has to be sent.
    fn after_delta(&mut self) -> Taken {
        let (Some(announced), Some((position, list))) = (self.announced, self.current.as_ref()) else {
            return Taken::Accepted;
        };
        let target = announced.position;
        if target.index_id != position.index_id || position.seq < target.seq {
            return Taken::Accepted;
        }
        if target == *position && !list.matches(&announced) {
            return self.gap(target.index_id);
        }
        self.confirm();
        Taken::Accepted
    }
}
