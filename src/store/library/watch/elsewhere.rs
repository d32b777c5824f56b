//! Watching trees through `notify`, on systems other than Linux. (Linux's tests run it too, so that it is
//! kept compiling.)

use super::{Hints, WatchError, is_hidden};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;

/// The system's watcher of trees.
pub(super) struct System {
    watcher: RecommendedWatcher,
}

impl System {
    /// Whether a watch is of all that is below a folder too.
    pub(super) const WHOLE_TREES: bool = true;

    pub(super) fn new(hints: Hints) -> Result<Self, WatchError> {
        let config = notify::Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(move |event| notice(event, &hints), config)?;
        Ok(Self { watcher })
    }

    pub(super) fn watch(&mut self, path: &Path) -> Result<(), WatchError> {
        Ok(self.watcher.watch(path, RecursiveMode::Recursive)?)
    }

    /// Whether it goes on telling.
    #[expect(clippy::unused_self, reason = "Linux knows it")]
    pub(super) const fn is_running(&self) -> bool {
        true
    }

    /// Whether the folder at `path` is still watched, as far as that is known.
    #[expect(clippy::unused_self, reason = "Linux knows it")]
    pub(super) const fn is_watched(&self, _path: &Path) -> bool {
        true
    }

    pub(super) fn unwatch(&mut self, path: &Path) {
        // The system ends watching a folder that is gone by itself.
        if let Err(error) = self.watcher.unwatch(path) {
            tracing::debug!(%error, "a folder was not watched any more");
        }
    }
}

impl From<notify::Error> for WatchError {
    fn from(error: notify::Error) -> Self {
        match error.kind {
            ErrorKind::MaxFilesWatch => Self::Full,
            ErrorKind::Io(error) => Self::Io(error),
            _ => Self::Io(std::io::Error::other(error)),
        }
    }
}

fn notice(event: notify::Result<notify::Event>, hints: &Hints) {
    let Some(mut event) = event.ok().filter(|event| !event.need_rescan()) else {
        hints.lost();
        return;
    };
    // Reading is no change; the end of writing is.
    let read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
    if !read {
        event.paths.retain(|path| !is_hidden(path.parent(), path.file_name().unwrap_or_default()));
        hints.touched(event.paths);
    }
}
