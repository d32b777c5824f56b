//! Why the library cannot do something: what failed, why, and what to do.

use super::MAX_SHARES;
use std::io;
use std::path::{Path, PathBuf};

/// Why the library cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The path is not absolute.
    #[error("a shared folder is given with its whole path ({0})")]
    Relative(PathBuf),
    /// There is no such folder, or it cannot be read.
    #[error("cannot share the folder: {error}; check that it exists and can be read ({path})")]
    Folder {
        /// What the system says.
        error: io::Error,
        /// The folder.
        path: PathBuf,
    },
    /// Not a folder.
    #[error("only folders are shared, and this is a file; share the folder that it is in ({0})")]
    File(PathBuf),
    /// The path is not text.
    #[error("the folder's path is not valid UTF-8; rename it ({0:?})")]
    NotText(PathBuf),
    /// The folder lies in a shared one.
    #[error("the folder is already shared as a part of another one ({outer})")]
    Inside {
        /// The shared folder around it.
        outer: PathBuf,
    },
    /// A shared folder lies in it.
    #[error("a part of the folder is already shared; stop sharing that first ({inner})")]
    Around {
        /// The shared folder in it.
        inner: PathBuf,
    },
    /// The program's own folder.
    #[error("the folder holds this program's keys and is never shared; choose another one ({0})")]
    Own(PathBuf),
    /// Not shared.
    #[error("the folder is not shared ({0})")]
    NotShared(PathBuf),
    /// Too many.
    #[error("at most {MAX_SHARES} folders are shared; share a folder around them")]
    TooMany,
    /// The database was written by a newer version.
    #[error("the library was written by a newer version of the program (format {format}); update ({path})")]
    Newer {
        /// Its format.
        format: u64,
        /// The database.
        path: PathBuf,
    },
    /// The database cannot be used.
    #[error(
        "cannot use the library's database: {error}; check the disk, or remove it and share again ({path})"
    )]
    Database {
        /// What the database says.
        error: String,
        /// The database.
        path: PathBuf,
    },
    /// The system gives no thread.
    #[error("cannot start the library: {0}")]
    Thread(io::Error),
    /// The library was stopped.
    #[error("the library is stopped")]
    Stopped,
}

impl LibraryError {
    pub(super) fn database(path: &Path, error: &redb::Error) -> Self {
        Self::Database { error: error.to_string(), path: path.to_owned() }
    }
}
