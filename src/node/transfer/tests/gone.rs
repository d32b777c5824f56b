//! Target folders that are moved or removed, and come back.

use super::waiting::{Library, begun, file, folder, folder_job, large, names, saved, set, until};
use super::*;
use crate::node::transfer_task::Change;
use crate::store::RealDisk;
use crate::store::downloads::{DownloadStore, SavedJob, SavedState};

fn done(transfer: &Transfer) -> u64 {
    transfer.folder.as_ref().map_or(0, |folder| folder.done)
}

#[tokio::test]
async fn a_file_whose_folder_is_moved_waits_for_it() {
    let limits = Limits { down: Some(8 * PIECE), ..Limits::default() };
    let run = Run::with_limits(40 * PIECE, false, &[(1, Does::Honest, false)], limits);
    let id = run.start(&[]).await;
    until(&run.transfers, id, |it| it.reason == "downloading" && it.done > PIECE).await;
    let (here, there) = (run.folder.path().join("new folder"), run.folder.path().join("moved"));
    std::fs::rename(&here, &there).expect("moved");
    let waiting = until(&run.transfers, id, |it| it.reason == "folder_gone").await;
    assert_eq!((waiting.state.as_str(), waiting.about), ("waiting", here.display().to_string()));
    // It does not change its mind at the next look, nor after a pause.
    run.transfers.change(Change::Pause, vec![id]).await.expect("there");
    until(&run.transfers, id, |it| it.state == "paused").await;
    run.transfers.change(Change::Resume, vec![id]).await.expect("there");
    until(&run.transfers, id, |it| it.reason == "folder_gone").await;
    assert!(!here.exists());
    std::fs::rename(&there, &here).expect("moved back");
    run.check_finished(&until(&run.transfers, id, |it| it.state == "finished").await);
    assert_eq!(run.listing(), ["film.mkv"]);
}

#[tokio::test]
async fn a_file_of_an_earlier_run_waits_for_its_folder() {
    let library = Library::new(1, &[]);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let target = to.path().join("drive");
    let DownloadRequest { content, name, to: target, from, via_rpc } = file(0, &target);
    let mut saved = saved(1, SavedJob::File { content, name, from, via_rpc }, &target, 3 * PIECE);
    saved.done = PIECE;
    let (store, _) = DownloadStore::open(home.path(), RealDisk).expect("opened");
    let transfers = library.spawn(Some((store, vec![saved])));
    until(&transfers, 1, |it| it.reason == "folder_gone").await;
    assert!(!target.exists());
    std::fs::create_dir(&target).expect("made");
    until(&transfers, 1, |it| it.state == "finished").await;
    assert_eq!(names(&target), set(["0"]));
}

#[tokio::test]
async fn a_folder_that_is_moved_is_not_made_again_and_goes_on_when_it_is_back() {
    let library = Library::new(2, &[0]);
    library.put("Share", "a", 0);
    library.put("Share", "b", 1);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download_folder(folder(to.path())).await.expect("started");
    until(&transfers, id, |it| done(it) == 1 && it.reason == "nobody_has_it").await;
    let (here, there) = (to.path().join("Share"), to.path().join("moved"));
    std::fs::rename(&here, &there).expect("moved");
    library.comes_back();
    let waiting = until(&transfers, id, |it| it.reason == "folder_gone").await;
    assert_eq!((waiting.state.as_str(), done(&waiting)), ("waiting", 1));
    // It was tried again, and nothing was made.
    transfers.change(Change::Pause, vec![id]).await.expect("there");
    until(&transfers, id, |it| it.state == "paused").await;
    transfers.change(Change::Resume, vec![id]).await.expect("there");
    until(&transfers, id, |it| it.reason == "folder_gone").await;
    assert_eq!(names(to.path()), set(["moved"]));
    std::fs::rename(&there, &here).expect("moved back");
    until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!((names(to.path()), names(&here)), (set(["Share"]), set(["a", "b"])));
    assert_eq!(std::fs::read(here.join("a")).expect("there"), large(0));
}

#[tokio::test]
async fn a_folder_of_an_earlier_run_is_not_made_again() {
    let library = Library::new(1, &[]);
    library.put("Share", "a", 0);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let drive = to.path().join("drive");
    let transfers = begun(&library, home.path(), &drive);
    until(&transfers, 1, |it| it.reason == "folder_gone").await;
    assert_eq!(names(to.path()), set([]));
    std::fs::create_dir_all(drive.join("Share")).expect("made");
    until(&transfers, 1, |it| it.state == "finished").await;
    assert_eq!(names(&drive.join("Share")), set(["a"]));
}

#[tokio::test]
async fn a_cancelled_folder_of_which_nothing_was_there_is_made_again_when_it_is_wanted() {
    let library = Library::new(1, &[0]);
    library.put("Share", "a", 0);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let id = transfers.download_folder(folder(to.path())).await.expect("started");
    until(&transfers, id, |it| it.reason == "nobody_has_it").await;
    transfers.cancel(id).await.expect("there");
    until(&transfers, id, |it| it.state == "cancelled").await;
    assert_eq!(names(to.path()), set([]));
    library.comes_back();
    transfers.change(Change::Retry, vec![id]).await.expect("there");
    until(&transfers, id, |it| it.state == "finished").await;
    assert_eq!(names(&to.path().join("Share")), set(["a"]));
}

#[tokio::test]
async fn a_cancelled_folder_that_is_wanted_again_leaves_another_ones_folder_alone() {
    let library = Library::new(2, &[0]);
    library.put("Share", "a", 0);
    let to = tempfile::tempdir().expect("a folder");
    let transfers = library.spawn(None);
    let one = transfers.download_folder(folder(to.path())).await.expect("started");
    until(&transfers, one, |it| it.reason == "nobody_has_it").await;
    transfers.cancel(one).await.expect("there");
    until(&transfers, one, |it| it.state == "cancelled").await;
    let other = transfers.download_folder(folder(to.path())).await.expect("started");
    until(&transfers, other, |it| it.reason == "nobody_has_it").await;
    transfers.change(Change::Retry, vec![one]).await.expect("there");
    until(&transfers, one, |it| it.reason == "nobody_has_it").await;
    assert_eq!(names(to.path()), set(["Share", "Share (2)"]));
    library.comes_back();
    for id in [one, other] {
        until(&transfers, id, |it| it.state == "finished").await;
    }
    for name in ["Share", "Share (2)"] {
        assert_eq!(names(&to.path().join(name)), set(["a"]), "{name}");
    }
}

#[tokio::test]
async fn whoever_begins_anew_gets_the_folder_made() {
    let library = Library::new(1, &[]);
    library.put("Share", "a", 0);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let target = to.path().join("removed");
    let DownloadRequest { content, name, to: file_to, from, via_rpc } = file(0, &target);
    let mut cancelled = saved(1, SavedJob::File { content, name, from, via_rpc }, &file_to, 3 * PIECE);
    (cancelled.state, cancelled.done) = (SavedState::Cancelled, PIECE);
    let mut failed = saved(2, folder_job(), &target, 0);
    failed.state = SavedState::Failed;
    let (store, _) = DownloadStore::open(home.path(), RealDisk).expect("opened");
    let transfers = library.spawn(Some((store, vec![cancelled, failed])));
    for id in [1, 2] {
        transfers.change(Change::Retry, vec![id]).await.expect("there");
        until(&transfers, id, |it| it.state == "finished").await;
    }
    assert_eq!((names(&target), names(&target.join("Share"))), (set(["0", "Share"]), set(["a"])));
}

#[tokio::test]
async fn what_stays_on_a_drive_that_was_taken_out_is_said_and_can_be_cleared() {
    let library = Library::new(1, &[]);
    let (home, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let target = to.path().join("drive");
    let DownloadRequest { content, name, to: file_to, from, via_rpc } = file(0, &target);
    let mut begun = saved(1, SavedJob::File { content, name, from, via_rpc }, &file_to, 3 * PIECE);
    begun.done = PIECE;
    let of_folder = saved(2, folder_job(), &target, 0);
    let (store, _) = DownloadStore::open(home.path(), RealDisk).expect("opened");
    let transfers = library.spawn(Some((store, vec![begun, of_folder])));
    for id in [1, 2] {
        until(&transfers, id, |it| it.reason == "folder_gone").await;
        transfers.cancel(id).await.expect("there");
        let shown = until(&transfers, id, |it| it.state == "cancelled").await;
        assert!(shown.reason == "not_removed" && shown.about.contains("drive"), "{shown:?}");
    }
    transfers.change(Change::Clear, vec![]).await.expect("there");
    let mut seen = transfers.transfers();
    let empty = seen.wait_for(|all| all.is_empty());
    drop(tokio::time::timeout(Duration::from_mins(1), empty).await.expect("in time").expect("runs"));
    assert!(!target.exists());
}
