//! The registry on disk: a `redb` file in the service's folder, one transaction per group of changes,
//! synced before it is acknowledged.
//!
//! Invariants: what was acknowledged survives a kill and a power loss; one service per folder (a locked
//! file). A damaged file is refused with a message and never repaired by guessing: peers register again by
//! themselves, and the group's founding comes back from them.

use super::shape::{entry_from_wire, entry_to_wire};
use crate::base::{Epoch, PeerName};
use crate::engine::registry::{Change, Entry, Held, Lease, Saved};
use crate::wire::convert::{roster_from_wire, roster_to_wire};
use crate::wire::names;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAMES: TableDefinition<&str, &[u8]> = TableDefinition::new("names");
const TRACKERS: TableDefinition<u64, &[u8]> = TableDefinition::new("trackers");
const GROUP: TableDefinition<&str, &[u8]> = TableDefinition::new("group");
/// What the keys of [`GROUP`] are.
const FORMAT_KEY: &str = "format";
const HIGHEST_KEY: &str = "highest_epoch";
const FOUNDING_KEY: &str = "founding";
const EXPECTED_KEY: &str = "expected";
/// The version of this layout.
const FORMAT: u64 = 1;
/// The page cache: the whole registry is a few megabytes at most.
const CACHE_BYTES: usize = 4 << 20;

/// Why the storage could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another service uses the folder.
    #[error("another name service already uses the folder {0}; stop it, or choose another folder")]
    Locked(PathBuf),
    /// The disk refused.
    #[error("cannot use the name service's folder {path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged, or is none of this program's.
    #[error(
        "the name service's storage {path} is damaged ({detail}); move it away and start again: peers \
         register again by themselves and bring the group's founding with them"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error(
        "the name service's storage {path} was written by a newer version (format {format}); update this one"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// A write failed; nothing of it is kept.
    #[error("cannot write the name service's storage {path}: {detail}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What was said.
        detail: String,
    },
}

/// What a name's record in the file is.
#[derive(Serialize, Deserialize)]
struct NameRecord {
    entry: names::Entry,
    lease_millis: u64,
    lapsed: bool,
}

/// The open storage. Holds the folder's lock as long as it lives.
#[derive(Debug)]
pub(super) struct Storage {
    path: PathBuf,
    /// `None` after a failed write: the file is opened again for the next one.
    database: Option<Database>,
    _lock: File,
}

impl Storage {
    /// Opens the storage in `folder` (made if absent), and gives what it holds and for how many peers the
    /// founding waits, if that was ever said.
    pub(super) fn open(folder: &Path) -> Result<(Self, Saved, Option<u8>), StorageError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StorageError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let lock = lock(folder)?;
        let path = folder.join("registry.redb");
        if !path.exists() {
            create(folder, &path)?;
        }
        let database = open(&path)?;
        let (saved, expected) = load(&database, &path)?;
        Ok((Self { path, database: Some(database), _lock: lock }, saved, expected))
    }

    /// Makes the changes durable, all or none.
    pub(super) fn save(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        self.write(|transaction| changes.iter().try_for_each(|change| put(transaction, change)))
    }

    /// Remembers for how many peers the founding waits.
    pub(super) fn save_expected(&mut self, expected: u8) -> Result<(), StorageError> {
        self.write(|transaction| put_group(transaction, EXPECTED_KEY, Some(expected)))
    }

    fn write(
        &mut self,
        fill: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StorageError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => open(&self.path)?,
        };
        commit(&database, fill)
            .map_err(|error| StorageError::Write { path: self.path.clone(), detail: error.to_string() })?;
        // Kept only now: after a failed write redb answers nothing until the file is opened again.
        self.database = Some(database);
        Ok(())
    }
}

/// One service per folder, for as long as the file is held.
fn lock(folder: &Path) -> Result<File, StorageError> {
    let path = folder.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
    let file = opened.map_err(|source| StorageError::Io { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(StorageError::Io { path, source }),
    }
}

/// Makes an empty storage under another name first, so that a kill in between leaves none or a whole one.
fn create(folder: &Path, path: &Path) -> Result<(), StorageError> {
    let fresh = folder.join("registry.new");
    let failed = |source| StorageError::Io { path: fresh.clone(), source };
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let written = |error: redb::Error| StorageError::Write { path: fresh.clone(), detail: error.to_string() };
    let database = Database::create(&fresh).map_err(|error| written(error.into()))?;
    commit(&database, |transaction| {
        transaction.open_table(NAMES)?;
        transaction.open_table(TRACKERS)?;
        put_group(transaction, FORMAT_KEY, Some(FORMAT))
    })
    .map_err(written)?;
    drop(database);
    fs::rename(&fresh, path).map_err(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn open(path: &Path) -> Result<Database, StorageError> {
    let mut builder = Builder::new();
    // The whole file is checked: a plain open trusts it.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder.open(path).map_err(|error| match error {
        redb::DatabaseError::Storage(redb::StorageError::Io(source))
            if source.kind() != io::ErrorKind::InvalidData
                && source.kind() != io::ErrorKind::UnexpectedEof =>
        {
            StorageError::Io { path: path.to_owned(), source }
        }
        other => StorageError::Damaged { path: path.to_owned(), detail: other.to_string() },
    })
}

fn commit(
    database: &Database,
    fill: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(redb::Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    fill(&transaction)?;
    transaction.commit()?;
    Ok(())
}

fn put(transaction: &WriteTransaction, change: &Change) -> Result<(), redb::Error> {
    match change {
        Change::Name(name, None) => {
            transaction.open_table(NAMES)?.remove(name.as_str())?;
        }
        Change::Name(name, Some(held)) => {
            transaction.open_table(NAMES)?.insert(name.as_str(), json(&record(held)).as_slice())?;
        }
        Change::Tracker(epoch, None) => {
            transaction.open_table(TRACKERS)?.remove(epoch.number())?;
        }
        Change::Tracker(epoch, Some(entry)) => {
            let entry = json(&entry_to_wire(entry));
            transaction.open_table(TRACKERS)?.insert(epoch.number(), entry.as_slice())?;
        }
        Change::Highest(epoch) => put_group(transaction, HIGHEST_KEY, Some(epoch.number()))?,
        Change::Founding(roster) => {
            put_group(transaction, FOUNDING_KEY, roster.as_ref().map(roster_to_wire))?;
        }
    }
    Ok(())
}

fn put_group(
    transaction: &WriteTransaction,
    key: &str,
    value: Option<impl Serialize>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(GROUP)?;
    match value {
        Some(value) => table.insert(key, json(&value).as_slice())?,
        None => table.remove(key)?,
    };
    Ok(())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps with text keys always have a JSON form")
}

fn record(held: &Held) -> NameRecord {
    let lease_millis = u64::try_from(held.lease.duration().as_millis()).unwrap_or(u64::MAX);
    NameRecord { entry: entry_to_wire(&held.entry), lease_millis, lapsed: held.lapsed }
}

/// What kept [`load`] from going on: redb's own errors, or a record that is not what it should be.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Read(#[from] redb::Error),
    #[error("{0}")]
    Record(String),
}

macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for LoadError {
            fn from(error: $error) -> Self {
                Self::Read(error.into())
            }
        })*
    };
}
from_redb!(redb::TransactionError, redb::TableError, redb::StorageError);

fn load(database: &Database, path: &Path) -> Result<(Saved, Option<u8>), StorageError> {
    let damaged =
        |error: LoadError| StorageError::Damaged { path: path.to_owned(), detail: error.to_string() };
    let format = read_group::<u64>(database, FORMAT_KEY).map_err(damaged)?;
    match format {
        Some(FORMAT) => {}
        Some(format) if format > FORMAT => return Err(StorageError::Newer { path: path.to_owned(), format }),
        _ => return Err(damaged(LoadError::Record("no known format".to_owned()))),
    }
    load_all(database).map_err(damaged)
}

fn load_all(database: &Database) -> Result<(Saved, Option<u8>), LoadError> {
    let mut saved = Saved::default();
    let transaction = database.begin_read()?;
    for row in transaction.open_table(NAMES)?.iter()? {
        let (name, bytes) = row?;
        let name = PeerName::new(name.value())
            .ok_or_else(|| LoadError::Record(format!("the name {:?}", name.value())))?;
        saved.names.insert(name, held(parse(bytes.value())?)?);
    }
    for row in transaction.open_table(TRACKERS)?.iter()? {
        let (epoch, bytes) = row?;
        saved.trackers.insert(epoch_of(epoch.value())?, entry(parse(bytes.value())?)?);
    }
    saved.highest = epoch_of(read_group(database, HIGHEST_KEY)?.unwrap_or(0))?;
    saved.founding = read_group(database, FOUNDING_KEY)?
        .map(|roster| roster_from_wire(&roster))
        .transpose()
        .map_err(|error| LoadError::Record(error.message().to_owned()))?;
    Ok((saved, read_group(database, EXPECTED_KEY)?))
}

fn read_group<T: serde::de::DeserializeOwned>(
    database: &Database,
    key: &str,
) -> Result<Option<T>, LoadError> {
    let value = database.begin_read()?.open_table(GROUP)?.get(key)?;
    value.map(|bytes| parse(bytes.value())).transpose()
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, LoadError> {
    serde_json::from_slice(bytes).map_err(|error| LoadError::Record(error.to_string()))
}

fn epoch_of(number: u64) -> Result<Epoch, LoadError> {
    Epoch::new(number).ok_or_else(|| LoadError::Record(format!("the epoch {number}")))
}

fn entry(shape: names::Entry) -> Result<Entry, LoadError> {
    entry_from_wire(shape).map_err(|error| LoadError::Record(error.message().to_owned()))
}

fn held(record: NameRecord) -> Result<Held, LoadError> {
    let lease =
        Lease::granted(Some(record.lease_millis)).map_err(|error| LoadError::Record(error.to_string()))?;
    // The registry begins leases anew.
    Ok(Held { entry: entry(record.entry)?, lease, until: Duration::ZERO, lapsed: record.lapsed })
}

#[cfg(test)]
mod tests;
