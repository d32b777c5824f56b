//! A folder that is being downloaded: it gets its name at once (never that of a folder that is there), and its files
//! theirs one by one, each when it is whole.
//!
//! **A file gets its name after its data was synced**; many small ones are synced together. The hidden folder in it
//! holds the list of files and a log of those that are done, so that a resume asks for nothing twice. Everything goes
//! through handles, component by component, and no link is followed.

mod small;

pub use small::Batch;

use super::partial::{
    PartialError, PartialFile, check_place, hidden_of, is_content, numbered, open_hidden, sync_folder,
    try_to_write,
};
use crate::base::{ContentId, FileName, FolderPath};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use small::{new_list, remove_small, remove_strays};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const LIST: &str = "folder.list";
const LOG: &str = "folder.done";
/// The longest list that is read: a million files.
pub const MAX_LIST_BYTES: usize = 512 * 1024 * 1024;

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    /// Where, below the folder.
    pub folder: FolderPath,
    /// What it is called.
    pub name: FileName,
    /// Bytes, as its peer says.
    pub size: u64,
    /// What it is.
    pub content: ContentId,
}

/// The folder on the disk.
#[derive(Debug)]
pub struct FolderTarget {
    path: PathBuf,
    root: OwnedFd,
    hidden: OwnedFd,
    /// Opened subfolders: files of one folder follow each other.
    opened: BTreeMap<FolderPath, OwnedFd>,
    /// The folders in which names were given that may not be on the disk yet.
    touched: BTreeSet<FolderPath>,
}

#[derive(Serialize, Deserialize)]
struct Line(String, String, u64, String);

impl FolderTarget {
    /// Makes a new folder called `name` in `to` (which is made if missing), or `name (2)`, … if that is taken. Gives
    /// what it is called.
    ///
    /// # Errors
    /// See [`PartialError`].
    pub fn begin(to: &Path, name: &FileName) -> Result<(Self, FileName), PartialError> {
        let unusable = |error: std::io::Error| PartialError::Folder(to.to_owned(), error);
        std::fs::create_dir_all(to).map_err(unusable)?;
        for number in 1..=PartialFile::MAX_NAMES {
            let chosen = numbered(name, number);
            match std::fs::create_dir(to.join(&chosen)) {
                Ok(()) => {
                    let name = FileName::new(&chosen).map_err(|_| PartialError::NamesTaken)?;
                    return match Self::open(to, &name) {
                        Ok(target) => Ok((target, name)),
                        Err(error) => {
                            // The next try makes another one.
                            drop(std::fs::remove_dir(to.join(&chosen)));
                            Err(error)
                        }
                    };
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unusable(error)),
            }
        }
        Err(PartialError::NamesTaken)
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// [`PartialError::Gone`] if it is not there; see [`PartialError`] for others.
    pub fn open(to: &Path, name: &FileName) -> Result<Self, PartialError> {
        let path = to.join(name.as_str());
        let unusable = |error: std::io::Error| PartialError::Folder(path.clone(), error);
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = match rustix::fs::open(&path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Err(PartialError::Gone(path)),
            root => root.map_err(|error| unusable(error.into()))?,
        };
        let hidden = open_hidden(&root).map_err(|error| unusable(error.into()))?;
        remove_strays(&hidden);
        Ok(Self { path, root, hidden, opened: BTreeMap::new(), touched: BTreeSet::new() })
    }

    /// The same, which is made anew if it is gone: it failed or was cancelled, and is wanted again.
    ///
    /// # Errors
    /// See [`PartialError`].
    pub fn open_or_make(to: &Path, name: &FileName) -> Result<Self, PartialError> {
        let path = to.join(name.as_str());
        std::fs::create_dir_all(&path).map_err(|error| PartialError::Folder(path, error))?;
        Self::open(to, name)
    }

    /// Fails if the folder is not where it was any more: nothing is to be written into it then.
    ///
    /// # Errors
    /// [`PartialError::Gone`], or if the disk refuses.
    pub fn check_place(&self) -> Result<(), PartialError> {
        check_place(&self.root, &self.path)
    }

    /// The same folder for another thread.
    ///
    /// # Errors
    /// If this process may not open more files.
    pub fn try_clone(&self) -> Result<Self, PartialError> {
        let (root, hidden) = (self.root.try_clone()?, self.hidden.try_clone()?);
        let (opened, touched) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { path: self.path.clone(), root, hidden, opened, touched })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether so many bytes can be written here now. Leaves nothing. Blocks.
    ///
    /// # Errors
    /// What writing them would say.
    pub fn ask(&self, bytes: u64) -> Result<(), PartialError> {
        try_to_write(&self.hidden, bytes)
    }

    /// The list of an earlier run and the files of it that are done, by their place; `None` if there is no list.
    #[must_use]
    pub fn load(&self) -> Option<(Vec<FolderFile>, BTreeSet<u32>)> {
        let bytes = self.read(LIST)?;
        let (sum, body) = bytes.split_at_checked(64)?;
        if sum != blake3::hash(body).to_hex().as_bytes() {
            return None;
        }
        let lines: Vec<Line> = serde_json::from_slice(body).ok()?;
        let file = |line: Line| {
            Some(FolderFile {
                folder: FolderPath::new(&line.0).ok()?,
                name: FileName::new(&line.1).ok()?,
                size: line.2,
                content: line.3.parse().ok()?,
            })
        };
        let files: Vec<FolderFile> = lines.into_iter().map(file).collect::<Option<_>>()?;
        let log = self.read(LOG).unwrap_or_default();
        let entry = |entry: &[u8; 8]| {
            let place = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let file = files.get(place as usize)?;
            (log_entry(place, file) == *entry).then_some(place)
        };
        let done = log.as_chunks::<8>().0.iter().filter_map(entry).collect();
        Some((files, done))
    }

    /// Keeps the list. The log of an earlier list does not count for it where files differ.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn save_list(&self, files: &[FolderFile]) -> Result<(), PartialError> {
        let line = |file: &FolderFile| {
            let (folder, name) = (file.folder.to_string(), file.name.to_string());
            Line(folder, name, file.size, file.content.to_string())
        };
        let lines: Vec<Line> = files.iter().map(line).collect();
        let body = serde_json::to_vec(&lines).map_err(std::io::Error::other)?;
        let new = new_list();
        let mut file = create(&self.hidden, &new)?;
        file.write_all(blake3::hash(&body).to_hex().as_bytes())?;
        file.write_all(&body)?;
        file.sync_all()?;
        rustix::fs::renameat(&self.hidden, &new, &self.hidden, LIST)?;
        sync_folder(&self.hidden);
        Ok(())
    }

    /// Remembers that these files are there under their names.
    ///
    /// # Errors
    /// If the disk refuses: they are looked for at a resume then.
    pub fn mark_done(&self, files: &[FolderFile], places: &[u32]) -> Result<(), PartialError> {
        let mut bytes = Vec::with_capacity(8 * places.len());
        for place in places {
            if let Some(file) = files.get(*place as usize) {
                bytes.extend(log_entry(*place, file));
            }
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let log = rustix::fs::openat(&self.hidden, LOG, flags, Mode::from_raw_mode(0o600))?;
        File::from(log).write_all(&bytes)?;
        Ok(())
    }

    /// The whole path of a subfolder, which is made.
    ///
    /// # Errors
    /// If it cannot be made, or a link lies in its place; [`PartialError::Gone`] as [`FolderTarget::check_place`].
    pub fn subfolder(&mut self, folder: &FolderPath) -> Result<PathBuf, PartialError> {
        self.check_place()?;
        // It may have been moved since it was opened.
        self.opened.remove(folder);
        self.enter(folder)?;
        Ok(folder.names().fold(self.path.clone(), |path, name| path.join(name)))
    }

    /// Whether a file is there under its name with this content: an earlier run was killed before it could be
    /// remembered. Reads the file if the length is right; `false` too if it is to stop meanwhile.
    #[must_use]
    pub fn is_there(&mut self, file: &FolderFile, is_to_stop: impl Fn() -> bool) -> bool {
        let Ok(folder) = self.enter_there(&file.folder) else { return false };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(opened) = rustix::fs::openat(folder, file.name.as_str(), flags, Mode::empty()) else {
            return false;
        };
        let opened = File::from(opened);
        let fits = opened.metadata().is_ok_and(|found| found.is_file() && found.len() == file.size);
        fits && is_content(opened, file.content, is_to_stop)
    }

    /// Everything is there: the hidden folder goes.
    pub fn close(self) {
        remove_strays(&self.hidden);
        for name in [LIST, LOG] {
            if let Err(error) = rustix::fs::unlinkat(&self.hidden, name, AtFlags::empty()) {
                tracing::trace!(%error, name, "it stays");
            }
        }
        super::partial::remove_hidden(&self.root);
    }

    /// Removes what a cancelled download left but the files that are done, and the folders that are empty then. What
    /// another download has in the same folders stays. Says whether there is no folder of that name now.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove(to: &Path, name: &FileName) -> Result<bool, PartialError> {
        let path = to.join(name.as_str());
        if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return Ok(true);
        }
        let Some(mut target) = Self::open_there(&path)? else { return Ok(true) };
        let (files, done) = target.load().unwrap_or_default();
        let mut removed = remove_small(&target.hidden);
        for (_, file) in (0_u32..).zip(&files).filter(|(place, _)| !done.contains(place)) {
            removed = removed.and(target.remove_partial(file));
        }
        // A folder comes before those in it.
        let folders: BTreeSet<_> = files.iter().flat_map(|file| ancestors(&file.folder)).collect();
        for folder in folders.iter().rev() {
            target.remove_if_empty(folder);
        }
        // The list stays with what stays, to be tried again.
        removed?;
        target.close();
        let gone = std::fs::remove_dir(&path);
        if let Err(error) = &gone {
            tracing::trace!(%error, "a folder with files stays");
        }
        Ok(gone.is_ok())
    }

    /// The folder of an earlier run, if its hidden folder is there. Makes nothing: the disk may be full.
    fn open_there(path: &Path) -> Result<Option<Self>, PartialError> {
        let unusable = |error: Errno| PartialError::Folder(path.to_owned(), error.into());
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty()).map_err(unusable)?;
        let Some(hidden) = hidden_of(&root)? else { return Ok(None) };
        let (opened, touched) = (BTreeMap::new(), BTreeSet::new());
        Ok(Some(Self { path: path.to_owned(), root, hidden, opened, touched }))
    }

    /// Removes what there is of a file that is not done, if it is nobody's download.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove_partial(&mut self, file: &FolderFile) -> Result<(), PartialError> {
        let folder = self.enter_there(&file.folder);
        match folder.and_then(|folder| PartialFile::remove_in(folder, file.content)) {
            // Somebody else's, or nothing of ours.
            Err(PartialError::InUse | PartialError::Foreign(_)) => Ok(()),
            Err(PartialError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn remove_if_empty(&mut self, folder: &FolderPath) {
        let parent = ancestors(folder).nth(1).unwrap_or_default();
        let name = folder.last().unwrap_or_default();
        let removed = self
            .enter_there(&parent)
            .and_then(|parent| Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?));
        if let Err(error) = removed {
            tracing::trace!(%error, %folder, "a folder with files stays");
        }
    }

    /// The handle of a subfolder, made component by component.
    fn enter(&mut self, folder: &FolderPath) -> Result<&OwnedFd, PartialError> {
        self.enter_by(folder, |above, name| {
            match rustix::fs::mkdirat(above, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(other) => Err(other.into()),
            }
        })
    }

    /// The same, if it is there.
    fn enter_there(&mut self, folder: &FolderPath) -> Result<&OwnedFd, PartialError> {
        self.enter_by(folder, |_, _| Ok(()))
    }

    fn enter_by(
        &mut self,
        folder: &FolderPath,
        prepare: impl Fn(&OwnedFd, &str) -> Result<(), PartialError>,
    ) -> Result<&OwnedFd, PartialError> {
        if folder.is_empty() {
            return Ok(&self.root);
        }
        if !self.opened.contains_key(folder) {
            // Handles are few: a folder that was left can be opened again.
            const MAX_OPEN: usize = 64;
            if self.opened.len() >= MAX_OPEN {
                self.opened.clear();
            }
            let mut at = None;
            for name in folder.names() {
                let above = at.as_ref().unwrap_or(&self.root);
                prepare(above, name)?;
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                at = Some(match rustix::fs::openat(above, name, flags, Mode::empty()) {
                    Err(Errno::NOTDIR | Errno::LOOP) => {
                        return Err(PartialError::Foreign("a file where a folder belongs"));
                    }
                    opened => opened?,
                });
            }
            if let Some(opened) = at {
                self.opened.insert(folder.clone(), opened);
            }
        }
        Ok(self.opened.get(folder).unwrap_or(&self.root))
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.hidden, name, flags, Mode::empty()).ok()?);
        let mut bytes = Vec::new();
        file.take(MAX_LIST_BYTES as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// An own file in a hidden folder, emptied if it is there.
fn create(hidden: &OwnedFd, name: &str) -> Result<File, PartialError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(hidden, name, flags, Mode::from_raw_mode(0o666))?))
}

/// An entry of the log is bound to the file at its place.
fn log_entry(place: u32, file: &FolderFile) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&place.to_le_bytes()).update(file.content.as_bytes());
    hasher.update(file.folder.as_str().as_bytes()).update(b"/").update(file.name.as_str().as_bytes());
    let mut entry = [0; 8];
    entry[..4].copy_from_slice(&place.to_le_bytes());
    entry[4..].copy_from_slice(&hasher.finalize().as_bytes()[..4]);
    entry
}

/// A folder and those that it lies in, without the outermost.
fn ancestors(folder: &FolderPath) -> impl Iterator<Item = FolderPath> {
    let parent = |folder: &FolderPath| FolderPath::new(folder.as_str().rsplit_once('/')?.0).ok();
    std::iter::successors(Some(folder.clone()).filter(|folder| !folder.is_empty()), parent)
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
