//! Being told by the system what changed. A hint only: whatever it misses, the rescan finds.

#[cfg(any(not(target_os = "linux"), test))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

use super::super::partial::HIDDEN_FOLDER;
use super::ignores::{IGNORE_FILE, is_below};
use super::keeper::Event;
use super::tree::Place;
#[cfg(not(target_os = "linux"))]
use elsewhere::System;
#[cfg(target_os = "linux")]
use linux::System;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
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

/// Why the system does not tell of a folder's changes.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("the system watches no more folders")]
    Full,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Watches the shared folders: each by itself, or whole trees where the system does that
/// ([`System::WHOLE_TREES`]). A folder is watched before it is listed, so that nothing falls between.
pub(super) struct Watcher {
    system: Option<System>,
    /// Which folder is watched at which place: device and inode. `None`: that is not sure any more.
    folders: BTreeMap<Place, Option<(u64, u64)>>,
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
        let made = System::new(Hints { events, lost: overflow.clone() });
        let system = made
            .inspect_err(|error| {
                tracing::warn!(%error, "changes in shared folders are only found by the regular rescan");
            })
            .ok();
        Self { system, folders: BTreeMap::new(), overflow, lost: 0, most, full: false, warned: false }
    }

    /// Watches the folder at `place`, whose whole path is `path`, if it is not watched already.
    pub(super) fn watch(&mut self, place: &Place, path: &Path, node: (u64, u64)) {
        let Some(system) = self.system.as_mut().filter(|_| !self.full) else { return };
        let is_same = self.folders.get(place) == Some(&Some(node)) && system.is_watched(path);
        if is_same || (System::WHOLE_TREES && !place.1.is_empty()) {
            return;
        }
        let has_room = self.folders.len() < self.most || self.folders.contains_key(place);
        let error = match if has_room { system.watch(path) } else { Err(WatchError::Full) } {
            Ok(()) => {
                self.folders.insert(place.clone(), Some(node));
                return;
            }
            Err(error) => error,
        };
        // What was watched there is another folder.
        if self.folders.remove(place).is_some() {
            system.unwatch(path);
        }
        if matches!(error, WatchError::Full) {
            self.full = true;
            if !std::mem::replace(&mut self.warned, true) {
                tracing::warn!(%error, "some changes in shared folders are only found by the regular rescan; raise fs.inotify.max_user_watches");
            }
        } else {
            // It vanished, which its parent's watch tells.
            tracing::debug!(%error, path = %path.display(), "cannot watch a folder");
        }
    }

    /// Has the folders at `place` and below watched anew when they are visited: others may be there now.
    pub(super) fn renew(&mut self, (share, path): &Place) {
        for ((of, at), node) in &mut self.folders {
            if of == share && is_below(at, path) {
                *node = None;
            }
        }
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
        if System::WHOLE_TREES && watched > 0 { 0 } else { folders.saturating_sub(watched) }
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
            if let Some(system) = &mut self.system {
                system.unwatch(&root.join(&place.1));
            }
        }
    }

    /// Whether hints were lost since the last call.
    pub(super) fn take_overflow(&mut self) -> bool {
        let lost = self.overflow.swap(false, Ordering::Acquire);
        if lost {
            self.lost += 1;
            // Also that a folder is gone may not have been told, and its inode may be another's by now.
            for node in self.folders.values_mut() {
                *node = None;
            }
            if self.system.take_if(|system| !system.is_running()).is_some() {
                self.folders.clear();
            }
        }
        lost
    }
}

/// Where the system's hints go: to the keeper.
#[derive(Clone, Debug)]
struct Hints {
    events: SyncSender<Event>,
    lost: Arc<AtomicBool>,
}

impl Hints {
    /// Something changed at these paths.
    fn touched(&self, paths: Vec<PathBuf>) {
        // Never waits: the system's queue behind this thread would overflow instead.
        if !paths.is_empty() && self.events.try_send(Event::Touched(paths)).is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    /// Something changed, and it is not known where.
    fn lost(&self) {
        self.lost.store(true, Ordering::Release);
        // Only wakes the keeper; if there is no room it is awake.
        drop(self.events.try_send(Event::Touched(Vec::new())));
    }
}

/// Hidden files are never shared, and a partial file of a download changes thousands of times. (A share
/// itself may lie below a hidden folder.)
fn is_hidden(folder: Option<&Path>, name: &OsStr) -> bool {
    let hidden = name.as_encoded_bytes().starts_with(b".") && name != IGNORE_FILE;
    hidden || folder.and_then(Path::file_name).is_some_and(|folder| folder == HIDDEN_FOLDER)
}

#[cfg(test)]
mod tests;
