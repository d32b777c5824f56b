//! Whether a folder is still where its path says. Files are reached through handles, which go along when a folder is
//! moved, and stay when it is removed: nothing is to be written there then.

use super::PartialError;
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Fails if `path` is not this folder any more.
pub(in crate::store) fn check_place(folder: &OwnedFd, path: &Path) -> Result<(), PartialError> {
    let here = rustix::fs::fstat(folder)?;
    match rustix::fs::stat(path) {
        Ok(there) if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) => Ok(()),
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => Err(PartialError::Gone(path.to_owned())),
        Err(error) => Err(PartialError::Folder(path.to_owned(), error.into())),
    }
}

/// Fails if there is nothing where the path leads.
pub fn expect_folder(path: &Path) -> Result<(), PartialError> {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(PartialError::Gone(path.to_owned()))
        }
        _ => Ok(()),
    }
}
