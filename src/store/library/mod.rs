//! The shared folders: what is in them, what each file's content is, and what changed.
//!
//! One thread (the keeper) owns the database and decides; another one hashes; the system's watcher hints.
//! Invariants: a file is in the list as soon as it is seen and gets its content when it is hashed; every
//! change has a number (`seq`) that is durable before [`Library::changed`] tells it; nothing is read
//! outside of the shares, and no link is followed; a restart lists at once and hashes nothing again.
//! Deliberately absent: any async task (the methods that block say so), and hidden files (a name that
//! begins with a dot), which are never shared.

mod cache;
mod consider;
mod error;
mod hasher;
mod hashing;
mod ignores;
mod keeper;
mod lookup;
mod never;
mod opening;
mod options;
mod problem;
mod queue;
mod scan;
mod schedule;
mod sharing;
mod skip;
mod table;
mod tree;
mod walks;
mod watch;

use crate::engine::index::{Change, FileEntry, IndexPosition};
use cache::Cache;
pub use error::LibraryError;
use hasher::{Gate, Lanes, Progress};
pub use ignores::IGNORE_FILE;
pub(super) use ignores::{Entry, Ignores};
pub use keeper::Hurried;
use keeper::{Event, Hold, Jobs, Keeper};
pub use never::NeverShared;
pub(super) use never::is_key_file;
pub use opening::{OpenContentError, OpenShared};
pub use options::LibraryOptions;
pub use problem::{Problem, ProblemKind};
pub use skip::{SkipKind, Skipped};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use table::{ShareRow, Table};
use tokio::sync::watch as news;
pub use watch::Watched;

/// How many events wait for the keeper; the watcher drops (and has all looked at again) beyond it.
const MAX_EVENTS: usize = 1024;
/// The most shared folders: each is watched and rescanned.
const MAX_SHARES: usize = 256;

/// A shared folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareState {
    /// The folder, without links in its path.
    pub path: PathBuf,
    /// Files in it that are shared.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those still to be hashed.
    pub hashing: u64,
    /// The bytes of those, without what is read already.
    pub hashing_bytes: u64,
    /// Whether hashing of this folder waits for a person.
    pub paused: bool,
    /// Whether everything in it is being looked at just now.
    pub walking: bool,
    /// How many of its folders the system does not watch: changes there are found by looking.
    pub unwatched: u64,
    /// Files and folders skipped, with a reason each ([`Library::skipped`]). Hidden ones do not count.
    pub skipped: u64,
    /// The same by kind, and the hidden ones.
    pub skips: BTreeMap<SkipKind, u64>,
    /// Why the folder cannot be read (or changes cannot be saved), if so.
    pub problem: Option<Problem>,
}

/// All shared files together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those still to be hashed.
    pub hashing: u64,
}

/// What the threads and the callers share.
struct Shared {
    table: Mutex<Table>,
    seq: news::Sender<u64>,
    gate: Gate,
    progress: Progress,
    cache: Cache,
    never: NeverShared,
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic while it is held would leave it half changed; there is no code in there that can.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shared folders of one profile.
pub struct Library {
    shared: Arc<Shared>,
    events: SyncSender<Event>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("position", &self.position()).finish_non_exhaustive()
    }
}

impl Library {
    /// Opens the library whose database is in `dir` (which is made if missing, and is itself never
    /// shared). Lists at once what it knew, then looks at the folders. Blocks.
    ///
    /// # Errors
    /// If the database cannot be used (also while another process has it) or threads cannot be started.
    pub fn open(dir: &Path) -> Result<Arc<Self>, LibraryError> {
        Self::open_beside(dir, NeverShared::default())
    }

    /// The same, with more that is never shared.
    ///
    /// # Errors
    /// As [`Library::open`].
    pub fn open_beside(dir: &Path, never: NeverShared) -> Result<Arc<Self>, LibraryError> {
        Self::open_with(dir, LibraryOptions { never, ..LibraryOptions::default() })
    }

    /// The same, with all options.
    ///
    /// # Errors
    /// As [`Library::open`].
    pub fn open_with(dir: &Path, options: LibraryOptions) -> Result<Arc<Self>, LibraryError> {
        let failed = |error: io::Error| LibraryError::Database { error: error.to_string(), path: dir.into() };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let home = dir.canonicalize().map_err(failed)?;
        let (cache, stored) = Cache::open(&home)?;
        let mut table = Table::new(IndexPosition { index_id: stored.index_id, seq: stored.seq });
        for (id, path) in stored.shares {
            let paused = stored.paused.contains(&id);
            table.shares.insert(id, ShareRow { paused, ..ShareRow::new(path) });
        }
        let files = stored.files;
        table.load(&files);
        let shared = Arc::new(Shared {
            table: Mutex::new(table),
            seq: news::Sender::new(stored.seq),
            gate: Gate::default(),
            progress: Progress::default(),
            cache,
            never: options.never.clone().and(home.clone()),
        });
        for id in &stored.paused {
            shared.gate.hold(*id);
        }
        let (events, inbox) = sync_channel(MAX_EVENTS);
        let (ordinary, ordinary_inbox) = sync_channel(hashing::MAX_IN_FLIGHT + 1);
        let (fast, fast_inbox) = sync_channel(1);
        let hashing = {
            let lanes = Lanes { ordinary: ordinary_inbox, fast: fast_inbox, done: events.clone() };
            let shared = shared.clone();
            move || hasher::run(&lanes, &shared.gate, &shared.progress)
        };
        let keeping = {
            let (shared, events) = (shared.clone(), events.clone());
            let jobs = Jobs { ordinary, fast };
            let known = (files, stored.next_key);
            // What is known is sorted on the keeper's own thread: it is listed already, and can be opened.
            move || {
                sharing::open_all(&shared);
                Keeper::new(shared, home, &options, known, jobs, events).run(&inbox);
            }
        };
        let library = Self { shared, events, threads: Mutex::new(Vec::new()) };
        library.start("library-hash", hashing)?;
        library.start("library", keeping)?;
        Ok(Arc::new(library))
    }

    fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), LibraryError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.map_err(LibraryError::Thread)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Shares a folder and all below it. Durable when it returns; the files follow. Sharing it again
    /// changes nothing. Blocks.
    ///
    /// # Errors
    /// If `path` is not absolute, not a readable folder, or within or around another share.
    pub fn share(&self, path: &Path) -> Result<(), LibraryError> {
        if !path.is_absolute() {
            return Err(LibraryError::Relative(path.to_owned()));
        }
        let folder = |error| LibraryError::Folder { error, path: path.to_owned() };
        let whole = path.canonicalize().map_err(folder)?;
        if !whole.metadata().map_err(folder)?.is_dir() {
            return Err(LibraryError::File(path.to_owned()));
        }
        std::fs::read_dir(&whole).map_err(folder)?;
        if whole.to_str().is_none() {
            return Err(LibraryError::NotText(path.to_owned()));
        }
        if self.shared.never.covers(&whole, &whole) {
            return Err(LibraryError::Own(path.to_owned()));
        }
        self.ask(|reply| Event::Share(whole, reply))
    }

    /// Stops sharing a folder. Its hashes are remembered in case it is shared again. Blocks.
    ///
    /// # Errors
    /// If it is not shared.
    pub fn unshare(&self, path: &Path) -> Result<(), LibraryError> {
        // A folder that is gone can still be unshared, by the path that `shares` shows.
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let known = |path: &Path| self.shared.table().shares.values().any(|share| share.path == path);
        let chosen = if known(path) { path.to_owned() } else { whole };
        self.ask(|reply| Event::Unshare(chosen, reply))
    }

    fn ask(
        &self,
        event: impl FnOnce(SyncSender<Result<(), LibraryError>>) -> Event,
    ) -> Result<(), LibraryError> {
        let (reply, answer) = sync_channel(1);
        self.events.send(event(reply)).map_err(|_| LibraryError::Stopped)?;
        answer.recv().map_err(|_| LibraryError::Stopped)?
    }

    /// The shared folders, in the order in which they were shared.
    #[must_use]
    pub fn shares(&self) -> Vec<ShareState> {
        let reading = self.shared.progress.reading();
        let table = self.shared.table();
        let state = |(id, share): (&u32, &ShareRow)| {
            let mut state = share.state();
            let read = reading.filter(|(share, _)| share == id).map_or(0, |(_, bytes)| bytes);
            state.hashing_bytes = state.hashing_bytes.saturating_sub(read);
            state.problem = state.problem.or_else(|| table.problem.clone());
            state
        };
        table.shares.iter().map(state).collect()
    }

    /// What is not shared of a shared folder, and why: the first hundred.
    #[must_use]
    pub fn skipped(&self, share: &Path) -> Vec<Skipped> {
        let table = self.shared.table();
        let found = table.shares.values().find(|row| row.path == share);
        found.map(|row| row.skips.clone()).unwrap_or_default()
    }

    /// How far the system tells what changes in them.
    #[must_use]
    pub fn watched(&self) -> Watched {
        self.shared.table().watched
    }

    /// All shared files together.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.shared.table().totals()
    }

    /// Where the list stands: durable.
    #[must_use]
    pub fn position(&self) -> IndexPosition {
        self.shared.table().position()
    }

    /// The whole list by key, and where it stands.
    #[must_use]
    pub fn entries(&self) -> (IndexPosition, Vec<FileEntry>) {
        let (position, records) = {
            let table = self.shared.table();
            (table.position(), table.records())
        };
        (position, records.iter().map(|record| record.entry()).collect())
    }

    /// The changes after `seq`, in order: the n-th one has the number `seq + n`. `None` if that is too
    /// far back (also after a restart) or in the future.
    #[must_use]
    pub fn changes_since(&self, seq: u64) -> Option<Vec<Change>> {
        let changes = self.shared.table().changes_since(seq)?;
        Some(changes.iter().map(table::to_change).collect())
    }

    /// The number of the last change, each time that it grew.
    #[must_use]
    pub fn changed(&self) -> news::Receiver<u64> {
        self.shared.seq.subscribe()
    }

    /// Looks at everything in a shared folder again.
    ///
    /// # Errors
    /// If it is not shared.
    pub fn rescan(&self, share: &Path) -> Result<(), LibraryError> {
        self.ask(|reply| Event::Rescan(share.to_owned(), reply))
    }

    /// Holds the hashing of a shared folder until [`Library::resume_hashing_of`], also across restarts;
    /// its files are listed all the same. Blocks.
    ///
    /// # Errors
    /// If it is not shared.
    pub fn pause_hashing_of(&self, share: &Path) -> Result<(), LibraryError> {
        self.ask(|reply| Event::Hold(share.to_owned(), Hold::Paused, reply))
    }

    /// Lets it go on. Blocks.
    ///
    /// # Errors
    /// If it is not shared.
    pub fn resume_hashing_of(&self, share: &Path) -> Result<(), LibraryError> {
        self.ask(|reply| Event::Hold(share.to_owned(), Hold::Running, reply))
    }

    /// Pauses or resumes all hashing; listing goes on.
    pub fn pause_hashing(&self, paused: bool) {
        self.shared.gate.pause(paused);
    }

    /// Bytes read for hashing since the library was opened.
    #[must_use]
    pub fn hashed_bytes(&self) -> u64 {
        self.shared.progress.bytes()
    }

    /// Files hashed since the library was opened.
    #[must_use]
    pub fn hashed_files(&self) -> u64 {
        self.shared.progress.files()
    }

    /// Ends both threads; what is known stays readable. Also done when dropped. Blocks until the piece
    /// that is being hashed is read.
    pub fn stop(&self) {
        self.shared.gate.stop();
        // If the keeper is gone already, that is what is wanted.
        drop(self.events.send(Event::Stop));
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the library panicked");
            }
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        self.stop();
    }
}
