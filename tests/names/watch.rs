//! `names_watch`: what changed, who waits for it, and when that ends.

use super::*;
use cardume::wire::names::{Change, Watched, What};
use futures_util::future::{join_all, select_all};
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::core::params::ObjectParams;
use tokio::time::{Instant, timeout};

/// Longer than any call may wait.
const LONG: Option<u64> = Some(60_000);

fn change(number: u64, name: &str, what: What, entry: Option<Entry>) -> Change {
    Change { number, name: name.to_owned(), what, entry }
}

async fn newest(client: &Client) -> u64 {
    let watched = client.watch(None, LONG).await.expect("is answered at once");
    assert_eq!((watched.changes, watched.missed), (Vec::new(), false));
    watched.newest
}

#[tokio::test]
async fn who_watches_hears_of_every_change_once_and_in_order() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let (peer, other) = (Peer::start(&group).await, Peer::start(&group).await);
    let client = peer.connect(service.local_addr()).await;
    let watching = other.connect(service.local_addr()).await;
    let start = newest(&watching).await;
    let unchanged = Watched { changes: Vec::new(), newest: start, missed: false };
    for wait in [None, Some(0), Some(50)] {
        assert_eq!(watching.watch(Some(start), wait).await.expect("is answered"), unchanged);
    }
    let (watched, registered) =
        tokio::join!(watching.watch(Some(start), LONG), peer.register(&client, "peer-1", None));
    registered.expect("is accepted");
    let first = change(start + 1, "peer-1", What::Registered, Some(peer.entry()));
    let expected = Watched { changes: vec![first.clone()], newest: start + 1, missed: false };
    assert_eq!(watched.expect("is answered"), expected);

    client.renew("peer-1".to_owned(), None).await.expect("its own");
    let nothing = Entry { metadata: names::Metadata::new(), ..peer.entry() };
    client.set_metadata("peer-1".to_owned(), names::Metadata::new()).await.expect("its own");
    client.remove("peer-1".to_owned()).await.expect("its own");
    let tracker = peer.register(&client, "Tracker_Epoca_1", Some(roster_of('a', &[&peer]))).await;
    tracker.expect("is the first");
    let short = client.register("short".to_owned(), peer.uri(), None, None, Some(1_000), None).await;
    short.expect("is accepted");
    let entry = Entry { election_uri: None, ..nothing.clone() };
    let later = vec![
        change(start + 2, "peer-1", What::Metadata, Some(nothing)),
        change(start + 3, "peer-1", What::Removed, None),
        change(start + 4, "Tracker_Epoca_1", What::Registered, Some(peer.entry())),
        change(start + 5, "short", What::Registered, Some(entry)),
    ];
    let watched = watching.watch(Some(start + 1), LONG).await.expect("is answered");
    assert_eq!(watched, Watched { changes: later.clone(), newest: start + 5, missed: false });
    let watched = watching.watch(Some(start + 5), LONG).await.expect("the lease ends");
    let end = change(start + 6, "short", What::Expired, None);
    assert_eq!(watched, Watched { changes: vec![end.clone()], newest: start + 6, missed: false });
    let all: Vec<_> = [vec![first], later, vec![end]].concat();
    let watched = watching.watch(Some(start), None).await.expect("is answered");
    assert_eq!(watched, Watched { changes: all, newest: start + 6, missed: false });
    service.stop().await;
}

#[tokio::test]
async fn a_number_of_an_earlier_run_or_of_none_is_answered_at_once_with_missed() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let address = service.local_addr();
    let peer = Peer::start(&group).await;
    let client = peer.connect(address).await;
    peer.register(&client, "peer-1", None).await.expect("is accepted");
    let before = newest(&client).await;
    service.stop().await;
    let service = service_at(folder.path(), &group, address, Some(7)).await;
    let client = peer.connect(address).await;
    let now = newest(&client).await;
    let missed = Watched { changes: Vec::new(), newest: now, missed: true };
    for after in [before, before - 1, 0, now - 1, now + 1, (1 << 53) - 1] {
        let watched = timeout(DEADLINE / 4, client.watch(Some(after), LONG)).await.expect("at once");
        assert_eq!(watched.expect("is answered"), missed, "{after}");
    }
    service.stop().await;
}

#[tokio::test]
async fn watchers_have_a_bounded_number_of_places_and_give_them_back_when_they_go_away() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    let start = newest(&client).await;
    let second = peer.connect(service.local_addr()).await;
    let busy = (Code::Busy as i32, Some("{\"retry_after_millis\":1000}".to_owned()));
    // One more than there are places: the first that is answered is the one that has none.
    let calls = (0..9).map(|_| Box::pin(client.watch(Some(start), LONG)));
    let (first, _, waiting) = timeout(DEADLINE / 4, select_all(calls)).await.expect("is refused at once");
    assert_eq!(refusal(first), busy);
    assert_eq!(refusal(second.watch(Some(start), Some(1)).await), busy);
    second.ping().await.expect("everything else goes on");
    let begun = Instant::now();
    drop(waiting);
    drop(client);
    while second.watch(Some(start), Some(1)).await.is_err() {
        // They would have waited for ten seconds.
        assert!(begun.elapsed() < Duration::from_secs(5), "the places are not given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn a_service_that_stops_answers_those_who_wait() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    let start = newest(&client).await;
    let waiting = join_all((0..8).map(|_| client.watch(Some(start), LONG)));
    let stopping = async {
        // Until the calls have arrived.
        tokio::time::sleep(Duration::from_millis(200)).await;
        service.stop().await;
    };
    let (watched, ()) =
        timeout(DEADLINE / 4, async { tokio::join!(waiting, stopping) }).await.expect("nobody is waited for");
    for watched in watched {
        let expected = Watched { changes: Vec::new(), newest: start, missed: false };
        assert_eq!(watched.expect("is answered"), expected);
    }
}

#[tokio::test]
async fn bad_numbers_are_refused() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    for (after, wait) in [(Some((1 << 53) + 1), None), (Some(u64::MAX), None), (Some(0), Some(u64::MAX))] {
        assert_eq!(code(client.watch(after, wait).await), Code::BadParameter as i32, "{after:?} {wait:?}");
    }
    for name in ["after", "wait_millis"] {
        for bad in ["-1", "1.5", "18446744073709551616", "\"1\"", "[]"] {
            let mut parameters = ObjectParams::new();
            let value: serde_json::Value = serde_json::from_str(bad).expect("JSON");
            parameters.insert(name, value).expect("JSON");
            let outcome = client.request::<Watched, _>("names_watch", parameters).await;
            assert_eq!(code(outcome), -32_602, "{name}: {bad}");
        }
    }
    newest(&client).await;
    service.stop().await;
}
