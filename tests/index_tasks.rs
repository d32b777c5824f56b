//! The announcing task, the tracker's task and the search together: what is shared is found, whatever is
//! lost on the way, and across a change of trackers.

mod index_net;

use cardume::base::{Epoch, PeerId, PeerName, PeerUri};
use cardume::engine::election::Role;
use cardume::engine::index::Change;
use cardume::net::handlers::index::index_methods;
use cardume::net::{
    CallerLimits, GroupKey, Identity, PeerKey, PeerLinks, RemoteIndex, Server, ServerHandle, ServerLimits,
};
use cardume::node::search::{AskError, Searcher};
use cardume::node::share_task::{AnnouncedFiles as _, share_task};
use cardume::node::tracker_route::TrackerRoute;
use cardume::node::{GroupState, MemberInfo, tracker_task};
use index_net::{Files, Group, entry, id, shown};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

fn share_some(group: &Group, count: u64) {
    for (number, peer) in &group.peers {
        for key in 0..count {
            peer.files.change(Change::Put(entry(key, &format!("file {key} of peer {number}"))));
        }
    }
}

#[tokio::test]
async fn everything_is_announced_to_every_new_tracker_and_changes_at_once() {
    let group = Group::new(5, 1000);
    share_some(&group, 20);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    let files = &group.peers[&3].files;
    files.change(Change::Put(entry(3, "renamed")));
    files.change(Change::Remove(4));
    let took = group.converged(4, Duration::from_secs(1)).await;
    assert!(took < Duration::from_millis(500), "a change is seen at once, not at the next check: {took:?}");
    group.peers[&1].files.change(Change::Put(entry(99, "the tracker's own")));
    group.converged(1, Duration::from_secs(1)).await;
    group.elect(2, Some(5));
    let took = group.converged(1, Duration::from_secs(2)).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    group.elect(3, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_dead_peers_files_are_not_shown() {
    let group = Group::new(3, 1000);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    group.kill(3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(1)).await;
    let answer = group.peers[&2].searcher.search("peer 3", 10).await.expect("an answer");
    assert_eq!((answer.total, answer.complete.of), (0, 2));
}

#[tokio::test]
async fn a_fifth_of_all_calls_lost_both_ways_and_repeated_is_repaired() {
    // A short journal, so that whole lists are sent too.
    let group = Group::new(5, 5);
    group.weather.percent.store(20, Ordering::Relaxed);
    for round in 0..30_u64 {
        if round % 10 == 0 {
            group.elect(round + 1, Some(u8::try_from(round / 10).expect("small") + 1));
        }
        for (number, peer) in &group.peers {
            let key = (round * 7 + u64::from(*number)) % 11;
            let change = match round % 4 {
                3 => Change::Remove(key),
                _ => Change::Put(entry(key, &format!("round {round} key {key} of {number}"))),
            };
            peer.files.change(change);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    group.weather.percent.store(0, Ordering::Relaxed);
    group.converged(4, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_delta_that_is_lost_without_anybody_noticing_is_found_by_the_check() {
    let group = Group::new(3, 1000);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    group.weather.swallow_deltas.store(true, Ordering::Relaxed);
    group.peers[&2].files.change(Change::Put(entry(50, "lost on the way")));
    tokio::time::sleep(Duration::from_millis(100)).await;
    group.weather.swallow_deltas.store(false, Ordering::Relaxed);
    let answer = group.peers[&3].searcher.search("lost", 10).await.expect("an answer");
    assert_eq!(answer.total, 0, "it was swallowed");
    let took = group.converged(3, Duration::from_secs(2)).await;
    assert!(took < Duration::from_millis(1_300), "{took:?}");
}

#[tokio::test]
async fn a_list_that_lags_behind_its_heartbeats_does_not_count_as_complete() {
    let group = Group::new(3, 1000);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    let tracker = &group.peers[&1].tracker;
    let complete = || tracker.summary().map(|summary| (summary.have, summary.of));
    assert_eq!(complete(), Some((3, 3)));
    let mut ahead = group.peers[&2].files.position();
    ahead.seq += 1;
    let lagging = async {
        while complete() != Some((2, 3)) {
            tracker.position_seen(id(2), ahead);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), lagging).await.expect("it is seen to lag");
    tracker.position_seen(id(2), group.peers[&2].files.position());
    let mut summaries = tracker.summaries();
    let caught_up = summaries.wait_for(|summary| summary.is_some_and(|summary| summary.have == 3));
    tokio::time::timeout(Duration::from_secs(1), caught_up).await.expect("in time").expect("running");
}

#[tokio::test]
async fn searches_go_on_across_a_change_of_trackers() {
    let group = Group::new(5, 1000);
    share_some(&group, 20);
    group.elect(1, Some(1));
    group.converged(3, Duration::from_secs(2)).await;
    let mut searches = tokio::task::JoinSet::new();
    let mut every = tokio::time::interval(Duration::from_millis(50));
    for number in 0..40 {
        every.tick().await;
        match number {
            // The old tracker is gone before anybody notices; then there is none; then a new one, which not
            // everybody learns of at the same time, it least of all.
            8 => group.kill(1),
            12 => group.elect(1, None),
            15 => (2..=4).for_each(|peer| group.tell(peer, 2, Some(5))),
            16 => group.elect(2, Some(5)),
            _ => {}
        }
        let searcher = group.peers[&3].searcher.clone();
        searches.spawn(async move { (number, searcher.search("file 13", 100).await) });
    }
    let mut answers: Vec<_> = searches.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    for (number, answer) in &answers {
        let answer = answer.as_ref().unwrap_or_else(|error| panic!("search {number}: {error}"));
        let expected = if *number < 8 { 1 } else { answer.epoch };
        assert_eq!(answer.epoch, expected, "search {number}");
        if *number >= 30 {
            assert_eq!(
                (answer.epoch, answer.complete.have, answer.complete.of),
                (2, 4, 4),
                "search {number}"
            );
            assert_eq!(shown(answer).len(), 4);
        }
    }
}

#[tokio::test]
async fn an_answer_of_an_epoch_that_is_over_is_not_taken() {
    let group = Group::new(2, 1000);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    // Peer 2 knows of epoch 2; peer 1 does not yet, and answers as the tracker of epoch 1.
    group.tell(2, 2, Some(1));
    let searcher = group.peers[&2].searcher.clone();
    let brief = searcher.clone().with_deadline(Duration::from_millis(200));
    let refused = brief.search("", 10).await;
    assert_eq!(refused, Err(AskError::TimedOut("it answered for an epoch that is over".to_owned())));
    let waiting = tokio::spawn(async move { searcher.search("", 10).await });
    group.tell(1, 2, Some(1));
    let answer = waiting.await.expect("no panic").expect("an answer");
    assert_eq!(answer.epoch, 2);
}

#[tokio::test]
async fn a_search_without_a_tracker_says_so_and_a_bad_one_is_refused_at_once() {
    let group = Group::new(2, 1000);
    let searcher = group.peers[&2].searcher.clone();
    let brief = searcher.clone().with_deadline(Duration::from_millis(100));
    assert_eq!(brief.search("", 10).await, Err(AskError::NoTracker));
    group.elect(1, Some(1));
    let refused = searcher.search(&"x".repeat(2000), 10).await.expect_err("too long");
    assert_eq!(refused.code(), 1000);
}

/// A peer with real sockets.
struct Real {
    id: PeerId,
    files: Arc<Files>,
    group: watch::Sender<Arc<GroupState>>,
    searcher: Searcher<TrackerRoute<RemoteIndex<PeerLinks>>>,
    links: PeerLinks,
    server: ServerHandle,
}

async fn real_peer(key: &GroupKey, number: u8) -> Real {
    let identity = Identity::new(key, &PeerKey::generate().expect("randomness")).expect("valid keys");
    let me = identity.peer_id();
    let (group, state) = watch::channel(Arc::new(GroupState::alone(me)));
    let local = tracker_task::spawn(me, state.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let methods = index_methods(local.clone()).into();
    let server =
        Server::start(listener, &identity, methods, None, ServerLimits::GENERAL).expect("an address");
    let links = PeerLinks::new(identity, CallerLimits::GENERAL);
    let route = TrackerRoute { me, local, remote: RemoteIndex(links.clone()) };
    let files = Arc::new(Files::new(number, 100));
    tokio::spawn(share_task(files.clone(), state.clone(), route.clone()));
    let searcher = Searcher::new(route, state, Duration::from_secs(5));
    Real { id: me, files, group, searcher, links, server }
}

fn elect(peers: &[Real], epoch: u64, tracker: PeerId) {
    let member = |(number, peer): (usize, &Real)| {
        let name = PeerName::new(&format!("peer-{number}")).expect("a plain name");
        let uri = PeerUri::new(peer.server.local_addr());
        (peer.id, MemberInfo { name, uri, voter: true, reachable: true })
    };
    for peer in peers {
        peer.group.send_replace(Arc::new(GroupState {
            me: peer.id,
            role: if peer.id == tracker { Role::Tracker } else { Role::Follower },
            epoch: Epoch::new(epoch).expect("small"),
            tracker: Some(tracker),
            active: peer.id == tracker,
            members: peers.iter().enumerate().map(member).collect(),
        }));
    }
}

async fn finds(searcher: &Searcher<TrackerRoute<RemoteIndex<PeerLinks>>>, words: &str, total: u64, of: u32) {
    let found = async {
        loop {
            let answer = searcher.search(words, 10_000).await.expect("an answer");
            if (answer.total, answer.complete.have, answer.complete.of) == (total, of, of) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.expect("found in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_real_connections_with_several_chunks() {
    let key = GroupKey::random();
    let mut peers = Vec::new();
    for number in 1..=3 {
        peers.push(real_peer(&key, number).await);
    }
    for peer in &peers {
        for other in &peers {
            peer.links.set_address(other.id, other.server.local_addr());
        }
    }
    // Names of full length: 12,000 of them are five chunks, and an answer of 10,000 is cut to its limit.
    for number in 0..12_000 {
        let name = format!("{number:05}{}", "ç".repeat(120));
        peers[1].files.change(Change::Put(entry(number, &name)));
    }
    peers[2].files.change(Change::Put(entry(1, "the other one")));
    elect(&peers, 1, peers[0].id);
    finds(&peers[2].searcher, "", 12_001, 3).await;
    let answer = peers[2].searcher.search("", 10_000).await.expect("an answer");
    assert!((3_000..10_000).contains(&answer.results.len()), "{} results", answer.results.len());
    peers[2].files.change(Change::Put(entry(2, "one more")));
    finds(&peers[1].searcher, "one more", 1, 3).await;
    let old = peers.remove(0);
    old.server.stop().await;
    elect(&peers, 2, peers[0].id);
    finds(&peers[1].searcher, "", 12_002, 2).await;
}
