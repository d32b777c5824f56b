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
    /// Who, and when it took something last.
    held: BTreeMap<LeaseId, (PeerId, Duration)>,
    lapsed: BTreeMap<LeaseId, PeerId>,
    given: u64,
}

/// It lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse;

impl Leases {
    /// `peer` takes something in this turn, at first without a lease.
    ///
    /// # Errors
    /// If it lapsed.
    pub fn renew(&mut self, peer: PeerId, lease: Option<LeaseId>, now: Duration) -> Result<LeaseId, Lapse> {
        let lease = lease.unwrap_or_else(|| {
            self.given += 1;
            let new = LeaseId(self.given);
            self.held.insert(new, (peer, now));
            new
        });
        let (_, at) = self.held.get_mut(&lease).ok_or(Lapse)?;
        *at = now;
        Ok(lease)
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
        let slow = self.held.iter().filter(|(_, (peer, at))| {
            now.saturating_sub(*at) >= LAPSES_AFTER && lapsed_of(*peer) < MAX_LAPSED_OF_ONE
        });
        let (lease, (peer, _)) = slow.min_by_key(|(_, (_, at))| *at)?;
        let (lease, peer) = (*lease, *peer);
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
        let first = leases.renew(peer(1), None, at(0)).expect("new");
        let second = leases.renew(peer(2), None, at(100)).expect("new");
        assert_eq!(leases.lapse(at(900)), None, "all take something");
        assert_eq!(leases.renew(peer(1), Some(first), at(950)), Ok(first));
        assert_eq!(leases.lapse(at(1_100)), Some(peer(2)));
        assert_eq!(leases.lapse(at(1_100)), None);
        assert_eq!(leases.renew(peer(2), Some(second), at(1_200)), Err(Lapse));
        assert!(!leases.end(second) && leases.end(first), "what lapsed is not over twice");
        assert_eq!(leases.lapse(at(9_000)), None);
    }

    #[test]
    fn so_many_at_the_most_wait_for_another_turn() {
        let mut leases = Leases::default();
        let (start, late) = (Duration::ZERO, LAPSES_AFTER);
        let mut one = Vec::new();
        for _ in 0..=MAX_LAPSED_OF_ONE {
            one.push(leases.renew(peer(1), None, start).expect("new"));
        }
        let lapsed = |leases: &mut Leases| std::iter::from_fn(|| leases.lapse(late)).count();
        assert_eq!(lapsed(&mut leases), MAX_LAPSED_OF_ONE);
        assert!(!leases.end(one[0]));
        assert_eq!(lapsed(&mut leases), 1, "one is gone, another one may lapse");
        for number in 2..50 {
            leases.renew(peer(number), None, start).expect("new");
        }
        assert_eq!(lapsed(&mut leases), MAX_LAPSED - MAX_LAPSED_OF_ONE);
    }
}
