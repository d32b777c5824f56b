//! Five peers in one process, without sockets and elections: their announcing and tracking tasks are the
//! real ones, the calls between them are lost, repeated and late as a test wants it.

use cardume::base::{ContentId, Epoch, FileName, FolderPath, PeerId, PeerName};
use cardume::engine::election::Role;
use cardume::engine::index::{Announcement, Change, Chunk, Delta, FileEntry, IndexPosition, Page};
use cardume::net::handlers::index::IndexService;
use cardume::net::{CallError, IndexCalls};
use cardume::node::search::Searcher;
use cardume::node::share_task::{AnnouncedFiles, share_task};
use cardume::node::tracker_route::TrackerRoute;
use cardume::node::tracker_task::{self, TrackerHandle};
use cardume::node::{GroupState, MemberInfo};
use cardume::wire::index::{AnnounceAnswer, BeginAnswer, SearchAnswer, SourcesAnswer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    /// Deltas are answered without having arrived: a lie that only the comparison of digests finds.
    pub(crate) swallow_deltas: AtomicBool,
    dice: AtomicU64,
}

impl Weather {
    fn strikes(&self) -> bool {
        let dice = self.dice.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::hash(&dice.to_le_bytes());
        u64::from(hash.as_bytes()[0]) * 100 / 256 < self.percent.load(Ordering::Relaxed)
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
    async fn call<T, F: Future<Output = Result<T, cardume::wire::codes::Refused>>>(
        &self,
        to: PeerId,
        call: impl Fn(TrackerHandle) -> F,
    ) -> Result<T, CallError> {
        let lost = || CallError::Broken("lost".to_owned());
        let handle = self.peers.read().expect("not poisoned").get(&to).cloned().ok_or_else(lost)?;
        sleep(Duration::from_millis(1)).await;
        if self.weather.strikes() {
            return Err(lost());
        }
        if self.weather.strikes() {
            drop(call(handle.clone()).await);
        }
        let answer = call(handle).await.map_err(CallError::Refused);
        if self.weather.strikes() { Err(lost()) } else { answer }
    }
}

impl IndexCalls for Calls {
    async fn begin(
        &self,
        to: PeerId,
        epoch: Epoch,
        announced: Announcement,
    ) -> Result<BeginAnswer, CallError> {
        self.call(to, async |handle| handle.announce_begin(self.from, epoch, announced).await).await
    }

    async fn chunk(&self, to: PeerId, epoch: Epoch, chunk: Chunk) -> Result<AnnounceAnswer, CallError> {
        self.call(to, async |handle| handle.announce_chunk(self.from, epoch, chunk.clone()).await).await
    }

    async fn delta(&self, to: PeerId, epoch: Epoch, delta: Delta) -> Result<AnnounceAnswer, CallError> {
        if self.weather.swallow_deltas.load(Ordering::Relaxed) {
            return Ok(AnnounceAnswer::Accepted);
        }
        self.call(to, async |handle| handle.announce_delta(self.from, epoch, delta.clone()).await).await
    }

    async fn search(&self, to: PeerId, words: &str, page: Page) -> Result<SearchAnswer, CallError> {
        self.call(to, async |handle| handle.search(self.from, words.to_owned(), page).await).await
    }

    async fn sources(&self, to: PeerId, content: ContentId) -> Result<SourcesAnswer, CallError> {
        self.call(to, async |handle| handle.sources(self.from, content).await).await
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

/// The group.
pub(crate) struct Group {
    pub(crate) peers: BTreeMap<u8, Peer>,
    pub(crate) weather: Arc<Weather>,
    handles: Arc<RwLock<BTreeMap<PeerId, TrackerHandle>>>,
}

impl Group {
    /// So many peers that know of no tracker; their libraries remember `journal` changes.
    pub(crate) fn new(count: u8, journal: usize) -> Self {
        let handles = Arc::new(RwLock::new(BTreeMap::new()));
        let weather = Arc::new(Weather::default());
        let mut peers = BTreeMap::new();
        for number in 1..=count {
            let (group, state) = watch::channel(Arc::new(GroupState::alone(id(number))));
            let tracker = tracker_task::spawn(id(number), state.clone());
            handles.write().expect("not poisoned").insert(id(number), tracker.clone());
            let remote = Calls { from: id(number), peers: handles.clone(), weather: weather.clone() };
            let route = TrackerRoute { me: id(number), local: tracker.clone(), remote };
            let files = Arc::new(Files::new(number, journal));
            let task = tokio::spawn(share_task(files.clone(), state.clone(), route.clone()));
            let searcher = Searcher::new(route, state, Duration::from_secs(5));
            let alive = Arc::new(AtomicBool::new(true));
            peers.insert(number, Peer { files, group, tracker, searcher, alive, task });
        }
        Self { peers, weather, handles }
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
                voter: true,
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
        self.handles.write().expect("not poisoned").remove(&id(number));
        self.peers[&number].alive.store(false, Ordering::Relaxed);
        self.peers[&number].task.abort();
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
