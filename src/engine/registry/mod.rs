//! The registry of the name service: which name stands for which address, who was tracker, and the one
//! founding of the group.
//!
//! Invariants: a name belongs to one key until ten minutes after its lease; the highest epoch only grows;
//! the founding is set once. Every change is a [`Change`] that the caller makes durable before it answers:
//! it calls any number of methods, saves [`Registry::changes`], then [`Registry::commit`] - or, if that
//! failed, [`Registry::roll_back`], and all is as before.
//!
//! Absent on purpose: a clock (callers pass `now`, the time since the service started, which never goes
//! back), randomness (callers pass the founding's id), and the question whether an address is real (the
//! caller calls it back before).

mod pattern;
mod recent;
mod values;

pub use pattern::{Pattern, PatternError};
pub use recent::{Recent, Seen, What};
pub use values::{
    Change, Entry, Filter, Held, Lease, LeaseError, Metadata, MetadataError, Name, NameError, Refusal, Saved,
};

use crate::base::{Epoch, FoundingId, PeerId, PeerName, tracker_name};
use crate::engine::election::{Member, Roster, RosterStamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// When and with how many peers a group is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Founding {
    /// With how many peers: 1 to [`Roster::MAX_VOTERS`].
    pub expected: u8,
    /// Not before this time since the start: peers that have a roster come back within it, and then
    /// theirs is adopted.
    pub not_before: Duration,
}

/// What every answer to a registration tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The highest epoch ever accepted.
    pub highest: Epoch,
    /// The tracker of that epoch.
    pub tracker: Option<Entry>,
    /// The founding roster.
    pub founding: Option<Roster>,
    /// Peers that could found now.
    pub registered: usize,
    /// How many are needed.
    pub expected: u8,
}

/// The registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    rule: Founding,
    names: BTreeMap<PeerName, Held>,
    trackers: BTreeMap<Epoch, Entry>,
    highest: Epoch,
    founding: Option<Roster>,
    changes: Vec<Change>,
    undo: Vec<Change>,
}

impl Registry {
    /// The most names: of a large school, and small enough to list in one answer.
    pub const MAX_NAMES: usize = 2_000;
    /// The most names of one key: one of its own and some for other programs.
    pub const MAX_NAMES_PER_KEY: usize = 16;
    /// How many trackers the history holds.
    pub const MAX_HISTORY: usize = 1_000;
    /// How long a name stays its key's after the lease: a computer that restarts keeps its name.
    pub const RESERVED: Duration = Duration::from_mins(10);

    /// A registry that goes on from what was saved, or a new one from [`Saved::default`]. Leases and
    /// reservations begin anew at `now`.
    #[must_use]
    pub fn new(rule: Founding, saved: Saved, now: Duration) -> Self {
        let mut names = saved.names;
        for held in names.values_mut() {
            held.until = if held.lapsed { now } else { now.saturating_add(held.lease.duration()) };
        }
        let (changes, undo) = (Vec::new(), Vec::new());
        let Saved { trackers, highest, founding, .. } = saved;
        Self { rule, names, trackers, highest, founding, changes, undo }
    }

    /// Registers a peer's name for `entry.holder`, or renews it with a new entry. `roster` is the peer's,
    /// if it belongs to a group: its founding is adopted where there is none yet.
    ///
    /// # Errors
    /// Says why not; nothing was changed then.
    pub fn register(
        &mut self,
        name: PeerName,
        entry: Entry,
        lease: Lease,
        roster: Option<&Roster>,
        now: Duration,
    ) -> Result<(), Refusal> {
        if let Some(roster) = roster {
            self.check_founding(roster)?;
        }
        self.check_place(&name, entry.holder, now)?;
        if let Some(roster) = roster {
            self.adopt(entry.holder, roster);
        }
        let until = now.saturating_add(lease.duration());
        let held = Held { entry, lease, until, lapsed: false };
        let same = self.names.get(&name).is_some_and(|old| Held { until, ..old.clone() } == held);
        if same {
            self.names.insert(name, held);
        } else {
            self.set(Change::Name(name, Some(held)));
        }
        Ok(())
    }

    /// Registers `entry.holder` as the tracker of `epoch` (R6). The same holder may repeat it, also with
    /// another address.
    ///
    /// # Errors
    /// Says why not; nothing was changed then.
    pub fn register_tracker(&mut self, epoch: Epoch, entry: Entry, roster: &Roster) -> Result<(), Refusal> {
        self.check_founding(roster)?;
        if !roster.is_voter(entry.holder) {
            return Err(Refusal::NotAVoter);
        }
        if roster.stamp.epoch > epoch {
            return Err(Refusal::RosterFromLater);
        }
        let highest = self.highest;
        if epoch.is_absurd_after(highest) {
            return Err(Refusal::AbsurdEpoch { highest });
        }
        let held = self.trackers.get(&epoch);
        let repeated = epoch == highest && held.is_some_and(|old| old.holder == entry.holder);
        if epoch <= highest && !repeated {
            return Err(Refusal::Superseded { highest });
        }
        let unchanged = held == Some(&entry);
        self.adopt(entry.holder, roster);
        if unchanged {
            return Ok(());
        }
        self.set(Change::Tracker(epoch, Some(entry)));
        if epoch > highest {
            self.set(Change::Highest(epoch));
        }
        while self.trackers.len() > Self::MAX_HISTORY
            && let Some(oldest) = self.trackers.keys().next().copied()
        {
            self.set(Change::Tracker(oldest, None));
        }
        Ok(())
    }

    /// Renews the lease of a name of the caller's; `None` keeps the lease that it has. A tracker's
    /// registration has no lease and is only confirmed.
    ///
    /// # Errors
    /// If the name is not registered (any more), or is another key's.
    pub fn renew(
        &mut self,
        name: &Name,
        caller: PeerId,
        lease: Option<Lease>,
        now: Duration,
    ) -> Result<Lease, Refusal> {
        let name = match name {
            Name::Peer(name) => name,
            Name::Tracker(epoch) => return self.confirm(*epoch, caller),
        };
        let held = self.own(name, caller, now)?;
        let lease = lease.unwrap_or(held.lease);
        let until = now.saturating_add(lease.duration());
        if held.lease == lease {
            held.until = until;
        } else {
            let held = Held { lease, until, ..held.clone() };
            self.set(Change::Name(name.clone(), Some(held)));
        }
        Ok(lease)
    }

    /// Replaces what a registration of the caller's carries, until it is registered anew; gives the entry as it is
    /// then. Of the trackers only the latest can be changed, as only the latest can be registered again.
    ///
    /// # Errors
    /// If the name is not registered (any more), or is another key's, or an earlier tracker's.
    pub fn set_metadata(
        &mut self,
        name: &Name,
        caller: PeerId,
        metadata: Metadata,
        now: Duration,
    ) -> Result<Entry, Refusal> {
        let before = match name {
            Name::Peer(name) => &self.own(name, caller, now)?.entry,
            Name::Tracker(epoch) => self.own_tracker(*epoch, caller)?,
        };
        let entry = Entry { metadata, ..before.clone() };
        if entry == *before {
            return Ok(entry);
        }
        match name {
            Name::Peer(name) => {
                let held = self.own(name, caller, now)?.clone();
                self.set(Change::Name(name.clone(), Some(Held { entry: entry.clone(), ..held })));
            }
            Name::Tracker(epoch) => self.set(Change::Tracker(*epoch, Some(entry.clone()))),
        }
        Ok(entry)
    }

    /// What is registered under a name.
    #[must_use]
    pub fn lookup(&self, name: &Name, now: Duration) -> Option<&Entry> {
        match name {
            Name::Peer(name) => {
                self.names.get(name).filter(|held| is_living(held, now)).map(|held| &held.entry)
            }
            Name::Tracker(epoch) => self.trackers.get(epoch),
        }
    }

    /// Everything that passes the filter, the history of trackers included, by name.
    #[must_use]
    pub fn list(&self, filter: &Filter, now: Duration) -> BTreeMap<String, &Entry> {
        let names = self.living(now).map(|(name, held)| (name.as_str().to_owned(), &held.entry));
        let trackers = self.trackers.iter().map(|(epoch, entry)| (tracker_name(*epoch), entry));
        names.chain(trackers).filter(|(name, entry)| filter.passes(name, entry)).collect()
    }

    /// Removes a name of the caller's at once, its reservation included; says whether it was there.
    ///
    /// # Errors
    /// If it is another key's, or a tracker's.
    pub fn remove(&mut self, name: &Name, caller: PeerId, now: Duration) -> Result<bool, Refusal> {
        let Name::Peer(name) = name else {
            return Err(Refusal::History);
        };
        let Some(held) = self.names.get(name).filter(|held| !is_free(held, now)) else {
            return Ok(false);
        };
        if held.entry.holder != caller {
            return Err(Refusal::NameTaken { holder: held.entry.holder });
        }
        self.set(Change::Name(name.clone(), None));
        Ok(true)
    }

    /// How many names can be found, the history of trackers included.
    #[must_use]
    pub fn count(&self, now: Duration) -> usize {
        self.living(now).count() + self.trackers.len()
    }

    /// Notes leases that have ended and frees names whose reservation is over. Only for storage and for those who
    /// watch: the other methods look at `now` themselves.
    pub fn expire(&mut self, now: Duration) {
        let ended: Vec<_> = self
            .names
            .iter()
            .filter(|(_, held)| is_free(held, now) || (!held.lapsed && !is_living(held, now)))
            .map(|(name, held)| (name.clone(), held.clone()))
            .collect();
        for (name, held) in ended {
            let is_over = is_free(&held, now);
            if !held.lapsed {
                self.set(Change::Name(name.clone(), Some(Held { lapsed: true, ..held })));
            }
            if is_over {
                self.set(Change::Name(name, None));
            }
        }
    }

    /// Whether enough peers are there to found the group now.
    #[must_use]
    pub fn is_founding_due(&self, now: Duration) -> bool {
        self.founding.is_none()
            && now >= self.rule.not_before
            && self.founders(now).len() >= usize::from(self.rule.expected)
    }

    /// Founds the group with this id, if [`Registry::is_founding_due`]: the expected number of peers (the
    /// first ones by id, if there are more) are its voters.
    pub fn found(&mut self, founding: FoundingId, now: Duration) {
        if !self.is_founding_due(now) {
            return;
        }
        let members = self.founders(now).into_iter().take(usize::from(self.rule.expected)).collect();
        let stamp = RosterStamp { epoch: Epoch::ZERO, version: 0 };
        let min_voters = self.rule.expected;
        self.set(Change::Founding(Some(Roster { founding, stamp, min_voters, members })));
    }

    /// What every answer to a registration tells.
    #[must_use]
    pub fn overview(&self, now: Duration) -> Overview {
        Overview {
            highest: self.highest,
            tracker: self.trackers.get(&self.highest).cloned(),
            founding: self.founding.clone(),
            registered: self.founders(now).len(),
            expected: self.rule.expected,
        }
    }

    /// What must be durable before any answer of the methods called since the last commit goes out.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes are durable; gives those that whoever looks names up can see.
    pub fn commit(&mut self) -> Vec<Seen> {
        let pairs = self.undo.drain(..).zip(self.changes.drain(..));
        pairs.filter_map(|(before, after)| Seen::between(&before, &after)).collect()
    }

    /// The changes could not be made durable: all is as after the last commit (renewals of unchanged
    /// leases stay).
    pub fn roll_back(&mut self) {
        self.changes.clear();
        while let Some(change) = self.undo.pop() {
            self.apply(change);
        }
    }

    fn check_founding(&self, roster: &Roster) -> Result<(), Refusal> {
        match &self.founding {
            Some(ours) if ours.founding != roster.founding => Err(Refusal::TwoGroups { ours: ours.founding }),
            _ => Ok(()),
        }
    }

    fn check_place(&self, name: &PeerName, holder: PeerId, now: Duration) -> Result<(), Refusal> {
        if let Some(held) = self.names.get(name).filter(|held| !is_free(held, now)) {
            let other = held.entry.holder;
            return if other == holder { Ok(()) } else { Err(Refusal::NameTaken { holder: other }) };
        }
        let taken = || self.names.iter().filter(|(other, held)| *other != name && !is_free(held, now));
        if taken().filter(|(_, held)| held.entry.holder == holder).count() >= Self::MAX_NAMES_PER_KEY {
            return Err(Refusal::TooManyOfKey);
        }
        if taken().count() >= Self::MAX_NAMES {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// A living name of the caller's.
    fn own(&mut self, name: &PeerName, caller: PeerId, now: Duration) -> Result<&mut Held, Refusal> {
        let held = self.names.get_mut(name).filter(|held| !is_free(held, now)).ok_or(Refusal::UnknownName)?;
        if held.entry.holder != caller {
            return Err(Refusal::NameTaken { holder: held.entry.holder });
        }
        if is_living(held, now) { Ok(held) } else { Err(Refusal::UnknownName) }
    }

    /// The latest tracker, if it is the caller.
    fn own_tracker(&self, epoch: Epoch, caller: PeerId) -> Result<&Entry, Refusal> {
        let entry = self.trackers.get(&epoch).ok_or(Refusal::UnknownName)?;
        if entry.holder != caller {
            return Err(Refusal::NameTaken { holder: entry.holder });
        }
        if epoch == self.highest { Ok(entry) } else { Err(Refusal::Superseded { highest: self.highest }) }
    }

    fn confirm(&self, epoch: Epoch, caller: PeerId) -> Result<Lease, Refusal> {
        let entry = self.trackers.get(&epoch).ok_or(Refusal::UnknownName)?;
        if entry.holder == caller {
            Ok(Lease::DEFAULT)
        } else {
            Err(Refusal::NameTaken { holder: entry.holder })
        }
    }

    /// Takes over the founding of a member where there is none yet.
    fn adopt(&mut self, member: PeerId, roster: &Roster) {
        if self.founding.is_none() && roster.members.contains_key(&member) {
            self.set(Change::Founding(Some(roster.clone())));
        }
    }

    fn living(&self, now: Duration) -> impl Iterator<Item = (&PeerName, &Held)> {
        self.names.iter().filter(move |(_, held)| is_living(held, now))
    }

    /// The peers that take part in elections, by id; of several names of one peer the latest counts.
    fn founders(&self, now: Duration) -> BTreeMap<PeerId, Member> {
        let mut latest: BTreeMap<PeerId, Duration> = BTreeMap::new();
        let mut founders = BTreeMap::new();
        for (name, held) in self.living(now) {
            let Some(election_uri) = held.entry.election_uri else { continue };
            let id = held.entry.holder;
            if latest.get(&id).is_none_or(|until| *until < held.until) {
                latest.insert(id, held.until);
                let (name, uri) = (name.clone(), held.entry.uri);
                founders.insert(id, Member { name, uri, election_uri, voter: true });
            }
        }
        founders
    }

    fn set(&mut self, change: Change) {
        self.changes.push(change.clone());
        let before = self.apply(change);
        self.undo.push(before);
    }

    /// Applies a change and gives the one that undoes it.
    fn apply(&mut self, change: Change) -> Change {
        match change {
            Change::Name(name, held) => {
                let before = replace(&mut self.names, name.clone(), held);
                Change::Name(name, before)
            }
            Change::Tracker(epoch, entry) => {
                let before = replace(&mut self.trackers, epoch, entry);
                Change::Tracker(epoch, before)
            }
            Change::Highest(epoch) => Change::Highest(std::mem::replace(&mut self.highest, epoch)),
            Change::Founding(roster) => Change::Founding(std::mem::replace(&mut self.founding, roster)),
        }
    }
}

fn replace<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}

fn is_living(held: &Held, now: Duration) -> bool {
    !held.lapsed && now < held.until
}

fn is_free(held: &Held, now: Duration) -> bool {
    now >= held.until.saturating_add(Registry::RESERVED)
}

#[cfg(test)]
mod tests;
