//! The records of a group, merged. Two records of one message - its sender's and its receiver's - become
//! one [`Letter`].

use super::lane::Lane;
use super::{Mail, MailKind, Record, What};
use crate::base::{Epoch, PeerId};
use crate::engine::election::Role;
use std::collections::{BTreeMap, VecDeque};

/// The most heartbeats and replies that are kept: about three minutes of five peers.
const MAX_BEATS: usize = 16_384;
/// The most other messages: about a hundred elections of five peers.
const MAX_LETTERS: usize = 4_096;
/// The most records that are kept as they came, for whoever wants all of them.
const MAX_RECORDS: usize = 32_768;
/// The most peers: a roster's.
const MAX_PEERS: usize = 64;

/// A message between two peers, with what both ends recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who sent it.
    pub from: PeerId,
    /// To whom.
    pub to: PeerId,
    /// What; `peer` is the receiver.
    pub mail: Mail,
    /// When it was sent, by the sender's record.
    pub sent: Option<u64>,
    /// When it was received, by the receiver's record.
    pub received: Option<u64>,
}

/// What one peer told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Who.
    pub peer: PeerId,
    /// Up to when its records are known now.
    pub until_micros: u64,
    /// Its records since the last time.
    pub records: Vec<Record>,
    /// What it is at `until_micros`: for a peer that has been the same for longer than records are kept.
    pub role: Option<Role>,
    /// Its epoch then.
    pub epoch: Option<Epoch>,
}

/// Which letters two records belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    from: PeerId,
    to: PeerId,
    kind: MailKind,
    epoch: Epoch,
    round: u64,
}

/// Letters in the order of time, with those of which only one end is known.
#[derive(Clone, Debug)]
struct Letters {
    /// By the time of the first record and a number.
    by_time: BTreeMap<(u64, u64), Letter>,
    half: BTreeMap<Key, VecDeque<(u64, u64)>>,
    next: u64,
    most: usize,
}

impl Letters {
    fn new(most: usize) -> Self {
        Self { by_time: BTreeMap::new(), half: BTreeMap::new(), next: 0, most }
    }

    fn add(&mut self, at: u64, from: PeerId, to: PeerId, mail: Mail, is_sent: bool) {
        let key = Key { from, to, kind: mail.kind, epoch: mail.epoch, round: mail.round };
        if self.complete(&key, at, is_sent) {
            return;
        }
        let (sent, received) = if is_sent { (Some(at), None) } else { (None, Some(at)) };
        let mail = Mail { peer: to, ..mail };
        self.next += 1;
        let id = (at, self.next);
        self.by_time.insert(id, Letter { from, to, mail, sent, received });
        self.half.entry(key).or_default().push_back(id);
        if self.by_time.len() > self.most
            && let Some((id, old)) = self.by_time.pop_first()
        {
            let Letter { from, to, mail, .. } = old;
            self.forget_half(&Key { from, to, kind: mail.kind, epoch: mail.epoch, round: mail.round }, id);
        }
    }

    /// The other end's record of a letter of which one end is known.
    fn complete(&mut self, key: &Key, at: u64, is_sent: bool) -> bool {
        let Some(ids) = self.half.get_mut(key) else { return false };
        let waits = |letter: &Letter| if is_sent { letter.sent.is_none() } else { letter.received.is_none() };
        let Some(place) = ids.iter().position(|id| self.by_time.get(id).is_some_and(waits)) else {
            return false;
        };
        let Some(id) = ids.remove(place) else { return false };
        if ids.is_empty() {
            self.half.remove(key);
        }
        let Some(mut letter) = self.by_time.remove(&id) else { return false };
        let slot = if is_sent { &mut letter.sent } else { &mut letter.received };
        *slot = Some(at);
        // Ordered by the sending, which is what is drawn.
        self.by_time.insert((letter.sent.unwrap_or(at), id.1), letter);
        true
    }

    fn forget_half(&mut self, key: &Key, id: (u64, u64)) {
        if let Some(ids) = self.half.get_mut(key) {
            ids.retain(|known| *known != id);
            if ids.is_empty() {
                self.half.remove(key);
            }
        }
    }

    fn between(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = &Letter> {
        let (from, to) = (from.min(to), to);
        self.by_time.range((from, 0)..=(to, u64::MAX)).map(|(_, letter)| letter)
    }
}

/// The merged records of a group.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) lanes: BTreeMap<PeerId, Lane>,
    beats: Letters,
    letters: Letters,
    records: VecDeque<(PeerId, Record)>,
    last_seq: BTreeMap<PeerId, u64>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            lanes: BTreeMap::new(),
            beats: Letters::new(MAX_BEATS),
            letters: Letters::new(MAX_LETTERS),
            records: VecDeque::new(),
            last_seq: BTreeMap::new(),
        }
    }
}

impl History {
    /// Takes what a peer told. Records that are known already are left out.
    pub fn take(&mut self, part: &Part) {
        if !self.lanes.contains_key(&part.peer) && self.lanes.len() >= MAX_PEERS {
            return;
        }
        for record in &part.records {
            let last = self.last_seq.get(&part.peer).copied().unwrap_or(0);
            if record.seq <= last {
                continue;
            }
            self.last_seq.insert(part.peer, record.seq);
            self.add(part.peer, record);
        }
        let lane = self.lanes.entry(part.peer).or_default();
        lane.begin_with(part.role, part.epoch, part.until_micros);
        lane.known_until = lane.known_until.max(part.until_micros);
    }

    fn add(&mut self, by: PeerId, record: &Record) {
        self.records.push_back((by, *record));
        if self.records.len() > MAX_RECORDS {
            self.records.pop_front();
        }
        self.lanes.entry(by).or_default().add(record);
        let at = record.at_micros;
        match record.what {
            What::Sent(mail) => self.post(mail.kind).add(at, by, mail.peer, mail, true),
            What::Received(mail) => self.post(mail.kind).add(at, mail.peer, by, mail, false),
            _ => {}
        }
    }

    fn post(&mut self, kind: MailKind) -> &mut Letters {
        if kind.is_beat() { &mut self.beats } else { &mut self.letters }
    }

    /// Up to when the records of a peer are known; 0 for a peer that told nothing.
    #[must_use]
    pub fn known_until(&self, peer: PeerId) -> u64 {
        self.lanes.get(&peer).map_or(0, |lane| lane.known_until)
    }

    /// The first and the last moment of which something is known.
    #[must_use]
    pub fn span(&self) -> Option<(u64, u64)> {
        let from = self.records.front().map(|(_, record)| record.at_micros)?;
        let from =
            self.lanes.values().map(|lane| lane.known_from).min().map_or(from, |known| known.max(from));
        let until = self.lanes.values().map(|lane| lane.known_until).max()?;
        Some((from.min(until), until))
    }

    /// The peers that told something.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.lanes.keys().copied()
    }

    /// The records as they came: the order within a peer is that of time.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &(PeerId, Record)> {
        self.records.iter()
    }

    /// The letters that were sent (or, where only that is known, received) between two moments.
    pub fn letters(&self, from: u64, to: u64) -> impl Iterator<Item = &Letter> {
        self.letters.between(from, to)
    }

    /// The same with heartbeats and their replies.
    pub fn all_letters(&self, from: u64, to: u64) -> impl Iterator<Item = &Letter> {
        self.beats.between(from, to).chain(self.letters.between(from, to))
    }
}
