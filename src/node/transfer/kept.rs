//! A download of the list as it is kept on the disk, and back.

use super::download::DownloadRequest;
use super::folder::FolderRequest;
use super::list::{Entry, Job, Wish};
use super::progress::Progress;
use crate::engine::transfer::reason::Reason;
use crate::store::downloads::{SavedDownload, SavedJob, SavedState};
use crate::wire::control::{FolderProgress, Transfer};
use std::sync::Arc;
use tokio::sync::Notify;

pub(super) fn saved(entry: &Entry) -> SavedDownload {
    let shown = entry.progress.shown();
    let (job, to) = match &entry.job {
        Job::File(request) => {
            let DownloadRequest { content, name, to, from, via_rpc } = request.clone();
            (SavedJob::File { content, name, from, via_rpc }, to)
        }
        Job::Folder(request) => {
            let (peer, folder, name) = (request.peer, request.folder.clone(), request.name());
            (SavedJob::Folder { peer, folder, name }, request.to.clone())
        }
    };
    let state = match entry.wish {
        Wish::Run | Wish::Again => SavedState::Wanted,
        Wish::Pause => SavedState::Paused,
        Wish::Cancel | Wish::Clear => SavedState::Cancelling,
        Wish::Over(state) => state,
    };
    let is_reason_kept = entry.is_over();
    let reason =
        if is_reason_kept { (shown.reason.clone(), shown.about.clone()) } else { Default::default() };
    SavedDownload {
        id: entry.id,
        job,
        to,
        state,
        shown_name: shown.name.clone(),
        size: shown.size,
        done: shown.done,
        seconds: shown.seconds,
        path: shown.path.clone(),
        reason,
    }
}

/// A download of an earlier run.
pub(super) fn restored(saved: SavedDownload, changed: &Arc<Notify>) -> Entry {
    let mut shown = Transfer {
        id: saved.id,
        name: saved.shown_name,
        size: saved.size,
        done: saved.done,
        seconds: saved.seconds,
        path: saved.path,
        ..Transfer::default()
    };
    let (wish, state) = match saved.state {
        SavedState::Wanted => (Wish::Run, "waiting"),
        SavedState::Paused => (Wish::Pause, "paused"),
        SavedState::Finished => (Wish::Over(saved.state), "finished"),
        SavedState::Failed => (Wish::Over(saved.state), "failed"),
        SavedState::Cancelled => (Wish::Over(saved.state), "cancelled"),
        // What it left is removed now.
        SavedState::Cancelling => (Wish::Cancel, "cancelled"),
    };
    let reason = if wish == Wish::Run { Some(Reason::Queued) } else { Reason::from_code(&saved.reason.0) };
    if let Some(reason) = reason {
        shown.detail = reason.sentence(&saved.reason.1);
        (shown.reason, shown.about) = (reason.code().to_owned(), saved.reason.1);
    }
    state.clone_into(&mut shown.state);
    let job = match saved.job {
        SavedJob::File { content, name, from, via_rpc } => {
            shown.content = content.to_string();
            Job::File(DownloadRequest { content, name, to: saved.to, from, via_rpc })
        }
        SavedJob::Folder { peer, folder, name } => {
            let (whose, which) = (peer.to_string(), folder.to_string());
            shown.folder = Some(FolderProgress { peer: whose, folder: which, ..FolderProgress::default() });
            Job::Folder(FolderRequest::restored(peer, folder, saved.to, name))
        }
    };
    let progress = Progress::new(shown, changed.clone());
    Entry::new(saved.id, job, wish, progress).restored()
}
