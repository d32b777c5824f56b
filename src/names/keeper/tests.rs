use super::*;
use crate::base::PeerUri;
use crate::engine::election::RosterStamp;
use crate::engine::registry::{Founding, Metadata, Saved};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A disk that can be full, or slow until it is let go.
#[derive(Clone, Default)]
struct Disk {
    is_full: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
    held: Arc<Mutex<()>>,
}

impl Keep for Disk {
    fn save(&mut self, _changes: &[Change]) -> Result<(), StorageError> {
        drop(self.held.lock().expect("no panic while holding"));
        if self.is_full.load(Ordering::SeqCst) {
            let detail = "no space left on device".to_owned();
            return Err(StorageError::Write { path: PathBuf::from("registry"), detail });
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn start(expected: u8) -> (Keeper, Disk) {
    let rule = Founding { expected, not_before: Duration::ZERO };
    let registry = Registry::new(rule, Saved::default(), Duration::ZERO);
    let disk = Disk::default();
    let (keeper, _) = Keeper::start(registry, disk.clone(), Instant::now()).expect("a thread");
    (keeper, disk)
}

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn name(holder: u8) -> PeerName {
    PeerName::new(&format!("peer-{holder}")).expect("a name")
}

fn entry(holder: u8) -> Entry {
    let uri = PeerUri::new(SocketAddr::from(([127, 0, 0, 1], 7000 + u16::from(holder)))).expect("an address");
    Entry { holder: peer(holder), uri, election_uri: Some(uri), metadata: Metadata::default() }
}

fn registration(holder: u8) -> Registration {
    Registration::Peer { name: name(holder), entry: entry(holder), lease: Lease::DEFAULT, roster: None }
}

#[tokio::test]
async fn nothing_is_acknowledged_or_kept_while_the_disk_is_full() {
    let (keeper, disk) = start(2);
    keeper.register(registration(1)).await.expect("is written");
    disk.is_full.store(true, Ordering::SeqCst);
    assert_eq!(keeper.register(registration(2)).await, Err(Failure::Storage));
    let removed = keeper.remove(Name::Peer(name(1)), peer(1)).await;
    assert_eq!(removed, Err(Failure::Storage));
    let metadata = Metadata::new([("room".to_owned(), "2".to_owned())].into()).expect("within the limits");
    let changed = keeper.set_metadata(Name::Peer(name(1)), peer(1), metadata).await;
    assert_eq!(changed, Err(Failure::Storage));
    let other_lease = Lease::granted(Some(5_000)).expect("not 0");
    let renewed = keeper.renew(Name::Peer(name(1)), peer(1), Some(other_lease)).await;
    assert_eq!(renewed, Err(Failure::Storage));
    // What needs no write goes on.
    let (lease, overview) = keeper.renew(Name::Peer(name(1)), peer(1), None).await.expect("needs no write");
    assert_eq!((lease, overview.registered, overview.founding), (Lease::DEFAULT, 1, None));
    let listed = keeper.list(Filter::default()).await.expect("needs no write");
    assert_eq!(listed, BTreeMap::from([("peer-1".to_owned(), entry(1))]));
    assert_eq!(keeper.lookup(Name::Peer(name(1))).await, Ok(entry(1)));
    disk.is_full.store(false, Ordering::SeqCst);
    let (_, overview) = keeper.register(registration(2)).await.expect("is written");
    let founding = overview.founding.expect("two peers");
    assert_eq!(founding.voters().collect::<Vec<_>>(), [peer(1), peer(2)]);
    assert_eq!(founding.stamp, RosterStamp { epoch: Epoch::ZERO, version: 0 });
}

#[tokio::test]
async fn requests_that_wait_together_share_a_write() {
    let (keeper, disk) = start(7);
    let held = disk.held.lock().expect("is free");
    let mut waiting = Vec::new();
    for holder in 1..=100 {
        let (answer, answered) = oneshot::channel();
        let request = Request::Register(registration(holder), answer);
        keeper.requests.try_send(request).expect("the queue is longer");
        waiting.push(answered);
    }
    drop(held);
    for answered in waiting {
        answered.await.expect("is answered").expect("is written");
    }
    let writes = disk.writes.load(Ordering::SeqCst);
    assert!(writes < 50, "100 registrations took {writes} writes");
    assert_eq!(keeper.count().await.map(|(count, _)| count), Ok(100));
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "the lock holds the disk up, which is another thread's")]
async fn a_full_queue_is_answered_at_once() {
    let (keeper, disk) = start(7);
    let held = disk.held.lock().expect("is free");
    let (answer, answered) = oneshot::channel();
    keeper.requests.try_send(Request::Register(registration(1), answer)).expect("is empty");
    // The thread takes a batch out of the queue and then waits for the disk.
    let mut filled = 0;
    while keeper.requests.try_send(Request::Tick).is_ok() {
        filled += 1;
        assert!(filled <= MAX_WAITING + MAX_BATCH, "the queue has no limit");
    }
    assert_eq!(keeper.remove(Name::Peer(name(1)), peer(1)).await, Err(Failure::Busy));
    drop(held);
    answered.await.expect("is answered").expect("is written");
}
