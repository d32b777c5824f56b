//! Which of those who have a turn still take what they asked for.
//!
//! **Who takes nothing for [`LAPSES_AFTER`] loses the turn when somebody waits for one:** a reader on a bad link, or one
//! that means ill, would keep everybody else out. What was read for it stays in memory until it takes more, so no more
//! than [`MAX_LAPSED`] are in that state, and of one peer [`MAX_LAPSED_OF_ONE`]. Times are those since a moment of the caller's.

use crate::base::PeerId;
use std::collections::BTreeMap;
use std::time::Duration;

/// Far above any pause of a reader that keeps up with a block of 256 KiB.
pub const LAPSES_AFTER: Duration = Duration::from_secs(1);
/// 16 MiB of buffers, as many as those who have turns may have.
pub const MAX_LAPSED: usize = 32;
/// As many as one peer has turns.
pub const MAX_LAPSED_OF_ONE: usize = 6;

/// A turn that may lapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseId(u64);

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    /// Who, and since when it takes nothing; `None` while something is made ready for it.
    held: BTreeMap<LeaseId, (PeerId, Option<Duration>)>,
    lapsed: BTreeMap<LeaseId, PeerId>,
    last: u64,
}

/// It lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse;

impl Leases {
    /// `peer` takes more in this turn, at first without a lease: something is made ready for it.
    ///
    /// # Errors
    /// If it lapsed.
    pub fn takes(&mut self, peer: PeerId, lease: Option<LeaseId>) -> Result<LeaseId, Lapse> {
        let lease = lease.unwrap_or_else(|| {
            self.last += 1;
            self.held.insert(LeaseId(self.last), (peer, None));
            LeaseId(self.last)
        });
        self.held.get_mut(&lease).ok_or(Lapse)?.1 = None;
        Ok(lease)
    }

    /// It was given what it took.
    pub fn given(&mut self, lease: LeaseId, now: Duration) {
        if let Some((_, since)) = self.held.get_mut(&lease) {
            *since = Some(now);
        }
    }

    /// The turn is over. Says whether it had not lapsed.
    pub fn end(&mut self, lease: LeaseId) -> bool {
        self.lapsed.remove(&lease);
        self.held.remove(&lease).is_some()
    }

    /// Somebody waits: whose turn lapses, if anybody's does.
    pub fn lapse(&mut self, now: Duration) -> Option<PeerId> {
        if self.lapsed.len() >= MAX_LAPSED {
            return None;
        }
        let lapsed_of = |peer: PeerId| self.lapsed.values().filter(|of| **of == peer).count();
        let since = |held: &(PeerId, Option<Duration>)| {
            held.1.filter(|since| {
                now.saturating_sub(*since) >= LAPSES_AFTER && lapsed_of(held.0) < MAX_LAPSED_OF_ONE
            })
        };
        let slow = self.held.iter().filter_map(|(lease, held)| Some((since(held)?, *lease, held.0)));
        let (_, lease, peer) = slow.min()?;
        self.held.remove(&lease);
        self.lapsed.insert(lease, peer);
        Some(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    #[test]
    fn who_took_nothing_for_the_longest_loses_its_turn_to_who_waits() {
        let mut leases = Leases::default();
        let at = Duration::from_millis;
        let [first, second] = [1, 2].map(|number| leases.takes(peer(number), None).expect("new"));
        leases.given(first, at(0));
        leases.given(second, at(100));
        assert_eq!(leases.lapse(at(900)), None, "all take something");
        assert_eq!(leases.takes(peer(1), Some(first)), Ok(first));
        assert_eq!(leases.lapse(at(1_100)), Some(peer(2)));
        assert_eq!(leases.lapse(at(9_000)), None, "what the first one waits for is not its fault");
        assert_eq!(leases.takes(peer(2), Some(second)), Err(Lapse));
        leases.given(first, at(9_000));
        assert_eq!(leases.lapse(at(9_999)), None);
        assert!(!leases.end(second) && leases.end(first), "what lapsed is not over twice");
        assert_eq!(leases.lapse(at(99_000)), None);
    }

    #[test]
    fn so_many_at_the_most_wait_for_another_turn() {
        let mut leases = Leases::default();
        let late = LAPSES_AFTER;
        let waits = |leases: &mut Leases, number| {
            let lease = leases.takes(peer(number), None).expect("new");
            leases.given(lease, Duration::ZERO);
            lease
        };
        let mut one = Vec::new();
        for _ in 0..=MAX_LAPSED_OF_ONE {
            one.push(waits(&mut leases, 1));
        }
        let lapsed = |leases: &mut Leases| std::iter::from_fn(|| leases.lapse(late)).count();
        assert_eq!(lapsed(&mut leases), MAX_LAPSED_OF_ONE);
        assert!(!leases.end(one[0]));
        assert_eq!(lapsed(&mut leases), 1, "one is gone, another one may lapse");
        for number in 2..50 {
            waits(&mut leases, number);
        }
        assert_eq!(lapsed(&mut leases), MAX_LAPSED - MAX_LAPSED_OF_ONE);
    }
}
