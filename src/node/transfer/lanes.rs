//! Requests that may run at once under a limit of speed.
//!
//! **Each of them goes on often enough for its source to see it:** a source lets go of a reader that takes nothing for
//! 20 s, what came of the piece is lost then, and with too many requests nothing would ever be whole. A download that
//! has no request gets the next free lane before another one gets its second. Without a limit there are lanes for all.

use super::limits::LEAST_LANE_SPEED;
use crate::base::ByteRate;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The lanes of all downloads.
#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<watch::Sender<State>>);

#[derive(Default)]
struct State {
    entered: u64,
    /// Of each download that fetches, its requests.
    running: BTreeMap<u64, usize>,
}

/// A download that fetches, until it is dropped.
pub(super) struct Entrant {
    lanes: Lanes,
    number: u64,
}

/// The right to one request, until it is dropped.
pub(super) struct Lane {
    lanes: Lanes,
    of: u64,
}

impl Lanes {
    /// A download begins to fetch.
    pub(super) fn enter(&self) -> Entrant {
        let mut number = 0;
        self.0.send_modify(|state| {
            state.entered += 1;
            number = state.entered;
            state.running.insert(number, 0);
        });
        Entrant { lanes: self.clone(), number }
    }
}

impl Entrant {
    /// A lane, if there is one under this limit.
    pub(super) fn lane(&self, limit: Option<ByteRate>) -> Option<Lane> {
        let lanes = |limit: ByteRate| usize::try_from(limit.bytes_per_second() / LEAST_LANE_SPEED);
        let most = limit.map_or(usize::MAX, |limit| lanes(limit).unwrap_or(usize::MAX).max(1));
        let is_free = self.lanes.0.send_if_modified(|state| {
            let all: usize = state.running.values().sum();
            let lacking =
                state.running.iter().filter(|(other, lanes)| **other != self.number && **lanes == 0);
            let kept_free = lacking.count();
            let Some(mine) = state.running.get_mut(&self.number) else { return false };
            let may = all < most && (*mine == 0 || all.saturating_add(kept_free) < most);
            *mine += usize::from(may);
            may
        });
        is_free.then(|| Lane { lanes: self.lanes.clone(), of: self.number })
    }
}

impl Drop for Entrant {
    fn drop(&mut self) {
        self.lanes.0.send_if_modified(|state| state.running.remove(&self.number).is_some());
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.lanes.0.send_modify(|state| {
            if let Some(lanes) = state.running.get_mut(&self.of) {
                *lanes = lanes.saturating_sub(1);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(entrant: &Entrant, limit: u64) -> Vec<Lane> {
        std::iter::from_fn(|| entrant.lane(Some(ByteRate::per_second(limit)))).take(100).collect()
    }

    #[test]
    fn a_limit_is_shared_by_few_requests_and_every_download_has_one() {
        let lanes = Lanes::default();
        let first = lanes.enter();
        assert_eq!(some(&first, 1).len(), 1, "one always goes on");
        assert_eq!(some(&first, 5 * LEAST_LANE_SPEED).len(), 5);
        assert_eq!(some(&first, u64::MAX).len(), 100);
        let second = lanes.enter();
        let held = some(&first, 3 * LEAST_LANE_SPEED);
        assert_eq!(held.len(), 2, "one is left for the other one");
        let other = some(&second, 3 * LEAST_LANE_SPEED);
        assert_eq!(other.len(), 1);
        drop(held);
        assert_eq!(some(&second, 3 * LEAST_LANE_SPEED).len(), 1, "one is left for the first one again");
        drop((first, other));
        assert_eq!(some(&second, 3 * LEAST_LANE_SPEED).len(), 3, "nobody else is left");
        let lane = second.lane(None);
        assert!(lane.is_some() && some(&second, 1).is_empty(), "what runs without a limit counts under one");
    }
}
