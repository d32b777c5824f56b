//! Watching folders by inotify, each by itself.
//!
//! Asked for are changes alone: who also asks for files that are opened (as `notify` 8 does, whatever it
//! is used for) is woken for each file that is sent, and by every other program that reads a shared folder.

use super::{Hints, WatchError, is_hidden};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::Timespec;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What is asked for: all that changes what is in a folder, or its files' content, times and rights.
const CHANGES: WatchFlags = WatchFlags::ATTRIB
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::DONT_FOLLOW)
    .union(WatchFlags::EXCL_UNLINK);
/// How long events gather before they are read, so that a thousand small files wake nobody a thousand
/// times. The system keeps 16,384 of them.
const GATHER: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// How many paths are passed on together: what waits for the keeper is bounded in events of so many.
const PATHS_AT_ONCE: usize = 16;
/// How many bytes of events are read at once.
const BUFFER_LEN: usize = 256 << 10;

/// An inotify instance and the thread that reads it.
pub(super) struct System {
    queue: Arc<Queue>,
    reader: Option<JoinHandle<()>>,
}

/// What the thread and its owner share.
struct Queue {
    inotify: OwnedFd,
    /// Written to when the thread is to end.
    stop: OwnedFd,
    /// Whether the thread gave up.
    failed: AtomicBool,
    watched: Mutex<Paths>,
}

impl System {
    /// Whether a watch is of all that is below a folder too.
    pub(super) const WHOLE_TREES: bool = false;

    pub(super) fn new(hints: Hints) -> Result<Self, WatchError> {
        let inotify =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(std::io::Error::from)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(std::io::Error::from)?;
        let queue =
            Arc::new(Queue { inotify, stop, failed: AtomicBool::new(false), watched: Mutex::default() });
        let reading = queue.clone();
        let reader = std::thread::Builder::new()
            .name("library-watch".to_owned())
            .spawn(move || reading.read(&hints))?;
        Ok(Self { queue, reader: Some(reader) })
    }

    /// Watches the folder at `path`; again, if it is another one than before.
    pub(super) fn watch(&mut self, path: &Path) -> Result<(), WatchError> {
        // Held meanwhile, so that the reader knows the folder when its first event comes.
        let mut watched = self.queue.watched();
        let watch = inotify::add_watch(&self.queue.inotify, path, CHANGES).map_err(|error| match error {
            Errno::NOSPC => WatchError::Full,
            error => WatchError::Io(error.into()),
        })?;
        if let Some(ended) = watched.insert(path, watch) {
            self.queue.end(ended);
        }
        Ok(())
    }

    /// Whether it goes on telling.
    pub(super) fn is_running(&self) -> bool {
        !self.queue.failed.load(Ordering::Relaxed)
    }

    /// Whether the folder at `path` is still watched: one that is gone is not, and its inode may be another's.
    pub(super) fn is_watched(&self, path: &Path) -> bool {
        self.queue.watched().watches.contains_key(path)
    }

    pub(super) fn unwatch(&mut self, path: &Path) {
        if let Some(ended) = self.queue.watched().remove(path) {
            self.queue.end(ended);
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Err(error) = rustix::io::write(&self.queue.stop, &1_u64.to_ne_bytes()) {
            tracing::warn!(%error, "the thread that is told of changes cannot be ended");
            return;
        }
        if self.reader.take().is_some_and(|reader| reader.join().is_err()) {
            tracing::error!("the thread that is told of changes panicked");
        }
    }
}

impl Queue {
    fn watched(&self) -> MutexGuard<'_, Paths> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, watch: i32) {
        // The system ends watching a folder that is gone by itself.
        if let Err(error) = inotify::remove_watch(&self.inotify, watch) {
            tracing::debug!(%error, "a folder was not watched any more");
        }
    }

    /// The thread: until it is told to stop.
    fn read(&self, hints: &Hints) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_LEN];
        loop {
            match self.round(&mut buffer, hints) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(error) => {
                    tracing::error!(%error, "changes in shared folders are only found by the regular rescan");
                    self.failed.store(true, Ordering::Relaxed);
                    return hints.lost();
                }
            }
        }
    }

    fn round(&self, buffer: &mut [MaybeUninit<u8>], hints: &Hints) -> Result<ControlFlow<()>, Errno> {
        let stop = || PollFd::new(&self.stop, PollFlags::IN);
        wait(&mut [stop(), PollFd::new(&self.inotify, PollFlags::IN)], None)?;
        let mut time = &GATHER;
        while wait(&mut [stop()], Some(time))? == 0 {
            if !self.take(buffer, hints)? {
                return Ok(ControlFlow::Continue(()));
            }
            time = &AT_ONCE;
        }
        Ok(ControlFlow::Break(()))
    }

    /// Passes on a buffer full of events. Returns whether there were any.
    fn take(&self, buffer: &mut [MaybeUninit<u8>], hints: &Hints) -> Result<bool, Errno> {
        let mut reader = Reader::new(&self.inotify, buffer);
        let mut touched = Vec::new();
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => hints.lost(),
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    self.watched().touched(event.wd(), event.events(), name, &mut touched);
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error),
            }
            if touched.len() >= PATHS_AT_ONCE {
                hints.touched(std::mem::take(&mut touched));
            }
            if reader.is_buffer_empty() {
                hints.touched(touched);
                return Ok(true);
            }
        }
    }
}

/// How many of these are ready, after one is or the time is over.
fn wait(all: &mut [PollFd<'_>], time: Option<&Timespec>) -> Result<usize, Errno> {
    loop {
        match poll(all, time) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Which folder is watched by which watch. A folder that was moved keeps its watch, and so has two paths
/// until its old one is forgotten.
#[derive(Debug, Default)]
struct Paths {
    watches: BTreeMap<Arc<Path>, i32>,
    folders: BTreeMap<i32, Vec<Arc<Path>>>,
}

impl Paths {
    /// Another watch ends, if it was of this path alone.
    fn insert(&mut self, path: &Path, watch: i32) -> Option<i32> {
        if self.watches.get(path) == Some(&watch) {
            return None;
        }
        let ended = self.remove(path);
        let path: Arc<Path> = path.into();
        self.watches.insert(path.clone(), watch);
        self.folders.entry(watch).or_default().push(path);
        ended
    }

    /// Returns the watch that is of no path any more.
    fn remove(&mut self, path: &Path) -> Option<i32> {
        let watch = self.watches.remove(path)?;
        let paths = self.folders.get_mut(&watch)?;
        paths.retain(|one| **one != *path);
        paths.is_empty().then(|| self.folders.remove(&watch))?;
        Some(watch)
    }

    /// Adds what an event says is changed to `touched`.
    fn touched(&mut self, watch: i32, events: ReadFlags, name: Option<&OsStr>, touched: &mut Vec<PathBuf>) {
        if events.contains(ReadFlags::IGNORED) {
            // The folder is gone, or nobody wants to know any more: then it is not in the list.
            for path in self.folders.remove(&watch).into_iter().flatten() {
                self.watches.remove(&path);
                touched.push(path.to_path_buf());
            }
            return;
        }
        for folder in self.folders.get(&watch).into_iter().flatten() {
            let path = match name {
                Some(name) if is_hidden(Some(folder), name) => continue,
                Some(name) => folder.join(name),
                // The folder itself.
                None => folder.to_path_buf(),
            };
            // A file that is written says so many times.
            if touched.last() != Some(&path) {
                touched.push(path);
            }
        }
    }
}

#[cfg(test)]
mod tests;
