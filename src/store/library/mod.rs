//! The shared folders: what is in them, what each file's content is, and what changed.
//!
//! One thread (the keeper) owns the database and decides; another one hashes; the system's watcher hints.
//! Invariants: a file is in the list as soon as it is seen and gets its content when it is hashed; every
//! change has a number (`seq`) that is durable before [`Library::changed`] tells it; nothing is read
//! outside of the shares, and no link is followed; a restart lists at once and hashes nothing again.
//! Deliberately absent: any async task (the methods that block say so), and hidden files (a name that
//! begins with a dot), which are never shared.

mod cache;
mod error;
mod hasher;
mod keeper;
mod lookup;
mod never;
mod scan;
mod skip;
mod table;
mod tree;
mod walks;
mod watch;

use crate::base::{ContentId, FileName, PieceLayout};
use crate::engine::index::{Change, FileEntry, IndexPosition};
use crate::engine::transfer::manifest::PieceHash;
use cache::Cache;
pub use error::LibraryError;
use hasher::{Gate, Progress};
use keeper::{Event, Hold, Keeper};
pub use never::NeverShared;
pub(super) use never::is_key_file;
pub use skip::{SkipKind, Skipped};
use std::collections::BTreeMap;
use std::fs::File;
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
    /// Files and folders skipped, with a reason each ([`Library::skipped`]). Hidden ones do not count.
    pub skipped: u64,
    /// The same by kind, and the hidden ones.
    pub skips: BTreeMap<SkipKind, u64>,
    /// Why the folder cannot be read (or changes cannot be saved), if so.
    pub problem: Option<String>,
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

/// A shared file, opened.
#[derive(Debug)]
pub struct OpenShared {
    /// The file, for reading from its start.
    pub file: File,
    /// Its bytes.
    pub size: u64,
    /// What it is called here.
    pub name: FileName,
    /// Its number in this library, see [`Library::doubt`].
    pub key: u64,
}

/// Why a content cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenContentError {
    /// No shared file has it.
    #[error("the content is not shared here")]
    Unknown,
    /// The file was removed.
    #[error("the file is gone; search again")]
    Gone,
    /// The file is not any more as it was hashed. It is hashed again.
    #[error("the file has changed and is hashed again; search again")]
    Changed,
    /// The system refuses.
    #[error("cannot open the file: {0}")]
    Io(io::Error),
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
        let failed = |error: io::Error| LibraryError::Database { error: error.to_string(), path: dir.into() };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let home = dir.canonicalize().map_err(failed)?;
        let (cache, stored) = Cache::open(&home)?;
        let mut table = Table::new(IndexPosition { index_id: stored.index_id, seq: stored.seq });
        for (id, path) in &stored.shares {
            table
                .shares
                .insert(*id, ShareRow { paused: stored.paused.contains(id), ..ShareRow::new(path.clone()) });
        }
        let files: Vec<_> = stored.files.into_iter().map(Arc::new).collect();
        for file in &files {
            table.put(file.key, Some(file.clone()));
        }
        let shared = Arc::new(Shared {
            table: Mutex::new(table),
            seq: news::Sender::new(stored.seq),
            gate: Gate::default(),
            progress: Progress::default(),
            cache,
            never: never.and(home.clone()),
        });
        for id in &stored.paused {
            shared.gate.hold(*id);
        }
        let (events, inbox) = sync_channel(MAX_EVENTS);
        let (jobs, job_inbox) = sync_channel(1);
        let hashing = {
            let (shared, events) = (shared.clone(), events.clone());
            move || hasher::run(&job_inbox, &events, &shared.gate, &shared.progress)
        };
        let keeper = Keeper::new(shared.clone(), home, files, stored.next_key, jobs, events.clone());
        let keeping = move || keeper.run(&inbox);
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
        let table = self.shared.table();
        (table.position(), table.entries())
    }

    /// The changes after `seq`, in order: the n-th one has the number `seq + n`. `None` if that is too
    /// far back (also after a restart) or in the future.
    #[must_use]
    pub fn changes_since(&self, seq: u64) -> Option<Vec<Change>> {
        self.shared.table().changes_since(seq)
    }

    /// The number of the last change, each time that it grew.
    #[must_use]
    pub fn changed(&self) -> news::Receiver<u64> {
        self.shared.seq.subscribe()
    }

    /// Opens a shared file that has this content. The caller still verifies what it reads, or says whose
    /// it was: the file can change at any time after this. Blocks shortly.
    ///
    /// # Errors
    /// If no file has it, or none has it any more.
    pub fn open_content(&self, content: ContentId) -> Result<OpenShared, OpenContentError> {
        let candidates: Vec<_> = {
            let table = self.shared.table();
            let with_root = |file: &Arc<table::FileRecord>| {
                let root = table.shares.get(&file.share)?.root.clone()?;
                Some((root, file.clone()))
            };
            table.holders(content).filter_map(with_root).collect()
        };
        let mut error = OpenContentError::Unknown;
        for (root, record) in candidates {
            match keeper::open_unchanged(&root, &record) {
                Ok(file) => {
                    let (size, name, key) = (record.identity.size, record.name.clone(), record.key);
                    return Ok(OpenShared { file, size, name, key });
                }
                Err(cause) => {
                    // If the queue is full, the next rescan looks at it.
                    let look = match cause {
                        // It looks as before and cannot be read: only reading it shows when it can.
                        OpenContentError::Io(_) => Event::Doubt(record.key, content),
                        _ => Event::Touched(vec![root.path().join(&record.path)]),
                    };
                    drop(self.events.try_send(look));
                    error = cause;
                }
            }
        }
        Err(error)
    }

    /// Who read the file with this key ([`OpenShared::key`]) did not find `content` in it, whatever its times
    /// say: nobody is told any more that it has it, until it was hashed again.
    pub fn doubt(&self, key: u64, content: ContentId) {
        // If the queue is full, the next reader doubts again.
        drop(self.events.try_send(Event::Doubt(key, content)));
    }

    /// The pieces of a content that is shared here. Blocks shortly.
    #[must_use]
    pub fn manifest(&self, content: ContentId) -> Option<(PieceLayout, Vec<PieceHash>)> {
        let size = self.shared.table().holders(content).next()?.identity.size;
        let layout = PieceLayout::of(size).ok()?;
        if layout.count() == 1 {
            return Some((layout, vec![PieceHash(*content.as_bytes())]));
        }
        let pieces = self.shared.cache.manifest(content);
        let pieces = pieces.inspect_err(|error| tracing::warn!(%error, "cannot read a manifest")).ok()??;
        (pieces.len() as u64 == u64::from(layout.count())).then_some((layout, pieces))
    }

    /// Has this path looked at now, and hashed without waiting for it to settle: for a file that is
    /// known to be complete, as a finished download. Outside of the shares it does nothing.
    pub fn noticed(&self, path: &Path) {
        // A stopped library has nothing to notice.
        drop(self.events.send(Event::Complete(path.to_owned())));
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
