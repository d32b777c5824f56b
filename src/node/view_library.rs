//! The shared folders in the picture for people: how far hashing is and how long it still takes.

use super::speed::Speed;
use crate::store::{Library, ShareState};
use crate::wire::control::{LibraryState, Share};

/// What opening and closing a file costs, as bytes that are hashed in the same time.
const FILE_EFFORT: u64 = 64 * 1024;

/// How fast hashing is.
#[derive(Debug, Default)]
pub(super) struct Hashing {
    bytes: Speed,
    effort: Speed,
}

impl Hashing {
    /// This peer's own files together.
    pub(super) fn own_files(&mut self, library: &Library) -> LibraryState {
        let totals = library.totals();
        let watched = library.watched();
        LibraryState {
            files: totals.files,
            bytes: totals.bytes,
            hashing: totals.hashing,
            hashing_rate: self.bytes.rate(library.hashed_bytes()),
            unwatched: library.shares().iter().map(|share| share.unwatched).sum(),
            hints_lost: watched.lost,
            rescan_seconds: watched.rescan_pause.as_secs(),
        }
    }

    /// The shared folders one by one.
    pub(super) fn shares(&mut self, library: &Library) -> Vec<Share> {
        let shares = library.shares();
        let rate = self.effort.rate(effort(library.hashed_bytes(), library.hashed_files()));
        let seconds = seconds_left(&shares, rate);
        shares.into_iter().map(|share| shown(share, seconds)).collect()
    }
}

fn effort(bytes: u64, files: u64) -> u64 {
    bytes.saturating_add(files.saturating_mul(FILE_EFFORT))
}

/// All folders are hashed together, small files first: each may be the last one.
fn seconds_left(shares: &[ShareState], rate: u64) -> Option<u64> {
    let left = shares.iter().filter(|share| !share.paused);
    let left = left.map(|share| effort(share.hashing_bytes, share.hashing)).sum::<u64>();
    left.checked_div(rate).filter(|_| left > 0)
}

fn shown(share: ShareState, seconds_left: Option<u64>) -> Share {
    Share {
        path: share.path.display().to_string(),
        files: share.files,
        bytes: share.bytes,
        hashing: share.hashing,
        hashing_bytes: share.hashing_bytes,
        seconds_left: seconds_left.filter(|_| share.hashing > 0 && !share.paused),
        paused: share.paused,
        walking: share.walking,
        unwatched: share.unwatched,
        skipped: share.skipped,
        skips: share.skips.into_iter().map(|(kind, count)| (kind.word().to_owned(), count)).collect(),
        problem_kind: share.problem.as_ref().map(|problem| problem.kind.word().to_owned()),
        problem: share.problem.map(|problem| problem.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn share(hashing: u64, hashing_bytes: u64, paused: bool) -> ShareState {
        ShareState {
            path: "/music".into(),
            files: 10,
            bytes: 1_000_000,
            hashing,
            hashing_bytes,
            paused,
            walking: false,
            unwatched: 0,
            skipped: 0,
            skips: BTreeMap::new(),
            problem: None,
        }
    }

    #[test]
    fn the_time_left_counts_files_and_bytes_and_nothing_that_is_paused() {
        let file = FILE_EFFORT;
        let table = [
            (vec![], 1_000, None),
            (vec![share(0, 0, false)], 1_000, None),
            (vec![share(1, 9 * file, false)], file, Some(10)),
            (vec![share(1, 9 * file, false)], 0, None),
            (vec![share(5, 0, false), share(5, 10 * file, false)], 2 * file, Some(10)),
            (vec![share(5, 0, false), share(5, 10 * file, true)], file, Some(5)),
        ];
        for (shares, rate, expected) in table {
            assert_eq!(seconds_left(&shares, rate), expected, "{shares:?}");
        }
        let ready = shown(share(0, 0, false), Some(9)).seconds_left;
        let paused = shown(share(1, 1, true), Some(9)).seconds_left;
        let running = shown(share(1, 1, false), Some(9)).seconds_left;
        assert_eq!((ready, paused, running), (None, None, Some(9)));
    }
}
