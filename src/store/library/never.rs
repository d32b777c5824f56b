//! What is never shared wherever it lies: the program's own keys, profiles and name service.
//!
//! Invariant: who shares a folder around them shares the rest of it. Deliberately absent: any list of
//! other programs' secrets; a person is warned of those before sharing (see [`super::super::inspect`]).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The folder of a profile that may be shared: it holds finished downloads.
const DOWNLOADS: &str = "downloads";
/// Bytes of a key file: 64 hexadecimal digits and the end of the line.
const KEY_FILE_BYTES: u64 = 65;

/// Paths that are never shared.
#[derive(Clone, Debug, Default)]
pub struct NeverShared {
    paths: Vec<PathBuf>,
    profiles: Option<PathBuf>,
}

impl NeverShared {
    /// These files and folders, and the folder of all profiles, except what was downloaded there.
    #[must_use]
    pub fn new(paths: &[PathBuf], profiles: &Path) -> Self {
        let profiles = whole(profiles);
        let paths = paths.iter().map(|path| whole(path)).chain([profiles.clone()]).collect();
        Self { paths, profiles: Some(profiles) }
    }

    /// Also this one.
    pub(super) fn and(mut self, path: PathBuf) -> Self {
        self.paths.push(path);
        self
    }

    /// Whether `path`, in or at the shared folder `share`, is one of them. Both without links.
    pub(super) fn covers(&self, share: &Path, path: &Path) -> bool {
        self.paths.iter().any(|own| path.starts_with(own)) && !self.is_download(share)
    }

    /// Whether something in the folder `path` may be one of them.
    pub(super) fn is_near(&self, share: &Path, path: &Path) -> bool {
        self.paths.iter().any(|own| own.starts_with(path) || path.starts_with(own))
            && !self.is_download(share)
    }

    fn is_download(&self, share: &Path) -> bool {
        let below = self.profiles.as_ref().and_then(|profiles| share.strip_prefix(profiles).ok());
        below.and_then(|below| below.iter().nth(1)).is_some_and(|folder| folder == OsStr::new(DOWNLOADS))
    }
}

/// Whether a file of this name and size is a key of this program, of whatever home.
pub(in super::super) fn is_key_file(name: &str, bytes: u64) -> bool {
    matches!(name, "group.key" | "peer.key") && bytes == KEY_FILE_BYTES
}

/// Without links in it, as far as it exists.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => whole(parent).join(name),
        _ => path.to_owned(),
    })
}
