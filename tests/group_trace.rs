//! Five real peers: what a watching window is given is what the peers recorded, and the drills do what they
//! say.

use cardume::base::{Epoch, PeerId};
use cardume::engine::election::Role;
use cardume::engine::trace::{Failover, FaultKind, History, MailKind, Record, What};
use cardume::names::{FOUNDING_GRACE, NamesConfig, NamesService};
use cardume::net::caller::{CallerLimits, connect};
use cardume::net::{GroupKey, Identity, PeerKey};
use cardume::node::config::Home;
use cardume::node::{self, Command, Handle, PeerConfig};
use cardume::wire::convert::trace::record_from_wire;
use cardume::wire::group::GroupClient as _;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

const PEERS: u8 = 5;
const LIMIT: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(20);

/// Elections have real timers: two groups at once on a small machine would disturb each other.
static ALONE: Mutex<()> = Mutex::const_new(());

struct Group {
    _folder: tempfile::TempDir,
    _locks: Vec<node::config::ProfileLock>,
    home: Home,
    names: NamesService,
    peers: Vec<Handle>,
}

impl Group {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path());
        let group = GroupKey::from_bytes(*home.group_key().expect("a key").as_bytes());
        let key = PeerKey::from_seed(home.names_key().expect("a key").as_bytes());
        let names = NamesService::start(NamesConfig {
            folder: home.names_dir(),
            listen: "127.0.0.1:0".parse().expect("an address"),
            expect: Some(PEERS),
            identity: Identity::new(&group, &key).expect("an identity"),
            founding_grace: FOUNDING_GRACE,
        })
        .await
        .expect("a name service");
        home.set_names_addresses(&[names.local_addr()]).expect("written");
        let (mut peers, mut locks) = (Vec::new(), Vec::new());
        for number in 1..=PEERS {
            let profile = home.profile(&format!("peer-{number}")).expect("a profile");
            locks.push(profile.try_lock().expect("a lock").expect("it is free"));
            let config = PeerConfig::of_profile(&home, profile).expect("a configuration");
            peers.push(node::start(config).await.expect("a peer"));
        }
        let group = Self { _folder: folder, _locks: locks, home, names, peers };
        group.wait("a tracker with a whole index", |group| group.settled(0).is_some()).await;
        group
    }

    async fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < LIMIT, "never came: {what}");
            sleep(PAUSE).await;
        }
    }

    /// The tracker that all follow in an epoch above this one, with a whole index, and its epoch.
    fn settled(&self, above: u64) -> Option<(usize, u64)> {
        let views: Vec<_> = self.peers.iter().map(Handle::view).collect();
        let first = &views[0].status;
        let tracker = first.tracker.as_ref()?;
        let same = views.iter().all(|view| view.status.tracker.as_ref().is_some_and(|it| it == tracker));
        let whole = views.iter().all(|view| view.status.index.complete.have == u32::from(PEERS));
        let place = views.iter().position(|view| view.status.peer_id == tracker.peer_id)?;
        (same && whole && first.epoch > above).then_some((place, first.epoch))
    }

    fn id(&self, place: usize) -> PeerId {
        self.peers[place].view().status.peer_id.parse().expect("an id")
    }

    /// Somebody who is not the tracker.
    fn follower(&self) -> usize {
        let (tracker, _) = self.settled(0).expect("settled");
        usize::from(tracker == 0)
    }

    /// Everything that a peer recorded, by the protocol.
    async fn raw(&self, place: usize) -> BTreeMap<u64, Record> {
        let profile = self.home.profile("peer-1").expect("a profile");
        let me = node::identity(&self.home, &profile).expect("an identity");
        let target = self.home.profile(&format!("peer-{}", place + 1)).expect("a profile");
        let uri: cardume::base::PeerUri = target.runtime().expect("it runs").uri.parse().expect("a uri");
        let (client, _) =
            connect(&me, uri.address(), None, CallerLimits::GENERAL).await.expect("a connection");
        let (mut records, mut after) = (BTreeMap::new(), 0);
        loop {
            let trace = client.trace(Some(after)).await.expect("a trace");
            let Some(last) = trace.records.last() else { return records };
            after = last.seq;
            records.extend(trace.records.iter().filter_map(record_from_wire).map(|it| (it.seq, it)));
        }
    }

    async fn stop(self) {
        for peer in &self.peers {
            peer.command(Command::Stop).await.expect("it stops");
        }
        self.names.stop().await;
    }
}

/// Takes the chunks of a watching peer until the history says enough.
async fn watch(peer: &Handle, history: &mut History, is_enough: impl Fn(&History) -> bool) {
    let (mut views, mut taken) = (peer.views(), 0);
    let began = Instant::now();
    while !is_enough(history) {
        assert!(began.elapsed() < LIMIT, "the records do not say enough");
        peer.command(Command::Watch(Duration::from_secs(5))).await.expect("it watches");
        let changed = tokio::time::timeout(Duration::from_secs(1), views.changed()).await;
        changed.expect("a picture while it watches").expect("it runs");
        let view = views.borrow_and_update().clone();
        for chunk in view.trace.chunks.iter().filter(|chunk| chunk.number > taken) {
            for part in &chunk.parts {
                history.take(part);
            }
        }
        taken = view.trace.chunks.back().map_or(taken, |chunk| chunk.number);
    }
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("an epoch")
}

/// The stopwatch, by hand.
fn check_stopwatch(raw: &BTreeMap<PeerId, BTreeMap<u64, Record>>, found: &Failover, after: u64) {
    let first = |peer: PeerId, is: &dyn Fn(&What) -> bool| {
        let later = raw[&peer].values().filter(|record| record.at_micros > after);
        later.filter(|record| is(&record.what)).map(|record| record.at_micros).min()
    };
    let began = first(found.crashed, &|what| *what == What::FaultBegan(FaultKind::Crash));
    assert_eq!(found.began, began);
    let leads: Vec<_> = raw
        .keys()
        .filter(|peer| **peer != found.crashed)
        .filter_map(|peer| Some((first(*peer, &|what| *what == What::Role(Role::Tracker))?, *peer)))
        .collect();
    let (elected, leader) = *leads.iter().min().expect("a tracker");
    assert_eq!(found.elected.map(|(peer, _, at)| (peer, at)), Some((leader, elected)));
    let complete = found.complete.expect("a whole index");
    let told = raw[&leader].values().find(|record| record.at_micros == complete).map(|it| it.what);
    assert!(matches!(told, Some(What::Index { have, of, .. }) if have == of && of >= 4), "{told:?}");
    let millis = |at: u64| (at - began.expect("a failure")) / 1_000;
    println!("new tracker in {} ms, index complete in {} ms", millis(elected), millis(complete));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ring_shows_what_the_peers_recorded_and_the_stopwatch_their_difference() {
    let _alone = ALONE.lock().await;
    let group = Group::start().await;
    let (tracker, old_epoch) = group.settled(0).expect("settled");
    let (crashed, watcher) = (group.id(tracker), group.follower());
    let mut history = History::default();
    watch(&group.peers[watcher], &mut history, |history| history.peers().count() == usize::from(PEERS)).await;
    let after = history.known_until(crashed);
    let order = Command::CrashTracker(Duration::from_secs(1));
    group.peers[watcher].command(order).await.expect("the drill");
    // Until the one that crashed is back and has told its side.
    watch(&group.peers[watcher], &mut history, |history| {
        let found = history.failover(crashed, epoch(old_epoch), after);
        found.began.is_some() && found.complete.is_some() && history.known_until(crashed) > after + 1_500_000
    })
    .await;
    let found = history.failover(crashed, epoch(old_epoch), after);
    let mut raw = BTreeMap::new();
    for place in 0..usize::from(PEERS) {
        raw.insert(group.id(place), group.raw(place).await);
    }

    // Every record that is shown is one of the peer's own, with its own stamp.
    for (peer, record) in history.records() {
        assert_eq!(raw[peer].get(&record.seq), Some(record), "{}", peer.short());
    }
    // Every vote of the election that a peer recorded is shown, and nothing else.
    let new = found.elected.expect("elected").1;
    let asked = |kind| matches!(kind, MailKind::Vote | MailKind::VoteAnswer);
    let mut sent = BTreeSet::new();
    for (peer, records) in &raw {
        for record in records.values() {
            if let What::Sent(mail) = record.what
                && mail.epoch == new
                && asked(mail.kind)
            {
                sent.insert((*peer, mail.peer, mail.kind, record.at_micros));
            }
        }
    }
    let letters = history.letters(after, u64::MAX).filter(|it| it.mail.epoch == new && asked(it.mail.kind));
    let letters: Vec<_> = letters.copied().collect();
    let drawn: BTreeSet<_> = letters
        .iter()
        .filter_map(|letter| Some((letter.from, letter.to, letter.mail.kind, letter.sent?)))
        .collect();
    assert_eq!(drawn, sent);
    assert!(drawn.len() >= 4, "two others were asked and answered: {drawn:?}");
    for letter in letters.iter().filter(|letter| letter.received.is_some()) {
        let received = raw[&letter.to].values().any(|record| {
            let of = cardume::engine::trace::Mail { peer: letter.from, ..letter.mail };
            Some(record.at_micros) == letter.received && record.what == What::Received(of)
        });
        assert!(received, "{letter:?} arrives by its receiver's record");
        let moment = history.at(letter.sent.expect("a sending") + 10, 1_000);
        assert!(moment.dots.iter().any(|dot| dot.letter == *letter && dot.arrives));
    }

    check_stopwatch(&raw, &found, after);
    group.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_while_nobody_watches() {
    let _alone = ALONE.lock().await;
    let group = Group::start().await;
    let peer = &group.peers[0];
    let number = || peer.view().trace.chunks.back().map(|chunk| chunk.number);
    assert_eq!(number(), None, "nobody watched yet");
    peer.command(Command::Watch(Duration::from_millis(900))).await.expect("it watches");
    group.wait("a few rounds of asking", |_| number() >= Some(3)).await;
    let all = peer.view().trace.chunks.iter().flat_map(|chunk| &chunk.parts).map(|part| part.peer).collect();
    assert_eq!(group.peers.len(), BTreeSet::<PeerId>::len(&all));
    let notes: Vec<_> = peer.view().members.iter().filter_map(|member| member.note.clone()).collect();
    assert_eq!(notes.len(), group.peers.len());
    assert!(notes.iter().all(|note| note.version == env!("CARGO_PKG_VERSION")));
    // The lease ends by itself; a round that is under way then is the last.
    sleep(Duration::from_millis(1_600)).await;
    let last = number();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(number(), last, "the lease is over");
    group.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_tracker_is_replaced_and_did_nothing_meanwhile() {
    let _alone = ALONE.lock().await;
    let group = Group::start().await;
    let (tracker, old_epoch) = group.settled(0).expect("settled");
    let (paused, orders) = (group.id(tracker), group.follower());
    let order = Command::Pause { peer: Some(paused), duration: Duration::from_millis(1_500) };
    group.peers[orders].command(order).await.expect("the drill");
    group.wait("it says so", |group| group.peers[tracker].view().status.role == "paused").await;
    group.wait("another tracker", |group| group.settled(old_epoch).is_some()).await;
    assert_ne!(group.settled(old_epoch).map(|(place, _)| place), Some(tracker));
    let records = group.raw(tracker).await;
    let at = |what| records.values().find(|record| record.what == what).map(|record| record.seq);
    let began = at(What::FaultBegan(FaultKind::Pause)).expect("it began");
    assert_eq!(
        at(What::FaultEnded(FaultKind::Pause)),
        Some(began + 1),
        "nothing was taken, nothing was sent"
    );
    group.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_link_changes_no_tracker_and_is_mended() {
    let _alone = ALONE.lock().await;
    let group = Group::start().await;
    let (tracker, old_epoch) = group.settled(0).expect("settled");
    let other = group.follower();
    let member = |group: &Group| {
        let view = group.peers[other].view();
        let id = group.id(tracker).to_string();
        view.members.iter().find(|member| member.peer.peer_id == id).map(|it| (it.cut, it.connected))
    };
    let order = Command::Cut { peer: group.id(tracker), duration: Duration::from_millis(1_500) };
    group.peers[other].command(order).await.expect("the drill");
    group.wait("the cut", |group| member(group) == Some((true, false))).await;
    group.wait("no tracker in sight", |group| group.peers[other].view().status.tracker.is_none()).await;
    group.wait("the mended link", |group| member(group) == Some((false, true))).await;
    group.wait("the same tracker", |group| group.settled(0) == Some((tracker, old_epoch))).await;
    let records = group.raw(other).await;
    let has = |what| records.values().any(|record| record.what == what);
    let cut = FaultKind::Cut(group.id(tracker));
    assert!(has(What::FaultBegan(cut)) && has(What::FaultEnded(cut)));
    let me = group.id(other);
    let order = Command::Cut { peer: me, duration: Duration::from_secs(1) };
    assert!(group.peers[other].command(order).await.is_err(), "no peer is linked to itself");
    let order = Command::Pause { peer: None, duration: Duration::from_hours(1) };
    assert!(group.peers[other].command(order).await.is_err(), "a drill ends");
    group.stop().await;
}
