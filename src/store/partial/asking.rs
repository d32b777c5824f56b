//! Whether the disk takes a download, asked before a peer is: a disk that is full, or a folder that may not be written
//! to, would cost its sources the same bytes again at every try.

use super::{
    HIDDEN_FOLDER, PartialError, PartialFile, journal_name, open_hidden, open_regular, remove_hidden,
};
use crate::base::{ContentId, PieceLayout};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

/// What is written to see whether the disk takes it: a volume that says that it has room may still refuse (a person's
/// share of it, a disk that fails). Nobody else uses this name.
const PROBE: &str = "probe";
/// No more than one piece has, so that a disk on which one more fits is used.
const MAX_PROBE_BYTES: u64 = PieceLayout::MAX_PIECE_BYTES as u64;

impl PartialFile {
    /// Whether a content of so many bytes could be begun in the folder `target`, as far as can be known before any of
    /// it comes; 0: as many as there are. Leaves nothing. Blocks.
    ///
    /// # Errors
    /// What [`PartialFile::create`] and [`PartialFile::begin_journal`] would say.
    pub fn ask(target: &Path, content: ContentId, bytes: u64) -> Result<(), PartialError> {
        let layout = PieceLayout::of(bytes).map_err(|_| PartialError::TooLarge)?;
        let partial = Self::open_new(target, content, layout)?;
        let has_journal = layout.count() > 1 || bytes == 0;
        let journal = has_journal
            .then(|| open_regular(&partial.hidden, &journal_name(content), OFlags::CREATE))
            .transpose();
        let asked = journal.and_then(|_| partial.has_room());
        // What an earlier run left stays.
        if partial.file.metadata()?.len() == 0
            && let Err(error) = partial.discard()
        {
            tracing::debug!(%error, "an empty partial file stays");
        }
        asked
    }

    /// Whether the volume has room for what is missing, and takes some of it.
    pub(super) fn has_room(&self) -> Result<(), PartialError> {
        #[cfg(test)]
        super::faults::expect_room(&self.file)?;
        let metadata = self.file.metadata()?;
        // 512: what `st_blocks` counts in, whatever the volume (stat(2)).
        let there = std::os::unix::fs::MetadataExt::blocks(&metadata).saturating_mul(512);
        let missing = self.layout.size().saturating_sub(there);
        if let Ok(volume) = rustix::fs::fstatvfs(&self.folder)
            && missing > volume.f_bavail.saturating_mul(volume.f_frsize)
        {
            return Err(PartialError::DiskFull);
        }
        try_to_write(&self.hidden, missing.min(u64::from(self.layout.piece_size())))
    }
}

/// Whether so many bytes can be written below the folder `target`, which is made; of more than a piece only that. Leaves
/// nothing else. Blocks.
///
/// # Errors
/// What writing them would say.
pub fn ask_folder(target: &Path, bytes: u64) -> Result<(), PartialError> {
    let unusable = |error: std::io::Error| PartialError::Folder(target.to_owned(), error);
    std::fs::create_dir_all(target).map_err(unusable)?;
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(target, flags, Mode::empty()).map_err(|error| unusable(error.into()))?;
    let hidden = open_hidden(&folder).map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => PartialError::Foreign(HIDDEN_FOLDER),
        Errno::NOSPC | Errno::DQUOT => PartialError::DiskFull,
        other => unusable(other.into()),
    })?;
    let asked = try_to_write(&hidden, bytes.min(MAX_PROBE_BYTES));
    remove_hidden(&folder);
    asked
}

/// Writes so many bytes below a hidden folder and removes them: they do not reach the disk as a rule, but the volume has
/// to have room for them.
pub(in crate::store) fn try_to_write(hidden: &OwnedFd, bytes: u64) -> Result<(), PartialError> {
    static BLOCK: [u8; 64 * 1024] = [1; 64 * 1024];
    if bytes == 0 {
        return Ok(());
    }
    #[cfg(test)]
    super::faults::at_write(hidden)?;
    // A name for each thread: two downloads of one folder may ask at once. It is gone before anything is written.
    let name = format!("{PROBE}.{}.{:?}", std::process::id(), std::thread::current().id());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match rustix::fs::openat(hidden, &name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        // The end of another download removed the folder meanwhile.
        Err(Errno::NOENT) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    rustix::fs::unlinkat(hidden, &name, AtFlags::empty())?;
    let mut left = usize::try_from(bytes).unwrap_or(BLOCK.len());
    while left > 0 {
        let part = left.min(BLOCK.len());
        file.write_all(&BLOCK[..part])?;
        left -= part;
    }
    Ok(())
}
