//! What can be wrong with a partial file.

use super::PartialFile;
use rustix::io::Errno;
use std::io;
use std::path::PathBuf;

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
    /// The folder is not where it was when the download began: moved, removed, or on a drive that was taken out.
    #[error("the folder {} is not there any more", .0.display())]
    Gone(PathBuf),
    /// `.cardume` in the target folder is not a folder (a link is none), or its file not a regular one.
    #[error("{0} in the target folder is not what Cardume made; remove it")]
    Foreign(&'static str),
    /// Another process downloads the same content into this folder.
    #[error("another peer on this machine downloads the same file into this folder")]
    InUse,
    /// The bytes have not the length of their piece.
    #[error("the bytes have not the length of their piece")]
    Length,
    /// The volume does not take such a name: too long for it, or of characters that it does not have.
    #[error("the volume does not take this name: {0}")]
    Name(io::Error),
    /// Every name that was tried is taken.
    #[error("{} files of that name exist", PartialFile::MAX_NAMES)]
    NamesTaken,
    /// A sync failed: what was written since the last good one may be lost, whatever can be read of it.
    #[error("the disk did not keep what was written: {0}")]
    Unsynced(io::Error),
    /// Anything else that the system says.
    #[error("the disk says: {0}")]
    Io(io::Error),
}

impl From<io::Error> for PartialError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::DiskFull,
            Some(Errno::FBIG) => Self::TooLarge,
            Some(Errno::NAMETOOLONG | Errno::ILSEQ) => Self::Name(error),
            _ => Self::Io(error),
        }
    }
}

impl From<Errno> for PartialError {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}
