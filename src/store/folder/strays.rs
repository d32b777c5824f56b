//! What is written in the hidden folder before it gets its own name, and stays if the process is killed.

use super::LIST;
use rustix::fs::{AtFlags, FlockOperation};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Removes what a process that was killed, or what got no name, left of small files and lists. Whoever has the hidden
/// folder open for a download of this folder keeps it locked, so that nothing is removed that is in use.
pub(super) fn remove_strays(hidden: &OwnedFd) {
    // Of this very opening, so that it is kept until the last handle is closed.
    match rustix::fs::flock(hidden, FlockOperation::NonBlockingLockExclusive) {
        // A volume without locks has nobody to share it with.
        Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(error) => return tracing::debug!(%error, "what is left in a folder stays: somebody has it open"),
    }
    let Ok(entries) = rustix::fs::Dir::read_from(hidden) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().to_str() else { continue };
        if is_stray(name)
            && let Err(error) = rustix::fs::unlinkat(hidden, name, AtFlags::empty())
        {
            tracing::debug!(%error, name, "it stays");
        }
    }
}

/// Whether a file of this name is one of [`FolderTarget::write_small`] or [`FolderTarget::save_list`] before it has its
/// own.
fn is_stray(name: &str) -> bool {
    let place = name.strip_suffix(".small").and_then(|place| place.parse::<u32>().ok());
    place.is_some_and(|place| small_name(place) == name) || name == new_list()
}

pub(super) fn new_list() -> String {
    format!("{LIST}.new")
}

pub(super) fn small_name(place: u32) -> String {
    format!("{place}.small")
}
