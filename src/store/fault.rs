//! The disk as the vote's state sees it: four steps that can each fail or be the last one before a crash.
//!
//! [`RealDisk`] is the product's. [`VolatileDisk`] lives in memory and forgets at a power loss what was
//! not synced, because a killed process leaves the page cache intact and so proves nothing about power
//! loss. Invariant: nothing in [`super::StateStore`] touches the disk other than through this trait.
//! Deliberately absent: reading in parts, permissions, anything that only the library needs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that was created and is being written.
pub trait DiskFile: Send {
    /// Writes all of `bytes` at the end.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content durable (`fsync`). After an error nothing is known about the content: the
    /// kernel may have dropped the dirty pages (Rebello et al., "Can Applications Recover from fsync
    /// Failures?", USENIX ATC 2020), so it must not be tried again.
    fn sync(&mut self) -> io::Result<()>;
}

/// What the state store needs of a disk.
pub trait Disk: Send {
    /// At most `limit` bytes of a file; a longer file is an error.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
    /// Creates or empties a file.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Renames a file over another one, atomically.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&mut self, path: &Path) -> io::Result<()>;
}

/// The operating system's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl DiskFile for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Disk for RealDisk {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // Looked at before it is opened: opening a FIFO would wait for a writer.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        check_length(bytes, limit)
    }

    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create(path)?))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        // Folders cannot be opened for this on Windows, where renames are journalled by the file system.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

fn check_length(bytes: Vec<u8>, limit: u64) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// What a power loss leaves of content that was written and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// Nothing of it.
    Lost,
    /// Its first half.
    Torn,
    /// Its length, filled with zeros (as on ext4 and XFS with delayed allocation).
    Zeroed,
    /// All of it.
    Kept,
}

/// What a power loss leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerLoss {
    /// What becomes of content that was not synced.
    pub content: Unsynced,
    /// Whether names (creations and renames) survive that were not synced.
    pub names_kept: bool,
}

#[derive(Debug, Default)]
struct Inode {
    written: Vec<u8>,
    synced: usize,
}

#[derive(Debug, Default)]
struct VolatileState {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    steps: usize,
    fail_at: Option<usize>,
    dead: bool,
}

/// A disk in memory that forgets what was not synced, with a failpoint at each step. Clones are handles
/// of the same disk.
#[derive(Clone, Debug, Default)]
pub struct VolatileDisk {
    state: Arc<Mutex<VolatileState>>,
}

impl VolatileDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From the step with this number (counted from now, from 0) on, every step fails. A write that
    /// fails leaves half of its bytes behind.
    pub fn fail_at(&self, step: usize) {
        self.with(|state| (state.steps, state.fail_at, state.dead) = (0, Some(step), false));
    }

    /// Lets every further step succeed.
    pub fn heal(&self) {
        self.with(|state| (state.fail_at, state.dead) = (None, false));
    }

    /// How many steps were made since [`VolatileDisk::fail_at`] (or ever).
    #[must_use]
    pub fn steps(&self) -> usize {
        self.with(|state| state.steps)
    }

    /// What is left after the power failed now: a new disk; this one stays as it is.
    #[must_use]
    pub fn after_power_loss(&self, loss: PowerLoss) -> Self {
        self.with(|state| {
            let mut left = VolatileState::default();
            let names = if loss.names_kept { &state.names } else { &state.synced_names };
            for (path, inode) in names {
                let bytes = surviving(&state.inodes[*inode], loss.content);
                left.names.insert(path.clone(), left.inodes.len());
                left.inodes.push(Inode { synced: bytes.len(), written: bytes });
            }
            left.synced_names = left.names.clone();
            Self { state: Arc::new(Mutex::new(left)) }
        })
    }

    /// Puts a durable file there, as if it had always been.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        self.with(|state| {
            let inode = state.inodes.len();
            state.inodes.push(Inode { written: bytes.to_vec(), synced: bytes.len() });
            state.names.insert(path.to_owned(), inode);
            state.synced_names.insert(path.to_owned(), inode);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut VolatileState) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn step<T>(&self, act: impl FnOnce(&mut VolatileState, Fails) -> T) -> io::Result<T> {
        self.with(|state| {
            state.dead |= state.fail_at == Some(state.steps);
            state.steps += 1;
            let fails = if state.dead { Fails::Yes } else { Fails::No };
            let done = act(state, fails);
            if state.dead { Err(io::Error::other("injected fault")) } else { Ok(done) }
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fails {
    Yes,
    No,
}

fn surviving(inode: &Inode, content: Unsynced) -> Vec<u8> {
    let (synced, rest) = inode.written.split_at(inode.synced);
    let rest = match content {
        Unsynced::Lost => Vec::new(),
        Unsynced::Torn => rest[..rest.len() / 2].to_vec(),
        Unsynced::Zeroed => vec![0; rest.len()],
        Unsynced::Kept => rest.to_vec(),
    };
    [synced, &rest].concat()
}

struct VolatileFile {
    disk: VolatileDisk,
    inode: usize,
}

impl DiskFile for VolatileFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.step(|state, fails| {
            let length = if fails == Fails::Yes { bytes.len() / 2 } else { bytes.len() };
            state.inodes[self.inode].written.extend_from_slice(&bytes[..length]);
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.step(|state, fails| {
            let inode = &mut state.inodes[self.inode];
            if fails == Fails::No {
                inode.synced = inode.written.len();
            }
        })
    }
}

impl Disk for VolatileDisk {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.with(|state| {
            let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
            check_length(state.inodes[inode].written.clone(), limit)
        })
    }

    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.step(|state, fails| {
            let inode = state.inodes.len();
            if fails == Fails::No {
                state.inodes.push(Inode::default());
                state.names.insert(path.to_owned(), inode);
            }
            inode
        })?;
        Ok(Box::new(VolatileFile { disk: self.clone(), inode }))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|state, fails| {
            if fails == Fails::Yes {
                return Ok(());
            }
            let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), inode);
            Ok(())
        })?
    }

    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        self.step(|state, fails| {
            if fails == Fails::No {
                state.synced_names.retain(|name, _| name.parent() != Some(path));
                let here = state.names.iter().filter(|(name, _)| name.parent() == Some(path));
                state.synced_names.extend(here.map(|(name, inode)| (name.clone(), *inode)));
            }
        })
    }
}
