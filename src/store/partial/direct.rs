//! Writing past the system's memory. A large file that is downloaded would push out of it what people work with, and
//! copying into it costs a third of a download's processor time (`docs/BENCHMARKS.md`). What was written so is on the disk,
//! but is sure only after a sync, as everything else.
//!
//! Only where the volume says what it asks for (statx(2), `STATX_DIOALIGN`; ext4, XFS and F2FS do), and not over a network, where
//! each piece would wait for the other end's disk. Whatever is not written here the caller writes in the ordinary way; both
//! may be mixed.

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pieces from this size on, which files of more than half a gibibyte have. Smaller ones would be many small writes to a
/// slow disk, which the system's memory gathers; and small files are likely to be opened at once.
const LEAST_PIECE_BYTES: u32 = 1024 * 1024;

/// A partial file, opened for it.
#[derive(Debug)]
pub(super) struct Direct {
    file: File,
    /// What addresses in memory have to be multiples of.
    memory: usize,
    /// What places in the file and lengths have to be multiples of.
    place: usize,
    /// Once it was refused it is not tried again.
    is_refused: AtomicBool,
}

impl Direct {
    /// Opens `file`, whose name is `part`, once more. `None` where it cannot be, or is not worth it.
    pub(super) fn open(hidden: &OwnedFd, part: &str, file: &File, piece_bytes: u32) -> Option<Self> {
        if piece_bytes < LEAST_PIECE_BYTES {
            return None;
        }
        let asks = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok()?;
        let is_said = asks.stx_mask & StatxFlags::DIOALIGN.bits() != 0;
        if !is_said || rustix::fs::fstatfs(file).ok()?.f_type == rustix::fs::NFS_SUPER_MAGIC {
            return None;
        }
        let align = |said: u32| usize::try_from(said).ok().filter(|align| align.is_power_of_two());
        let (memory, place) = (align(asks.stx_dio_mem_align)?, align(asks.stx_dio_offset_align)?);
        let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = File::from(rustix::fs::openat(hidden, part, flags, Mode::empty()).ok()?);
        let (found, wanted) = (opened.metadata().ok()?, file.metadata().ok()?);
        let is_same = (found.dev(), found.ino()) == (wanted.dev(), wanted.ino());
        is_same.then_some(Self { file: opened, memory, place, is_refused: AtomicBool::new(false) })
    }

    /// Writes `bytes` at this place, as far as it goes: gives how many were written.
    ///
    /// # Errors
    /// If there is no room. Whatever else goes wrong, the ordinary way shows whether the disk or this way is to blame.
    pub(super) fn write(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let fits = bytes.as_ptr().align_offset(self.memory) == 0
            && bytes.len().is_multiple_of(self.place)
            && at.is_multiple_of(self.place as u64);
        let mut written = 0;
        while fits && written < bytes.len() && !self.is_refused.load(Ordering::Relaxed) {
            match self.write_some(&bytes[written..], at + written as u64) {
                Ok(0) => break,
                Ok(more) => written += more,
                Err(Errno::INTR) => {}
                Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => return Err(error.into()),
                Err(error) => {
                    tracing::debug!(%error, "a partial file is written through the system's memory from now on");
                    self.is_refused.store(true, Ordering::Relaxed);
                }
            }
        }
        Ok(written)
    }

    fn write_some(&self, bytes: &[u8], at: u64) -> Result<usize, Errno> {
        #[cfg(test)]
        if let Some(error) = super::faults::at_direct(&self.file) {
            // Only the beginning of a piece comes through.
            let is_first = at.is_multiple_of(u64::from(LEAST_PIECE_BYTES));
            return if is_first {
                rustix::io::pwrite(&self.file, &bytes[..self.place], at)
            } else {
                Err(error)
            };
        }
        rustix::io::pwrite(&self.file, bytes, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const PIECE: usize = LEAST_PIECE_BYTES as usize;

    /// The file, and once more past memory; `None` on volumes that cannot.
    fn opened(folder: &std::path::Path, piece_bytes: u32) -> (File, Option<Direct>) {
        let dir = OwnedFd::from(File::open(folder).expect("there"));
        let mut how = File::options();
        let file = how.create(true).truncate(false).write(true).read(true).open(folder.join("part"));
        let file = file.expect("made");
        let direct = Direct::open(&dir, "part", &file, piece_bytes);
        (file, direct)
    }

    #[test]
    fn what_fits_is_written_and_what_does_not_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut file, direct) = opened(folder.path(), LEAST_PIECE_BYTES);
        let Some(direct) = direct else {
            eprintln!("skipped: this volume does not write past memory");
            return;
        };
        let mut memory = vec![7_u8; PIECE + 4096];
        let start = memory.as_ptr().align_offset(4096);
        memory[start + PIECE - 1] = 8;
        let piece = &memory[start..start + PIECE];
        assert_eq!(direct.write(&piece[..PIECE - 1], 0).expect("no error"), 0, "an odd length");
        assert_eq!(direct.write(&piece[1..], 0).expect("no error"), 0, "an odd address");
        assert_eq!(direct.write(piece, 1).expect("no error"), 0, "an odd place");
        assert_eq!(file.metadata().expect("there").len(), 0);
        assert_eq!(direct.write(piece, PIECE as u64).expect("room"), PIECE);
        let mut found = Vec::new();
        file.read_to_end(&mut found).expect("readable");
        assert!(found[..PIECE] == vec![0; PIECE] && found[PIECE..] == *piece);
    }

    #[test]
    fn small_pieces_and_other_files_are_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, _) = opened(folder.path(), LEAST_PIECE_BYTES);
        assert!(opened(folder.path(), LEAST_PIECE_BYTES / 2).1.is_none());
        std::fs::rename(folder.path().join("part"), folder.path().join("was")).expect("renamed");
        let dir = OwnedFd::from(File::open(folder.path()).expect("there"));
        assert!(Direct::open(&dir, "part", &file, LEAST_PIECE_BYTES).is_none(), "gone");
        std::fs::write(folder.path().join("part"), "another file").expect("written");
        assert!(Direct::open(&dir, "part", &file, LEAST_PIECE_BYTES).is_none(), "another one");
    }
}
