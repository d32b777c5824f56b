//! What is hashed next, and what came of it.

use super::super::below::join;
use super::super::verified::Verified;
use super::consider::Settled;
use super::hasher::{Done, Job, Lane, Outcome, Part};
use super::keeper::{Hurried, Keeper};
use super::queue::Benefit;
use super::table::FileRecord;
use crate::base::{ContentId, FileName, FolderPath};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use std::path::Path;
use std::sync::Arc;
use tokio::time::Instant;

/// How many batches the hashing thread has: so that it need not wait while hashes are saved.
pub(super) const MAX_IN_FLIGHT: usize = 4;

impl Keeper {
    fn hashed(&mut self, Done { job, outcome }: Done) {
        let key = job.record.key;
        self.hashing.remove(&job.record.identity);
        if !matches!(outcome, Outcome::Hashed(..)) {
            self.take_up_twins(&job.record);
        }
        let record = self.tree.get(key).cloned();
        match (outcome, record) {
            (Outcome::Hashed(content, pieces), _) => self.learned(&job.record, content, pieces),
            (Outcome::Changed, Some(record)) => {
                self.queue.remove(key);
                self.look_at(&(record.share(), record.path()), Settled::No);
                self.scans.suspect(key);
            }
            (Outcome::Failed(error), Some(record)) => {
                tracing::warn!(%error, path = record.path(), "a file in a shared folder cannot be read");
                if record.identity == job.record.identity {
                    self.set_aside(&record, &error);
                }
            }
            // It may go on already; while it is paused, it is not taken out of the queue to be hashed.
            (Outcome::Stopped, Some(record)) if record.content.is_none() => {
                self.queue.put(key, record.identity.size, None);
            }
            (Outcome::Stopped | Outcome::Changed | Outcome::Failed(_), _) => {}
        }
    }

    /// A file in this state has this content: under its own name, if it is still that file, and under all
    /// others, for hard links are read once. Its own name may be gone meanwhile, or its share was shared again
    /// and it has another key: it was not read in vain.
    fn learned(&mut self, hashed: &FileRecord, content: ContentId, pieces: Vec<PieceHash>) {
        let is_known = |twin: &FileRecord| twin.content.is_some() && twin.key != hashed.key;
        let twins = self.tree.twins(hashed.identity).filter(|twin| !is_known(twin));
        let twins: Vec<u64> = twins.map(|twin| twin.key).collect();
        if pieces.len() > 1 {
            self.manifests.push((content, pieces));
        }
        for key in twins {
            self.queue.remove(key);
            self.tree.set_content(key, Some(content));
        }
    }

    /// A file came whose bytes somebody else verified: it is not read, if it is shared and still in that state.
    pub(super) fn adopt(&mut self, verified: &Verified) {
        let new = self.tree.twins(verified.state).find(|file| file.content.is_none()).cloned();
        if let Some(file) = new {
            self.learned(&file, verified.content, verified.pieces.to_vec());
        }
    }

    /// The other names of a file that could not be hashed under this one.
    fn take_up_twins(&mut self, record: &FileRecord) {
        let twins = self.tree.twins(record.identity).filter(|twin| twin.content.is_none());
        let twins: Vec<u64> = twins.map(|twin| twin.key).filter(|key| *key != record.key).collect();
        for key in twins {
            self.queue.put(key, record.identity.size, None);
        }
    }

    /// Takes a content back and hashes the file anew, though it looks as before: at once, somebody asked
    /// for it.
    pub(super) fn doubt(&mut self, key: u64, content: ContentId) -> bool {
        let Some(record) = self.tree.get(key).filter(|file| file.content == Some(content)) else {
            return false;
        };
        tracing::warn!(path = record.path(), "a shared file has other bytes than before, or cannot be read");
        let size = record.identity.size;
        self.tree.set_content(key, None);
        self.queue.hurry(key, size, Benefit::Asked);
        true
    }

    /// Somebody waits for the file of this name in a folder, as others see it.
    pub(super) fn hurry(&mut self, folder: &FolderPath, name: &FileName) -> Hurried {
        let Some(record) = self.find(folder, name) else { return Hurried::Unknown };
        if let Some(content) = record.content {
            // What is not committed yet is not given to anybody.
            let is_told = self.shared.table().holders(content).any(|file| file.key == record.key);
            return if is_told { Hurried::Known(content) } else { Hurried::Next };
        }
        if self.shared.table().shares.get(&record.share()).is_none_or(|row| row.paused) {
            return Hurried::Paused;
        }
        self.queue.hurry(record.key, record.identity.size, Benefit::Asked);
        Hurried::Next
    }

    fn find(&self, folder: &FolderPath, name: &FileName) -> Option<Arc<FileRecord>> {
        let (first, below) = folder.as_str().split_once('/').unwrap_or((folder.as_str(), ""));
        let shares: Vec<u32> = {
            let table = self.shared.table();
            let named = |path: &Path| path.file_name().is_some_and(|name| name == first);
            table.shares.iter().filter(|(_, row)| named(&row.path)).map(|(id, _)| *id).collect()
        };
        let path = join(below, name.as_str());
        // Two shared folders may have the same name: one that is not hashed is meant.
        let mut found = shares.into_iter().filter_map(|share| self.tree.at(&(share, path.clone())));
        found.clone().find(|file| file.content.is_none()).or_else(|| found.next()).cloned()
    }

    /// Others have files of the same name and size as these.
    pub(super) fn prefer(&mut self, keys: Vec<u64>) {
        for key in keys {
            // What is still being written waits on.
            if let Some(record) = self.tree.get(key).filter(|_| self.queue.is_ready(key)) {
                self.queue.hurry(key, record.identity.size, Benefit::Elsewhere);
            }
        }
    }

    /// The largest files that wait in their turn.
    pub(super) fn largest(&self, limit: usize) -> Vec<FileEntry> {
        let files = self.queue.last_ones().filter_map(|key| self.tree.get(key));
        files.take(limit).map(|file| file.entry()).collect()
    }

    pub(super) fn hashed_batch(&mut self, lane: Lane, batch: Vec<Done>, part: Part) {
        for done in batch {
            self.hashed(done);
        }
        if part == Part::More {
            return;
        }
        let in_flight = match lane {
            Lane::Ordinary => &mut self.in_flight,
            Lane::Fast => &mut self.fast_in_flight,
        };
        *in_flight = in_flight.saturating_sub(1);
    }

    pub(super) const fn may_hand_out(&self) -> bool {
        self.in_flight < MAX_IN_FLIGHT
    }

    /// Gives the hashing thread something to do.
    pub(super) fn hand_out(&mut self) {
        if self.fast_in_flight == 0 {
            let batch = self.next_jobs(Benefit::Asked);
            if !batch.is_empty() && self.jobs.fast.try_send(batch).is_ok() {
                self.fast_in_flight += 1;
            }
        }
        // What is asked for waits for the fast lane, not behind everything else.
        while self.may_hand_out() && !self.queue.is_asked() {
            let batch = self.next_jobs(Benefit::Ordinary);
            // There is room for as many batches as may be there, and one more.
            if batch.is_empty() || self.jobs.ordinary.try_send(batch).is_err() {
                break;
            }
            self.in_flight += 1;
        }
        // The thread looks at the fast lane while it has something in the other one.
        if self.fast_in_flight > 0 && self.in_flight == 0 && self.jobs.ordinary.try_send(Vec::new()).is_ok() {
            self.in_flight += 1;
        }
    }

    fn next_jobs(&mut self, least: Benefit) -> Vec<Job> {
        let tree = &self.tree;
        let size = |key| tree.get(key).map_or(0, |file| file.identity.size);
        let keys = self.queue.take(Instant::now(), least, size);
        if keys.is_empty() {
            return Vec::new();
        }
        let table = self.shared.table();
        let job = |key| {
            let record = self.tree.get(key)?;
            // Of a paused share nothing is begun; all of it is in the queue again when it goes on.
            let row = table.shares.get(&record.share()).filter(|row| !row.paused)?;
            Some(Job { root: row.root.clone()?, record: record.clone() })
        };
        let mut jobs: Vec<Job> = keys.into_iter().filter_map(job).collect();
        drop(table);
        // The other names of a file get their content with the first one, unless somebody waits for it.
        jobs.retain(|job| self.hashing.insert(job.record.identity) || least == Benefit::Asked);
        jobs
    }
}
