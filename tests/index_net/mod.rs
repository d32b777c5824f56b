//! Five peers in one process, without sockets and elections: their announcing and tracking tasks are the
//! real ones, the calls between them are lost, repeated and late as a test wants it.

use cardume::base::{ContentId, Epoch, FileName, FolderPath, PeerId, PeerName};
use cardume::engine::election::Role;
use cardume::engine::index::{Announcement, Change, Chunk, Delta, FileEntry, IndexPosition, Page};
use cardume::net::handlers::index::IndexService;
use cardume::net::{CallError, IndexCalls};
use cardume::node::search::Searcher;
use cardume::node::share_task::{AnnouncedFiles, HeardPosition, share_task};
use cardume::node::tracker_route::TrackerRoute;
use cardume::node::tracker_task::{self, TrackerHandle};
use cardume::node::{GroupState, MemberInfo};
use cardume::wire::index::{AnnounceAnswer, BeginAnswer, SearchAnswer, SourcesAnswer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// The id of the peer with this number, from 1.
pub(crate) fn id(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

/// A file as a test writes it.
pub(crate) fn entry(key: u64, name: &str) -> FileEntry {
    let content = Some(ContentId::from_bytes(*blake3::hash(name.as_bytes()).as_bytes()));
    let name = FileName::new(name).expect("a plain name");
    FileEntry { key, folder: FolderPath::default(), name, size: key, content }
}

/// A list of files in memory.
pub(crate) struct Files {
    list: Mutex<(IndexPosition, BTreeMap<u64, FileEntry>, Vec<Change>)>,
    changed: watch::Sender<u64>,
    /// How many of the last changes are known; older ones are forgotten.
    journal: usize,
}

impl Files {
    pub(crate) fn new(number: u8, journal: usize) -> Self {
        let position = IndexPosition { index_id: [number; 16], seq: 0 };
        let list = Mutex::new((position, BTreeMap::new(), Vec::new()));
        Self { list, changed: watch::Sender::new(0), journal }
    }

    /// Changes the list.
    pub(crate) fn change(&self, change: Change) {
        let mut list = self.list.lock().expect("not poisoned");
        let (position, files, journal) = &mut *list;
        match &change {
            Change::Put(entry) => drop(files.insert(entry.key, entry.clone())),
            Change::Remove(key) => drop(files.remove(key)),
        }
        position.seq += 1;
        journal.push(change);
        self.changed.send_replace(position.seq);
    }
}

impl AnnouncedFiles for Files {
    fn position(&self) -> IndexPosition {
        self.list.lock().expect("not poisoned").0
    }

    fn entries(&self) -> (IndexPosition, Vec<FileEntry>) {
        let list = self.list.lock().expect("not poisoned");
        (list.0, list.1.values().cloned().collect())
    }

    fn changes_since(&self, seq: u64) -> Option<Vec<Change>> {
        let list = self.list.lock().expect("not poisoned");
        let behind = usize::try_from(list.0.seq.checked_sub(seq)?).ok()?;
        let known = list.2.len().min(self.journal);
        (behind <= known).then(|| list.2[list.2.len() - behind..].to_vec())
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// What happens to calls between peers.
#[derive(Default)]
pub(crate) struct Weather {
    /// Of a hundred calls, how many are lost on the way there, and as many on the way back; as many arrive
    /// twice.
    pub(crate) percent: AtomicU64,
    /// Deltas are answered without having arrived: a lie that only heartbeats and digests find.
    pub(crate) swallow_deltas: AtomicBool,
    /// Heartbeats are lost.
    pub(crate) no_heartbeats: AtomicBool,
    /// How many calls have been made, and how many of them were parts of whole lists.
    pub(crate) calls: AtomicU64,
    pub(crate) chunks: AtomicU64,
    /// How many parts of whole lists peers have told themselves.
    pub(crate) own_chunks: AtomicU64,
    /// Who is sending a whole list to whom, and the most that ever did so to one peer at the same time.
    snapshots: Mutex<(BTreeSet<(PeerId, PeerId)>, usize)>,
    dice: AtomicU64,
}

impl Weather {
    /// Another course.
    pub(crate) fn seed(&self, seed: u64) {
        self.dice.store(seed << 32, Ordering::Relaxed);
    }

    /// The most peers that sent a whole list to one peer at the same time.
    pub(crate) fn most_snapshots(&self) -> usize {
        self.snapshots.lock().expect("not poisoned").1
    }

    fn chunk(&self, from: PeerId, to: PeerId, last: bool) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
        let mut snapshots = self.snapshots.lock().expect("not poisoned");
        let (running, most) = &mut *snapshots;
        running.insert((to, from));
        *most = (*most).max(running.iter().filter(|(other, _)| *other == to).count());
        if last {
            running.remove(&(to, from));
        }
    }

    /// Below this number.
    fn below(&self, number: u64) -> u64 {
        let dice = self.dice.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::hash(&dice.to_le_bytes());
        u64::from(u32::from_le_bytes(*hash.as_bytes().first_chunk().expect("32 bytes"))) % number
    }

    fn strikes(&self) -> bool {
        self.below(100) < self.percent.load(Ordering::Relaxed)
    }

    /// How long a message is on its way: in bad weather some overtake others.
    async fn travel(&self) {
        let bad = self.percent.load(Ordering::Relaxed) > 0;
        sleep(Duration::from_millis(if bad { 1 + self.below(30) } else { 1 })).await;
    }

    /// A call that is lost breaks at once, or hangs until somebody notices.
    async fn lost(&self) -> CallError {
        if self.below(2) == 0 {
            sleep(Duration::from_secs(1)).await;
        }
        CallError::Broken("lost".to_owned())
    }
}

/// Calls from one peer to the others.
#[derive(Clone)]
pub(crate) struct Calls {
    from: PeerId,
    peers: Arc<RwLock<BTreeMap<PeerId, TrackerHandle>>>,
    weather: Arc<Weather>,
}

impl Calls {
    async fn call<T, F>(&self, to: PeerId, call: impl Fn(TrackerHandle) -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, cardume::wire::codes::Refused>> + Send + 'static,
        T: Send,
    {
        let gone = || CallError::Broken("gone".to_owned());
        let weather = &self.weather;
        weather.calls.fetch_add(1, Ordering::Relaxed);
        let reached = {
            let peers = self.peers.read().expect("not poisoned");
            peers.get(&to).cloned().filter(|_| peers.contains_key(&self.from))
        };
        let handle = reached.ok_or_else(gone)?;
        weather.travel().await;
        if weather.strikes() {
            return Err(weather.lost().await);
        }
        if weather.strikes() {
            // The same once more, and perhaps long after.
            let (again, after) = (call(handle.clone()), weather.below(300));
            tokio::spawn(async move {
                sleep(Duration::from_millis(after)).await;
                drop(again.await);
            });
        }
        let answer = call(handle).await.map_err(CallError::Refused);
        weather.travel().await;
        if weather.strikes() { Err(weather.lost().await) } else { answer }
    }
}

impl IndexCalls for Calls {
    async fn begin(
        &self,
        to: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> Result<BeginAnswer, CallError> {
        let from = self.from;
        let call = |handle: TrackerHandle| async move {
            handle.announce_begin(from, epoch, announced, standby).await
        };
        self.call(to, call).await
    }

    async fn chunk(&self, to: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, CallError> {
        let from = self.from;
        self.weather.chunk(from, to, chunk.last);
        let call = |handle: TrackerHandle| {
            let chunk = chunk.clone();
            async move { handle.announce_chunk(from, epoch, chunk).await }
        };
        self.call(to, call).await
    }

    async fn delta(&self, to: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, CallError> {
        if self.weather.swallow_deltas.load(Ordering::Relaxed) {
            return Ok(AnnounceAnswer::Accepted);
        }
        let from = self.from;
        let call = |handle: TrackerHandle| {
            let delta = delta.clone();
            async move { handle.announce_delta(from, epoch, delta).await }
        };
        self.call(to, call).await
    }

    async fn search(&self, to: PeerId, words: &str, page: Page) -> Result<SearchAnswer, CallError> {
        let (from, words) = (self.from, words.to_owned());
        let call = |handle: TrackerHandle| {
            let words = words.clone();
            async move { handle.search(from, words, page).await }
        };
        self.call(to, call).await
    }

    async fn sources(&self, to: PeerId, content: ContentId) -> Result<SourcesAnswer, CallError> {
        let from = self.from;
        self.call(to, |handle: TrackerHandle| async move { handle.sources(from, content).await }).await
    }
}

/// One peer.
pub(crate) struct Peer {
    pub(crate) files: Arc<Files>,
    pub(crate) group: watch::Sender<Arc<GroupState>>,
    pub(crate) tracker: TrackerHandle,
    pub(crate) searcher: Searcher<TrackerRoute<Calls>>,
    alive: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

/// The way of what a peer announces, to itself as well.
struct Announces {
    route: TrackerRoute<Calls>,
    weather: Arc<Weather>,
}

impl IndexCalls for Announces {
    async fn begin(
        &self,
        to: PeerId,
        epoch: Epoch,
        announced: Announcement,
        standby: bool,
    ) -> Result<BeginAnswer, CallError> {
        self.route.begin(to, epoch, announced, standby).await
    }

    async fn chunk(&self, to: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, CallError> {
        let own = u64::from(to == self.route.me);
        self.weather.own_chunks.fetch_add(own, Ordering::Relaxed);
        self.route.chunk(to, epoch, chunk).await
    }

    async fn delta(&self, to: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, CallError> {
        self.route.delta(to, epoch, delta).await
    }

    async fn search(&self, to: PeerId, words: &str, page: Page) -> Result<SearchAnswer, CallError> {
        self.route.search(to, words, page).await
    }

    async fn sources(&self, to: PeerId, content: ContentId) -> Result<SourcesAnswer, CallError> {
        self.route.sources(to, content).await
    }
}

/// A peer as heartbeats meet it.
struct Listener {
    id: PeerId,
    files: Arc<Files>,
    group: watch::Receiver<Arc<GroupState>>,
    tracker: TrackerHandle,
    heard: watch::Sender<Option<HeardPosition>>,
    alive: Arc<AtomicBool>,
}

/// What heartbeats carry of the index, every 100 ms from the tracker to everybody and back.
async fn heartbeats(listeners: Vec<Listener>, weather: Arc<Weather>) {
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    loop {
        beat.tick().await;
        if weather.no_heartbeats.load(Ordering::Relaxed) {
            continue;
        }
        let alive = |it: &&Listener| it.alive.load(Ordering::Relaxed);
        for tracker in listeners.iter().filter(alive) {
            let Some(standing) = tracker.tracker.standing().borrow().clone() else { continue };
            let target = tracker.group.borrow().target();
            let same = |it: &&Listener| it.group.borrow().target() == target;
            for receiver in listeners.iter().filter(alive).filter(same) {
                if receiver.id != tracker.id && weather.strikes() {
                    continue;
                }
                let known = standing.known.get(&receiver.id).copied();
                let epoch = receiver.group.borrow().epoch;
                let complete = standing.summary.have >= standing.summary.of;
                receiver.heard.send_replace(Some(HeardPosition { epoch, known, complete }));
                if !weather.strikes() {
                    tracker.tracker.position_seen(receiver.id, receiver.files.position());
                }
            }
        }
    }
}

/// The group.
pub(crate) struct Group {
    pub(crate) peers: BTreeMap<u8, Peer>,
    pub(crate) weather: Arc<Weather>,
    /// How many of the peers, the first ones, are voters.
    pub(crate) voters: AtomicU8,
    heartbeats: tokio::task::JoinHandle<()>,
    handles: Arc<RwLock<BTreeMap<PeerId, TrackerHandle>>>,
}

impl Group {
    /// So many peers that know of no tracker; their libraries remember `journal` changes.
    pub(crate) fn new(count: u8, journal: usize) -> Self {
        let handles = Arc::new(RwLock::new(BTreeMap::new()));
        let weather = Arc::new(Weather::default());
        let mut peers = BTreeMap::new();
        let mut listeners = Vec::new();
        for number in 1..=count {
            let (group, state) = watch::channel(Arc::new(GroupState::alone(id(number))));
            let tracker = tracker_task::spawn(id(number), state.clone());
            handles.write().expect("not poisoned").insert(id(number), tracker.clone());
            let remote = Calls { from: id(number), peers: handles.clone(), weather: weather.clone() };
            let route = TrackerRoute { me: id(number), local: tracker.clone(), remote };
            let files = Arc::new(Files::new(number, journal));
            let (heard, hears) = watch::channel(None);
            let announces = Announces { route: route.clone(), weather: weather.clone() };
            let task = tokio::spawn(share_task(files.clone(), state.clone(), hears, announces));
            let alive = Arc::new(AtomicBool::new(true));
            let listener = Listener {
                id: id(number),
                files: files.clone(),
                group: state.clone(),
                tracker: tracker.clone(),
                heard,
                alive: alive.clone(),
            };
            listeners.push(listener);
            let searcher = Searcher::new(route, state, Duration::from_secs(5));
            peers.insert(number, Peer { files, group, tracker, searcher, alive, task });
        }
        let heartbeats = tokio::spawn(heartbeats(listeners, weather.clone()));
        Self { peers, weather, voters: AtomicU8::new(count.min(7)), heartbeats, handles }
    }

    /// Everybody alive learns that this peer is tracker in this epoch (`None`: nobody is).
    pub(crate) fn elect(&self, epoch: u64, tracker: Option<u8>) {
        for number in self.peers.keys() {
            self.tell(*number, epoch, tracker);
        }
    }

    /// One peer learns it.
    pub(crate) fn tell(&self, number: u8, epoch: u64, tracker: Option<u8>) {
        let member = |(number, peer): (&u8, &Peer)| {
            let info = MemberInfo {
                name: PeerName::new(&format!("peer-{number}")).expect("a plain name"),
                uri: format!("wss://127.0.0.1:{}/", 7000 + u16::from(*number)).parse().ok(),
                voter: *number <= self.voters.load(Ordering::Relaxed),
                reachable: peer.alive.load(Ordering::Relaxed),
            };
            (id(*number), info)
        };
        self.peers[&number].group.send_replace(Arc::new(GroupState {
            me: id(number),
            role: if tracker == Some(number) { Role::Tracker } else { Role::Follower },
            epoch: Epoch::new(epoch).expect("small"),
            tracker: tracker.map(id),
            active: tracker == Some(number),
            members: self.peers.iter().map(member).collect(),
        }));
    }

    /// The peer dies: it neither calls nor answers.
    pub(crate) fn kill(&self, number: u8) {
        self.cut(number);
        self.peers[&number].task.abort();
    }

    /// The peer cannot be reached and reaches nobody.
    pub(crate) fn cut(&self, number: u8) {
        self.handles.write().expect("not poisoned").remove(&id(number));
        self.peers[&number].alive.store(false, Ordering::Relaxed);
    }

    /// A peer that was cut can be reached again.
    pub(crate) fn revive(&self, number: u8) {
        let peer = &self.peers[&number];
        self.handles.write().expect("not poisoned").insert(id(number), peer.tracker.clone());
        peer.alive.store(true, Ordering::Relaxed);
    }

    /// Everything ends.
    pub(crate) fn end(&self) {
        self.heartbeats.abort();
        for peer in self.peers.values() {
            peer.task.abort();
        }
    }

    /// All names that the living peers share.
    pub(crate) fn union(&self) -> BTreeSet<(PeerId, String)> {
        let alive = self.peers.iter().filter(|(_, peer)| peer.alive.load(Ordering::Relaxed));
        let names = |(number, peer): (&u8, &Peer)| {
            let (_, entries) = peer.files.entries();
            let owner = id(*number);
            entries.into_iter().map(move |entry| (owner, entry.name.to_string())).collect::<Vec<_>>()
        };
        alive.flat_map(names).collect()
    }

    /// Waits until the answers to this peer's searches are complete and equal the union; how long it took.
    pub(crate) async fn converged(&self, asker: u8, within: Duration) -> Duration {
        let start = Instant::now();
        let converged = async {
            loop {
                let answer = self.peers[&asker].searcher.search("", 10_000).await.expect("an answer");
                if answer.complete.have == answer.complete.of && shown(&answer) == self.union() {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(within, converged).await.expect("the index equals the union in time");
        start.elapsed()
    }
}

/// Who has which name, of an answer.
pub(crate) fn shown(answer: &SearchAnswer) -> BTreeSet<(PeerId, String)> {
    let sources = answer.results.iter().flat_map(|found| &found.sources);
    sources.map(|source| (source.peer.parse().expect("an id"), source.name.clone())).collect()
}
