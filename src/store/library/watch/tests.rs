//! What the systems tell, of the same changes: Linux's own way, and that of the others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use tokio::time::Instant;

/// How long a hint may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder, and all that was told of it.
struct Told {
    folder: tempfile::TempDir,
    inbox: Receiver<Event>,
    paths: BTreeSet<PathBuf>,
}

impl Told {
    /// A folder with the files `old` and `moved`, the folder `sub`, and a way for hints.
    fn new() -> (Self, Hints) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old"), "old").unwrap();
        std::fs::write(folder.path().join("moved"), "moved").unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let (events, inbox) = sync_channel(1024);
        let hints = Hints { events, lost: Arc::new(AtomicBool::new(false)) };
        (Self { folder, inbox, paths: BTreeSet::new() }, hints)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until these were told, and returns the names of all that were.
    fn until(&mut self, names: &[&str]) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        while !names.iter().all(|name| self.paths.contains(&self.path(name))) {
            match self.inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Event::Touched(paths)) => self.paths.extend(paths),
                Ok(other) => panic!("{other:?}"),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{names:?} not told, but {:?}", self.paths)
                }
            }
        }
        let told = std::mem::take(&mut self.paths);
        let below =
            |path: PathBuf| path.strip_prefix(self.folder.path()).unwrap().to_string_lossy().into_owned();
        told.into_iter().map(below).collect()
    }
}

/// Makes changes of all kinds, and a hidden one; `end` is told last.
fn change(told: &Told) {
    std::fs::write(told.path("new"), "new").unwrap();
    std::fs::write(told.path(".hidden"), "hidden").unwrap();
    std::fs::write(told.path(IGNORE_FILE), "*.tmp").unwrap();
    std::fs::remove_file(told.path("old")).unwrap();
    std::fs::rename(told.path("moved"), told.path("to")).unwrap();
    std::fs::create_dir(told.path("folder")).unwrap();
    std::fs::write(told.path("end"), "end").unwrap();
}

const CHANGED: [&str; 7] = [IGNORE_FILE, "end", "folder", "moved", "new", "old", "to"];

#[test]
fn all_changes_are_told_and_hidden_ones_are_not() {
    let (mut told, hints) = Told::new();
    let mut system = System::new(hints).unwrap();
    system.watch(told.folder.path()).unwrap();
    change(&told);
    assert_eq!(told.until(&CHANGED), CHANGED);
}

#[test]
fn all_changes_are_told_elsewhere_too() {
    let (mut told, hints) = Told::new();
    let mut system = elsewhere::System::new(hints).unwrap();
    system.watch(told.folder.path()).unwrap();
    change(&told);
    assert_eq!(told.until(&CHANGED), CHANGED);
    // Below, where one watch is for the whole tree.
    std::fs::write(told.path("sub/below"), "below").unwrap();
    told.until(&["sub/below"]);
    assert!(elsewhere::System::WHOLE_TREES && system.is_running() && system.is_watched(told.folder.path()));
    system.unwatch(told.folder.path());
    let seen = told.inbox.try_iter().count();
    std::fs::write(told.path("after"), "after").unwrap();
    assert!(told.inbox.recv_timeout(Duration::from_millis(300)).is_err(), "told after {seen} more");
}

#[test]
fn a_queue_that_is_full_is_told_as_lost() {
    let (events, inbox) = sync_channel(1);
    let hints = Hints { events, lost: Arc::new(AtomicBool::new(false)) };
    hints.touched(vec!["a".into()]);
    assert!(!hints.lost.load(Ordering::Relaxed));
    hints.touched(vec!["b".into()]);
    assert!(hints.lost.load(Ordering::Relaxed));
    assert!(matches!(inbox.try_recv(), Ok(Event::Touched(paths)) if paths == [PathBuf::from("a")]));
}

/// The folders of `current` and those in it are watched, and then it is another folder.
#[test]
fn a_folder_that_is_moved_away_is_not_watched_any_more_and_what_takes_its_place_is() {
    let (mut told, Hints { events, .. }) = Told::new();
    let (root, node) = (told.folder.path().to_owned(), (1, 1));
    let away = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(told.path("current/sub")).unwrap();
    let mut watcher = Watcher::new(events, usize::MAX);
    let all = ["", "current", "current/sub"];
    for path in all {
        watcher.watch(&(1, path.to_owned()), &root.join(path), node);
    }
    std::fs::rename(told.path("current"), away.path().join("moved")).unwrap();
    std::fs::create_dir(told.path("current")).unwrap();
    let current = (1, "current".to_owned());
    watcher.renew(&current);
    watcher.watch(&current, &told.path("current"), (1, 2));
    watcher.keep(1, &root, "current", &BTreeSet::from(["current".to_owned()]));
    assert_eq!((watcher.state().folders, watcher.unwatched(1, 2)), (2, 0));
    // A folder is told once, and after all that came before it.
    std::fs::create_dir(told.path("between")).unwrap();
    told.until(&["between"]);
    // Neither it nor what is in it, but what is there now.
    std::fs::write(away.path().join("moved/sub/one"), "one").unwrap();
    std::fs::write(away.path().join("moved/two"), "two").unwrap();
    std::fs::write(told.path("current/three"), "three").unwrap();
    assert_eq!(told.until(&["current/three"]), ["current/three"]);
}

#[test]
fn after_hints_were_lost_each_folder_is_watched_anew() {
    let (told, Hints { events, .. }) = Told::new();
    let mut watcher = Watcher::new(events, usize::MAX);
    let (place, path) = ((1, String::new()), told.folder.path());
    watcher.watch(&place, path, (1, 1));
    assert!(!watcher.take_overflow());
    watcher.overflow.store(true, Ordering::Release);
    assert!(watcher.take_overflow());
    // That it is gone may be among what was lost.
    assert_eq!(watcher.folders, BTreeMap::from([(place.clone(), None)]));
    watcher.watch(&place, path, (1, 1));
    assert_eq!(watcher.folders, BTreeMap::from([(place, Some((1, 1)))]));
    assert_eq!((watcher.state().folders, watcher.state().lost), (1, 1));
}
