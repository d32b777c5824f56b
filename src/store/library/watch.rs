//! Being told by the system what changed. A hint only: whatever it misses, the rescan finds.

use super::super::partial::HIDDEN_FOLDER;
use super::ignores::{IGNORE_FILE, is_below};
use super::keeper::Event;
use super::tree::Place;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// How far the system tells what changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// How many folders are watched.
    pub folders: u64,
    /// Whether some are not, because of a limit of the system.
    pub is_exhausted: bool,
    /// How often so much changed at once that the system did not tell all of it.
    pub lost: u64,
    /// How often everything is looked at, whatever the system tells.
    pub rescan_pause: Duration,
}

/// Watches the shared folders.
///
/// On Linux each folder is watched by itself, and before it is listed, so that nothing falls between the
/// two: `notify`'s own recursion gives up when a folder vanishes while it walks. Elsewhere the system
/// watches trees.
pub(super) struct Watcher {
    system: Option<RecommendedWatcher>,
    /// Which folder is watched at which place: device and inode.
    folders: BTreeMap<Place, (u64, u64)>,
    overflow: Arc<AtomicBool>,
    /// How often hints were lost.
    lost: u64,
    /// The most folders that are watched, whatever the system allows.
    most: usize,
    /// Whether the system's limit was met; tried again by the next rescan.
    full: bool,
    /// Whether a person was told.
    warned: bool,
}

impl Watcher {
    /// A watcher of nothing yet. Without the system's help (a limit) it stays silent.
    pub(super) fn new(events: SyncSender<Event>, most: usize) -> Self {
        let overflow = Arc::new(AtomicBool::new(false));
        let lost = overflow.clone();
        let made = notify::RecommendedWatcher::new(
            move |event| notice(event, &events, &lost),
            notify::Config::default().with_follow_symlinks(false),
        );
        let watcher = made
            .inspect_err(|error| {
                tracing::warn!(%error, "changes in shared folders are only found by the regular rescan");
            })
            .ok();
        Self {
            system: watcher,
            folders: BTreeMap::new(),
            overflow,
            lost: 0,
            most,
            full: false,
            warned: false,
        }
    }

    /// Watches the folder at `place`, whose whole path is `path`, if it is not watched already.
    pub(super) fn watch(&mut self, place: &Place, path: &Path, node: (u64, u64)) {
        let whole_tree = !cfg!(target_os = "linux");
        let covered = self.folders.get(place) == Some(&node) || (whole_tree && !place.1.is_empty());
        let Some(watcher) = self.system.as_mut().filter(|_| !covered && !self.full) else { return };
        let mode = if whole_tree { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        let watched = if self.folders.len() < self.most {
            watcher.watch(path, mode)
        } else {
            Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch))
        };
        match watched {
            Ok(()) => {
                self.folders.insert(place.clone(), node);
            }
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                self.full = true;
                if std::mem::replace(&mut self.warned, true) {
                    return;
                }
                tracing::warn!(%error, "some changes in shared folders are only found by the regular rescan; raise fs.inotify.max_user_watches");
            }
            // It vanished, which its parent's watch tells.
            Err(error) => tracing::debug!(%error, path = %path.display(), "cannot watch a folder"),
        }
    }

    /// Has the folders at `place` and below watched anew when they are visited: one that was moved
    /// loses its watch with its old name.
    pub(super) fn renew(&mut self, (share, path): &Place) {
        self.folders.retain(|(of, at), _| of != share || !is_below(at, path));
    }

    /// How many folders are watched, and whether the system's limit was met.
    pub(super) fn state(&self) -> Watched {
        let is_exhausted = self.full || self.system.is_none();
        let folders = self.folders.len() as u64;
        Watched { folders, is_exhausted, lost: self.lost, rescan_pause: Duration::ZERO }
    }

    /// How many of a share's folders are not watched.
    pub(super) fn unwatched(&self, share: u32, folders: u64) -> u64 {
        let watched = self.folders.range((share, String::new())..(share + 1, String::new())).count() as u64;
        let whole_tree = !cfg!(target_os = "linux") && watched > 0;
        if whole_tree { 0 } else { folders.saturating_sub(watched) }
    }

    /// Tries again what met the system's limit.
    pub(super) const fn retry(&mut self) {
        self.full = false;
    }

    /// Ends watching the folders of a share at `path` and below that are not in `kept`.
    pub(super) fn keep(&mut self, share: u32, root: &Path, path: &str, kept: &BTreeSet<String>) {
        let ends = |(of, at): &Place| *of == share && is_below(at, path) && !kept.contains(at);
        let ended: Vec<Place> = self.folders.keys().filter(|place| ends(place)).cloned().collect();
        for place in ended {
            self.folders.remove(&place);
            // The system ends watching a folder that is gone by itself.
            if let Some(Err(error)) =
                self.system.as_mut().map(|watcher| watcher.unwatch(&root.join(&place.1)))
            {
                tracing::debug!(%error, "a folder was not watched any more");
            }
        }
    }

    /// Whether hints were lost since the last call.
    pub(super) fn take_overflow(&mut self) -> bool {
        let lost = self.overflow.swap(false, Ordering::Relaxed);
        self.lost += u64::from(lost);
        lost
    }
}

fn notice(event: notify::Result<notify::Event>, events: &SyncSender<Event>, lost: &AtomicBool) {
    let Some(mut event) = event.ok().filter(|event| !event.need_rescan()) else {
        lost.store(true, Ordering::Relaxed);
        // Only wakes the keeper; if there is no room it is awake.
        drop(events.try_send(Event::Touched(Vec::new())));
        return;
    };
    // Reading is no change; the end of writing is.
    let read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
    event.paths.retain(|path| !is_hidden(path));
    if read || event.paths.is_empty() {
        return;
    }
    // Never waits: the system's queue behind this thread would overflow instead.
    if events.try_send(Event::Touched(event.paths)).is_err() {
        lost.store(true, Ordering::Relaxed);
    }
}

/// Hidden files are never shared, and a partial file of a download changes thousands of times. (A share
/// itself may lie below a hidden folder.)
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let hidden = name.as_encoded_bytes().starts_with(b".") && name != IGNORE_FILE;
    hidden || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == HIDDEN_FOLDER)
}
