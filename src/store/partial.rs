//! A file that is being downloaded: hidden until it is whole, and then put under its name.
//!
//! It lies in the folder `.cardume` of the target folder, so that the last step is a rename on one
//! volume. **The rename never overwrites:** a taken name gets a number, as browsers do. Nothing outside of
//! the target folder is touched: everything goes through handles of the two folders, and a `.cardume` that
//! is a link is refused.
//!
//! Beside it lies its [`Journal`]: the proven manifest, and which pieces are surely there. After a crash only
//! the others are read and checked; a partial file without a journal is read as a whole.

mod asking;
mod direct;
mod error;
#[cfg(test)]
pub(crate) mod faults;
mod journal;
mod names;
mod pieces;
mod place;
mod sync;

use super::verified::Verified;
use crate::base::{ContentId, FileName, PieceIndex, PieceLayout};
use crate::engine::transfer::have::PieceSet;
use crate::engine::transfer::manifest::PieceHash;
pub use asking::ask_folder;
pub(super) use asking::try_to_write;
use direct::Direct;
pub use error::PartialError;
use journal::{Marker, Steps};
pub use names::find_finished;
pub(super) use names::{is_content, numbered};
pub(super) use place::check_place;
pub use place::expect_folder;
use rustix::fs::{AtFlags, FallocateFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
pub(super) use sync::{sync_all, sync_volume};

/// The hidden folder for partial files in every target folder.
pub const HIDDEN_FOLDER: &str = ".cardume";

/// A partial file, held by this process alone. Reads and writes are positioned and may come from several
/// threads at once. Dropped without [`PartialFile::finish`] it stays for a later resume;
/// [`PartialFile::discard`] removes it.
#[derive(Debug)]
pub struct PartialFile {
    target: PathBuf,
    folder: OwnedFd,
    hidden: OwnedFd,
    file: File,
    /// The same, past the system's memory, where the volume can.
    direct: Option<Direct>,
    /// Whoever writes through `file`.
    writing: Mutex<()>,
    content: ContentId,
    part: String,
    layout: PieceLayout,
    is_resumed: bool,
}

/// A partial file that an earlier run left, with its journal.
#[derive(Debug)]
pub struct Resumed {
    /// The file.
    pub partial: PartialFile,
    /// To be gone on with.
    pub journal: Journal,
    /// The layout of the content, proven.
    pub layout: PieceLayout,
    /// The manifest, which merges to the content.
    pub pieces: Vec<PieceHash>,
    /// The pieces that are surely there.
    pub marked: PieceSet,
}

/// Marks the pieces of a partial file that are surely on the disk, so that a resume does not read them.
#[derive(Debug)]
pub struct Journal(Marker<Files>);

#[derive(Debug)]
struct Files {
    data: File,
    journal: File,
}

impl Steps for Files {
    fn sync_data(&self) -> io::Result<()> {
        sync::sync_data(&self.data)
    }

    fn write_journal(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.journal.write_all_at(bytes, offset)
    }
}

impl Journal {
    /// Syncs the data and marks these pieces, which were written before. Blocks as long as the disk takes.
    ///
    /// # Errors
    /// [`PartialError::Unsynced`]: what is not marked is to be let go ([`PartialFile::forget_unmarked`]).
    pub fn mark(&mut self, pieces: &[PieceIndex]) -> Result<(), PartialError> {
        self.0.mark(pieces).map_err(PartialError::Unsynced)
    }
}

impl PartialFile {
    /// The most names that are tried for a finished file: `name`, `name (2)`, …
    pub const MAX_NAMES: u32 = 10_000;
    /// How often the hidden folder may vanish between making and using it: the end of another download
    /// removes it when it is empty.
    const MAX_TRIES: u32 = 8;
    /// The longest journal that is read: that of the largest content, and its manifest.
    const MAX_JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

    /// Opens what an earlier run left of a content in the folder `target`; `None` if nothing is there that
    /// says for certain what it is. Takes milliseconds, whatever the size.
    ///
    /// # Errors
    /// See [`PartialError`].
    pub fn resume(target: &Path, content: ContentId) -> Result<Option<Resumed>, PartialError> {
        let resumed = Self::left(target, content)?;
        if let Some(resumed) = &resumed {
            resumed.partial.reserve()?;
        }
        Ok(resumed)
    }

    /// The same, also where the volume has no room for the rest.
    fn left(target: &Path, content: ContentId) -> Result<Option<Resumed>, PartialError> {
        let Some((folder, hidden)) = open_both(target)? else { return Ok(None) };
        let part = part_name(content);
        let file = match open_part(&hidden, &part, OFlags::empty()) {
            Err(PartialError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let metadata = file.metadata()?;
        let Ok(journal) = open_regular(&hidden, &journal_name(content), OFlags::empty()) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&journal, Self::MAX_JOURNAL_BYTES), &mut bytes)?;
        let entries = journal::read(&bytes, content, metadata.ino());
        let Some(entries) = entries.filter(|entries| entries.layout.size() == metadata.len()) else {
            return Ok(None);
        };
        let marker = Marker::go_on(Files { data: file.try_clone()?, journal }, &entries);
        let journal::Entries { layout, pieces, marked, .. } = entries;
        let target = target.to_owned();
        let direct = Direct::open(&hidden, &part, &file, layout.piece_size());
        let writing = Mutex::default();
        let partial =
            Self { target, folder, hidden, file, direct, writing, content, part, layout, is_resumed: true };
        Ok(Some(Resumed { partial, journal: Journal(marker), layout, pieces, marked }))
    }

    /// Lets everything go that is not marked, after a sync that failed: what can be read of it may not be on the disk,
    /// and the next sync would say nothing of it (fsync(2)). Nobody else has the file open.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn forget_unmarked(target: &Path, content: ContentId) -> Result<(), PartialError> {
        let Some(Resumed { partial, layout, marked, .. }) = Self::left(target, content)? else {
            return Self::remove(target, content);
        };
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        for piece in layout.pieces().filter(|piece| !marked.contains(*piece)) {
            let range = layout.range(piece);
            if rustix::fs::fallocate(&partial.file, flags, range.start, range.end - range.start).is_err() {
                // A volume without holes: all of it.
                return partial.discard();
            }
        }
        Ok(())
    }

    /// Removes what an earlier run left of a content in the folder `target`, if anything.
    ///
    /// # Errors
    /// [`PartialError::InUse`] if somebody downloads it there: it is theirs. Else if the disk refuses.
    pub fn remove(target: &Path, content: ContentId) -> Result<(), PartialError> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(target, flags, Mode::empty()) {
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(PartialError::Folder(target.to_owned(), error.into())),
            Ok(folder) => Self::remove_in(&folder, content),
        }
    }

    /// Removes the journal of a file that has got its name: an earlier run was killed in between. Blocks.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove_stray_journal(target: &Path, content: ContentId) -> Result<(), PartialError> {
        let Some((folder, hidden)) = open_both(target)? else { return Ok(()) };
        match rustix::fs::statat(&hidden, part_name(content), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => unlink_all(&folder, &hidden, content),
            _ => Ok(()),
        }
    }

    /// As [`PartialFile::remove`], in a folder that is open.
    pub(super) fn remove_in(folder: &OwnedFd, content: ContentId) -> Result<(), PartialError> {
        let Some(hidden) = hidden_of(folder)? else { return Ok(()) };
        // Held until its names are gone. What is no file of ours is nobody's download.
        let held = open_part(&hidden, &part_name(content), OFlags::empty());
        if matches!(held, Err(PartialError::InUse)) {
            return held.map(drop);
        }
        unlink_all(folder, &hidden, content)
    }

    /// Opens or makes the partial file of a content in the folder `target`, which exists. It has its full
    /// length at once, without taking space.
    ///
    /// # Errors
    /// See [`PartialError`]; nothing is left behind by a refusal but an empty hidden folder.
    pub fn create(target: &Path, content: ContentId, layout: PieceLayout) -> Result<Self, PartialError> {
        let mut partial = Self::open_new(target, content, layout)?;
        if let Err(refused) = partial.reserve() {
            if partial.file.metadata()?.len() == 0 {
                partial.discard()?;
            }
            return Err(refused);
        }
        partial.direct = Direct::open(&partial.hidden, &partial.part, &partial.file, layout.piece_size());
        Ok(partial)
    }

    /// The same, of whatever length it is.
    fn open_new(target: &Path, content: ContentId, layout: PieceLayout) -> Result<Self, PartialError> {
        let unusable = |error: Errno| PartialError::Folder(target.to_owned(), error.into());
        let folder =
            rustix::fs::open(target, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(unusable)?;
        #[cfg(test)]
        faults::at_open(&folder);
        let part = part_name(content);
        let mut tries = 0..Self::MAX_TRIES;
        let (hidden, file) = loop {
            let hidden = open_hidden(&folder).map_err(|error| match error {
                Errno::LOOP | Errno::NOTDIR => PartialError::Foreign(HIDDEN_FOLDER),
                Errno::NOSPC | Errno::DQUOT => PartialError::DiskFull,
                other => unusable(other),
            })?;
            match open_part(&hidden, &part, OFlags::CREATE) {
                Err(PartialError::Io(error))
                    if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
                file => break (hidden, file?),
            }
        };
        let found = file.metadata()?.len();
        let is_resumed = found == layout.size() && found > 0;
        let target = target.to_owned();
        let (direct, writing) = (None, Mutex::default());
        Ok(Self { target, folder, hidden, file, direct, writing, content, part, layout, is_resumed })
    }

    /// Begins the journal of this file, with the manifest that was proven.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn begin_journal(&self, pieces: &[PieceHash]) -> Result<Journal, PartialError> {
        let journal =
            open_regular(&self.hidden, &journal_name(self.content), OFlags::CREATE | OFlags::TRUNC)?;
        let files = Files { data: self.file.try_clone()?, journal };
        let inode = self.file.metadata()?.ino();
        let marker = Marker::begin(files, self.content, self.layout, pieces, inode)?;
        // Both names must be there after a power loss for the journal to be worth anything.
        sync_folder(&self.hidden);
        Ok(Journal(marker))
    }

    /// Whether an earlier download left this file: its pieces count only after they were checked.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Syncs the whole file and puts it under `name` in the target folder, or under `name (2)`, … if that
    /// is taken. Gives the path. The caller has verified every piece.
    ///
    /// # Errors
    /// The partial file stays as it is; finishing can be tried again, but after [`PartialError::Unsynced`] only
    /// when what is not marked was let go.
    pub fn finish(&self, name: &FileName) -> Result<PathBuf, PartialError> {
        sync_all(&self.file)?;
        check_place(&self.folder, &self.target)?;
        for number in 1..=Self::MAX_NAMES {
            let name = numbered(name, number);
            match self.rename_to(&name) {
                Ok(()) => {
                    self.clean_up();
                    return Ok(self.target.join(name));
                }
                Err(Errno::EXIST) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(PartialError::NamesTaken)
    }

    /// What the library may know of it, when every piece is verified and nobody writes any more. `None` for what an
    /// earlier run began: the pieces that it marked were not read since, and something may have become of them.
    #[must_use]
    pub fn verified(&self, pieces: Arc<Vec<PieceHash>>) -> Option<Verified> {
        if self.is_resumed { None } else { Verified::of(&self.file, self.content, pieces) }
    }

    /// Removes the partial file: the download was cancelled.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn discard(&self) -> Result<(), PartialError> {
        unlink_all(&self.folder, &self.hidden, self.content)
    }

    /// The full length, sparse; and at once the answer if the volume has no room for what is missing.
    fn reserve(&self) -> Result<(), PartialError> {
        self.has_room()?;
        if self.file.metadata()?.len() != self.layout.size() {
            self.file.set_len(self.layout.size())?;
        }
        Ok(())
    }

    /// Renames without overwriting: by one call where the system has it, else by a hard link, which never
    /// overwrites either.
    fn rename_to(&self, name: &str) -> Result<(), Errno> {
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(&self.hidden, &self.part, &self.folder, name, flags) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => self.link_to(name),
            done => done,
        }
    }

    fn link_to(&self, name: &str) -> Result<(), Errno> {
        rustix::fs::linkat(&self.hidden, &self.part, &self.folder, name, AtFlags::empty())?;
        rustix::fs::unlinkat(&self.hidden, &self.part, AtFlags::empty())
    }

    /// The name must survive a power cut too.
    fn clean_up(&self) {
        if let Err(error) = unlink_if_there(&self.hidden, &journal_name(self.content)) {
            tracing::debug!(%error, "the journal of a finished file stays");
        }
        sync_folder(&self.hidden);
        sync_folder(&self.folder);
        remove_hidden(&self.folder);
    }
}

fn part_name(content: ContentId) -> String {
    format!("{content}.part")
}

fn journal_name(content: ContentId) -> String {
    format!("{content}.journal")
}

/// A volume that cannot sync folders keeps names by itself.
pub(super) fn sync_folder(folder: &OwnedFd) {
    if let Err(error) = rustix::fs::fsync(folder) {
        tracing::debug!(%error, "the folder cannot be synced");
    }
}

/// The hidden folder goes when its last file goes; while it holds others this is refused, as it should.
pub(super) fn remove_hidden(folder: &OwnedFd) {
    if let Err(error) = rustix::fs::unlinkat(folder, HIDDEN_FOLDER, AtFlags::REMOVEDIR) {
        tracing::trace!(%error, "the hidden folder stays");
    }
}

pub(super) fn unlink_if_there(folder: &OwnedFd, name: &str) -> Result<(), PartialError> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Removes what there is of a content, and the hidden folder if that was all.
fn unlink_all(folder: &OwnedFd, hidden: &OwnedFd, content: ContentId) -> Result<(), PartialError> {
    unlink_if_there(hidden, &part_name(content))?;
    unlink_if_there(hidden, &journal_name(content))?;
    remove_hidden(folder);
    Ok(())
}

/// A target folder and its hidden folder, if both are there.
fn open_both(target: &Path) -> Result<Option<(OwnedFd, OwnedFd)>, PartialError> {
    let unusable = |error: Errno| PartialError::Folder(target.to_owned(), error.into());
    let folder = match rustix::fs::open(target, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        folder => folder.map_err(unusable)?,
    };
    let hidden = hidden_of(&folder)?;
    Ok(hidden.map(|hidden| (folder, hidden)))
}

/// The hidden folder of a target folder, if it is there.
pub(super) fn hidden_of(folder: &OwnedFd) -> Result<Option<OwnedFd>, PartialError> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, HIDDEN_FOLDER, flags, Mode::empty()) {
        Ok(hidden) => Ok(Some(hidden)),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR) => Err(PartialError::Foreign(HIDDEN_FOLDER)),
        Err(other) => Err(PartialError::Folder(HIDDEN_FOLDER.into(), other.into())),
    }
}

pub(super) fn open_hidden(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    let mut tries = 0..PartialFile::MAX_TRIES;
    loop {
        rustix::fs::mkdirat(folder, HIDDEN_FOLDER, Mode::RWXU)
            .or_else(|error| if error == Errno::EXIST { Ok(()) } else { Err(error) })?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(folder, HIDDEN_FOLDER, flags, Mode::empty()) {
            // The end of another download removed it meanwhile.
            Err(Errno::NOENT) if tries.next().is_some() => {}
            opened => return opened,
        }
    }
}

/// Opens a regular file of our own. `NONBLOCK`: a FIFO of that name must not hold us up.
fn open_regular(hidden: &OwnedFd, name: &str, more: OFlags) -> Result<File, PartialError> {
    #[cfg(test)]
    faults::expect_access(hidden)?;
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
    let file = match rustix::fs::openat(hidden, name, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {
            return Err(PartialError::Foreign("the partial file"));
        }
        Err(other) => return Err(other.into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(PartialError::Foreign("the partial file"));
    }
    Ok(file)
}

/// Opens the partial file, which only this process holds then.
fn open_part(hidden: &OwnedFd, part: &str, more: OFlags) -> Result<File, PartialError> {
    let file = open_regular(hidden, part, more)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // A volume without locks has nobody to share it with.
        Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(Errno::WOULDBLOCK) => return Err(PartialError::InUse),
        Err(other) => return Err(other.into()),
    }
    // Whoever held it before may have named or removed it meanwhile.
    if file.metadata()?.nlink() == 0 { Err(PartialError::InUse) } else { Ok(file) }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
#[path = "partial_tests.rs"]
mod tests;
