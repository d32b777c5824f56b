//! What only inotify can be asked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::store::library::keeper::Event;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// How long a hint may take.
const PATIENCE: Duration = Duration::from_secs(20);

struct Watching {
    folder: tempfile::TempDir,
    inbox: Receiver<Event>,
    lost: Arc<AtomicBool>,
    system: System,
}

impl Watching {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("read"), "read").unwrap();
        // Room for a whole queue of the system's.
        let (events, inbox) = sync_channel(1 << 20);
        let lost = Arc::new(AtomicBool::new(false));
        let mut system = System::new(Hints { events, lost: lost.clone() }).unwrap();
        system.watch(folder.path()).unwrap();
        Self { folder, inbox, lost, system }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The paths that are told until this one is, each once, without the folder's own.
    fn until(&self, last: &str) -> Vec<String> {
        let mut told = BTreeSet::new();
        while !told.contains(last) {
            match self.inbox.recv_timeout(PATIENCE) {
                Ok(Event::Touched(paths)) => {
                    let below = paths.iter().map(|path| path.strip_prefix(self.folder.path()).unwrap());
                    told.extend(below.map(|path| path.to_string_lossy().into_owned()));
                }
                other => panic!("{last} not told, but {told:?} and {other:?}"),
            }
        }
        told.into_iter().collect()
    }
}

#[test]
fn reading_wakes_nobody() {
    let watching = Watching::new();
    for _ in 0..100 {
        std::fs::read(watching.path("read")).unwrap();
        std::fs::read_dir(watching.folder.path()).unwrap().count();
    }
    std::fs::write(watching.path("written"), "written").unwrap();
    assert_eq!(watching.until("written"), ["written"]);
}

#[test]
fn a_folder_that_moved_is_watched_under_its_new_name_and_forgetting_the_old_one_leaves_that() {
    let mut watching = Watching::new();
    std::fs::create_dir(watching.path("from")).unwrap();
    watching.system.watch(&watching.path("from")).unwrap();
    std::fs::rename(watching.path("from"), watching.path("to")).unwrap();
    watching.system.watch(&watching.path("to")).unwrap();
    watching.system.unwatch(&watching.path("from"));
    assert!(watching.system.is_watched(&watching.path("to")));
    std::fs::write(watching.path("to/file"), "file").unwrap();
    assert!(!watching.until("to/file").contains(&"from/file".to_owned()));
    watching.system.unwatch(&watching.path("to"));
    std::fs::write(watching.path("to/other"), "other").unwrap();
    std::fs::write(watching.path("end"), "end").unwrap();
    assert!(!watching.until("end").contains(&"to/other".to_owned()));
}

#[test]
fn another_folder_in_the_place_of_a_watched_one_is_not_watched_until_it_is_asked_for() {
    let mut watching = Watching::new();
    let path = watching.path("sub");
    std::fs::create_dir(&path).unwrap();
    watching.system.watch(&path).unwrap();
    std::fs::remove_dir(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(watching.path("end"), "end").unwrap();
    watching.until("end");
    assert!(!watching.system.is_watched(&path));
    watching.system.watch(&path).unwrap();
    std::fs::write(path.join("file"), "file").unwrap();
    watching.until("sub/file");
    // And one that takes the place while the old one lives on elsewhere.
    std::fs::rename(&path, watching.path("old")).unwrap();
    std::fs::create_dir(&path).unwrap();
    watching.system.watch(&path).unwrap();
    std::fs::write(watching.path("old/unseen"), "unseen").unwrap();
    std::fs::write(path.join("new"), "new").unwrap();
    assert!(!watching.until("sub/new").contains(&"sub/unseen".to_owned()));
}

#[test]
fn a_watch_whose_end_was_not_told_is_replaced() {
    let mut watching = Watching::new();
    let path = watching.path("sub");
    std::fs::create_dir(&path).unwrap();
    watching.system.queue.watched().insert(&path, i32::MAX);
    assert!(watching.system.is_watched(&path));
    watching.system.watch(&path).unwrap();
    std::fs::write(path.join("file"), "file").unwrap();
    watching.until("sub/file");
}

#[test]
fn links_and_files_are_not_watched() {
    let mut watching = Watching::new();
    std::os::unix::fs::symlink(watching.folder.path(), watching.path("link")).unwrap();
    std::fs::write(watching.path("file"), "file").unwrap();
    for name in ["link", "file", "nothing"] {
        let refused = watching.system.watch(&watching.path(name));
        assert!(matches!(refused, Err(WatchError::Io(_))), "{name}: {refused:?}");
    }
}

#[test]
fn an_overflow_of_the_systems_queue_is_told() {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let watching = Watching::new();
    let names = ["a", "b"].map(|name| watching.path(name));
    for name in &names {
        std::fs::write(name, "").unwrap();
    }
    {
        // The reader waits meanwhile, with no more than a buffer full in its hands.
        let _held = watching.system.queue.watched();
        let rights = std::fs::Permissions::from_mode(0o600);
        for number in 0..limit + BUFFER_LEN / 16 {
            std::fs::set_permissions(&names[number % 2], rights.clone()).unwrap();
        }
    }
    // It comes with a hint of nothing, which wakes the keeper.
    while !watching.lost.load(Ordering::Relaxed) {
        assert!(watching.inbox.recv_timeout(PATIENCE).is_ok(), "the overflow is not told");
    }
    // And it goes on.
    std::fs::write(watching.path("end"), "end").unwrap();
    watching.until("end");
}
