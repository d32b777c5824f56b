//! Being told by the system what changed. A hint only: whatever it misses, the rescan finds.

use super::super::partial::HIDDEN_FOLDER;
use super::keeper::Event;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

/// Watches the shared folders.
pub(super) struct Watcher {
    watcher: Option<RecommendedWatcher>,
    overflow: Arc<AtomicBool>,
}

impl Watcher {
    /// A watcher of nothing yet. Without the system's help (a limit) it stays silent.
    pub(super) fn new(events: SyncSender<Event>) -> Self {
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
        Self { watcher, overflow }
    }

    /// Watches a folder and all below it. Walks the tree.
    pub(super) fn watch(&mut self, path: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.watch(path, RecursiveMode::Recursive) {
            tracing::warn!(%error, path = %path.display(), "cannot watch all of a shared folder: some changes are only found by the regular rescan; on Linux raise fs.inotify.max_user_watches");
        }
    }

    /// Ends watching a folder.
    pub(super) fn unwatch(&mut self, path: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.unwatch(path) {
            tracing::debug!(%error, path = %path.display(), "a folder was not watched any more");
        }
    }

    /// Whether hints were lost since the last call.
    pub(super) fn take_overflow(&self) -> bool {
        self.overflow.swap(false, Ordering::Relaxed)
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
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    hidden || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == HIDDEN_FOLDER)
}
