//! Who may send a whole list now: a few at a time, so that a group that comes back at once does not drown
//! its tracker. Whoever is turned away is told when to come again and keeps its place meanwhile.
//!
//! What is absent on purpose: a clock. Callers say what time it is.

use crate::base::PeerId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// The whole lists that come in at once: two keep both ends busy, the third one bridges a slow peer.
pub(super) const MOST: usize = 3;
/// How long a lease lasts without a chunk: longer than one chunk may take
/// ([`crate::net::index_calls::CALL_TIMEOUT`]).
pub(super) const UNUSED: Duration = Duration::from_secs(6);
/// When those at the front of the queue try again; those behind them wait a multiple of it.
const RETRY: Duration = Duration::from_millis(100);
/// The longest wait that is told.
const MAX_RETRY: Duration = Duration::from_secs(1);
/// Whoever did not ask again for so long has given up.
const GIVEN_UP: Duration = Duration::from_millis(2_500);

/// The leases and the queue before them.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// Until when each is held.
    held: BTreeMap<PeerId, Instant>,
    /// Who was turned away: when first and when last.
    waiting: BTreeMap<PeerId, (Instant, Instant)>,
}

impl Leases {
    /// Takes a lease, or renews the one that `peer` holds; or says when to ask again. Whoever has waited
    /// longer comes first.
    pub(super) fn take(&mut self, peer: PeerId, now: Instant) -> Result<(), Duration> {
        self.held.retain(|_, until| *until > now);
        self.waiting.retain(|_, (_, last)| now - *last < GIVEN_UP);
        let free = MOST.saturating_sub(self.held.len());
        let first = self.waiting.get(&peer).map_or(now, |(first, _)| *first);
        let ahead =
            self.waiting.iter().filter(|(other, (since, _))| (*since, **other) < (first, peer)).count();
        if self.held.contains_key(&peer) || ahead < free {
            self.waiting.remove(&peer);
            self.held.insert(peer, now + UNUSED);
            return Ok(());
        }
        self.waiting.insert(peer, (first, now));
        let rounds = u32::try_from((ahead - free) / MOST + 1).unwrap_or(u32::MAX);
        Err(RETRY.saturating_mul(rounds).min(MAX_RETRY))
    }

    /// The list is there, or it does not come.
    pub(super) fn release(&mut self, peer: PeerId) {
        self.held.remove(&peer);
        self.waiting.remove(&peer);
    }

    /// Only these peers are there.
    pub(super) fn keep(&mut self, peers: &BTreeSet<PeerId>) {
        self.held.retain(|peer, _| peers.contains(peer));
        self.waiting.retain(|peer, _| peers.contains(peer));
    }

    /// A new epoch: everybody begins anew.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    #[test]
    fn a_few_at_a_time_and_first_come_first_served() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        for number in 1..=3 {
            assert_eq!(leases.take(id(number), start), Ok(()));
        }
        assert_eq!(leases.take(id(2), start), Ok(()), "it has one");
        for number in 4..=9 {
            let wait = if number < 7 { RETRY } else { RETRY * 2 };
            assert_eq!(leases.take(id(number), start + RETRY), Err(wait), "{number}");
        }
        leases.release(id(1));
        let later = start + RETRY * 2;
        assert_eq!(leases.take(id(9), later), Err(RETRY * 2), "others came before it");
        assert_eq!(leases.take(id(4), later), Ok(()));
        leases.release(id(2));
        leases.release(id(3));
        assert_eq!(leases.take(id(6), later), Ok(()), "two are free, and only one is ahead of it");
        assert_eq!(leases.take(id(5), later), Ok(()));
    }

    #[test]
    fn a_lease_that_is_not_used_ends_and_whoever_gave_up_is_not_waited_for() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        for number in 1..=3 {
            assert_eq!(leases.take(id(number), start), Ok(()));
        }
        assert!(leases.take(id(4), start).is_err());
        let used = start + UNUSED / 2;
        assert_eq!(leases.take(id(1), used), Ok(()));
        let later = start + UNUSED;
        assert_eq!(leases.take(id(5), later), Ok(()), "two have ended, and peer 4 asks no more");
        assert_eq!(leases.take(id(6), later), Ok(()));
        assert!(leases.take(id(7), later).is_err(), "peer 1 used its lease");
        assert_eq!(leases.take(id(7), used + UNUSED), Ok(()));
    }
}
