//! Which pieces of a partial file are surely on the disk, and the proven manifest.
//!
//! **A record is written after the data that it marks was synced**, so that after a power loss too whatever
//! is marked is there. A piece that is not marked is in doubt: it is read and checked, or fetched. The journal is
//! bound to the content, the layout and the very file (its inode); every record has a checksum that also covers
//! its place. So a cut, a flipped bit, or the journal of another file costs reading or fetching again, never a
//! wrong byte.
//!
//! Format 1: magic (8 bytes), content (32), size (8), piece size (4), inode (8), the manifest (32 for each
//! piece), BLAKE3 of all that (32); then records of first piece (4), count (4) and the first 8 bytes of BLAKE3,
//! keyed with the checksum above, over the record's number (8), first and count. Numbers are little-endian.

use crate::base::{ContentId, PieceIndex, PieceLayout};
use crate::engine::transfer::have::PieceSet;
use crate::engine::transfer::manifest::{PieceHash, root_of};
use std::io;

const MAGIC: &[u8; 8] = b"CARDJRN1";
/// Everything of the header but the manifest and the checksum.
const FIXED: usize = 8 + 32 + 8 + 4 + 8;
const RECORD: usize = 16;

/// What a journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entries {
    pub(super) layout: PieceLayout,
    /// The proven manifest.
    pub(super) pieces: Vec<PieceHash>,
    /// The pieces that are marked.
    pub(super) marked: PieceSet,
    /// Where the next record goes.
    pub(super) end: u64,
    key: [u8; 32],
}

/// The two steps of marking pieces, in this order.
pub(super) trait Steps {
    /// Has the volume keep the data.
    fn sync_data(&self) -> io::Result<()>;
    /// Writes a part of the journal.
    fn write_journal(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// Marks pieces. One task has it.
#[derive(Debug)]
pub(super) struct Marker<S> {
    steps: S,
    key: [u8; 32],
    end: u64,
    first_record: u64,
}

impl<S: Steps> Marker<S> {
    /// Begins a journal anew.
    pub(super) fn begin(
        steps: S,
        content: ContentId,
        layout: PieceLayout,
        pieces: &[PieceHash],
        inode: u64,
    ) -> io::Result<Self> {
        let (header, key) = header(content, layout, pieces, inode);
        steps.write_journal(&header, 0)?;
        let end = header.len() as u64;
        Ok(Self { steps, key, end, first_record: end })
    }

    /// Goes on with a journal that was read.
    pub(super) fn go_on(steps: S, entries: &Entries) -> Self {
        let first_record = (FIXED + 32 * entries.pieces.len() + 32) as u64;
        Self { steps, key: entries.key, end: entries.end, first_record }
    }

    /// Syncs the data and then marks these pieces, which were written before.
    pub(super) fn mark(&mut self, pieces: &[PieceIndex]) -> io::Result<()> {
        if pieces.is_empty() {
            return Ok(());
        }
        self.steps.sync_data()?;
        let numbers = (self.end - self.first_record) / RECORD as u64..;
        let mut bytes = Vec::new();
        for (number, (first, count)) in numbers.zip(runs(pieces)) {
            bytes.extend(record(&self.key, number, first, count));
        }
        self.steps.write_journal(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// The header, and the key of its records.
fn header(content: ContentId, layout: PieceLayout, pieces: &[PieceHash], inode: u64) -> (Vec<u8>, [u8; 32]) {
    let mut bytes = Vec::with_capacity(FIXED + 32 * pieces.len() + 32);
    bytes.extend(MAGIC);
    bytes.extend(content.as_bytes());
    bytes.extend(layout.size().to_le_bytes());
    bytes.extend(layout.piece_size().to_le_bytes());
    bytes.extend(inode.to_le_bytes());
    for piece in pieces {
        bytes.extend(piece.0);
    }
    let key = *blake3::hash(&bytes).as_bytes();
    bytes.extend(key);
    (bytes, key)
}

fn record(key: &[u8; 32], number: u64, first: u32, count: u32) -> [u8; RECORD] {
    let mut covered = [0; 16];
    covered[..8].copy_from_slice(&number.to_le_bytes());
    covered[8..12].copy_from_slice(&first.to_le_bytes());
    covered[12..].copy_from_slice(&count.to_le_bytes());
    let sum = blake3::keyed_hash(key, &covered);
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&covered[8..]);
    record[8..].copy_from_slice(&sum.as_bytes()[..8]);
    record
}

/// Pieces as runs of neighbours.
fn runs(pieces: &[PieceIndex]) -> Vec<(u32, u32)> {
    let mut numbers: Vec<u32> = pieces.iter().map(|piece| piece.number()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == number => *count += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

/// Reads a journal of this content and file. `None`: it is none, and says nothing.
pub(super) fn read(bytes: &[u8], content: ContentId, inode: u64) -> Option<Entries> {
    let number = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if bytes.get(..8)? != MAGIC || bytes.get(8..40)? != content.as_bytes() || number(52)? != inode {
        return None;
    }
    let layout = PieceLayout::of(number(40)?).ok()?;
    if bytes.get(48..52)? != layout.piece_size().to_le_bytes() {
        return None;
    }
    let manifest = bytes.get(FIXED..FIXED + 32 * layout.count() as usize)?;
    let covered = FIXED + manifest.len();
    let key = *blake3::hash(bytes.get(..covered)?).as_bytes();
    let records = bytes.get(covered + 32..)?;
    if bytes.get(covered..covered + 32)? != key {
        return None;
    }
    let pieces: Vec<PieceHash> = manifest.as_chunks::<32>().0.iter().map(|hash| PieceHash(*hash)).collect();
    if root_of(layout, &pieces) != Some(content) {
        return None;
    }
    let records = records.as_chunks::<RECORD>().0;
    let mut marked = PieceSet::empty(layout);
    for (number, found) in records.iter().enumerate() {
        let first = u32::from_le_bytes([found[0], found[1], found[2], found[3]]);
        let count = u32::from_le_bytes([found[4], found[5], found[6], found[7]]);
        if *found != record(&key, number as u64, first, count) {
            continue;
        }
        let numbers = first..first.saturating_add(count).min(layout.count());
        for piece in numbers.filter_map(|number| layout.piece(number)) {
            marked.insert(piece);
        }
    }
    let end = (covered + 32 + records.len() * RECORD) as u64;
    Some(Entries { layout, pieces, marked, end, key })
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
