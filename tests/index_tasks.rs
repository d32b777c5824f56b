//! The announcing task, the tracker's task and the search together: what is shared is found, whatever is
//! lost on the way, and across a change of trackers.

mod index_net;

use cardume::base::{Epoch, PeerId, PeerName, PeerUri};
use cardume::engine::election::Role;
use cardume::engine::index::{Change, FileEntry};
use cardume::net::handlers::index::index_methods;
use cardume::net::{
    CallerLimits, GroupKey, Identity, PeerKey, PeerLinks, RemoteIndex, Server, ServerHandle, ServerLimits,
};
use cardume::node::search::{AskError, Searcher};
use cardume::node::share_task::{AnnouncedFiles as _, share_task};
use cardume::node::tracker_route::TrackerRoute;
use cardume::node::{GroupState, MemberInfo, tracker_task};
use cardume::wire::index::{Found, SearchAnswer};
use index_net::{Files, Group, entry, id, shown};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

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
async fn a_dead_peers_files_come_last_and_are_not_shown_after_three_seconds() {
    let group = Group::new(3, 1000);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    // Until the voters have their copies.
    tokio::time::sleep(Duration::from_secs(2)).await;
    group.cut(3);
    group.elect(1, Some(1));
    let dead = Instant::now();
    let search = async || group.peers[&2].searcher.search("file", 10).await.expect("an answer");
    let answer = search().await;
    assert_eq!((answer.total, answer.complete.have, answer.complete.of), (9, 2, 2));
    let of_dead = |found: &Found| found.sources[0].peer == id(3).to_string();
    assert!(answer.results[6..].iter().all(of_dead), "{:?}", answer.results);
    while search().await.total == 9 {
        assert!(dead.elapsed() < Duration::from_secs(5), "it is still shown");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(dead.elapsed() > Duration::from_secs(2), "it fades first: {:?}", dead.elapsed());
    group.converged(2, Duration::from_secs(1)).await;
    // It comes back, and its list is still there.
    let before = group.weather.chunks.load(Ordering::Relaxed);
    group.revive(3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    assert_eq!(group.weather.chunks.load(Ordering::Relaxed), before, "nothing is sent again");
}

/// How many random courses each property is tried with.
const SEEDS: u64 = 20;

/// Changes, elections, and a fifth of all messages lost, doubled and out of order; how long after the end of
/// it the index was the union of all lists.
async fn stormy_course(seed: u64) -> Duration {
    // A short journal, so that whole lists are sent too.
    let group = Group::new(5, 5);
    group.weather.seed(seed);
    group.weather.percent.store(20, Ordering::Relaxed);
    for round in 0..30_u64 {
        if round % 10 == 0 {
            group.elect(round + 1, Some(u8::try_from((seed + round / 10) % 5).expect("small") + 1));
        }
        for (number, peer) in &group.peers {
            let key = (round * 7 + u64::from(*number)) % 11;
            let change = match round % 4 {
                3 => Change::Remove(key),
                _ => Change::Put(entry(key, &format!("round {round} key {key} of {number}"))),
            };
            peer.files.change(change);
        }
        // At times the way answers without having delivered anything.
        group.weather.swallow_deltas.store(round % 5 == seed % 5, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5 + (seed * 31 + round * 17) % 120)).await;
    }
    group.weather.swallow_deltas.store(false, Ordering::Relaxed);
    group.weather.percent.store(0, Ordering::Relaxed);
    let asker = u8::try_from(seed % 5).expect("small") + 1;
    let took = group.converged(asker, Duration::from_secs(2)).await;
    group.end();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fifth_of_all_messages_lost_doubled_and_out_of_order_is_repaired_in_two_seconds() {
    let mut courses = tokio::task::JoinSet::new();
    for seed in 0..SEEDS {
        courses.spawn(stormy_course(seed));
    }
    let mut took = courses.join_all().await;
    took.sort_unstable();
    println!(
        "the union after {:?} in the middle, {:?} at the most",
        took[took.len() / 2],
        took[took.len() - 1]
    );
}

/// A delta is answered without having arrived; how long until the index is the union again.
async fn lost_delta(seed: u64) -> Duration {
    let group = Group::new(3, 1000);
    group.weather.seed(seed);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    tokio::time::sleep(Duration::from_millis(seed * 7)).await;
    group.weather.swallow_deltas.store(true, Ordering::Relaxed);
    group.peers[&2].files.change(Change::Put(entry(50, "lost on the way")));
    let lost = Instant::now();
    tokio::time::sleep(Duration::from_millis(10)).await;
    group.weather.swallow_deltas.store(false, Ordering::Relaxed);
    let answer = group.peers[&3].searcher.search("lost", 10).await.expect("an answer");
    assert_eq!(answer.total, 0, "it was swallowed");
    group.converged(3, Duration::from_secs(2)).await;
    group.end();
    lost.elapsed()
}

#[tokio::test]
async fn a_delta_that_is_lost_without_anybody_noticing_is_seen_by_the_next_heartbeats() {
    let mut courses = tokio::task::JoinSet::new();
    for seed in 0..SEEDS {
        courses.spawn(lost_delta(seed));
    }
    let mut took = courses.join_all().await;
    took.sort_unstable();
    let (middle, most) = (took[took.len() / 2], took[took.len() - 1]);
    println!("seen and repaired after {middle:?} in the middle, {most:?} at the most");
    // The comparison after a change comes after a second: with it alone the middle were there.
    assert!(middle < Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn without_heartbeats_it_is_found_by_the_comparison_after_a_change() {
    let group = Group::new(3, 1000);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    group.weather.no_heartbeats.store(true, Ordering::Relaxed);
    group.weather.swallow_deltas.store(true, Ordering::Relaxed);
    group.peers[&2].files.change(Change::Put(entry(50, "lost on the way")));
    tokio::time::sleep(Duration::from_millis(10)).await;
    group.weather.swallow_deltas.store(false, Ordering::Relaxed);
    group.converged(3, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_group_at_rest_announces_nothing() {
    let group = Group::new(5, 1000);
    share_some(&group, 3);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    // Until the voters have their copies and the changes have been compared.
    let settled = async {
        loop {
            let before = group.weather.calls.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(3)).await;
            if group.weather.calls.load(Ordering::Relaxed) == before {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("it comes to rest");
}

#[tokio::test]
async fn a_new_tracker_starts_with_the_copy_that_it_kept_as_a_voter() {
    let group = Group::new(5, 1000);
    share_some(&group, 20);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    group.peers[&4].files.change(Change::Put(entry(30, "told to the voters too")));
    tokio::time::sleep(Duration::from_millis(600)).await;
    let sent = || {
        let counters = [&group.weather.chunks, &group.weather.own_chunks];
        counters.map(|counter| counter.load(Ordering::Relaxed))
    };
    let before = sent();
    // A change that nobody has been told of when the tracker dies.
    group.kill(1);
    group.elect(1, None);
    group.peers[&3].files.change(Change::Put(entry(31, "in the last moment")));
    group.elect(2, Some(2));
    let start = Instant::now();
    let answered = async {
        loop {
            let answer = group.peers[&5].searcher.search("", 10_000).await.expect("an answer");
            if (answer.complete.have, answer.complete.of) == (4, 4) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(1), answered).await.expect("at once");
    println!("warm after {:?}", start.elapsed());
    let names = shown(&answer);
    assert!(names.is_superset(&group.union()), "all that the living have, to the last change");
    assert!(names.contains(&(id(1), "file 7 of peer 1".to_owned())), "what the dead one had, for a moment");
    group.converged(5, Duration::from_secs(4)).await;
    assert_eq!(sent(), before, "no list is sent again, also not the new tracker's own");
}

#[tokio::test]
async fn a_standby_copy_that_is_wrong_costs_time_and_never_truth() {
    let group = Group::new(3, 1000);
    share_some(&group, 20);
    group.elect(1, Some(1));
    group.converged(2, Duration::from_secs(2)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // The voters are told of changes that do not arrive; the tracker finds out by its heartbeats.
    group.weather.swallow_deltas.store(true, Ordering::Relaxed);
    group.peers[&3].files.change(Change::Put(entry(3, "renamed")));
    tokio::time::sleep(Duration::from_secs(1)).await;
    group.weather.swallow_deltas.store(false, Ordering::Relaxed);
    group.elect(2, Some(2));
    let complete = async || {
        let answer = group.peers[&1].searcher.search("", 10_000).await.expect("an answer");
        assert!(answer.complete.have < 3 || shown(&answer) == group.union(), "complete and wrong");
        answer.complete.have == 3
    };
    let found = async {
        while !complete().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), found).await.expect("in time");
}

#[tokio::test]
async fn a_herd_is_let_in_a_few_at_a_time_and_searches_go_on() {
    const PEERS: u8 = 64;
    const FILES: u64 = 2_100;
    let group = Group::new(PEERS, 1000);
    group.voters.store(1, Ordering::Relaxed);
    for peer in group.peers.values() {
        // Two chunks each.
        for key in 0..FILES {
            peer.files.change(Change::Put(FileEntry { content: None, ..entry(key, &format!("file {key}")) }));
        }
    }
    group.elect(1, Some(1));
    let start = Instant::now();
    let (mut have, mut longest) = (0, Duration::ZERO);
    while have < u32::from(PEERS) {
        let asked = Instant::now();
        let answer = group.peers[&2].searcher.search("file 17", 1).await.expect("an answer");
        longest = longest.max(asked.elapsed());
        assert!(answer.complete.have >= have && answer.complete.of == u32::from(PEERS));
        have = answer.complete.have;
        assert!(start.elapsed() < Duration::from_mins(1), "{have} lists after {:?}", start.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (most, calls) = (group.weather.most_snapshots(), group.weather.calls.load(Ordering::Relaxed));
    let took = start.elapsed();
    println!("64 lists after {took:?}, at most {most} at once, {calls} calls, a search waited {longest:?}");
    assert!(longest < took / 4, "a search does not wait for the herd: {longest:?} of {took:?}");
    assert!((2..=3).contains(&most), "{most} whole lists at once");
    let files = group.peers[&1].tracker.summary().map(|summary| summary.files);
    assert_eq!(files, Some(u64::from(PEERS) * FILES));
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
    // Replies tell of a change that never comes.
    group.weather.no_heartbeats.store(true, Ordering::Relaxed);
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
    let mut standing = tracker.standing();
    let caught_up = standing.wait_for(|now| now.as_ref().is_some_and(|now| now.summary.have == 3));
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
            // The dead one's for a moment yet.
            assert_eq!(shown(answer).len(), 5);
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
    let (_, heard) = watch::channel(None);
    tokio::spawn(share_task(files.clone(), state.clone(), heard, route.clone()));
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

async fn finds(
    searcher: &Searcher<TrackerRoute<RemoteIndex<PeerLinks>>>,
    words: &str,
    total: u64,
    of: u32,
) -> SearchAnswer {
    let found = async {
        loop {
            // On a busy machine an answer of megabytes may take longer than a call.
            if let Ok(answer) = searcher.search(words, 10_000).await
                && (answer.total, answer.complete.have, answer.complete.of) == (total, of, of)
            {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found).await.expect("found in time")
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
    let answer = finds(&peers[2].searcher, "", 12_001, 3).await;
    assert!((3_000..10_000).contains(&answer.results.len()), "{} results", answer.results.len());
    peers[2].files.change(Change::Put(entry(2, "one more")));
    finds(&peers[1].searcher, "one more", 1, 3).await;
    let old = peers.remove(0);
    old.server.stop().await;
    elect(&peers, 2, peers[0].id);
    finds(&peers[1].searcher, "", 12_002, 2).await;
}
