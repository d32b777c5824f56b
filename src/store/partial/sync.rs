//! Syncs of partial files. After one that failed nothing is known of what was written since the last good one: Linux
//! calls the pages clean that it could not write, gives them back to whoever reads, and the next sync succeeds
//! (fsync(2), *ERRORS*).

use super::PartialError;
use rustix::fs::Advice;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

/// Has the volume keep what was written to a file.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    #[cfg(test)]
    super::faults::at_sync(file)?;
    file.sync_data()
}

/// The same, with everything that the volume knows of the file.
pub(in crate::store) fn sync_all(file: &File) -> Result<(), PartialError> {
    #[cfg(test)]
    super::faults::at_sync(file).map_err(PartialError::Unsynced)?;
    file.sync_all().map_err(PartialError::Unsynced)
}

/// Has the volume keep everything that was written to it, by whomever.
pub(in crate::store) fn sync_volume(folder: &OwnedFd) -> Result<(), Errno> {
    #[cfg(test)]
    super::faults::at_sync(folder).map_err(|_| Errno::IO)?;
    rustix::fs::syncfs(folder)
}

/// Has what is read from now on come from the volume, not from memory where an earlier process may have left what
/// never got there.
pub(super) fn forget_pages(file: &File) -> Result<(), PartialError> {
    sync_data(file).map_err(PartialError::Unsynced)?;
    // Only advice; a volume that does not take it has its pages nowhere else.
    if let Err(error) = rustix::fs::fadvise(file, 0, None, Advice::DontNeed) {
        tracing::debug!(%error, "what is in memory of a partial file is not let go");
    }
    Ok(())
}
