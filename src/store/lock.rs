//! Keeps two processes out of one profile. Invariant: the lock belongs to the open file and ends with the
//! process, however it ends, so that there is nothing to clean up after a crash.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The name of the lock file in a profile's folder.
const FILE: &str = "lock";
/// A process id has fewer digits; more is not read.
const MAX_HOLDER_BYTES: u64 = 20;

/// Why a profile is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process runs it.
    #[error(
        "the profile is in use by another process{}; stop that one or use another profile ({folder})",
        .holder.map(|pid| format!(" (number {pid})")).unwrap_or_default()
    )]
    Taken {
        /// That process's id, if it could be read.
        holder: Option<u32>,
        /// The profile's folder.
        folder: PathBuf,
    },
    /// The lock file cannot be made.
    #[error("cannot lock the profile: {error}; check that the folder can be written ({folder})")]
    Io {
        /// What the system says.
        error: std::io::Error,
        /// The profile's folder.
        folder: PathBuf,
    },
}

/// The right to use a profile's folder; given back when dropped or when the process ends.
#[derive(Debug)]
pub struct ProfileLock {
    /// Held open: the lock belongs to it.
    _file: File,
}

impl ProfileLock {
    /// Locks the profile in `dir`, making the folder if it is missing. Does not wait.
    ///
    /// # Errors
    /// [`LockError::Taken`] if another process (or another lock of this one) has it.
    pub fn try_lock(dir: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { error, folder: dir.to_owned() };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let path = dir.join(FILE);
        let mut options = File::options();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Taken { holder: holder(&mut file), folder: dir.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The number only makes the message of the next one better; the lock does not depend on it.
        if let Err(error) = note_holder(&mut file) {
            tracing::debug!(%error, "cannot write the process id into the lock file");
        }
        Ok(Self { _file: file })
    }
}

fn note_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(MAX_HOLDER_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let home = tempfile::tempdir().expect("temp dir");
        let dir = home.path().join("profile");
        let first = ProfileLock::try_lock(&dir).expect("free");
        match ProfileLock::try_lock(&dir) {
            Err(LockError::Taken { holder, folder }) => {
                assert_eq!((holder, folder), (Some(std::process::id()), dir.clone()));
            }
            other => panic!("locked twice: {other:?}"),
        }
        drop(first);
        ProfileLock::try_lock(&dir).expect("free again");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
        let home = tempfile::tempdir().expect("temp dir");
        let file = home.path().join("file");
        std::fs::write(&file, "x").expect("write");
        let error = ProfileLock::try_lock(&file).expect_err("a file is no folder");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
}
