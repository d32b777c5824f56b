//! Reading a file that is to have a certain content, and noticing when it has not.
//!
//! **The last byte of a piece is given out only when the whole piece is what it should be.** So a reader of
//! a changed file never gets a whole wrong piece from here, without a second pass over the bytes: they are
//! hashed as they go by. A range that begins or ends within a piece costs reading that piece.

use crate::base::{PieceIndex, PieceLayout};
use crate::engine::transfer::manifest::{PieceHash, PieceHasher};
use hyper::body::Bytes;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes read at once: large enough that switching threads costs little, and small enough to be in the
/// processor's cache when they are hashed and encrypted.
const BLOCK_BYTES: u64 = 256 * 1024;
/// Blocks' memory that waits to be used again: one is sent while another one is read.
const MAX_SPARE: usize = 2;

/// Memory of blocks that were sent, for the next ones: given back to the system and taken again it would cost a fault a page.
#[derive(Clone, Debug, Default)]
struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }
}

/// A block, which gives its memory back.
struct Block {
    bytes: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut spare = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MAX_SPARE {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// A file that is being sent.
#[derive(Debug)]
pub struct OpenContent {
    /// Opened for reading; it is read at positions, so the same file may be opened more than once.
    pub file: File,
    /// Its bytes: the content's size.
    pub size: u64,
    /// What it is called here, for people.
    pub name: String,
    /// What its route knows it by, see [`super::content::ContentRoute::spoiled`].
    pub tag: u64,
    /// What its bytes are checked against; without it they are sent as they are.
    pub pieces: Option<(PieceLayout, Arc<Vec<PieceHash>>)>,
}

/// Why nothing is read.
#[derive(Debug)]
pub(super) enum ReadFault {
    /// The bytes are not the content's, or too few.
    Changed,
    /// The system says no.
    Io(io::Error),
}

impl From<io::Error> for ReadFault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Changed } else { Self::Io(error) }
    }
}

/// See the module. Reading blocks.
#[derive(Debug)]
pub(super) struct Reader {
    open: OpenContent,
    left: Range<u64>,
    /// The piece that is being read, up to where `left` begins.
    hashing: Option<(PieceIndex, PieceHasher)>,
    spare: Spare,
}

impl Reader {
    pub(super) fn new(open: OpenContent, range: Range<u64>) -> Self {
        Self { open, left: range, hashing: None, spare: Spare::default() }
    }

    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) const fn tag(&self) -> u64 {
        self.open.tag
    }

    /// The next block, and itself: to be moved to a thread and back.
    pub(super) fn into_next(mut self) -> (Self, Result<Bytes, ReadFault>) {
        let block = self.next();
        (self, block)
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, ReadFault> {
        let mut all = Vec::new();
        while !self.is_done() {
            all.extend_from_slice(&self.next()?);
        }
        Ok(all)
    }

    /// The next block.
    pub(super) fn next(&mut self) -> Result<Bytes, ReadFault> {
        let Some((layout, pieces)) = self.open.pieces.clone() else {
            return self.block(self.left.end);
        };
        let number = self.left.start / u64::from(layout.piece_size());
        let piece = u32::try_from(number).ok().and_then(|number| layout.piece(number));
        let piece = piece.ok_or(ReadFault::Changed)?;
        let whole = layout.range(piece);
        let mut hasher = match self.hashing.take() {
            Some((of, hasher)) if of == piece => hasher,
            _ => {
                let mut hasher = PieceHasher::new(layout, piece);
                self.pass_by(&mut hasher, whole.start..self.left.start)?;
                hasher
            }
        };
        let end = whole.end.min(self.left.end);
        let block = self.block(end)?;
        hasher.update(&block);
        if self.left.start < end {
            self.hashing = Some((piece, hasher));
            return Ok(block);
        }
        self.pass_by(&mut hasher, end..whole.end)?;
        let is_right = hasher.finish().as_ref() == pieces.get(piece.number() as usize);
        if is_right { Ok(block) } else { Err(ReadFault::Changed) }
    }

    /// Reads on, at most to `end`.
    fn block(&mut self, end: u64) -> Result<Bytes, ReadFault> {
        let stop = end.min(self.left.start + BLOCK_BYTES);
        let block = self.read(self.left.start..stop)?;
        self.left.start = stop;
        Ok(Bytes::from_owner(block))
    }

    /// Exactly these bytes of the file. An error if it ends before.
    fn read(&self, range: Range<u64>) -> io::Result<Block> {
        let mut block = Block { bytes: self.spare.take(), spare: self.spare.clone() };
        read_at(&self.open.file, range, &mut block.bytes)?;
        Ok(block)
    }

    /// Hashes what nobody asked for.
    fn pass_by(&self, hasher: &mut PieceHasher, mut range: Range<u64>) -> Result<(), ReadFault> {
        while !range.is_empty() {
            let stop = range.end.min(range.start + BLOCK_BYTES);
            hasher.update(self.read(range.start..stop)?.as_ref());
            range.start = stop;
        }
        Ok(())
    }
}

/// As [`Reader::read`], instead of what `bytes` holds.
fn read_at(file: &File, range: Range<u64>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    bytes.clear();
    bytes.reserve_exact(length);
    while bytes.len() < length {
        let at = range.start + bytes.len() as u64;
        // Into memory that may never have been written to, which `read_at` of the standard library cannot.
        match rustix::io::pread(file, rustix::buffer::spare_capacity(bytes), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(length);
    Ok(())
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
#[path = "checked_tests.rs"]
mod tests;
