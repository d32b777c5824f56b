//! Downloads over real TLS on loopback, from honest sources.

mod sources;

use cardume::base::ContentId;
use cardume::net::{CallerLimits, ContentClient, FetchError, ServerHandle, connect};
use cardume::wire::codes::Code;
use cardume::wire::transfer::TransferClient;
use jsonrpsee::core::client::Error as ClientError;
use sources::{Downloader, Group, PIECE, Sample, Tracker, check_finished, serve};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_size_by_both_ways() {
    for size in [0, 1, PIECE, PIECE + 1, 9 * PIECE - 1] {
        for via_rpc in [false, true] {
            let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(size));
            let source = group.member();
            let server = serve(&source, sample.shelf()).await;
            tracker.add("peer-1", source.peer_id(), server.local_addr());
            let downloader = Downloader::new(&group, tracker);
            let id = downloader.start(sample.content, &[], via_rpc).await;
            let transfer = downloader.ended(id).await;
            check_finished(&transfer, &sample);
            assert_eq!((transfer.size, transfer.done), (size, size));
            assert_eq!(downloader.listing(), ["got.bin"]);
        }
    }
}

/// Three peers that have the sample; they serve it until they are dropped.
async fn three_sources(group: &Group, tracker: &Tracker, sample: &Sample) -> Vec<ServerHandle> {
    let mut servers = Vec::new();
    for number in 1..=3 {
        let source = group.member();
        let server = serve(&source, sample.shelf()).await;
        tracker.add(&format!("peer-{number}"), source.peer_id(), server.local_addr());
        servers.push(server);
    }
    servers
}

/// Two of three sources end in the middle; the third one finishes, and each piece counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_that_are_killed_midway_are_replaced() {
    let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(400 * PIECE + 5));
    let mut servers = three_sources(&group, &tracker, &sample).await;
    let downloader = Downloader::new(&group, tracker);
    let id = downloader.start(sample.content, &[], false).await;
    downloader.until(id, |transfer| transfer.done > 0).await;
    servers.truncate(1);
    let transfer = downloader.ended(id).await;
    check_finished(&transfer, &sample);
    let bytes: u64 = transfer.sources.iter().map(|source| source.bytes).sum();
    assert_eq!(bytes, sample.layout.size(), "{transfer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_chosen_source_is_used_and_a_taken_name_is_kept() {
    let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(20 * PIECE));
    let (chosen, other) = (group.member(), group.member());
    let servers = (serve(&chosen, sample.shelf()).await, serve(&other, sample.shelf()).await);
    tracker.add("chosen", chosen.peer_id(), servers.0.local_addr());
    tracker.add("other", other.peer_id(), servers.1.local_addr());
    let downloader = Downloader::new(&group, tracker);
    std::fs::write(downloader.folder.path().join("got.bin"), b"mine").expect("written");
    let id = downloader.start(sample.content, &[chosen.peer_id()], false).await;
    let transfer = downloader.ended(id).await;
    check_finished(&transfer, &sample);
    let names: Vec<&str> = transfer.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["chosen"]);
    assert_eq!(downloader.listing(), ["got (2).bin", "got.bin"]);
    assert_eq!(std::fs::read(downloader.folder.path().join("got.bin")).expect("there"), b"mine");
}

/// An outsider's server and another member at the address of the source: neither is taken for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_passes_for_the_source() {
    let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(2 * PIECE));
    let (real, other, outsider) = (group.member(), group.member(), Group::new().member());
    let servers = (serve(&other, sample.shelf()).await, serve(&outsider, sample.shelf()).await);
    tracker.add("moved", real.peer_id(), servers.0.local_addr());
    tracker.add("outsider", outsider.peer_id(), servers.1.local_addr());
    let downloader = Downloader::new(&group, tracker);
    let id = downloader.start(sample.content, &[], false).await;
    let named = |transfer: &cardume::wire::control::Transfer| {
        transfer.sources.len() == 2 && transfer.sources.iter().all(|source| source.dropped.is_some())
    };
    let transfer = downloader.until(id, named).await;
    assert!(transfer.sources.iter().all(|source| source.dropped.as_deref() == Some("cannot be reached")));
    assert_eq!(transfer.done, 0);
    downloader.transfers.cancel(id).await.expect("there");
    assert_eq!(downloader.ended(id).await.state, "cancelled");
}

/// Every bad question gets its code, and the peer goes on answering good ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_questions_get_clear_answers() {
    let (group, sample) = (Group::new(), Sample::new(3 * PIECE + 1));
    let (source, asker) = (group.member(), group.member());
    let server = serve(&source, sample.shelf()).await;
    let (client, _) = connect(&asker, server.local_addr(), Some(source.peer_id()), CallerLimits::GENERAL)
        .await
        .expect("a member");
    let code = |error: ClientError| match error {
        ClientError::Call(refused) => refused.code(),
        other => panic!("no answer: {other}"),
    };
    let content = sample.content.to_string();
    for (content, first, expected) in [
        ("0".repeat(64), Some(0), Code::UnknownContent),
        (content.clone(), Some(4), Code::BadRange),
        (content.clone(), Some(u32::MAX), Code::BadRange),
        (String::new(), None, Code::BadParameter),
        ("../../etc/passwd".to_owned(), None, Code::BadParameter),
        ("a".repeat(1 << 20), None, Code::BadParameter),
    ] {
        let error = client.manifest(content, first).await.expect_err("refused");
        assert_eq!(code(error), expected as i32);
    }
    let size = sample.layout.size();
    for (offset, length) in [(0, 0), (size, 1), (size - 1, 2), (u64::MAX, u32::MAX), (0, (1 << 20) + 1)] {
        let error = client.read(content.clone(), offset, length).await.expect_err("refused");
        assert_eq!(code(error), Code::BadRange as i32, "{length} from {offset}");
    }
    assert_eq!(client.manifest(content.clone(), None).await.expect("still answers").pieces.len(), 4);
    let mut contents =
        ContentClient::connect(&asker, server.local_addr(), source.peer_id(), ContentClient::SILENCE)
            .await
            .expect("a member");
    let unknown = contents.get(ContentId::from_bytes([0; 32]), 0..1).await.expect_err("unknown");
    assert_eq!(unknown, FetchError::Unknown);
    let outside = contents.get(sample.content, size..size + 1).await.expect_err("outside");
    assert!(matches!(outside, FetchError::Unfit(_)), "{outside}");
}

/// The file changes under the source: nothing wrong is published, and the reason is named within 5 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changed_or_vanished_at_the_source_is_named() {
    let damage: [fn(&Sample); 4] = [
        |sample| std::fs::write(sample.path(), b"other").expect("written"),
        |sample| std::fs::remove_file(sample.path()).expect("removed"),
        |sample| {
            let file = std::fs::File::options().write(true).open(sample.path()).expect("opened");
            file.set_len(PIECE).expect("cut");
        },
        |sample| {
            let file = std::fs::File::options().write(true).open(sample.path()).expect("opened");
            file.write_all_at(b"changed", PIECE + 7).expect("written");
        },
    ];
    for (case, damage) in damage.into_iter().enumerate() {
        let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(3 * PIECE));
        let source = group.member();
        let server = serve(&source, sample.shelf()).await;
        tracker.add("peer-1", source.peer_id(), server.local_addr());
        damage(&sample);
        let downloader = Downloader::new(&group, tracker);
        let id = downloader.start(sample.content, &[], false).await;
        let transfer = downloader
            .until(id, |transfer| transfer.sources.iter().any(|source| source.dropped.is_some()))
            .await;
        assert!(transfer.seconds < 5.0, "case {case}: {transfer:?}");
        assert_eq!(downloader.listing(), Vec::<String>::new(), "case {case}");
    }
}

/// 2 GiB from three sources; by hand, because it takes 4 GiB of disk: `cargo test --release --test transfer
/// -- --ignored --nocapture`. Prints the seconds and the most memory that the process ever had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 4 GiB of disk"]
async fn two_gib_from_three_sources() {
    let (group, tracker, sample) = (Group::new(), Arc::new(Tracker::default()), Sample::new(2 << 30));
    let _servers = three_sources(&group, &tracker, &sample).await;
    let downloader = Downloader::new(&group, tracker);
    let id = downloader.start(sample.content, &[], false).await;
    let transfer = downloader.ended(id).await;
    assert_eq!((transfer.state.as_str(), transfer.done), ("finished", 2 << 30), "{transfer:?}");
    let bytes: Vec<u64> = transfer.sources.iter().map(|source| source.bytes).collect();
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).expect("it is said");
    println!("{:.1} s, from {bytes:?}, {peak}", transfer.seconds);
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(transfer.path.expect("a path")).expect("there");
    hasher.update_reader(file).expect("readable");
    assert_eq!(ContentId::from_bytes(*hasher.finalize().as_bytes()), sample.content);
}
