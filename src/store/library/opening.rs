//! Opening what is shared, by its content; and asking for what has none yet.

use super::super::below::{Identity, Root};
use super::super::verified::Verified;
use super::keeper::{Event, Hurried};
use super::table::FileRecord;
use super::{Library, LibraryError};
use crate::base::{ContentId, FileName, FolderPath, PieceLayout};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

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

impl Library {
    /// Opens a shared file that has this content. The caller still verifies what it reads, or says whose
    /// it was: the file can change at any time after this. Blocks shortly.
    ///
    /// # Errors
    /// If no file has it, or none has it any more.
    pub fn open_content(&self, content: ContentId) -> Result<OpenShared, OpenContentError> {
        let candidates: Vec<_> = {
            let table = self.shared.table();
            let with_root = |file: &Arc<FileRecord>| {
                let root = table.shares.get(&file.share())?.root.clone()?;
                Some((root, file.clone()))
            };
            table.holders(content).filter_map(with_root).collect()
        };
        let mut error = OpenContentError::Unknown;
        for (root, record) in candidates {
            match open_unchanged(&root, &record) {
                Ok(file) => {
                    let (size, name, key) = (record.identity.size, record.name.clone(), record.key);
                    return Ok(OpenShared { file, size, name, key });
                }
                Err(cause) => {
                    // If the queue is full, the next rescan looks at it.
                    let look = match cause {
                        // It looks as before and cannot be read: only reading it shows when it can.
                        OpenContentError::Io(_) => Event::Doubt(record.key, content),
                        _ => Event::Touched(vec![root.path().join(record.path())]),
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
        self.complete(path, None);
    }

    /// The same of a file that was verified while it was written: while it is in that state it is not read, and
    /// shared at once.
    pub fn arrived(&self, path: &Path, verified: Verified) {
        self.complete(path, Some(verified));
    }

    fn complete(&self, path: &Path, verified: Option<Verified>) {
        // A stopped library has nothing to notice.
        drop(self.events.send(Event::Complete(path.to_owned(), verified)));
    }

    /// Has a file hashed before others because somebody waits for it: the one of this name in a folder (as
    /// others see folders). Blocks until the keeper takes it up.
    ///
    /// # Errors
    /// If the library is stopped.
    pub fn hurry(&self, folder: &FolderPath, name: &FileName) -> Result<Hurried, LibraryError> {
        let (reply, answer) = sync_channel(1);
        let event = Event::Hurry(folder.clone(), name.clone(), reply);
        self.events.send(event).map_err(|_| LibraryError::Stopped)?;
        answer.recv().map_err(|_| LibraryError::Stopped)
    }

    /// The largest files that wait to be hashed, at most `limit`. Blocks until the keeper takes it up.
    ///
    /// # Errors
    /// If the library is stopped.
    pub fn largest_unhashed(&self, limit: usize) -> Result<Vec<FileEntry>, LibraryError> {
        let (reply, answer) = sync_channel(1);
        self.events.send(Event::Largest(limit, reply)).map_err(|_| LibraryError::Stopped)?;
        answer.recv().map_err(|_| LibraryError::Stopped)
    }

    /// Has these files, by key, hashed before most others: somebody else has files of the same name and
    /// size, and it shows whether they are the same. Nothing happens if the keeper is too busy.
    pub fn prefer(&self, keys: Vec<u64>) {
        // Whoever found that out finds it out again.
        drop(self.events.try_send(Event::Elsewhere(keys)));
    }
}

/// Opens a shared file if it is as it was hashed.
fn open_unchanged(root: &Root, record: &FileRecord) -> Result<File, OpenContentError> {
    use io::ErrorKind::{NotADirectory, NotFound, Other};
    let file = root.file(&record.path()).map_err(|error| match error.kind() {
        NotFound | NotADirectory => OpenContentError::Gone,
        // `Other`: not a regular file any more.
        Other => OpenContentError::Changed,
        // The place is a link now (ELOOP).
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            OpenContentError::Changed
        }
        _ => OpenContentError::Io(error),
    })?;
    let now = Identity::of_open(&file).map_err(OpenContentError::Io)?;
    if record.identity.is_unchanged_at_its_path(&now) { Ok(file) } else { Err(OpenContentError::Changed) }
}
