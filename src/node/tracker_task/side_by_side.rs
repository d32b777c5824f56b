//! Searches through many files are done on several cores: half as long on two.
//!
//! What is absent on purpose: threads that wait for work. A search takes milliseconds, a thread is made in
//! some hundredths of one, and most searches are through too few files to need one.

use crate::engine::index::Workers;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, available_parallelism, scope};

/// So many rows are worth a thread: a millisecond's work.
const ROWS: usize = 100_000;
/// The most threads for one search: whoever uses this computer has work for its cores too.
const MOST: usize = 4;

/// As many threads as there are cores, at the most [`MOST`].
#[derive(Clone, Copy, Debug)]
pub(super) struct SideBySide {
    most: usize,
}

impl SideBySide {
    /// Those of this computer.
    pub(super) fn new() -> Self {
        // Where nobody says how many cores there are, one is enough.
        Self { most: available_parallelism().map_or(1, usize::from).min(MOST) }
    }
}

impl Workers for SideBySide {
    fn parts(&self, rows: usize) -> usize {
        (rows / ROWS).clamp(1, self.most)
    }

    fn each<T: Send, F: FnOnce() -> T + Send>(&self, parts: Vec<F>) -> Vec<T> {
        let count = parts.len();
        let queue = Mutex::new(parts.into_iter().enumerate());
        let work = || {
            let mut done = Vec::new();
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((number, part)) = next else { return done };
                done.push((number, part()));
            }
        };
        let mut done = scope(|scope| {
            // Without help, whoever asks does all of it.
            let help = |_| Builder::new().name("cardume-search".to_owned()).spawn_scoped(scope, work).ok();
            let helpers: Vec<_> = (1..count).filter_map(help).collect();
            let mut done = work();
            for helper in helpers {
                done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            done
        });
        done.sort_unstable_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    #[test]
    fn parts_are_done_side_by_side_and_come_in_their_order() {
        let workers = SideBySide { most: 3 };
        assert_eq!([0, 99_999, 200_000, 9_000_000].map(|rows| workers.parts(rows)), [1, 1, 2, 3]);
        // Nobody passes until all are there.
        let barrier = Barrier::new(3);
        let part = |number: usize| {
            let barrier = &barrier;
            move || {
                barrier.wait();
                (number, std::thread::current().id())
            }
        };
        let done = workers.each((0..3).map(part).collect());
        assert_eq!(done.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2]);
        let ids: Vec<_> = done.iter().map(|(_, id)| format!("{id:?}")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
        assert!(workers.each(Vec::<fn() -> u8>::new()).is_empty());
    }
}
