//! Disks that fail, are slow or go away.

use super::*;
use crate::node::transfer_task::Change;
use crate::store::partial::PartialFile;
use crate::store::partial::faults::{Fault, heal, inject};
use tokio::time::Instant;

fn fetched(transfer: &Transfer) -> u64 {
    transfer.sources.iter().map(|source| source.bytes).sum()
}

/// What an earlier run left without a journal: the first of the pieces.
fn leave(run: &Run, pieces: usize) {
    let target = run.folder.path().join("new folder");
    std::fs::create_dir_all(&target).expect("made");
    let layout = PieceLayout::of(run.bytes.len() as u64).expect("small");
    let partial = PartialFile::create(&target, run.content, layout).expect("made");
    for piece in layout.pieces().take(pieces) {
        let range = layout.range(piece);
        let bytes = &run.bytes[range.start as usize..range.end as usize];
        partial.write_piece(piece, bytes).expect("written");
    }
}

async fn wait_for(holds: impl Fn() -> bool) {
    let seen = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("in time");
}

#[tokio::test]
async fn what_was_written_before_a_sync_that_failed_comes_again() {
    let run = Run::new(5 * PIECE, false, &[(1, Does::Honest, false)]);
    inject(run.folder.path(), Fault::SyncFails(Duration::ZERO));
    let transfer = run.ended(&[]).await;
    run.check_finished(&transfer);
    assert!(fetched(&transfer) > 5 * PIECE, "{transfer:?}");
    assert_eq!(run.listing(), ["film.mkv"]);
}

#[tokio::test]
async fn what_was_written_before_a_sync_that_failed_comes_again_after_a_pause_too() {
    // A single piece has no journal: its only sync is the last one.
    let run = Run::new(PIECE, false, &[(1, Does::Honest, false)]);
    inject(run.folder.path(), Fault::SyncFails(Duration::from_secs(1)));
    let id = run.start(&[]).await;
    run.until(id, &["finishing"]).await;
    run.transfers.change(Change::Pause, vec![id]).await.expect("there");
    run.until(id, &["paused"]).await;
    run.transfers.change(Change::Resume, vec![id]).await.expect("there");
    let transfer = run.until(id, &["finished"]).await;
    run.check_finished(&transfer);
    assert_eq!(fetched(&transfer), PIECE, "it was not read back");
}

#[tokio::test]
async fn what_an_earlier_run_left_counts_only_if_it_can_be_synced() {
    let run = Run::new(20 * PIECE, false, &[(1, Does::Honest, false)]);
    leave(&run, 15);
    inject(run.folder.path(), Fault::SyncFails(Duration::ZERO));
    let transfer = run.ended(&[]).await;
    run.check_finished(&transfer);
    assert_eq!(fetched(&transfer), 20 * PIECE);
}

#[tokio::test]
async fn what_an_earlier_run_left_is_not_read_on_after_a_pause() {
    let run = Run::new(40 * PIECE, false, &[(1, Does::Honest, false)]);
    leave(&run, 40);
    inject(run.folder.path(), Fault::SlowReads(Duration::from_millis(500)));
    let id = run.start(&[]).await;
    run.until(id, &["checking"]).await;
    let began = Instant::now();
    run.transfers.change(Change::Pause, vec![id]).await.expect("there");
    run.until(id, &["paused"]).await;
    // All of it takes 20 s.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    heal(run.folder.path());
    run.transfers.change(Change::Resume, vec![id]).await.expect("there");
    let transfer = run.until(id, &["finished"]).await;
    run.check_finished(&transfer);
    assert_eq!(fetched(&transfer), 0);
}

#[tokio::test]
async fn what_an_earlier_run_left_is_not_read_on_for_a_peer_that_stops() {
    let run = Run::new(40 * PIECE, false, &[(1, Does::Honest, false)]);
    leave(&run, 40);
    inject(run.folder.path(), Fault::SlowReads(Duration::from_millis(500)));
    let id = run.start(&[]).await;
    run.until(id, &["checking"]).await;
    let Run { folder, content, transfers, .. } = run;
    drop(transfers);
    // All of it takes 20 s; whoever reads has it locked.
    let began = Instant::now();
    let (target, layout) = (folder.path().join("new folder"), PieceLayout::of(40 * PIECE).expect("small"));
    wait_for(|| PartialFile::create(&target, content, layout).is_ok()).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_download_that_is_cancelled_or_paused_while_its_file_is_opened_does_not_begin() {
    let run = Run::new(3 * PIECE, false, &[(1, Does::Honest, false)]);
    let target = run.folder.path().join("new folder");
    inject(run.folder.path(), Fault::HeldOpening);
    let id = run.start(&[]).await;
    wait_for(|| target.exists()).await;
    run.transfers.change(Change::Pause, vec![id]).await.expect("there");
    run.until(id, &["paused"]).await;
    run.transfers.change(Change::Resume, vec![id]).await.expect("there");
    run.until(id, &["queued"]).await;
    run.transfers.cancel(id).await.expect("there");
    // What is being opened would be left if it were removed before.
    let too_early = tokio::time::timeout(Duration::from_millis(300), run.until(id, &["cancelled"])).await;
    assert!(too_early.is_err(), "{too_early:?}");
    heal(run.folder.path());
    run.until(id, &["cancelled"]).await;
    assert!(std::fs::read_dir(&target).expect("there").next().is_none());
}

#[tokio::test]
async fn a_download_whose_task_breaks_down_has_failed_and_can_be_tried_again() {
    let run = Run::new(3 * PIECE, false, &[(1, Does::Honest, false)]);
    let world = Arc::new(World {
        bytes: Arc::new(run.bytes.clone()),
        peers: BTreeMap::from([(peer(1), Peer { does: Does::Honest, late: false })]),
        requests: Arc::default(),
        local: false,
        folder: Vec::new(),
    });
    let (_limits, limits) = watch::channel(Limits::default());
    let told = AtomicUsize::new(0);
    let finished = Arc::new(move |_: &Path, _| {
        assert!(told.fetch_add(1, Ordering::Relaxed) > 0, "the first one breaks down, on purpose");
    });
    let run = Run { transfers: spawn(TransferDeps { finished, ..deps(&world, limits) }), ..run };
    let id = run.start(&[]).await;
    let transfer = run.until(id, &["failed", "finished"]).await;
    assert_eq!((transfer.state.as_str(), transfer.reason.as_str()), ("failed", "internal"), "{transfer:?}");
    assert!(transfer.detail.contains("panicked"), "{transfer:?}");
    run.transfers.change(Change::Retry, vec![id]).await.expect("there");
    run.check_finished(&run.until(id, &["finished"]).await);
}
