//! The library on disk: what survives a restart, so that nothing is hashed twice and the list is there at
//! once.
//!
//! Invariant: one transaction carries changes together with the `seq` that counts them, and it is
//! durable when [`Cache::commit`] returns. Deliberately absent: the change journal (kept in memory; a
//! tracker that is too far back asks for everything).

use super::super::below::Identity;
use super::LibraryError;
use super::table::FileRecord;
use crate::base::{ContentId, FileName};
use crate::engine::transfer::manifest::PieceHash;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The database's file in the library's folder.
const FILE: &str = "library.redb";
/// The layout of the tables. A newer one is refused.
const FORMAT: u64 = 1;
/// How many hashes of files that are gone are remembered (folders shared again, drives plugged in
/// again): 100 bytes each.
const MAX_FORGOTTEN: u64 = 1_000_000;

/// Share, path below it, size, mtime, device, inode, content.
type Row = (u32, &'static str, u64, i64, u64, u64, Option<[u8; 32]>);
/// Size, mtime, device, inode, content.
type ForgottenRow = (u64, i64, u64, u64, [u8; 32]);

const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");
const IDS: TableDefinition<&str, [u8; 16]> = TableDefinition::new("ids");
const SHARES: TableDefinition<u32, &str> = TableDefinition::new("shares");
/// Shares whose hashing a person paused.
const PAUSED: TableDefinition<u32, ()> = TableDefinition::new("paused");
const FILES: TableDefinition<u64, Row> = TableDefinition::new("files");
const FORGOTTEN: TableDefinition<&str, ForgottenRow> = TableDefinition::new("forgotten");
const MANIFESTS: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("manifests");

/// Everything that a library begins with.
pub(super) struct Stored {
    pub(super) index_id: [u8; 16],
    pub(super) seq: u64,
    pub(super) next_key: u64,
    pub(super) shares: Vec<(u32, PathBuf)>,
    pub(super) paused: BTreeSet<u32>,
    pub(super) files: Vec<FileRecord>,
}

/// Changes that become durable together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) seq: u64,
    pub(super) next_key: u64,
    pub(super) puts: Vec<Arc<FileRecord>>,
    pub(super) removes: Vec<u64>,
    /// Hashes of files that are gone, by whole path.
    pub(super) forgotten: Vec<(String, Identity, ContentId)>,
    pub(super) manifests: Vec<(ContentId, Vec<PieceHash>)>,
    pub(super) new_share: Option<(u32, String)>,
    pub(super) ended_share: Option<u32>,
    /// A share that is paused from now on (`true`) or not any more.
    pub(super) held: Option<(u32, bool)>,
}

/// The database.
pub(super) struct Cache {
    database: Database,
}

impl Cache {
    /// Opens the database in `dir`, or makes it.
    pub(super) fn open(dir: &Path) -> Result<(Self, Stored), LibraryError> {
        let path = dir.join(FILE);
        let failed = |error: redb::Error| LibraryError::database(&path, &error);
        let database = Database::create(&path).map_err(|error| failed(error.into()))?;
        let cache = Self { database };
        let stored = cache.load().map_err(failed)?;
        match stored {
            Ok(stored) => Ok((cache, stored)),
            Err(format) => Err(LibraryError::Newer { format, path }),
        }
    }

    fn load(&self) -> Result<Result<Stored, u64>, redb::Error> {
        let write = self.database.begin_write()?;
        let stored = {
            let mut numbers = write.open_table(NUMBERS)?;
            let format = numbers.get("format")?.map_or(FORMAT, |value| value.value());
            if format > FORMAT {
                return Ok(Err(format));
            }
            numbers.insert("format", FORMAT)?;
            let mut ids = write.open_table(IDS)?;
            let known = ids.get("index")?.map(|value| value.value());
            let index_id = known.unwrap_or_else(rand::random);
            ids.insert("index", index_id)?;
            let number = |name, default| -> Result<u64, redb::Error> {
                Ok(numbers.get(name)?.map_or(default, |value| value.value()))
            };
            let (seq, next_key) = (number("seq", 0)?, number("next_key", 1)?);
            let mut shares = Vec::new();
            for row in write.open_table(SHARES)?.iter()? {
                let (id, path) = row?;
                shares.push((id.value(), PathBuf::from(path.value())));
            }
            let mut paused = BTreeSet::new();
            for row in write.open_table(PAUSED)?.iter()? {
                paused.insert(row?.0.value());
            }
            let files = load_files(&write)?;
            prune_manifests(&write, &files)?;
            Stored { index_id, seq, next_key, shares, paused, files }
        };
        write.commit()?;
        Ok(Ok(stored))
    }

    /// Makes a batch durable: an fsync.
    pub(super) fn commit(&self, batch: &Batch) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut numbers = write.open_table(NUMBERS)?;
            numbers.insert("seq", batch.seq)?;
            numbers.insert("next_key", batch.next_key)?;
            let mut shares = write.open_table(SHARES)?;
            if let Some((id, path)) = &batch.new_share {
                shares.insert(id, path.as_str())?;
            }
            if let Some(id) = &batch.ended_share {
                shares.remove(id)?;
            }
            let mut paused = write.open_table(PAUSED)?;
            match batch.held.or(batch.ended_share.map(|share| (share, false))) {
                Some((share, true)) => drop(paused.insert(share, ())?),
                Some((share, false)) => drop(paused.remove(share)?),
                None => {}
            }
            let mut files = write.open_table(FILES)?;
            for file in &batch.puts {
                let Identity { size, mtime_nanos, device, inode } = file.identity;
                let content = file.content.map(|content| *content.as_bytes());
                let row = (file.share, file.path.as_str(), size, mtime_nanos, device, inode, content);
                files.insert(file.key, row)?;
            }
            for key in &batch.removes {
                files.remove(key)?;
            }
            let mut manifests = write.open_table(MANIFESTS)?;
            for (content, pieces) in &batch.manifests {
                let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.0).collect();
                manifests.insert(content.as_bytes(), bytes.as_slice())?;
            }
            let mut forgotten = write.open_table(FORGOTTEN)?;
            for (path, identity, content) in &batch.forgotten {
                let Identity { size, mtime_nanos, device, inode } = *identity;
                forgotten.insert(path.as_str(), (size, mtime_nanos, device, inode, *content.as_bytes()))?;
            }
            while forgotten.len()? > MAX_FORGOTTEN {
                forgotten.pop_first()?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// The content of the file at this whole path, if it was hashed in just this state before.
    pub(super) fn remembered(&self, path: &str, identity: Identity) -> Option<ContentId> {
        match self.read_remembered(path, identity) {
            Ok(content) => content,
            Err(error) => {
                tracing::warn!(%error, "the hash cache cannot be read, the file is hashed again");
                None
            }
        }
    }

    fn read_remembered(&self, path: &str, identity: Identity) -> Result<Option<ContentId>, redb::Error> {
        let read = self.database.begin_read()?;
        let table = read.open_table(FORGOTTEN)?;
        let Some(row) = table.get(path)? else { return Ok(None) };
        let (size, mtime_nanos, device, inode, content) = row.value();
        let same = identity == Identity { size, mtime_nanos, device, inode };
        Ok(same.then(|| ContentId::from_bytes(content)))
    }

    /// The pieces of a content of more than one piece.
    pub(super) fn manifest(&self, content: ContentId) -> Result<Option<Vec<PieceHash>>, redb::Error> {
        let read = self.database.begin_read()?;
        let table = read.open_table(MANIFESTS)?;
        let Some(row) = table.get(content.as_bytes())? else { return Ok(None) };
        let (pieces, rest) = row.value().as_chunks::<32>();
        Ok(rest.is_empty().then(|| pieces.iter().map(|piece| PieceHash(*piece)).collect()))
    }
}

fn load_files(write: &redb::WriteTransaction) -> Result<Vec<FileRecord>, redb::Error> {
    let mut files = Vec::new();
    for row in write.open_table(FILES)?.iter()? {
        let (key, row) = row?;
        let (share, path, size, mtime_nanos, device, inode, content) = row.value();
        // Names were checked before they were written; a rule that got stricter since drops the file,
        // and the next scan says why.
        let Ok(name) = FileName::new(super::super::below::split(path).1) else { continue };
        files.push(FileRecord {
            key: key.value(),
            share,
            path: path.to_owned(),
            name,
            identity: Identity { size, mtime_nanos, device, inode },
            content: content.map(ContentId::from_bytes),
        });
    }
    Ok(files)
}

/// Removes manifests of contents that no file has had for a while.
fn prune_manifests(write: &redb::WriteTransaction, files: &[FileRecord]) -> Result<(), redb::Error> {
    let mut manifests = write.open_table(MANIFESTS)?;
    if manifests.is_empty()? {
        write.open_table(FORGOTTEN)?;
        return Ok(());
    }
    let mut needed: BTreeSet<[u8; 32]> =
        files.iter().filter_map(|file| file.content).map(|content| *content.as_bytes()).collect();
    for row in write.open_table(FORGOTTEN)?.iter()? {
        needed.insert(row?.1.value().4);
    }
    manifests.retain(|content, _| needed.contains(&content))?;
    Ok(())
}
