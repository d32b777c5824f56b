//! What a person changes in the list: what of a download is wanted, and in which order they run.
//!
//! **Several that are moved keep their order among themselves. What a download that failed or was cancelled left is
//! removed, or it is said where it stays.**

use super::{Change, Ended, Entry, Job, List, Wish, error};
use crate::engine::transfer::reason::Reason;
use crate::node::CommandError;
use crate::store::downloads::SavedState;
use crate::store::partial::{HIDDEN_FOLDER, PartialError, PartialFile, expect_folder};
use crate::wire::codes::Code;
use std::io::ErrorKind;
use std::path::Path;

impl List {
    /// Changes these downloads; all that it applies to if `ids` is empty.
    pub(in crate::node) fn change(&mut self, what: Change, ids: &[u64]) -> Result<(), CommandError> {
        if let Some(id) = ids.iter().find(|id| !self.entries.iter().any(|entry| entry.id == **id)) {
            let message = format!("there is no download {id}; see the list of downloads");
            return Err(error(Code::NotFound, message));
        }
        // In their order, each once, however they were named.
        let all = self.entries.iter().map(|entry| entry.id);
        let mut chosen: Vec<u64> = all.filter(|id| ids.is_empty() || ids.contains(id)).collect();
        if matches!(what, Change::Down | Change::Top) {
            // The first of them ends up first.
            chosen.reverse();
        }
        for id in &chosen {
            self.change_one(what, *id, &chosen);
        }
        self.enforce_order();
        self.changed.notify_one();
        Ok(())
    }

    /// Changes one of those that are `chosen`.
    pub(super) fn change_one(&mut self, what: Change, id: u64, chosen: &[u64]) {
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else { return };
        match what {
            Change::Up | Change::Down | Change::Top => self.move_entry(place, what, chosen),
            Change::Clear => self.clear(place),
            Change::Cancel => self.cancel(place),
            Change::Pause => {
                let entry = &mut self.entries[place];
                if entry.wish == Wish::Run {
                    entry.wish = Wish::Pause;
                    entry.stop();
                    // A slow disk may take its time until the task has ended; nothing more comes in.
                    entry.progress.paused();
                }
            }
            Change::Resume | Change::Retry => {
                let entry = &mut self.entries[place];
                // The person thinks of it now.
                entry.gave_way = None;
                let again = what == Change::Retry
                    && matches!(entry.wish, Wish::Over(SavedState::Failed | SavedState::Cancelled));
                if entry.wish == Wish::Pause || again {
                    entry.wish = Wish::Run;
                    if again {
                        return self.begin_anew(place);
                    }
                    entry.progress.state("waiting", Reason::Queued, "");
                } else if matches!(entry.wish, Wish::Cancel | Wish::Clear) && what == Change::Retry {
                    entry.wish = Wish::Again;
                    entry.progress.state("waiting", Reason::Queued, "");
                } else if let (Wish::Run, Some(reins)) = (entry.wish, &entry.reins) {
                    reins.hurry.notify_one();
                }
            }
        }
    }

    /// What failed or was cancelled is wanted again: whatever there was of it may be gone.
    fn begin_anew(&mut self, place: usize) {
        let entry = &self.entries[place];
        let is_same = |other: &Entry| other.id != entry.id && is_of_one_place(&other.job, &entry.job);
        let is_taken = self.entries.iter().any(is_same);
        let entry = &mut self.entries[place];
        entry.progress.state("waiting", Reason::Queued, "");
        match &mut entry.job {
            Job::File(_) => entry.progress.update(|transfer| transfer.done = 0),
            // Another one's folder has its name by now.
            Job::Folder(request) if is_taken => request.forget_name(),
            Job::Folder(request) => request.begin_anew(),
        }
    }

    fn move_entry(&mut self, place: usize, what: Change, chosen: &[u64]) {
        if self.entries[place].is_over() {
            return;
        }
        let to = match what {
            Change::Top => Some(0),
            Change::Up => self.entries[..place].iter().rposition(|entry| !entry.is_over()),
            _ => self.entries[place + 1..].iter().position(|entry| !entry.is_over()).map(|by| place + 1 + by),
        };
        // One that is moved too and could not be is not passed.
        let to = to.filter(|to| what == Change::Top || !chosen.contains(&self.entries[*to].id));
        if let Some(to) = to {
            let mut entry = self.entries.remove(place);
            entry.gave_way = None;
            self.entries.insert(to, entry);
        }
    }

    /// Ends it; of one that failed only what it left goes.
    fn cancel(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        let leaves_nothing = entry.is_over() && !entry.left_something();
        if leaves_nothing || matches!(entry.wish, Wish::Cancel | Wish::Clear) {
            return;
        }
        if std::mem::replace(&mut entry.wish, Wish::Cancel) == Wish::Again {
            return;
        }
        if entry.reins.is_some() {
            entry.stop();
        } else {
            self.remove_left(place);
        }
    }

    /// Takes one that is over out of the list, with what is left of it but finished files.
    fn clear(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        if !entry.is_over() {
            return;
        }
        // Where that was tried in vain, it was said.
        if entry.left_something() && entry.progress.shown().reason != Reason::NotRemoved.code() {
            entry.wish = Wish::Clear;
            self.remove_left(place);
        } else {
            self.entries.remove(place);
        }
    }

    /// Removes what a download left that is cancelled or cleared; it is over when that is done.
    pub(super) fn remove_left(&mut self, place: usize) {
        let entry = &self.entries[place];
        let (id, job) = (entry.id, entry.job.clone());
        // Another one goes on with the same partial file, or waits to.
        let goes_on = |it: &Entry| matches!(it.wish, Wish::Run | Wish::Pause | Wish::Again);
        let is_kept = |it: &Entry| it.id != id && goes_on(it) && is_of_one_place(&it.job, &job);
        let is_kept = self.entries.iter().any(is_kept);
        let was_there = entry.progress.shown().done > 0;
        self.tasks.spawn(async move {
            let removing =
                tokio::task::spawn_blocking(
                    move || if is_kept { Ok(false) } else { remove(&job, was_there) },
                );
            (id, Ended::Removal(removing.await.unwrap_or_else(|error| Err(error.to_string()))))
        });
    }

    /// What a download left was removed, or could not be.
    pub(super) fn removed(&mut self, place: usize, removed: Result<bool, String>) {
        let entry = &mut self.entries[place];
        match (&mut entry.job, &removed) {
            (Job::Folder(request), Ok(true)) => request.forget_name(),
            (Job::File(_), Ok(_)) => entry.progress.update(|transfer| transfer.done = 0),
            _ => {}
        }
        match (entry.wish, removed) {
            (Wish::Again, _) => entry.wish = Wish::Run,
            (Wish::Clear, Ok(_)) => drop(self.entries.remove(place)),
            (_, removed) => {
                entry.wish = Wish::Over(SavedState::Cancelled);
                entry.progress.ended("cancelled");
                entry.progress.update(|transfer| transfer.pieces = Vec::new());
                if let Err(what) = removed {
                    tracing::warn!(%what, "what a download left cannot be removed");
                    entry.progress.state("cancelled", Reason::NotRemoved, &what);
                }
            }
        }
    }
}

impl Entry {
    /// Whether there may be something on the disk of one that is over.
    pub(super) fn left_something(&self) -> bool {
        match self.wish {
            Wish::Over(SavedState::Failed) => true,
            Wish::Over(SavedState::Cancelled) => self.progress.shown().reason == Reason::NotRemoved.code(),
            _ => false,
        }
    }
}

/// Whether two have the same partial file, or the same folder.
fn is_of_one_place(one: &Job, other: &Job) -> bool {
    match (one, other) {
        (Job::File(one), Job::File(other)) => (one.content, &one.to) == (other.content, &other.to),
        (Job::Folder(one), Job::Folder(other)) => {
            one.name().is_some() && one.name() == other.name() && one.to == other.to
        }
        _ => false,
    }
}

/// Removes what a download left, of which something `was_there`. Gives whether there is none of its folder now, or says
/// where something stays, and why. Blocks.
fn remove(job: &Job, was_there: bool) -> Result<bool, String> {
    let stays = |at: &Path, error: &PartialError| Err(format!("{} ({error})", at.display()));
    match job {
        Job::File(request) => {
            let removed = match PartialFile::remove(&request.to, request.content) {
                // On a drive that was taken out it stays.
                Ok(()) if was_there => expect_folder(&request.to),
                removed => removed,
            };
            match removed {
                // Another peer of this machine is downloading it there, or there is nothing of ours.
                Ok(()) | Err(PartialError::InUse | PartialError::Foreign(_)) => Ok(true),
                Err(PartialError::Folder(_, error)) if error.kind() == ErrorKind::NotADirectory => Ok(true),
                Err(error) => stays(&request.to.join(HIDDEN_FOLDER), &error),
            }
        }
        Job::Folder(request) => match (request.remove(), request.name()) {
            (Err(error), Some(name)) => stays(&request.to.join(name.as_str()), &error),
            (removed, _) => Ok(removed.unwrap_or(true)),
        },
    }
}
