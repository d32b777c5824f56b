//! A disk that says no: it is asked before a source is, and nothing goes to and fro meanwhile.

use super::waiting::{Library, begun, file, folder, folder_job, large, names, saved, set, until};
use super::*;
use crate::node::transfer::limits::DISK_PAUSE;
use crate::node::transfer_task::{Change, Transfers};
use crate::store::RealDisk;
use crate::store::downloads::{DownloadStore, SavedDownload, SavedJob, SavedState};

/// So many tries go by.
const TRIES: u32 = 5;

/// Every state and reason of the first download for so long that it is tried again some times.
async fn seen_meanwhile(transfers: &TransferHandle) -> Vec<(String, String)> {
    let (mut changes, mut seen) = (transfers.transfers(), Vec::new());
    let end = tokio::time::Instant::now() + TRIES * DISK_PAUSE;
    while let Ok(Ok(())) = tokio::time::timeout_at(end, changes.changed()).await {
        let now = changes.borrow_and_update()[0].clone();
        let now = (now.state.clone(), now.reason.clone());
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    seen
}

#[tokio::test]
async fn while_the_disk_says_no_a_source_is_not_asked_again() {
    let run = Run::new(5 * PIECE, false, &[(1, Does::Honest, false)]);
    let journal = run.folder.path().join(format!("new folder/.cardume/{}.journal", run.content));
    std::fs::create_dir_all(&journal).expect("made");
    let id = run.start(&[]).await;
    run.until(id, &["in_the_way"]).await;
    let before = run.requests.load(Ordering::Relaxed);
    assert!(before <= 1, "how long it is was proven at the most: {before}");
    let seen = seen_meanwhile(&run.transfers).await;
    assert!(seen.len() <= 1, "it says why it waits, and nothing else: {seen:?}");
    assert_eq!(run.requests.load(Ordering::Relaxed), before);
    std::fs::remove_dir(&journal).expect("removed");
    run.check_finished(&run.until(id, &["finished"]).await);
}

#[tokio::test]
async fn while_the_disk_says_no_nobody_is_asked_what_is_in_a_folder() {
    let library = Library::new(1, &[]);
    library.put("Share", "a", 0);
    let to = tempfile::tempdir().expect("a folder");
    let target = to.path().join("there");
    std::fs::write(&target, b"in the way").expect("written");
    let transfers = library.spawn(None);
    let id = transfers.download_folder(folder(&target)).await.expect("started");
    until(&transfers, id, |it| it.reason == "folder_unusable").await;
    let seen = seen_meanwhile(&transfers).await;
    assert!(seen.len() <= 1, "{seen:?}");
    assert_eq!(library.asked.1.load(Ordering::Relaxed), 0);
    std::fs::remove_file(&target).expect("removed");
    until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!(names(&target.join("Share")), set(["a"]));
}

/// A folder of which one file is there and another one cannot be put in its place.
async fn failed(library: &Arc<Library>, home: &Path, to: &Path) -> TransferHandle {
    library.put("Share", "a", 0);
    library.put("Share/in", "b", 1);
    std::fs::create_dir(to.join("Share")).expect("made");
    std::fs::write(to.join("Share/in"), b"in the way").expect("written");
    let transfers = begun(library, home, to);
    until(&transfers, 1, |it| it.state == "failed").await;
    assert_eq!(names(&to.join("Share")), set([".cardume", "a", "in"]));
    transfers
}

#[tokio::test]
async fn what_a_failed_download_left_goes_when_it_is_cancelled_or_cleared() {
    for (what, is_started_anew) in [(Change::Cancel, false), (Change::Clear, false), (Change::Cancel, true)] {
        let library = Library::new(2, &[]);
        let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mut transfers = failed(&library, home.path(), to.path()).await;
        if is_started_anew {
            let mut kept = saved(1, folder_job(), to.path(), 0);
            kept.state = SavedState::Failed;
            drop(transfers);
            let store = DownloadStore::open(home.path(), RealDisk).expect("opened").0;
            transfers = library.spawn(Some((store, vec![kept])));
        }
        transfers.change(what, vec![1]).await.expect("there");
        let mut seen = transfers.transfers();
        let gone = |all: &Transfers| match what {
            Change::Clear => all.is_empty(),
            _ => all.iter().all(|it| it.state == "cancelled"),
        };
        let wait = tokio::time::timeout(Duration::from_mins(1), seen.wait_for(gone)).await;
        drop(wait.expect("in time").expect("runs"));
        assert_eq!(names(&to.path().join("Share")), set(["a", "in"]), "{what:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_said_and_goes_when_it_is_cancelled_again() {
    let library = Library::new(1, &[0]);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download(file(0, to.path())).await.expect("started");
    until(&transfers, id, |it| it.reason == "nobody_has_it").await;
    // A folder is not removed as a file.
    let part = to.path().join(format!(".cardume/{}.part", content_of(&large(0))));
    std::fs::create_dir_all(&part).expect("made");
    transfers.cancel(id).await.expect("there");
    let shown = until(&transfers, id, |it| it.state == "cancelled").await;
    let hidden = to.path().join(".cardume").display().to_string();
    assert!(shown.reason == "not_removed" && shown.about.starts_with(&hidden), "{shown:?}");
    std::fs::remove_dir(&part).expect("removed");
    std::fs::write(&part, b"left").expect("written");
    transfers.cancel(id).await.expect("there");
    until(&transfers, id, |it| it.state == "cancelled" && it.reason.is_empty()).await;
    assert_eq!(names(to.path()), set([]));
}

#[tokio::test]
async fn what_another_download_goes_on_with_stays() {
    let library = Library::new(1, &[0]);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let DownloadRequest { content, name, to: target, from, via_rpc } = file(0, to.path());
    let mut kept = saved(1, SavedJob::File { content, name, from, via_rpc }, &target, 3 * PIECE);
    kept.state = SavedState::Failed;
    let store = DownloadStore::open(home.path(), RealDisk).expect("opened").0;
    let transfers = library.spawn(Some((store, vec![kept])));
    let part = to.path().join(format!(".cardume/{content}.part"));
    std::fs::create_dir_all(part.parent().expect("in a folder")).expect("made");
    std::fs::write(&part, b"some").expect("written");
    let other = transfers.download(file(0, to.path())).await.expect("started");
    assert_ne!(other, 1);
    transfers.cancel(1).await.expect("there");
    until(&transfers, 1, |it| it.state == "cancelled").await;
    assert!(part.exists());
    transfers.cancel(other).await.expect("there");
    until(&transfers, other, |it| it.state == "cancelled").await;
    assert_eq!(names(to.path()), set([]));
}

#[tokio::test]
async fn two_of_one_content_that_are_cancelled_together_leave_nothing() {
    let library = Library::new(1, &[0]);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let cancelling = |id| {
        let DownloadRequest { content, name, to: target, from, via_rpc } = file(0, to.path());
        let kept = saved(id, SavedJob::File { content, name, from, via_rpc }, &target, 3 * PIECE);
        SavedDownload { state: SavedState::Cancelling, ..kept }
    };
    let part = to.path().join(format!(".cardume/{}.part", content_of(&large(0))));
    std::fs::create_dir_all(part.parent().expect("in a folder")).expect("made");
    std::fs::write(&part, b"some").expect("written");
    let store = DownloadStore::open(home.path(), RealDisk).expect("opened").0;
    let transfers = library.spawn(Some((store, vec![cancelling(1), cancelling(2)])));
    for id in [1, 2] {
        until(&transfers, id, |it| it.state == "cancelled").await;
    }
    let mut seen = transfers.transfers();
    let gone = async {
        while part.exists() {
            drop(tokio::time::timeout(Duration::from_millis(20), seen.changed()).await);
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.expect("in time");
}
