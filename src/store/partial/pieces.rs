//! The pieces of a partial file: written, read back, and those that never were.

#[cfg(test)]
use super::faults;
use super::{PartialError, PartialFile, check_place, sync};
use crate::base::PieceIndex;
use rustix::io::Errno;
use std::os::unix::fs::FileExt;
use std::sync::PoisonError;

/// What is written at once. Linux takes memory for the page cache in parts as large as the writes, and in a virtual
/// machine that gives free memory back to its host (free page reporting) the large parts are those that it gave back:
/// each page of them is a fault there. Whole pieces cost twice the processor time of a download so.
const WRITE_BYTES: usize = 16 * 1024;

impl PartialFile {
    /// Writes a piece, which the caller has verified.
    ///
    /// # Errors
    /// [`PartialError::DiskFull`] can be tried again; the piece does not count until it is `Ok`.
    /// [`PartialError::Gone`]: the target folder is not where it was, and nothing was written.
    pub fn write_piece(&self, piece: PieceIndex, bytes: &[u8]) -> Result<(), PartialError> {
        check_place(&self.folder, &self.target)?;
        let range = self.layout.range(piece);
        if range.end - range.start != bytes.len() as u64 {
            return Err(PartialError::Length);
        }
        #[cfg(test)]
        faults::at_write(&self.file)?;
        let direct = self.direct.as_ref().map_or(Ok(0), |direct| direct.write(bytes, range.start))?;
        let (rest, start) = (&bytes[direct..], range.start + direct as u64);
        if rest.is_empty() {
            return Ok(());
        }
        // Linux lets one at a time write to a file. Whoever waits for that there burns a processor; here he sleeps.
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, part) in (0_u64..).zip(rest.chunks(WRITE_BYTES)) {
            self.file.write_all_at(part, start + number * WRITE_BYTES as u64)?;
        }
        Ok(())
    }

    /// Reads a piece back into `bytes`, which is resized to it.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn read_piece(&self, piece: PieceIndex, bytes: &mut Vec<u8>) -> Result<(), PartialError> {
        #[cfg(test)]
        faults::at_read(&self.file);
        let range = self.layout.range(piece);
        let length = usize::try_from(range.end - range.start).map_err(|_| PartialError::Length)?;
        bytes.resize(length, 0);
        Ok(self.file.read_exact_at(bytes, range.start)?)
    }

    /// To be called before pieces are read that an earlier run left: they are read from the disk then, not from
    /// memory where that run may have left what never got there. Blocks as long as the disk takes.
    ///
    /// # Errors
    /// [`PartialError::Unsynced`], as [`super::Journal::mark`].
    pub fn read_from_disk(&self) -> Result<(), PartialError> {
        sync::forget_pages(&self.file)
    }

    /// Whether a piece was surely never written: it lies in a hole of the sparse file. Spares reading
    /// what is not there; `false` where the file system does not say.
    #[must_use]
    pub fn is_hole(&self, piece: PieceIndex) -> bool {
        let range = self.layout.range(piece);
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(range.start)) {
            Ok(data) => data >= range.end,
            Err(error) => error == Errno::NXIO,
        }
    }
}
