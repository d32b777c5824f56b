//! What a person does with shared folders. All of it works with the disk: on threads that may block.

use super::because::{Because, Why};
use super::command_task::{Commands, refuse};
use super::contents::hurried;
use super::handle::{CommandError, Reply};
use crate::base::{FileName, FolderPath, PeerId};
use crate::store::{Library, LibraryError};
use crate::wire::codes::Code;
use crate::wire::library::SkippedFile;
use crate::wire::transfer::TransferClient as _;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long another peer may take to answer.
const PEER_DEADLINE: Duration = Duration::from_secs(2);

/// Looks at a folder before it is shared.
pub(super) async fn inspect(path: PathBuf) -> Result<Reply, CommandError> {
    let shown = path.display().to_string();
    let looked = blocking(move || {
        let dirs = directories::BaseDirs::new();
        crate::store::inspect(&path, dirs.as_ref().map(directories::BaseDirs::home_dir))
    });
    let found = looked.await?;
    found.map(Reply::Inspection).map_err(|error| {
        refuse(Code::NotFound, format!("the folder cannot be read: {error}; check the path ({shown})"))
            .because(Why::Unreadable, error.to_string())
    })
}

impl Commands {
    pub(super) async fn share(&self, path: PathBuf) -> Result<Reply, CommandError> {
        let detail = path.display().to_string();
        self.in_library(move |library| library.share(&path)).await?;
        self.sink.tell("share_added", None, None, Some(detail));
        Ok(Reply::Done)
    }

    pub(super) async fn unshare(&self, path: PathBuf) -> Result<Reply, CommandError> {
        let detail = path.display().to_string();
        self.in_library(move |library| library.unshare(&path)).await?;
        self.sink.tell("share_removed", None, None, Some(detail));
        Ok(Reply::Done)
    }

    pub(super) async fn rescan(&self, path: PathBuf) -> Result<Reply, CommandError> {
        self.in_library(move |library| library.rescan(&path)).await?;
        Ok(Reply::Done)
    }

    pub(super) async fn pause_hashing(&self, path: PathBuf) -> Result<Reply, CommandError> {
        let detail = path.display().to_string();
        self.in_library(move |library| library.pause_hashing_of(&path)).await?;
        self.sink.tell("hashing_paused", None, None, Some(detail));
        Ok(Reply::Done)
    }

    pub(super) async fn resume_hashing(&self, path: PathBuf) -> Result<Reply, CommandError> {
        let detail = path.display().to_string();
        self.in_library(move |library| library.resume_hashing_of(&path)).await?;
        self.sink.tell("hashing_resumed", None, None, Some(detail));
        Ok(Reply::Done)
    }

    pub(super) async fn skipped(&self, path: PathBuf) -> Result<Reply, CommandError> {
        let library = Arc::clone(&self.library);
        let skipped = blocking(move || library.skipped(&path)).await?;
        let file = |skipped: crate::store::Skipped| SkippedFile {
            path: skipped.path.display().to_string(),
            kind: skipped.kind.word().to_owned(),
            reason: skipped.reason,
        };
        Ok(Reply::Skipped(skipped.into_iter().map(file).collect()))
    }

    /// Has a file hashed before others, here or at another peer.
    pub(super) async fn hurry(
        &self,
        peer: PeerId,
        folder: FolderPath,
        name: FileName,
    ) -> Result<Reply, CommandError> {
        if peer == self.group.borrow().me {
            let library = Arc::clone(&self.library);
            let hurry = blocking(move || hurried(&library.hurry(&folder, &name)));
            return hurry.await.map(Reply::Hurried);
        }
        let away = |why: &dyn Display| {
            refuse(Code::NotFound, format!("the peer that has the file cannot be asked now: {why}"))
        };
        let client = self.links.connected(peer, PEER_DEADLINE).await.map_err(|error| away(&error))?;
        let asked = timeout(PEER_DEADLINE, client.hurry(folder.to_string(), name.to_string())).await;
        asked.map_err(|error| away(&error))?.map(Reply::Hurried).map_err(|error| away(&error))
    }

    async fn in_library(
        &self,
        work: impl FnOnce(&Library) -> Result<(), LibraryError> + Send + 'static,
    ) -> Result<(), CommandError> {
        let library = Arc::clone(&self.library);
        blocking(move || work(&library)).await?.map_err(|error| {
            let code =
                if matches!(error, LibraryError::NotShared(_)) { Code::NotFound } else { Code::BadParameter };
            CommandError { because: Because::of_library(&error), ..refuse(code, error.to_string()) }
        })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| refuse(Code::Internal, format!("the library stopped: {error}")))
}
