//! A file that is being downloaded: hidden until it is whole, and then put under its name.
//!
//! It lies in the folder `.cardume` of the target folder, so that the last step is a rename on one
//! volume. **The rename never overwrites:** a taken name gets a number, as browsers do. Nothing outside of
//! the target folder is touched: everything goes through handles of the two folders, and a `.cardume` that
//! is a link is refused.
//!
//! Absent on purpose: which pieces are there. A partial file left by a crash is read again and every piece
//! is checked before it counts (a journal of synced pieces can spare that later: [`PartialFile::sync`] is
//! its seam).

use crate::base::{ContentId, FileName, PieceIndex, PieceLayout};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The hidden folder for partial files in every target folder.
pub const HIDDEN_FOLDER: &str = ".cardume";

/// Why a partial file could not be made, written or finished.
#[derive(Debug, thiserror::Error)]
pub enum PartialError {
    /// The volume is full, or the person's share of it.
    #[error("the disk is full")]
    DiskFull,
    /// The volume does not take files of this size.
    #[error("the file is too large for this volume")]
    TooLarge,
    /// The target folder is not there, or may not be written to.
    #[error("the folder {0} cannot be used: {1}")]
    Folder(PathBuf, io::Error),
    /// `.cardume` in the target folder is not a folder (a link is none), or its file not a regular one.
    #[error("{0} in the target folder is not what Cardume made; remove it")]
    Foreign(&'static str),
    /// Another process downloads the same content into this folder.
    #[error("another peer on this machine downloads the same file into this folder")]
    InUse,
    /// The bytes have not the length of their piece.
    #[error("the bytes have not the length of their piece")]
    Length,
    /// Every name that was tried is taken.
    #[error("{} files of that name exist", PartialFile::MAX_NAMES)]
    NamesTaken,
    /// Anything else that the system says.
    #[error("the disk says: {0}")]
    Io(io::Error),
}

impl From<io::Error> for PartialError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::DiskFull,
            Some(Errno::FBIG) => Self::TooLarge,
            _ => Self::Io(error),
        }
    }
}

impl From<Errno> for PartialError {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

/// A partial file, held by this process alone. Reads and writes are positioned and may come from several
/// threads at once. Dropped without [`PartialFile::finish`] it stays for a later resume;
/// [`PartialFile::discard`] removes it.
#[derive(Debug)]
pub struct PartialFile {
    target: PathBuf,
    folder: OwnedFd,
    hidden: OwnedFd,
    file: File,
    part: String,
    layout: PieceLayout,
    is_resumed: bool,
}

impl PartialFile {
    /// The most names that are tried for a finished file: `name`, `name (2)`, …
    pub const MAX_NAMES: u32 = 10_000;
    /// How often the hidden folder may vanish between making and using it: the end of another download
    /// removes it when it is empty.
    const MAX_TRIES: u32 = 8;

    /// Opens or makes the partial file of a content in the folder `target`, which exists. It has its full
    /// length at once, without taking space.
    ///
    /// # Errors
    /// See [`PartialError`]; nothing is left behind by a refusal but an empty hidden folder.
    pub fn create(target: &Path, content: ContentId, layout: PieceLayout) -> Result<Self, PartialError> {
        let unusable = |error: Errno| PartialError::Folder(target.to_owned(), error.into());
        let folder =
            rustix::fs::open(target, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(unusable)?;
        let part = format!("{content}.part");
        let mut tries = 0..Self::MAX_TRIES;
        let (hidden, file) = loop {
            let hidden = open_hidden(&folder).map_err(|error| match error {
                Errno::LOOP | Errno::NOTDIR => PartialError::Foreign(HIDDEN_FOLDER),
                Errno::NOSPC | Errno::DQUOT => PartialError::DiskFull,
                other => unusable(other),
            })?;
            match open_part(&hidden, &part) {
                Err(PartialError::Io(error))
                    if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => {}
                file => break (hidden, file?),
            }
        };
        let found = file.metadata()?.len();
        let partial = Self {
            target: target.to_owned(),
            folder,
            hidden,
            file,
            part,
            layout,
            is_resumed: found == layout.size() && found > 0,
        };
        partial.reserve()?;
        Ok(partial)
    }

    /// Whether an earlier download left this file: its pieces count only after they were checked.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Writes a piece, which the caller has verified.
    ///
    /// # Errors
    /// [`PartialError::DiskFull`] can be tried again; the piece does not count until it is `Ok`.
    pub fn write_piece(&self, piece: PieceIndex, bytes: &[u8]) -> Result<(), PartialError> {
        let range = self.layout.range(piece);
        if range.end - range.start != bytes.len() as u64 {
            return Err(PartialError::Length);
        }
        Ok(self.file.write_all_at(bytes, range.start)?)
    }

    /// Reads a piece back into `bytes`, which is resized to it.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn read_piece(&self, piece: PieceIndex, bytes: &mut Vec<u8>) -> Result<(), PartialError> {
        let range = self.layout.range(piece);
        let length = usize::try_from(range.end - range.start).map_err(|_| PartialError::Length)?;
        bytes.resize(length, 0);
        Ok(self.file.read_exact_at(bytes, range.start)?)
    }

    /// Whether a piece was surely never written: it lies in a hole of the sparse file. Spares reading
    /// what is not there; `false` where the file system does not say.
    #[must_use]
    pub fn is_hole(&self, piece: PieceIndex) -> bool {
        let range = self.layout.range(piece);
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(range.start)) {
            Ok(data) => data >= range.end,
            Err(error) => error == Errno::NXIO,
        }
    }

    /// Has the volume keep what was written so far.
    ///
    /// # Errors
    /// If the disk fails; what was written is then in doubt.
    pub fn sync(&self) -> Result<(), PartialError> {
        Ok(self.file.sync_data()?)
    }

    /// Syncs the whole file and puts it under `name` in the target folder, or under `name (2)`, … if that
    /// is taken. Gives the path. The caller has verified every piece.
    ///
    /// # Errors
    /// The partial file stays as it is; finishing can be tried again.
    pub fn finish(&self, name: &FileName) -> Result<PathBuf, PartialError> {
        self.file.sync_all()?;
        for number in 1..=Self::MAX_NAMES {
            let name = numbered(name, number);
            match self.rename_to(&name) {
                Ok(()) => {
                    self.sync_folders();
                    return Ok(self.target.join(name));
                }
                Err(Errno::EXIST) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(PartialError::NamesTaken)
    }

    /// Removes the partial file: the download was cancelled.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn discard(&self) -> Result<(), PartialError> {
        rustix::fs::unlinkat(&self.hidden, &self.part, AtFlags::empty())?;
        self.remove_hidden();
        Ok(())
    }

    /// The full length, sparse; and at once the answer if the volume has no room for what is missing.
    fn reserve(&self) -> Result<(), PartialError> {
        let metadata = self.file.metadata()?;
        // 512: what `st_blocks` counts in, whatever the volume (stat(2)).
        let missing = self.layout.size().saturating_sub(metadata.blocks().saturating_mul(512));
        if let Ok(volume) = rustix::fs::fstatvfs(&self.folder)
            && missing > volume.f_bavail.saturating_mul(volume.f_frsize)
        {
            return Err(PartialError::DiskFull);
        }
        if metadata.len() != self.layout.size() {
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

    /// The name must survive a power cut too. A volume that cannot sync folders keeps names by itself.
    fn sync_folders(&self) {
        for folder in [&self.hidden, &self.folder] {
            if let Err(error) = rustix::fs::fsync(folder) {
                tracing::debug!(%error, "the folder cannot be synced");
            }
        }
        self.remove_hidden();
    }

    /// The hidden folder goes when its last file goes; while it holds others this is refused, as it should.
    fn remove_hidden(&self) {
        if let Err(error) = rustix::fs::unlinkat(&self.folder, HIDDEN_FOLDER, AtFlags::REMOVEDIR) {
            tracing::trace!(%error, "the hidden folder stays");
        }
    }
}

fn open_hidden(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(folder, HIDDEN_FOLDER, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(other) => return Err(other),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, HIDDEN_FOLDER, flags, Mode::empty())
}

/// Opens the partial file, a regular one that only this process holds. `NONBLOCK`: a FIFO of that name
/// must not hold us up.
fn open_part(hidden: &OwnedFd, part: &str) -> Result<File, PartialError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(hidden, part, flags, Mode::from_raw_mode(0o666)) {
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
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // A volume without locks has nobody to share it with.
        Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(PartialError::InUse),
        Err(other) => Err(other.into()),
    }
}

/// `name` for 1, then `name (2).ext`, …, cut to the length of a name. `.tar.gz` and its like stay whole.
fn numbered(name: &FileName, number: u32) -> String {
    let name = name.as_str();
    if number == 1 {
        return name.to_owned();
    }
    let (mut stem, _) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    if let Some(inner) = stem.strip_suffix(".tar").filter(|inner| !inner.is_empty()) {
        stem = inner;
    }
    let extension = &name[stem.len()..];
    let tail = format!(" ({number}){extension}");
    let room = FileName::MAX_BYTES.saturating_sub(tail.len());
    let cut = (0..=room.min(stem.len())).rev().find(|end| stem.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{tail}", &stem[..cut])
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
#[path = "partial_tests.rs"]
mod tests;
