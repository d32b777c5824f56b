//! Small files of a folder: written in a waiting folder, synced together, and then named.
//!
//! While one batch is named, the next one is written. They wait in two folders in turns: the system lets one thread at a
//! time change the entries of a folder, and who waits for the other burns a processor meanwhile.

use super::{FolderFile, FolderTarget, LIST, create};
use crate::base::{FileName, FolderPath};
use crate::store::partial::{
    PartialError, PartialFile, numbered, sync_all, sync_folder, sync_volume, unlink_if_there,
};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

/// In the hidden folder.
const WAITING: [&str; 2] = ["small-0", "small-1"];

/// Small files that are written, and named together.
#[derive(Debug)]
pub struct Batch {
    waiting: OwnedFd,
    places: Vec<u32>,
}

impl Batch {
    /// Writes the file at this place of the list, which the caller has verified. It gets its name with
    /// [`FolderTarget::commit`].
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&mut self, place: u32, bytes: &[u8]) -> Result<(), PartialError> {
        create(&self.waiting, &small_name(place))?.write_all(bytes)?;
        self.places.push(place);
        Ok(())
    }

    /// How many files were written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none was.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl FolderTarget {
    /// An empty batch, the so-manieth.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn batch(&self, number: usize) -> Result<Batch, PartialError> {
        let name = WAITING[number % WAITING.len()];
        match rustix::fs::mkdirat(&self.hidden, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(other) => return Err(other.into()),
        }
        let waiting = match open_waiting(&self.hidden, name) {
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(PartialError::Foreign("a file where a folder belongs"));
            }
            waiting => waiting?,
        };
        Ok(Batch { waiting, places: Vec::new() })
    }

    /// Syncs the files of the batch and gives them their names. Gives the places of those that have them: some names
    /// the volume may not take, or something lies in their way. The names are on the disk after the next sync, of the
    /// next files or by [`FolderTarget::sync_names`]; those of the files before are when this returns.
    ///
    /// # Errors
    /// If the disk refuses; nothing has a name then that was not synced.
    pub fn commit(&mut self, files: &[FolderFile], batch: &Batch) -> Result<Vec<u32>, PartialError> {
        self.sync_small(Some(batch))?;
        self.check_place()?;
        self.opened.clear();
        let mut named = Vec::with_capacity(batch.len());
        for place in &batch.places {
            let Some(file) = files.get(*place as usize) else { continue };
            match self.give_name(batch, *place, &file.folder, &file.name) {
                Ok(()) => {
                    if !self.touched.contains(&file.folder) {
                        self.touched.insert(file.folder.clone());
                    }
                    named.push(*place);
                }
                Err(PartialError::Name(_) | PartialError::NamesTaken | PartialError::Foreign(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(named)
    }

    /// Has the disk keep the names that [`FolderTarget::commit`] gave.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync_names(&mut self) -> Result<(), PartialError> {
        self.sync_small(None)
    }

    /// One sync of the volume is cheaper than one of each file and folder. After one that failed none of them is asked
    /// for: it would say that all is well.
    fn sync_small(&mut self, batch: Option<&Batch>) -> Result<(), PartialError> {
        let touched = std::mem::take(&mut self.touched);
        if batch.is_none_or(Batch::is_empty) && touched.is_empty() {
            return Ok(());
        }
        match sync_volume(&self.hidden) {
            Ok(()) => return Ok(()),
            Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(PartialError::Unsynced(error.into())),
        }
        for folder in &touched {
            sync_folder(self.enter(folder)?);
        }
        let Some(batch) = batch else { return Ok(()) };
        for place in &batch.places {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&batch.waiting, small_name(*place), flags, Mode::empty())?;
            sync_all(&File::from(file))?;
        }
        Ok(())
    }

    fn give_name(
        &mut self,
        batch: &Batch,
        place: u32,
        folder: &FolderPath,
        name: &FileName,
    ) -> Result<(), PartialError> {
        let small = small_name(place);
        let target = self.enter(folder)?;
        for number in 1..=PartialFile::MAX_NAMES {
            let name = numbered(name, number);
            let flags = RenameFlags::NOREPLACE;
            let named = match rustix::fs::renameat_with(&batch.waiting, &small, target, &name, flags) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    rustix::fs::linkat(&batch.waiting, &small, target, &name, AtFlags::empty())
                        .and_then(|()| rustix::fs::unlinkat(&batch.waiting, &small, AtFlags::empty()))
                }
                named => named,
            };
            match named {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(PartialError::NamesTaken)
    }
}

/// Removes what a process that was killed, or what got no name, left of small files and lists. Whoever has the hidden
/// folder open for a download of this folder keeps it locked, so that nothing is removed that is in use.
pub(super) fn remove_strays(hidden: &OwnedFd) {
    // Of this very opening, so that it is kept until the last handle is closed.
    match rustix::fs::flock(hidden, FlockOperation::NonBlockingLockExclusive) {
        // A volume without locks has nobody to share it with.
        Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(error) => return tracing::debug!(%error, "what is left in a folder stays: somebody has it open"),
    }
    if let Err(error) = remove_small(hidden).and(unlink_if_there(hidden, &new_list())) {
        tracing::debug!(%error, "something of a folder's download stays");
    }
}

/// Removes the files that wait for their names, and the folders in which they do: as many as can be.
///
/// # Errors
/// If the disk refuses one of them.
pub(super) fn remove_small(hidden: &OwnedFd) -> Result<(), PartialError> {
    let mut removed = Ok(());
    for name in WAITING {
        let waiting = match open_waiting(hidden, name) {
            Ok(waiting) => waiting,
            // Nothing of ours.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(other) => {
                removed = removed.and(Err(other.into()));
                continue;
            }
        };
        let gone = empty(&waiting).and_then(|()| {
            match rustix::fs::unlinkat(hidden, name, AtFlags::REMOVEDIR) {
                // Somebody else's files are in it.
                Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
                Err(other) => Err(other.into()),
            }
        });
        removed = removed.and(gone);
    }
    removed
}

fn empty(waiting: &OwnedFd) -> Result<(), PartialError> {
    let mut removed = Ok(());
    for entry in rustix::fs::Dir::read_from(waiting)? {
        let entry = entry?;
        let Some(small) = entry.file_name().to_str().ok().filter(|name| is_small(name)) else { continue };
        // A folder of that name is not ours.
        let now = match rustix::fs::unlinkat(waiting, small, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => Ok(()),
            Err(other) => Err(PartialError::from(other)),
        };
        removed = removed.and(now);
    }
    removed
}

fn open_waiting(hidden: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(hidden, name, flags, Mode::empty())
}

/// Whether a file of this name is one of [`Batch::write`].
fn is_small(name: &str) -> bool {
    let place = name.strip_suffix(".small").and_then(|place| place.parse::<u32>().ok());
    place.is_some_and(|place| small_name(place) == name)
}

pub(super) fn new_list() -> String {
    format!("{LIST}.new")
}

fn small_name(place: u32) -> String {
    format!("{place}.small")
}
