//! Which folders are shared, and when everything in them is looked at.

use super::super::below::Root;
use super::cache::Batch;
use super::keeper::{Hold, Keeper};
use super::table::ShareRow;
use super::{LibraryError, MAX_SHARES, Problem, Shared};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A regular walk takes at most one part in so many of the time.
const PART: u32 = 50;
/// The same where the system does not tell of all changes ...
const BLIND_PART: u32 = 10;
/// ... and how often it is made there at least, if that allows it.
const BLIND_PAUSE: Duration = Duration::from_secs(15);
/// A walk because hints were lost rests so many times its length before the next one.
const LOST_PART: u32 = 4;
/// When a shared folder that is not there (an unplugged drive) is looked for again.
const REOPEN: Duration = Duration::from_secs(3);

/// Opens the shared folders. One that is not there is looked for later.
pub(super) fn open_all(shared: &Shared) {
    let paths: Vec<_> = shared.table().shares.iter().map(|(id, row)| (*id, row.path.clone())).collect();
    for (share, path) in paths {
        // Not with the lock held: a folder of a network may not answer.
        let root = Root::open(&path).ok().map(Arc::new);
        if let Some(row) = shared.table().shares.get_mut(&share) {
            row.root = root;
        }
    }
}

impl Keeper {
    pub(super) fn share_at(&self, path: &Path) -> Option<u32> {
        let table = self.shared.table();
        table.shares.iter().find(|(_, share)| share.path == path).map(|(id, _)| *id)
    }

    pub(super) fn share(&mut self, path: PathBuf) -> Result<(), LibraryError> {
        if self.share_at(&path).is_some() {
            return Ok(());
        }
        let id = {
            let table = self.shared.table();
            for share in table.shares.values() {
                if path.starts_with(&share.path) {
                    return Err(LibraryError::Inside { outer: share.path.clone() });
                }
                if share.path.starts_with(&path) {
                    return Err(LibraryError::Around { inner: share.path.clone() });
                }
            }
            if table.shares.len() >= MAX_SHARES {
                return Err(LibraryError::TooMany);
            }
            table.shares.last_key_value().map_or(1, |(id, _)| id + 1)
        };
        let text = path.to_str().ok_or_else(|| LibraryError::NotText(path.clone()))?.to_owned();
        self.commit_with(Batch { new_share: Some((id, text)), ..Batch::default() })?;
        self.shared.table().shares.insert(id, ShareRow::new(path));
        self.rescan(id);
        Ok(())
    }

    pub(super) fn unshare(&mut self, path: &Path) -> Result<(), LibraryError> {
        let id = self.share_at(path).ok_or_else(|| LibraryError::NotShared(path.to_owned()))?;
        self.scans.forget(id);
        self.ignores.forget_share(id);
        self.watcher.keep(id, path, "", &BTreeSet::new());
        for key in self.tree.under(id, "") {
            self.tree.remove(key);
            self.queue.remove(key);
        }
        self.commit_with(Batch { ended_share: Some(id), ..Batch::default() })?;
        self.shared.table().shares.remove(&id);
        // Its number may be that of the next one.
        self.shared.gate.release(id);
        Ok(())
    }

    pub(super) fn hold(&mut self, path: PathBuf, hold: Hold) -> Result<(), LibraryError> {
        let id = self.share_at(&path).ok_or(LibraryError::NotShared(path))?;
        let paused = hold == Hold::Paused;
        self.commit_with(Batch { held: Some((id, paused)), ..Batch::default() })?;
        if let Some(row) = self.shared.table().shares.get_mut(&id) {
            row.paused = paused;
        }
        if paused {
            self.shared.gate.hold(id);
            return Ok(());
        }
        self.shared.gate.release(id);
        for file in self.tree.unhashed().filter(|file| file.share() == id) {
            self.queue.put(file.key, file.identity.size, None);
        }
        Ok(())
    }

    pub(super) fn rescan_all(&mut self) {
        self.watcher.retry();
        self.schedule.begin(Instant::now());
        let shares: Vec<u32> = self.shared.table().shares.keys().copied().collect();
        for share in shares {
            self.rescan(share);
        }
        self.plan_rescan();
    }

    /// Everything is looked at regularly, in case a hint was lost: the larger the shares, the more seldom,
    /// and more often where the system does not tell of all changes.
    fn plan_rescan(&mut self) {
        let mut table = self.shared.table();
        let is_blind =
            self.watcher.state().is_exhausted || table.shares.values().any(|row| row.unwatched > 0);
        let (pause, part) = if is_blind {
            (self.rescan_pause.min(BLIND_PAUSE), BLIND_PART)
        } else {
            (self.rescan_pause, PART)
        };
        let pause = pause.max(self.scans.duration() * part);
        table.watched.rescan_pause = pause;
        self.schedule.set_pause(pause);
    }

    /// Everything is looked at, and not again before that took less than a fifth of the time: hints may be
    /// lost all the time.
    pub(super) fn hints_were_lost(&mut self) {
        let earliest = self.walked_at + self.scans.duration() * LOST_PART;
        self.schedule.hurry(earliest.max(Instant::now()));
    }

    /// A share was walked to its end, and has so many folders.
    pub(super) fn walked(&mut self, share: u32, folders: u64) {
        // One that is not there takes no time, and is looked for all the time.
        if self.root(share).is_some() {
            self.walked_at = Instant::now();
        }
        let unwatched = self.watcher.unwatched(share, folders);
        if let Some(row) = self.shared.table().shares.get_mut(&share) {
            (row.unwatched, row.walking) = (unwatched, self.scans.walks(share));
        }
        self.plan_rescan();
        // With what was skipped, which is shown now.
        self.commit_at_once();
    }

    pub(super) fn reopen(&mut self) {
        let closed: Vec<u32> = {
            let table = self.shared.table();
            table.shares.iter().filter(|(_, share)| share.root.is_none()).map(|(id, _)| *id).collect()
        };
        for share in closed {
            self.rescan(share);
        }
    }

    /// Opens the share's folder anew and has everything in it looked at.
    pub(super) fn rescan(&mut self, share: u32) {
        let (path, old) = {
            let table = self.shared.table();
            let Some(row) = table.shares.get(&share) else { return };
            (row.path.clone(), row.root.clone())
        };
        let opened = Root::open(&path).and_then(|root| Ok((root.node()?, root)));
        let old_node = old.as_ref().and_then(|root| root.node().ok());
        let problem = match opened {
            Ok((node, root)) => {
                if old_node != Some(node) {
                    self.watcher.renew(&(share, String::new()));
                    self.set_root(share, Some(Arc::new(root)), None);
                }
                None
            }
            Err(error) => Some(Problem::of_folder(&error)),
        };
        if problem.is_some() {
            self.set_root(share, None, problem);
            self.reopen_due = Some(Instant::now() + REOPEN);
        }
        self.scans.start(share, "");
        if let Some(row) = self.shared.table().shares.get_mut(&share) {
            row.walking = true;
        }
    }

    fn set_root(&self, share: u32, root: Option<Arc<Root>>, problem: Option<Problem>) {
        let mut table = self.shared.table();
        if let Some(row) = table.shares.get_mut(&share) {
            (row.root, row.problem) = (root, problem);
        }
    }
}
