//! The folder (or the platform's folders) that hold a group's key, its name service and the profiles.

use super::{HomeError, Invite, Profile, ProfileLock, Secret, files};
use crate::base::Natural;
use crate::store::NeverShared;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the name service is when nothing else is said.
pub const DEFAULT_NAMES_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7734);

/// Where things are: one folder (`--home DIR`), or the platform's.
///
/// `group.key`, `names.json` (addresses of name services), `names/` (the storage of a name service of
/// this home), `profiles/NAME/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    data: PathBuf,
    downloads: Option<PathBuf>,
    one_folder: Option<PathBuf>,
}

/// What a running name service leaves for the command line, in `names/runtime.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesRuntime {
    /// Its process.
    pub pid: u32,
    /// Where it listens: `wss://host:port/`.
    pub uri: String,
}

#[derive(Serialize, Deserialize)]
struct NamesFile {
    addresses: Vec<SocketAddr>,
}

impl Home {
    /// The most profiles that are tried for a free one.
    const MAX_PROFILES: u32 = 999;
    /// The most name services of a home: each is tried in turn.
    pub const MAX_NAMES: usize = 8;
    /// Unlike a profile, a home is written by several processes at once: a temporary file this old is nobody's.
    const SWEPT_AGE: Duration = Duration::from_hours(1);
    /// What a name service keeps in its folder.
    const NAMES_STORAGE: &str = "registry.redb";

    /// Everything in one folder; relative paths are taken from the current folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        let root = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self { config: root.clone(), data: root.clone(), downloads: None, one_folder: Some(root) }
    }

    /// The platform's folders.
    ///
    /// # Errors
    /// If the account has no home folder.
    pub fn of_platform() -> Result<Self, HomeError> {
        let project =
            directories::ProjectDirs::from("", "", "cardume").ok_or(HomeError::NoPlatformFolders)?;
        let user = directories::UserDirs::new().ok_or(HomeError::NoPlatformFolders)?;
        let downloads =
            user.download_dir().map_or_else(|| user.home_dir().join("Downloads"), Path::to_path_buf);
        Ok(Self {
            config: project.config_dir().to_owned(),
            data: project.data_local_dir().to_owned(),
            downloads: Some(downloads),
            one_folder: None,
        })
    }

    /// The folder of `--home`, else the platform's folders.
    ///
    /// # Errors
    /// If neither is known.
    pub fn choose(folder: Option<&Path>) -> Result<Self, HomeError> {
        folder.map_or_else(Self::of_platform, |folder| Ok(Self::at(folder)))
    }

    /// The folder given with `--home`, for child processes; `None`: the platform's.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.one_folder.as_deref()
    }

    /// Where the name service of this home keeps its storage.
    #[must_use]
    pub fn names_dir(&self) -> PathBuf {
        self.data.join("names")
    }

    /// The group's key; made at first use. Processes that ask at once get the same one.
    ///
    /// # Errors
    /// If the file cannot be read or made.
    pub fn group_key(&self) -> Result<Secret, HomeError> {
        files::key_file(&self.group_key_file())
    }

    /// The own key of this home's name service; made at first use.
    ///
    /// # Errors
    /// If the file cannot be read or made.
    pub fn names_key(&self) -> Result<Secret, HomeError> {
        files::key_file(&self.names_dir().join("peer.key"))
    }

    /// Where the name services are, in the order of trying: as configured; else the one that runs in
    /// this home; else [`DEFAULT_NAMES_ADDRESS`].
    ///
    /// # Errors
    /// If the configuration is damaged.
    pub fn names_addresses(&self) -> Result<Vec<SocketAddr>, HomeError> {
        let path = self.config.join("names.json");
        if let Some(file) = files::read_json::<NamesFile>(&path)? {
            let fits = (1..=Self::MAX_NAMES).contains(&file.addresses.len());
            return fits
                .then_some(file.addresses)
                .ok_or(HomeError::Damaged { what: "it lists no or too many addresses", path });
        }
        let running = self.names_runtime().and_then(|runtime| runtime.uri.parse().ok());
        Ok(vec![running.map_or(DEFAULT_NAMES_ADDRESS, crate::base::PeerUri::address)])
    }

    /// How [`Home::names_addresses`] knows them: `kept` (as they were given), `here` (a service of this
    /// home runs or ran), `usual`.
    #[must_use]
    pub fn names_origin(&self) -> &'static str {
        match (self.config.join("names.json").exists(), self.names_runtime()) {
            (true, _) => "kept",
            (false, Some(_)) => "here",
            (false, None) => "usual",
        }
    }

    /// Stores where the name services are; at most [`Home::MAX_NAMES`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_names_addresses(&self, addresses: &[SocketAddr]) -> Result<(), HomeError> {
        let addresses = addresses.iter().copied().take(Self::MAX_NAMES).collect();
        files::write_json(&self.config.join("names.json"), &NamesFile { addresses })
    }

    /// Stores where the name service is, unless that is stored already: of several peers that start at once all
    /// go on with the same address.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_names_address_once(&self, address: SocketAddr) -> Result<(), HomeError> {
        files::create_json_once(&self.config.join("names.json"), &NamesFile { addresses: vec![address] })
    }

    /// What a running (or killed) name service of this home left; `None` if nothing readable.
    #[must_use]
    pub fn names_runtime(&self) -> Option<NamesRuntime> {
        files::read_json(&self.names_runtime_file()).ok().flatten()
    }

    /// Stores it: called by a name service once it listens.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_names_runtime(&self, runtime: &NamesRuntime) -> Result<(), HomeError> {
        files::write_json(&self.names_runtime_file(), runtime)
    }

    /// Whether a name service of this home runs. Makes nothing.
    #[must_use]
    pub fn names_run(&self) -> bool {
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        OpenOptions::new().read(true).open(self.names_lock_file()).is_ok_and(held)
    }

    /// Moves aside what a name service of this home kept of a group that was left: to the group that was
    /// joined it would say for ever that the groups were founded separately. Called when a group is joined, and
    /// before a name service starts: one that still runs for the others of the old group is left alone.
    ///
    /// # Errors
    /// If a file cannot be moved.
    pub fn settle_names(&self) -> Result<(), HomeError> {
        let (folder, mark, path) = (self.names_dir(), self.names_left_file(), self.names_lock_file());
        if !mark.exists() {
            return Ok(());
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        match lock.map_err(files::io("opening the lock", &path))?.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => {
                return Err(files::io("locking the name service", &path)(error));
            }
            // Another process may have done it before the lock was ours.
            Ok(()) if !mark.exists() => return Ok(()),
            Ok(()) => {}
        }
        files::move_aside(&folder, &[&folder.join(Self::NAMES_STORAGE), &self.names_runtime_file()])?;
        files::remove_if_there(&mark)
    }

    /// The profile with this name; nothing is made yet.
    ///
    /// # Errors
    /// If it is no profile's name.
    pub fn profile(&self, name: &str) -> Result<Profile, HomeError> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if name.is_empty() || name.len() > 64 || !plain {
            return Err(HomeError::BadProfile(name.to_owned()));
        }
        let dir = self.profiles_dir().join(name);
        let downloads = self.downloads.clone().unwrap_or_else(|| dir.join("downloads"));
        Ok(Profile::new(name.to_owned(), dir, downloads))
    }

    /// The profiles that exist, by name (`peer-2` before `peer-10`).
    #[must_use]
    pub fn profiles(&self) -> Vec<Profile> {
        let entries = std::fs::read_dir(self.profiles_dir()).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort_by(|a, b| Natural(a.as_bytes()).cmp(&Natural(b.as_bytes())));
        names.iter().filter_map(|name| self.profile(name).ok()).collect()
    }

    /// `peer-1`, `peer-2`, …: the first one that no process is in, held by the lock.
    ///
    /// # Errors
    /// If a folder cannot be made, or 999 profiles are in use.
    pub fn next_free_profile(&self) -> Result<(Profile, ProfileLock), HomeError> {
        for number in 1..=Self::MAX_PROFILES {
            let profile = self.profile(&format!("peer-{number}"))?;
            if let Some(lock) = profile.try_lock()? {
                return Ok((profile, lock));
            }
        }
        Err(HomeError::InUse(format!("peer-{}", Self::MAX_PROFILES)))
    }

    /// Makes this home a member of the group of an invite. A home that belongs to another group is left
    /// alone unless `replace`; then what the profiles and the name service know of the old group is moved
    /// aside, since a vote, a roster and a founding belong to one group.
    ///
    /// # Errors
    /// If the home belongs to another group, a peer of it runs, or a file cannot be written.
    pub fn join(&self, invite: &Invite, replace: Replace) -> Result<(), HomeError> {
        let path = self.group_key_file();
        let present = files::read_key(&path)?;
        if present.as_ref().is_some_and(|present| *present != invite.group_key) {
            if replace == Replace::Refuse {
                return Err(HomeError::OtherGroup(path));
            }
            self.forget_group()?;
        }
        self.set_names_addresses(&invite.names)?;
        files::write_whole(&path, files::key_text(&invite.group_key).as_bytes())
    }

    /// How this home stands to the group of an invite. Changes nothing.
    ///
    /// # Errors
    /// If the group's key is there and cannot be read.
    pub fn membership(&self, invite: &Invite) -> Result<Membership, HomeError> {
        Ok(match files::read_key(&self.group_key_file())? {
            None => Membership::None,
            Some(present) if present == invite.group_key => Membership::Same,
            Some(_) => Membership::Other,
        })
    }

    fn forget_group(&self) -> Result<(), HomeError> {
        let profiles = self.profiles();
        let mut locks = Vec::new();
        for profile in &profiles {
            locks.push(profile.try_lock()?.ok_or_else(|| HomeError::InUse(profile.name.clone()))?);
        }
        for profile in &profiles {
            profile.forget_group()?;
        }
        if self.names_dir().join(Self::NAMES_STORAGE).exists() {
            files::write_whole(&self.names_left_file(), &[])?;
            self.settle_names()?;
        }
        drop(locks); // held until here, so that no peer starts in between
        Ok(())
    }

    /// Removes what processes that were killed left of files that they were writing.
    pub(super) fn sweep(&self) {
        for folder in [&self.config, &self.names_dir()] {
            files::sweep(folder, Self::SWEPT_AGE);
        }
    }

    /// What is never shared of this home, wherever it lies.
    #[must_use]
    pub fn never_shared(&self) -> NeverShared {
        let own = [self.group_key_file(), self.config.join("names.json"), self.names_dir()];
        NeverShared::new(&own, &self.profiles_dir())
    }

    fn group_key_file(&self) -> PathBuf {
        self.config.join("group.key")
    }

    fn names_runtime_file(&self) -> PathBuf {
        self.names_dir().join("runtime.json")
    }

    /// A running name service holds its lock.
    fn names_lock_file(&self) -> PathBuf {
        self.names_dir().join("lock")
    }

    /// Is there while what lies beside it belongs to a group that was left.
    fn names_left_file(&self) -> PathBuf {
        self.names_dir().join("left-group")
    }

    fn profiles_dir(&self) -> PathBuf {
        self.data.join("profiles")
    }
}

/// How a home stands to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It belongs to no group yet.
    None,
    /// It belongs to this one.
    Same,
    /// It belongs to another one.
    Other,
}

/// What to do with the key of another group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Leave it alone and say so.
    Refuse,
    /// Leave that group for good.
    OtherGroup,
}
