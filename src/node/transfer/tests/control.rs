//! What a person does with downloads, and a disk that is not ready.

use super::*;
use crate::node::transfer_task::Change;

#[tokio::test]
async fn a_target_that_cannot_be_used_is_named_and_the_download_goes_on_by_itself() {
    let run = Run::new(5 * PIECE, false, &[(1, Does::Honest, false)]);
    let target = run.folder.path().join("new folder");
    std::fs::write(&target, b"in the way").expect("written");
    let id = run.start(&[]).await;
    let transfer = run.until(id, &["folder_unusable"]).await;
    assert_eq!(transfer.state, "waiting", "{transfer:?}");
    std::fs::remove_file(&target).expect("removed");
    let transfer = run.until(id, &["finished"]).await;
    run.check_finished(&transfer);
}

#[tokio::test]
async fn a_paused_download_keeps_what_it_has_and_a_cancelled_one_nothing() {
    let run = Run::new(30 * PIECE, false, &[(1, Does::IsSilent, true)]);
    let id = run.start(&[]).await;
    run.until(id, &["downloading"]).await;
    run.transfers.change(Change::Pause, vec![id]).await.expect("there");
    let transfer = run.until(id, &["paused"]).await;
    assert!(transfer.done > 0, "the proof is kept: {transfer:?}");
    let hidden = run.folder.path().join("new folder/.cardume");
    assert_eq!(std::fs::read_dir(&hidden).expect("there").count(), 2, "the part and its journal");
    run.transfers.change(Change::Cancel, Vec::new()).await.expect("there");
    run.until(id, &["cancelled"]).await;
    assert!(!hidden.exists());
    run.transfers.change(Change::Clear, Vec::new()).await.expect("there");
    let mut transfers = run.transfers.transfers();
    let cleared = transfers.wait_for(|all| all.is_empty());
    tokio::time::timeout(Duration::from_secs(5), cleared).await.expect("in time").expect("runs");
    assert!(run.transfers.change(Change::Top, vec![id]).await.is_err(), "it is not in the list any more");
}

#[tokio::test]
async fn a_download_that_is_paused_at_any_moment_ends_as_one_file() {
    for moment in 0..60 {
        let run = Run::new(8 * PIECE, false, &[(1, Does::Honest, false)]);
        let id = run.start(&[]).await;
        tokio::time::sleep(Duration::from_micros(500 * moment)).await;
        run.transfers.change(Change::Pause, vec![id]).await.expect("there");
        // While it gets its name, and after, it is too late to pause.
        let paused = run.until(id, &["paused", "finished"]).await;
        run.transfers.change(Change::Resume, vec![id]).await.expect("there");
        let transfer = run.until(id, &["finished"]).await;
        run.check_finished(&transfer);
        assert_eq!(run.listing(), ["film.mkv"], "paused after {moment} half milliseconds: {}", paused.state);
    }
}

#[tokio::test]
async fn another_source_that_is_chosen_for_a_download_is_used_from_then_on() {
    let run = Run::new(8 * PIECE, false, &[(1, Does::IsSilent, true), (2, Does::Honest, false)]);
    let id = run.start(&[peer(1)]).await;
    run.until(id, &["downloading"]).await;
    assert_eq!(run.start(&[peer(2)]).await, id, "it is the same download");
    let transfer = run.until(id, &["finished", "no_source_left"]).await;
    run.check_finished(&transfer);
    let of_peer = |number| transfer.sources.iter().filter(|it| it.peer == peer(number).to_string()).count();
    assert_eq!((of_peer(1), of_peer(2)), (0, 1), "{:?}", transfer.sources);
    assert_eq!(run.listing(), ["film.mkv"]);

    // One that is paused goes on from there.
    let run = Run::new(8 * PIECE, false, &[(1, Does::IsSilent, true), (2, Does::Honest, false)]);
    let id = run.start(&[peer(1)]).await;
    run.until(id, &["downloading"]).await;
    run.transfers.change(Change::Pause, vec![id]).await.expect("there");
    run.until(id, &["paused"]).await;
    assert_eq!(run.start(&[]).await, id);
    run.check_finished(&run.until(id, &["finished"]).await);
}

#[tokio::test]
async fn several_that_are_moved_keep_their_order() {
    let run = Run::new(PIECE, false, &[]);
    for number in 0..5 {
        let to = run.folder.path().join(format!("{number}"));
        let (content, name) = (run.content, FileName::new("a").ok());
        let request = DownloadRequest { content, name, to, from: Vec::new(), via_rpc: false };
        run.transfers.download(request).await.expect("started");
    }
    run.transfers.change(Change::Pause, Vec::new()).await.expect("there");
    for id in 1..=5 {
        run.until(id, &["paused"]).await;
    }
    let cases: [(Change, &[u64], [u64; 5]); 10] = [
        (Change::Up, &[3, 2], [2, 3, 1, 4, 5]),
        (Change::Up, &[2, 3], [2, 3, 1, 4, 5]),
        (Change::Up, &[3, 2, 4], [2, 3, 4, 1, 5]),
        (Change::Down, &[2, 3], [4, 2, 3, 1, 5]),
        (Change::Down, &[5, 1], [4, 2, 3, 1, 5]),
        (Change::Down, &[3, 5], [4, 2, 1, 3, 5]),
        (Change::Top, &[5, 1], [1, 5, 4, 2, 3]),
        (Change::Top, &[4, 4, 5], [5, 4, 1, 2, 3]),
        (Change::Up, &[], [5, 4, 1, 2, 3]),
        (Change::Down, &[1, 1], [5, 4, 2, 1, 3]),
    ];
    let mut seen = run.transfers.transfers();
    for (what, ids, expected) in cases {
        run.transfers.change(what, ids.to_vec()).await.expect("there");
        let order = |all: &[Arc<Transfer>]| all.iter().map(|transfer| transfer.id).collect::<Vec<_>>();
        let moved = seen.wait_for(|all| order(all) == expected);
        let moved = tokio::time::timeout(Duration::from_secs(10), moved).await.is_ok();
        assert!(moved, "{what:?} {ids:?}: {:?}", order(&seen.borrow()));
    }
}

#[tokio::test]
async fn pieces_left_by_an_earlier_download_are_verified_and_not_fetched_again() {
    let run = Run::new(20 * PIECE, false, &[(1, Does::Honest, false)]);
    let target = run.folder.path().join("new folder");
    std::fs::create_dir(&target).expect("made");
    let layout = PieceLayout::of(20 * PIECE).expect("small");
    let partial = crate::store::partial::PartialFile::create(&target, run.content, layout).expect("made");
    for piece in layout.pieces().take(15) {
        let range = layout.range(piece);
        let mut bytes = run.bytes[range.start as usize..range.end as usize].to_vec();
        bytes[0] ^= u8::from(piece.number() == 3);
        partial.write_piece(piece, &bytes).expect("written");
    }
    drop(partial);
    let transfer = run.ended(&[]).await;
    run.check_finished(&transfer);
    let fetched: u64 = transfer.sources.iter().map(|source| source.bytes).sum();
    assert_eq!(fetched, 6 * PIECE, "the damaged piece, and the five that were not there");
}
