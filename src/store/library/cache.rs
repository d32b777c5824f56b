//! The library on disk: what survives a restart, so that nothing is hashed twice and the list is there at
//! once.
//!
//! Invariant: one transaction carries changes together with the `seq` that counts them, and it is
//! durable when [`Cache::commit`] returns. Deliberately absent: the change journal (kept in memory; a
//! tracker that is too far back asks for everything).

use super::super::below::{Identity, split};
use super::LibraryError;
use super::table::{FileRecord, Folder, RecordChange};
use crate::base::{ContentId, FileName, PieceLayout};
use crate::engine::transfer::manifest::PieceHash;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The database's file in the library's folder.
const FILE: &str = "library.redb";
/// How much of the database is kept in memory: enough for the pages that a commit touches. What is listed is in
/// memory anyway.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
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
    pub(super) files: Vec<Arc<FileRecord>>,
}

/// Changes that become durable together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) seq: u64,
    pub(super) next_key: u64,
    pub(super) records: Vec<RecordChange>,
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
    /// Whether no file that is gone is remembered, so that nobody needs to look.
    remembers_nothing: AtomicBool,
}

impl Cache {
    /// Opens the database in `dir`, or makes it.
    pub(super) fn open(dir: &Path) -> Result<(Self, Stored), LibraryError> {
        let path = dir.join(FILE);
        let failed = |error: redb::Error| LibraryError::database(&path, &error);
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(&path)
            .map_err(|error| failed(error.into()))?;
        let cache = Self { database, remembers_nothing: AtomicBool::new(false) };
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
            let files = load_files(&write, &shares)?;
            self.remembers_nothing.store(write.open_table(FORGOTTEN)?.is_empty()?, Ordering::Relaxed);
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
            put_files(&write, &batch.records)?;
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
        if !batch.forgotten.is_empty() {
            self.remembers_nothing.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether no file that is gone is remembered.
    pub(super) fn remembers_nothing(&self) -> bool {
        self.remembers_nothing.load(Ordering::Relaxed)
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
        let before = Identity { size, mtime_nanos, device, inode };
        let same = before.is_unchanged_at_its_path(&identity);
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

fn put_files(write: &redb::WriteTransaction, records: &[RecordChange]) -> Result<(), redb::Error> {
    let mut files = write.open_table(FILES)?;
    for (key, record) in records {
        let Some(file) = record else {
            files.remove(key)?;
            continue;
        };
        let Identity { size, mtime_nanos, device, inode } = file.identity;
        let content = file.content.map(|content| *content.as_bytes());
        let path = file.path();
        files.insert(key, (file.share(), path.as_str(), size, mtime_nanos, device, inode, content))?;
    }
    Ok(())
}

fn load_files(
    write: &redb::WriteTransaction,
    shares: &[(u32, PathBuf)],
) -> Result<Vec<Arc<FileRecord>>, redb::Error> {
    let table = write.open_table(FILES)?;
    let mut files = Vec::with_capacity(usize::try_from(table.len()?).unwrap_or(0));
    // Neighbours mostly lie in one folder; and each folder is there once.
    let mut folders: BTreeMap<(u32, String), Arc<Folder>> = BTreeMap::new();
    let mut last: Option<Arc<Folder>> = None;
    for row in table.iter()? {
        let (key, row) = row?;
        let (share, path, size, mtime_nanos, device, inode, content) = row.value();
        let (below, name) = split(path);
        // Names were checked before they were written; a rule that got stricter since drops the file,
        // and the next scan says why.
        let Ok(name) = FileName::new(name) else { continue };
        let same = last.take().filter(|folder| folder.share == share && *folder.path == *below);
        let folder = same.unwrap_or_else(|| {
            let known = folders.entry((share, below.to_owned())).or_insert_with(|| {
                let path = shares.iter().find(|(id, _)| *id == share).map(|(_, path)| path.as_path());
                Arc::new(Folder::new(share, path.unwrap_or(Path::new("")), below))
            });
            known.clone()
        });
        last = Some(folder.clone());
        let identity = Identity { size, mtime_nanos, device, inode };
        let content = content.map(ContentId::from_bytes);
        files.push(Arc::new(FileRecord { key: key.value(), folder, name, identity, content }));
    }
    Ok(files)
}

/// Removes manifests of contents that no file has had for a while.
fn prune_manifests(write: &redb::WriteTransaction, files: &[Arc<FileRecord>]) -> Result<(), redb::Error> {
    let mut manifests = write.open_table(MANIFESTS)?;
    if manifests.is_empty()? {
        return Ok(());
    }
    // Contents of one piece have none.
    let has_some = |size: u64| PieceLayout::of(size).is_ok_and(|layout| layout.count() > 1);
    let large = files.iter().filter(|file| has_some(file.identity.size));
    let mut needed: BTreeSet<[u8; 32]> =
        large.filter_map(|file| file.content).map(|content| *content.as_bytes()).collect();
    for row in write.open_table(FORGOTTEN)?.iter()? {
        let (size, .., content) = row?.1.value();
        if has_some(size) {
            needed.insert(content);
        }
    }
    manifests.retain(|content, _| needed.contains(&content))?;
    Ok(())
}
