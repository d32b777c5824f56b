//! Disks that fail, are slow or go away.

use super::*;
use crate::node::transfer_task::Change;
use crate::store::partial::PartialFile;
use crate::store::partial::faults::{Fault, inject};

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
