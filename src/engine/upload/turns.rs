//! Turns to send: few at once, and fair between peers.
//!
//! **Nobody waits who could be sent to, and a peer that waits gets its turn before another one gets two.**
//! (Round robin by peer, first come within a peer: a peer that asks for much does not make the others
//! slower. The order is by when a peer's last turn began, so that one who asks only after each turn loses
//! nothing by it.) Deliberately absent: time. How long somebody waits at the most is the caller's; it then says
//! [`Turns::leave`].

use crate::base::PeerId;
use std::collections::{BTreeMap, VecDeque};

/// How many turns there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnLimits {
    /// Turns at once, in all.
    pub all: usize,
    /// Turns of one peer at once.
    pub per_peer: usize,
    /// Requests that wait, in all.
    pub waiting: usize,
    /// Requests of one peer that wait.
    pub waiting_per_peer: usize,
}

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// The answer to a request for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is its turn; [`Turns::finish`] ends it.
    Now,
    /// It waits; [`Turns::called`] says when it is its turn.
    Later(Ticket),
    /// Too many wait.
    Full,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Turns {
    limits: TurnLimits,
    running: BTreeMap<PeerId, usize>,
    lines: BTreeMap<PeerId, VecDeque<Ticket>>,
    /// When the last turn of a peer began (a count of turns); forgotten when it cannot matter any more.
    served: BTreeMap<PeerId, u64>,
    begun: u64,
    tickets: u64,
}

impl Turns {
    /// Nobody sends and nobody waits.
    #[must_use]
    pub const fn new(limits: TurnLimits) -> Self {
        Self {
            limits,
            running: BTreeMap::new(),
            lines: BTreeMap::new(),
            served: BTreeMap::new(),
            begun: 0,
            tickets: 0,
        }
    }

    /// From now on so many turns at once, in all; those that run go on.
    pub const fn allow(&mut self, all: usize) {
        self.limits.all = all;
    }

    /// Turns that run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.values().sum()
    }

    /// Whether others than `peer` wait.
    #[must_use]
    pub fn others_wait(&self, peer: PeerId) -> bool {
        self.lines.keys().any(|waiting| *waiting != peer)
    }

    /// Whether a turn of somebody else would be one for `peer`: all are taken, and it may have another.
    #[must_use]
    pub fn lacks_only_a_turn(&self, peer: PeerId) -> bool {
        let mine = self.running.get(&peer).copied().unwrap_or(0);
        mine < self.limits.per_peer && self.running() >= self.limits.all
    }

    /// A request for a turn.
    pub fn ask(&mut self, peer: PeerId) -> Asked {
        // Whoever waits is held up by a limit, which holds up the peer's next request too.
        if self.has_room(peer) && !self.lines.contains_key(&peer) {
            self.begin(peer);
            return Asked::Now;
        }
        let waiting: usize = self.lines.values().map(VecDeque::len).sum();
        let mine = self.lines.get(&peer).map_or(0, VecDeque::len);
        if waiting >= self.limits.waiting || mine >= self.limits.waiting_per_peer {
            return Asked::Full;
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.lines.entry(peer).or_default().push_back(ticket);
        Asked::Later(ticket)
    }

    /// Whoever waited waits no longer. Says whether it was still waiting: otherwise its turn had come, and
    /// is to be finished.
    pub fn leave(&mut self, peer: PeerId, ticket: Ticket) -> bool {
        let Some(line) = self.lines.get_mut(&peer) else { return false };
        let Some(at) = line.iter().position(|waiting| *waiting == ticket) else { return false };
        line.remove(at);
        if line.is_empty() {
            self.lines.remove(&peer);
        }
        true
    }

    /// A turn is over. [`Turns::called`] says whose turns begin.
    pub fn finish(&mut self, peer: PeerId) {
        if let Some(running) = self.running.get_mut(&peer) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&peer);
            }
        }
    }

    /// The next one whose turn begins; to be asked until there is none.
    pub fn called(&mut self) -> Option<Ticket> {
        let open = self.lines.iter().filter(|(peer, _)| self.has_room(**peer));
        let next = open.min_by_key(|(peer, line)| (self.served.get(peer).copied(), line.front().copied()));
        let peer = *next?.0;
        let line = self.lines.get_mut(&peer)?;
        let ticket = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&peer);
        }
        self.begin(peer);
        Some(ticket)
    }

    fn begin(&mut self, peer: PeerId) {
        *self.running.entry(peer).or_default() += 1;
        self.begun += 1;
        self.served.insert(peer, self.begun);
        // Older than everybody who waits is as good as never.
        let oldest = self.lines.keys().map(|waiting| self.served.get(waiting).copied().unwrap_or(0)).min();
        let oldest = oldest.unwrap_or(self.begun);
        self.served.retain(|_, at| *at >= oldest);
    }

    fn has_room(&self, peer: PeerId) -> bool {
        let mine = self.running.get(&peer).copied().unwrap_or(0);
        mine < self.limits.per_peer && self.running() < self.limits.all
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
