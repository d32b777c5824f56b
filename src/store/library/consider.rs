//! Whether a file that is there is news: new, moved, changed, set aside or as it was.
//!
//! Invariant: a file that is there is in the list under one key, or skipped with a reason. A file that is
//! still being written is listed and not hashed yet.

use super::super::below::{Identity, join};
use super::keeper::Keeper;
use super::skip::{Reason, SkipKind};
use super::table::{FileRecord, Folder};
use super::walks::MAX_SKIPS;
use crate::base::{ContentId, FileName};
use crate::engine::index::Index;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A file that was written to this recently may be written to again: it is hashed later. Also more than
/// the granularity of any file system's times, so that a later write always shows.
const SETTLE: Duration = Duration::from_secs(1);
/// The most shared files: of more, the tracker would take none.
const MAX_FILES: u64 = Index::MAX_FILES_PER_PEER;

/// Whether a file is known to be complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Yes,
    No,
}

/// Which of the other names of a file are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// Those under which it was last seen in another state.
    Changed,
    All,
}

/// Where the file of a record is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    /// Where its record says.
    There,
    /// Renamed or removed; something else may be in its place.
    Gone,
    /// What is in its place looks the same and has another inode: the file itself, on a volume whose inodes
    /// do not last (FAT), or a copy of it. So who has its inode now may be any file.
    Renumbered,
}

/// When something is looked at: asked for once for many files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    now: Instant,
    /// Since 1970; `None`: the clock says nothing.
    wall_nanos: Option<i64>,
}

impl Moment {
    pub(super) fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let wall_nanos = wall.and_then(|wall| i64::try_from(wall.as_nanos()).ok());
        Self { now: Instant::now(), wall_nanos }
    }

    /// When a file with this time of writing counts as settled; `None`: it does.
    fn settled_at(self, identity: Identity) -> Option<Instant> {
        // A time in the future says nothing.
        let age = u64::try_from(self.wall_nanos?.saturating_sub(identity.mtime_nanos)).ok()?;
        let left = SETTLE.checked_sub(Duration::from_nanos(age)).filter(|left| !left.is_zero());
        left.map(|left| self.now + left)
    }
}

impl Keeper {
    /// Takes a file that cannot be read off the list, until it changes or can be opened.
    pub(super) fn set_aside(&mut self, record: &FileRecord, error: &std::io::Error) {
        let place = (record.share(), record.path());
        self.tree.remove(record.key);
        self.queue.remove(record.key);
        self.scans.skip(place.clone(), unreadable(error));
        if self.scans.unreadable.len() < MAX_SKIPS {
            self.scans.unreadable.insert(place, record.identity);
        }
    }

    /// Whether a file was set aside and still cannot be opened.
    fn stays_aside(&mut self, folder: &Folder, name: &FileName, identity: Identity) -> bool {
        if self.scans.unreadable.is_empty() {
            return false;
        }
        let place = (folder.share, join(&folder.path, name.as_str()));
        if self.scans.unreadable.get(&place) == Some(&identity)
            && let Some(Err(error)) = self.root(place.0).map(|root| root.file(&place.1))
        {
            self.scans.skip(place, unreadable(&error));
            return true;
        }
        self.scans.unreadable.remove(&place);
        false
    }

    /// A regular file with a good name is in a folder in this state: is that news? Gives its key, or
    /// `None` if it is not listed.
    pub(super) fn consider(
        &mut self,
        folder: &Arc<Folder>,
        name: FileName,
        identity: Identity,
        settled: Settled,
        moment: Moment,
    ) -> Option<u64> {
        if self.stays_aside(folder, &name, identity) {
            return None;
        }
        let from = if settled == Settled::Yes { None } else { moment.settled_at(identity) };
        let Some(known) = self.tree.named(folder, name.as_str()).cloned() else {
            return self.appeared(folder, name, identity, from);
        };
        let key = known.key;
        if known.identity == identity {
            if known.content.is_none() && (settled == Settled::Yes || !self.queue.contains(key)) {
                self.queue.put(key, identity.size, from);
            }
            return Some(key);
        }
        // It is still growing and listed already: its size is told again when it is due to be hashed,
        // at most once a second, instead of at every write.
        let growing = known.content.is_none() && from.is_some() && self.queue.contains(key);
        if growing && known.identity.node() == identity.node() {
            return Some(key);
        }
        let is_unchanged = known.identity.is_unchanged_at_its_path(&identity);
        let content = known.content.filter(|_| is_unchanged);
        let content = content.or_else(|| self.known_content(folder, &name, identity, Some(known.identity)));
        self.put(FileRecord { key, folder: folder.clone(), name, identity, content }, from);
        Some(key)
    }

    fn appeared(
        &mut self,
        folder: &Arc<Folder>,
        name: FileName,
        identity: Identity,
        from: Option<Instant>,
    ) -> Option<u64> {
        let is_gone = |twin: &&Arc<FileRecord>| self.whereabouts(twin) == Whereabouts::Gone;
        let moved = self.tree.twins(identity).find(is_gone).cloned();
        if let Some(old) = moved {
            // Renamed: the same key, and the content if it has one.
            let key = old.key;
            self.put(FileRecord { folder: folder.clone(), name, ..FileRecord::clone(&old) }, from);
            return Some(key);
        }
        if self.tree.len() as u64 >= MAX_FILES {
            let text = format!("more than {MAX_FILES} files are not shared");
            let place = (folder.share, join(&folder.path, name.as_str()));
            self.scans.skip(place, Reason::new(SkipKind::TooMany, text));
            return None;
        }
        let content = self.known_content(folder, &name, identity, None);
        let key = self.tree.new_key();
        self.put(FileRecord { key, folder: folder.clone(), name, identity, content }, from);
        Some(key)
    }

    fn put(&mut self, record: FileRecord, hash_from: Option<Instant>) {
        if record.content.is_none() {
            self.queue.put(record.key, record.identity.size, hash_from);
        } else {
            self.queue.remove(record.key);
        }
        let record = Arc::new(record);
        self.tree.put(record.clone());
        self.look_at_links(&record, Links::Changed);
    }

    /// Has the other names of a file that changed, or went, looked at too: the system hints only at the
    /// one through which it was written.
    pub(super) fn look_at_links(&mut self, record: &FileRecord, which: Links) {
        let identity = record.identity;
        let links = self.tree.links(identity);
        let links = links.filter(|link| which == Links::All || link.identity != identity);
        let links: Vec<(u32, String)> = links.map(|link| (link.share(), link.path())).collect();
        if links.is_empty() {
            return;
        }
        let paths = {
            let table = self.shared.table();
            let whole = |(share, path)| Some(table.shares.get(&share)?.path.join::<String>(path));
            links.into_iter().filter_map(whole).collect()
        };
        // Not at once: one that is written to all the time would be looked at without end.
        self.hint(paths);
    }

    fn whereabouts(&self, record: &FileRecord) -> Whereabouts {
        let stat = self.root(record.share()).and_then(|root| root.stat(&record.path()).ok());
        let Some(now) = stat.map(|metadata| Identity::of(&metadata)) else { return Whereabouts::Gone };
        if now.node() == record.identity.node() {
            Whereabouts::There
        } else if now.looks_like(&record.identity) {
            Whereabouts::Renumbered
        } else {
            Whereabouts::Gone
        }
    }

    /// The content of a file in this state: of a link to it, of the file that was renamed to this place, or
    /// remembered from an earlier time. `before`: what was known of the place.
    fn known_content(
        &self,
        folder: &Folder,
        name: &FileName,
        identity: Identity,
        before: Option<Identity>,
    ) -> Option<ContentId> {
        // Where only the inode is another one, it may be that inodes do not last: nothing says that the file
        // that had this one came here.
        let may_be_moved = before.is_none_or(|before| !before.looks_like(&identity));
        let is_this = |twin: &&Arc<FileRecord>| match self.whereabouts(twin) {
            Whereabouts::There => true,
            Whereabouts::Gone => may_be_moved,
            Whereabouts::Renumbered => false,
        };
        let mut hashed = self.tree.twins(identity).filter(|twin| twin.content.is_some());
        if let Some(twin) = hashed.find(is_this) {
            return twin.content;
        }
        if self.shared.cache.remembers_nothing() {
            return None;
        }
        let share_path = self.shared.table().shares.get(&folder.share)?.path.clone();
        let whole = share_path.join(join(&folder.path, name.as_str()));
        self.shared.cache.remembered(whole.to_str()?, identity)
    }
}

fn unreadable(error: &std::io::Error) -> Reason {
    Reason::new(SkipKind::Unreadable, format!("it cannot be read: {error}"))
}
