//! One peer's folder. [`ProfileLock`] keeps two processes out of it.

use super::{HomeError, Secret, files};
use crate::base::{PeerId, PeerName};
use crate::store::{LockError, ProfileLock};
use crate::wire::control::Limits;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One peer of this account: its folder holds its key, its election state, its library and, with
/// `--home`, its downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, as `peer-1`.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Where the election keeps its state.
    pub state_dir: PathBuf,
    /// Where the library keeps its database.
    pub library_dir: PathBuf,
    /// Where finished downloads go.
    pub download_folder: PathBuf,
}

/// The ports of a peer's two listeners; 0: any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// Of the general listener.
    pub general: u16,
    /// Of the election listener.
    pub election: u16,
}

/// A port to listen on; 0: any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedPort {
    /// That of the last run: where another program has it, any.
    Remembered(u16),
    /// A person named it: this one or none.
    Ordered(u16),
}

impl WantedPort {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Remembered(port) | Self::Ordered(port) => port,
        }
    }
}

/// What a running peer leaves for the command line, in `peer.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Its process.
    pub pid: u32,
    /// Its general listener: `wss://host:port/`.
    pub uri: String,
    /// Its election listener.
    pub election_uri: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Settings {
    /// What a person chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What the peer is called otherwise, where the profile's name belongs to another peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_name: Option<String>,
    /// Where downloads go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    download_folder: Option<PathBuf>,
}

impl Profile {
    /// How often and how far apart the lock is tried: longer than anybody looks at it.
    const LOCK_ATTEMPTS: u32 = 3;
    const LOCK_PAUSE: Duration = Duration::from_millis(5);

    pub(super) fn new(name: String, dir: PathBuf, download_folder: PathBuf) -> Self {
        let (state_dir, library_dir) = (dir.join("state"), dir.join("library"));
        Self { name, dir, state_dir, library_dir, download_folder }
    }

    /// Takes the profile for this process, making its folder; `None` if another process has it.
    ///
    /// # Errors
    /// If the folder or the lock's file cannot be made.
    pub fn try_lock(&self) -> Result<Option<ProfileLock>, HomeError> {
        files::folder(&self.dir)?;
        for _ in 0..Self::LOCK_ATTEMPTS {
            match ProfileLock::try_lock(&self.dir) {
                Ok(lock) => {
                    files::sweep(&self.dir, Duration::ZERO);
                    return Ok(Some(lock));
                }
                // It may be another process that only looks ([`Profile::is_running`]) for a moment.
                Err(LockError::Taken { .. }) => std::thread::sleep(Self::LOCK_PAUSE),
                Err(LockError::Io { error, folder }) => {
                    return Err(files::io("locking the profile", &folder)(error));
                }
            }
        }
        Ok(None)
    }

    /// Whether a process is in the profile. Makes nothing.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        OpenOptions::new().read(true).open(self.dir.join("lock")).is_ok_and(held)
    }

    /// What a person calls the peer: the profile's name until it is set.
    ///
    /// # Errors
    /// If the settings are damaged.
    pub fn peer_name(&self) -> Result<PeerName, HomeError> {
        let settings = self.settings()?;
        let text = settings.name.or(settings.default_name).unwrap_or_else(|| self.name.clone());
        let damaged = || HomeError::Damaged { what: "it holds no peer's name", path: self.settings_file() };
        PeerName::new(&text).ok_or_else(damaged)
    }

    /// Whether a person chose what the peer is called.
    #[must_use]
    pub fn has_chosen_name(&self) -> bool {
        self.settings().is_ok_and(|settings| settings.name.is_some())
    }

    /// Sets what a person calls the peer, for this and later starts.
    ///
    /// # Errors
    /// If the settings cannot be written.
    pub fn set_peer_name(&self, name: &PeerName) -> Result<(), HomeError> {
        self.change_settings(|settings| settings.name = Some(name.as_str().to_owned()))
    }

    /// Sets what the peer is called while no person chose a name.
    ///
    /// # Errors
    /// If the settings cannot be written.
    pub fn set_default_name(&self, name: &PeerName) -> Result<(), HomeError> {
        self.change_settings(|settings| settings.default_name = Some(name.as_str().to_owned()))
    }

    /// Where finished downloads go, if a person chose that.
    ///
    /// # Errors
    /// If the settings are damaged.
    pub fn chosen_download_folder(&self) -> Result<Option<PathBuf>, HomeError> {
        Ok(self.settings()?.download_folder)
    }

    /// Sets where finished downloads go, for this and later starts.
    ///
    /// # Errors
    /// If the settings cannot be written.
    pub fn set_download_folder(&self, folder: &Path) -> Result<(), HomeError> {
        self.change_settings(|settings| settings.download_folder = Some(folder.to_owned()))
    }

    fn settings(&self) -> Result<Settings, HomeError> {
        Ok(files::read_json(&self.settings_file())?.unwrap_or_default())
    }

    fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Result<(), HomeError> {
        let mut settings = self.settings()?;
        change(&mut settings);
        files::write_json(&self.settings_file(), &settings)
    }

    /// The limits of transfers; the usual ones where there is no file or it is unreadable.
    #[must_use]
    pub fn limits(&self) -> Limits {
        files::read_json(&self.dir.join("limits.json")).ok().flatten().unwrap_or_default()
    }

    /// Sets the limits of transfers, for this and later starts.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_limits(&self, limits: &Limits) -> Result<(), HomeError> {
        files::write_json(&self.dir.join("limits.json"), limits)
    }

    /// The peer's own key; made at first use.
    ///
    /// # Errors
    /// If the file cannot be read or made.
    pub fn peer_key(&self) -> Result<Secret, HomeError> {
        files::key_file(&self.key_file())
    }

    /// A new key, for a peer whose election state is lost: under the old one it could vote twice.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn renew_peer_key(&self) -> Result<Secret, HomeError> {
        let secret = Secret::from_bytes(files::random()?);
        files::write_whole(&self.key_file(), files::key_text(&secret).as_bytes())?;
        Ok(secret)
    }

    /// Whether this identity has ever begun to vote: then a missing election state was lost, and the
    /// identity must not vote any more.
    #[must_use]
    pub fn has_begun(&self, peer: PeerId) -> bool {
        files::read_text(&self.begun_file())
            .is_ok_and(|text| text.is_some_and(|text| text.trim() == peer.to_string()))
    }

    /// Remembers that this identity begins to vote.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn mark_begun(&self, peer: PeerId) -> Result<(), HomeError> {
        files::write_whole(&self.begun_file(), peer.to_string().as_bytes())
    }

    /// The ports of the last run; 0 where there is none or the file is unreadable.
    #[must_use]
    pub fn remembered_ports(&self) -> Ports {
        files::read_json(&self.dir.join("ports.json")).ok().flatten().unwrap_or_default()
    }

    /// Stores the ports for the next run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn remember_ports(&self, ports: Ports) -> Result<(), HomeError> {
        files::write_json(&self.dir.join("ports.json"), &ports)
    }

    /// What the running peer left; `None` if no peer runs in the profile.
    #[must_use]
    pub fn runtime(&self) -> Option<Runtime> {
        if !self.is_running() {
            return None;
        }
        files::read_json(&self.runtime_file()).ok().flatten()
    }

    /// Stores it: called by a peer once both of its listeners answer.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_runtime(&self, runtime: &Runtime) -> Result<(), HomeError> {
        files::write_json(&self.runtime_file(), runtime)
    }

    /// Removes what an earlier process left; called before a peer listens and when it stops.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn clear_runtime(&self) -> Result<(), HomeError> {
        files::remove_if_there(&self.runtime_file())
    }

    /// Moves key and election state aside: they belong to the group that is left.
    pub(super) fn forget_group(&self) -> Result<(), HomeError> {
        files::move_aside(&self.dir, &[&self.key_file(), &self.state_dir])
    }

    fn key_file(&self) -> PathBuf {
        self.dir.join("peer.key")
    }

    fn begun_file(&self) -> PathBuf {
        self.dir.join("begun")
    }

    fn settings_file(&self) -> PathBuf {
        self.dir.join("settings.json")
    }

    fn runtime_file(&self) -> PathBuf {
        self.dir.join("peer.json")
    }
}
