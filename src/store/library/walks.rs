//! Walks of the shared folders that are under way, and what they found out so far.

use super::super::below::{Identity, Root};
use super::ignores::is_below;
use super::skip::Reason;
use super::table::Folder;
use super::tree::Place;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many skipped paths are counted.
pub(super) const MAX_SKIPS: usize = 100_000;

/// One walk of a folder and all below it.
pub(super) struct Scan {
    pub(super) share: u32,
    pub(super) start: String,
    pub(super) folders: VecDeque<String>,
    /// The folder that is being read.
    pub(super) visit: Option<Visit>,
    /// Files that were known in a folder and are not there.
    pub(super) unseen: Vec<u64>,
    /// Folders that were there.
    pub(super) visited: BTreeSet<String>,
    pub(super) skipped: BTreeSet<String>,
    pub(super) began: Instant,
    pub(super) progress: Progress,
}

/// A folder that is being read: a huge one takes several rounds.
pub(super) struct Visit {
    pub(super) root: Arc<Root>,
    pub(super) folder: Arc<Folder>,
    pub(super) entries: cap_std::fs::ReadDir,
    /// The files that were there.
    pub(super) seen: BTreeSet<u64>,
    pub(super) hidden: u64,
    /// Whether folders in it lie too deep.
    pub(super) is_deep: bool,
    /// Whether something in it may belong to this program.
    pub(super) is_near_own: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Waiting,
    Begun,
}

/// Walks under way, and what they left to be resolved.
#[derive(Default)]
pub(super) struct Scans {
    pub(super) running: VecDeque<Scan>,
    /// Files that may be gone.
    pub(super) missing: BTreeSet<u64>,
    /// Shares that were walked as a whole since the library was opened, and how long that took last.
    pub(super) walked: BTreeMap<u32, Duration>,
    pub(super) skips: BTreeMap<Place, Reason>,
    /// How many hidden entries a folder has.
    pub(super) hidden: BTreeMap<Place, u64>,
    pub(super) skips_changed: BTreeSet<u32>,
    /// Files that could not be read, in this state.
    pub(super) unreadable: BTreeMap<Place, Identity>,
}

impl Scans {
    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// How long it takes to look at everything.
    pub(super) fn duration(&self) -> Duration {
        self.walked.values().sum()
    }

    /// Whether what is missing can be taken off the list: nothing that is being looked at can be where it
    /// went. A walk of a share that was walked before only finds what no hint told.
    pub(super) fn can_resolve(&self) -> bool {
        self.running.iter().all(|scan| scan.start.is_empty() && self.walked.contains_key(&scan.share))
    }

    /// Whether this share is being walked as a whole.
    pub(super) fn walks(&self, share: u32) -> bool {
        self.running.iter().any(|scan| scan.share == share && scan.start.is_empty())
    }

    /// Walks a folder of a share; nothing new if a walk that has not begun covers it.
    pub(super) fn start(&mut self, share: u32, path: &str) {
        let waits = |scan: &Scan| {
            let covers = scan.start.is_empty() || scan.start == path;
            scan.share == share && covers && scan.progress == Progress::Waiting
        };
        if self.running.iter().any(waits) {
            return;
        }
        let scan = Scan {
            share,
            start: path.to_owned(),
            folders: VecDeque::from([path.to_owned()]),
            visit: None,
            unseen: Vec::new(),
            visited: BTreeSet::new(),
            skipped: BTreeSet::new(),
            began: Instant::now(),
            progress: Progress::Waiting,
        };
        // A folder that just changed does not wait for the walk of a whole share.
        if path.is_empty() { self.running.push_back(scan) } else { self.running.push_front(scan) }
    }

    /// What a walk saw that ended before others around it: those were perhaps past it already, and are not
    /// to take it for gone.
    pub(super) fn pass_on(&mut self, scan: &Scan) {
        let around = |other: &&mut Scan| {
            let began = other.progress == Progress::Begun;
            began && other.share == scan.share && is_below(&scan.start, &other.start)
        };
        for other in self.running.iter_mut().filter(around) {
            other.visited.extend(scan.visited.iter().cloned());
            other.skipped.extend(scan.skipped.iter().cloned());
        }
    }

    /// Has it looked for once more, and removed if it is gone.
    pub(super) fn suspect(&mut self, key: u64) {
        self.missing.insert(key);
    }

    pub(super) fn forget(&mut self, share: u32) {
        self.running.retain(|scan| scan.share != share);
        self.walked.remove(&share);
        self.skips.retain(|(of, _), _| *of != share);
        self.hidden.retain(|(of, _), _| *of != share);
        self.skips_changed.remove(&share);
        self.unreadable.retain(|(of, _), _| *of != share);
    }

    pub(super) fn skip(&mut self, place: Place, reason: Reason) {
        if self.skips.len() < MAX_SKIPS && self.skips.get(&place) != Some(&reason) {
            self.skips_changed.insert(place.0);
            self.skips.insert(place, reason);
        }
    }

    pub(super) fn set_hidden(&mut self, folder: Place, count: u64) {
        let before = self.hidden.get(&folder).copied().unwrap_or(0);
        if before != count {
            self.skips_changed.insert(folder.0);
        }
        if count == 0 {
            self.hidden.remove(&folder)
        } else {
            self.hidden.insert(folder, count)
        };
    }

    /// Folders that are not there any more hide nothing.
    pub(super) fn forget_hidden(&mut self, scan: &Scan, prefix: &str) {
        let before = self.hidden.len();
        let inside = |path: &str| path == scan.start || path.starts_with(prefix);
        self.hidden
            .retain(|(share, path), _| *share != scan.share || !inside(path) || scan.visited.contains(path));
        if self.hidden.len() != before {
            self.skips_changed.insert(scan.share);
        }
    }

    pub(super) fn unskip(&mut self, place: &Place) {
        if self.skips.remove(place).is_some() {
            self.skips_changed.insert(place.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk of a share from a folder on, which has begun and seen these.
    fn walk(scans: &mut Scans, share: u32, start: &str, visited: &[&str]) {
        scans.start(share, start);
        let scan = scans.running.iter_mut().find(|scan| scan.share == share && scan.start == start);
        let scan = scan.expect("it was started");
        scan.progress = Progress::Begun;
        scan.visited = visited.iter().map(|path| (*path).to_owned()).collect();
    }

    #[test]
    fn what_a_walk_of_a_new_folder_saw_is_not_gone_for_the_walks_around_it() {
        let mut scans = Scans::default();
        walk(&mut scans, 1, "", &["", "a"]);
        walk(&mut scans, 2, "", &[""]);
        walk(&mut scans, 1, "a", &["a"]);
        walk(&mut scans, 1, "b", &["b"]);
        walk(&mut scans, 1, "a/new", &["a/new", "a/new/sub"]);
        scans.start(1, "a");
        let ended = scans.running.iter().position(|scan| scan.start == "a/new").expect("it runs");
        let ended = scans.running.remove(ended).expect("it runs");
        scans.pass_on(&ended);
        let seen = |scan: &Scan| {
            let visited: Vec<_> = scan.visited.iter().cloned().collect();
            (scan.share, scan.start.clone(), scan.progress == Progress::Begun, visited.join(" "))
        };
        let mut all: Vec<_> = scans.running.iter().map(seen).collect();
        all.sort();
        let expected = [
            (1, "", true, " a a/new a/new/sub"),
            (1, "a", false, ""),
            (1, "a", true, "a a/new a/new/sub"),
            (1, "b", true, "b"),
            (2, "", true, ""),
        ];
        let expected =
            expected.map(|(share, start, begun, seen)| (share, start.to_owned(), begun, seen.to_owned()));
        assert_eq!(all, expected);
    }
}
