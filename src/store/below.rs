//! Opening below a shared folder.
//!
//! Invariant: whatever happens to the tree meanwhile, what is opened lies below the folder's handle and
//! is a regular file: every component is opened from its parent's handle, no link is followed, and
//! opening does not wait (a FIFO). Deliberately absent: any use of a whole path after the folder itself
//! was opened.

use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What tells one state of a file from another: a change of any part means that it may have another
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) size: u64,
    /// Since 1970, clamped to what 64 bits hold (1677 to 2262).
    pub(super) mtime_nanos: i64,
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            mtime_nanos: nanos(metadata.mtime(), metadata.mtime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    pub(super) fn of_open(file: &File) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.len(),
            mtime_nanos: nanos(metadata.mtime(), metadata.mtime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// The file itself, whatever is in it.
    pub(super) const fn node(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether a file is as it was, of two looks at one path. The device does not count: its number does not
    /// last, as when a drive is plugged in again, and with some file systems (btrfs, NFS) not even until they
    /// are mounted again.
    pub(super) const fn is_unchanged_at_its_path(&self, now: &Self) -> bool {
        self.looks_like(now) && self.inode == now.inode
    }

    /// Whether size and time are the same, whichever file it is.
    pub(super) const fn looks_like(&self, other: &Self) -> bool {
        self.size == other.size && self.mtime_nanos == other.mtime_nanos
    }
}

fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// A folder that was opened by its path once.
#[derive(Debug)]
pub(super) struct Root {
    dir: Dir,
    path: PathBuf,
}

impl Root {
    /// Opens the folder at `path`; its last component must not be a link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { dir: Dir::from_std_file(File::from(dir)), path: path.to_owned() })
    }

    /// Device and inode of the folder.
    pub(super) fn node(&self) -> io::Result<(u64, u64)> {
        node_of(&self.dir)
    }

    /// Its path when it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is at `path` (components separated by `/`); a link itself, not what it points to.
    pub(super) fn stat(&self, path: &str) -> io::Result<Metadata> {
        let (parent, name) = split(path);
        self.folder(parent)?.symlink_metadata(name)
    }

    /// Opens the regular file at `path` for reading.
    pub(super) fn file(&self, path: &str) -> io::Result<File> {
        let (parent, name) = split(path);
        Ok(open_regular(&self.folder(parent)?, name)?.0)
    }

    /// Opens the folder at `path`; the share itself for the empty path.
    pub(super) fn folder(&self, path: &str) -> io::Result<Dir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut dir = self.dir.try_clone()?;
        for component in path.split('/').filter(|component| !component.is_empty()) {
            if matches!(component, "." | "..") {
                return Err(io::Error::from(io::ErrorKind::InvalidInput));
            }
            let next = rustix::fs::openat(&dir, component, flags, Mode::empty())?;
            dir = Dir::from_std_file(File::from(next));
        }
        Ok(dir)
    }
}

/// Opens the regular file of this name in a folder for reading; tells which one it is.
pub(super) fn open_regular(folder: &Dir, name: &str) -> io::Result<(File, Identity)> {
    use std::os::unix::fs::MetadataExt as _;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let identity = Identity {
        size: metadata.len(),
        mtime_nanos: nanos(metadata.mtime(), metadata.mtime_nsec()),
        device: metadata.dev(),
        inode: metadata.ino(),
    };
    Ok((file, identity))
}

/// Device and inode of an open folder.
pub(super) fn node_of(dir: &Dir) -> io::Result<(u64, u64)> {
    Ok(Identity::of(&dir.dir_metadata()?).node())
}

/// The folder and the name of a path relative to a share.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A name below a folder, relative to the share.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_device_may_be_another_one_at_a_path() {
        let before = Identity { size: 1, mtime_nanos: 2, device: 3, inode: 4 };
        let cases = [
            (before, true),
            (Identity { device: 9, ..before }, true),
            (Identity { size: 9, ..before }, false),
            (Identity { mtime_nanos: 9, ..before }, false),
            (Identity { inode: 9, ..before }, false),
        ];
        for (now, expected) in cases {
            assert_eq!(before.is_unchanged_at_its_path(&now), expected, "{now:?}");
        }
    }
}
