//! What a person sets: the peer's name, where downloads go. Both are kept for later starts.

use super::because::Why;
use super::command_task::{Commands, refuse};
use super::handle::{CommandError, Reply};
use super::naming::Rename;
use crate::wire::codes::Code;
use crate::wire::convert;
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;

impl Commands {
    pub(super) async fn rename(&self, name: &str) -> Result<Reply, CommandError> {
        let name = convert::parse_peer_name("name", name.trim());
        let name = name
            .map_err(|error| CommandError::new(error.code(), error.message()).because(Why::PeerName, ""))?;
        let (answer, answered) = oneshot::channel();
        let stopped = || refuse(Code::Internal, "the peer has stopped").because(Why::Stopping, "");
        self.renames.send(Rename { name, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?.map(|()| Reply::Done)
    }

    pub(super) async fn set_download_folder(&self, path: PathBuf) -> Result<Reply, CommandError> {
        let (profile, folder) = (self.profile.clone(), path.clone());
        let kept = tokio::task::spawn_blocking(move || {
            usable(&folder)?;
            profile.set_download_folder(&folder).map_err(|error| refuse(Code::Internal, error.to_string()))
        });
        kept.await.map_err(|error| refuse(Code::Internal, error.to_string()))??;
        let detail = path.display().to_string();
        self.downloads.send_replace(path);
        self.sink.tell("downloads_moved", None, None, Some(detail));
        Ok(Reply::Done)
    }
}

/// Makes the folder if it is missing, and tries whether it can be written.
fn usable(folder: &Path) -> Result<(), CommandError> {
    let refused = |what: &str| refuse(Code::BadParameter, format!("{what} ({})", folder.display()));
    if !folder.is_absolute() || folder.to_str().is_none() {
        let refused = refused("the download folder is given with its whole path, as text");
        return Err(refused.because(Why::NotWhole, folder.display().to_string()));
    }
    let failed = |error: std::io::Error| {
        refused(&format!("the folder cannot be used: {error}; choose another one"))
            .because(Why::DownloadsUnusable, error.to_string())
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(|error| failed(error.into()))
}
