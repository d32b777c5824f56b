//! The name service over real sockets and as a real process.

#[path = "names/bad_inputs.rs"]
mod bad_inputs;
#[path = "names/group.rs"]
mod group;
#[path = "names/link.rs"]
mod link;
#[path = "names/process.rs"]
mod process;
#[path = "names/tools.rs"]
mod tools;
#[path = "names/watch.rs"]
mod watch;

use cardume::base::PeerId;
use cardume::names::{NamesConfig, NamesService};
use cardume::net::{
    CallerLimits, Client, GroupKey, Identity, PeerKey, Server, ServerHandle, ServerLimits, connect,
};
use cardume::wire::codes::Code;
use cardume::wire::election::Stamp;
use cardume::wire::group::{Member, Roster};
use cardume::wire::names::{self, Entry, NamesClient as _, Registered};
use jsonrpsee::Methods;
use jsonrpsee::core::client::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;

/// Longer than anything here takes on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(20);
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A peer that answers at two addresses, and nothing more.
struct Peer {
    identity: Identity,
    general: ServerHandle,
    election: ServerHandle,
}

impl Peer {
    async fn start(group: &GroupKey) -> Self {
        let identity = identity(group);
        let (general, election) = (listen(&identity).await, listen(&identity).await);
        Self { identity, general, election }
    }

    fn id(&self) -> PeerId {
        self.identity.peer_id()
    }

    fn uri(&self) -> String {
        format!("wss://{}/", self.general.local_addr())
    }

    fn election_uri(&self) -> String {
        format!("wss://{}/", self.election.local_addr())
    }

    fn entry(&self) -> Entry {
        Entry {
            uri: self.uri(),
            election_uri: Some(self.election_uri()),
            peer_id: self.id().to_string(),
            metadata: [("version".to_owned(), "1".to_owned())].into(),
        }
    }

    async fn connect(&self, service: SocketAddr) -> Client {
        connect(&self.identity, service, None, CallerLimits::GENERAL).await.expect("a member gets in").0
    }

    /// Registers as `name` with what [`Peer::entry`] says.
    async fn register(
        &self,
        client: &Client,
        name: &str,
        roster: Option<Roster>,
    ) -> Result<Registered, Error> {
        let entry = self.entry();
        let metadata = Some(entry.metadata);
        client.register(name.to_owned(), entry.uri, entry.election_uri, metadata, None, roster).await
    }
}

fn identity(group: &GroupKey) -> Identity {
    Identity::new(group, &PeerKey::generate().expect("randomness")).expect("valid keys")
}

async fn listen(identity: &Identity) -> ServerHandle {
    let listener = TcpListener::bind(ANY_PORT).await.expect("a port");
    Server::start(listener, identity, Methods::new(), None, ServerLimits::GENERAL).expect("starts")
}

/// Starts a name service in `folder`, which may found at once.
async fn service_at(folder: &Path, group: &GroupKey, listen: SocketAddr, expect: Option<u8>) -> NamesService {
    let config = NamesConfig {
        folder: folder.to_owned(),
        listen,
        expect,
        identity: identity(group),
        founding_grace: Duration::ZERO,
    };
    NamesService::start(config).await.expect("starts")
}

/// A roster whose voters are these peers.
fn roster_of(founding: char, peers: &[&Peer]) -> Roster {
    let mut members: Vec<_> = peers
        .iter()
        .map(|peer| Member {
            peer_id: peer.id().to_string(),
            name: format!("peer {}", peer.id().short()),
            uri: peer.uri(),
            election_uri: peer.election_uri(),
            voter: true,
        })
        .collect();
    members.sort_by(|a, b| a.peer_id.cmp(&b.peer_id));
    let min_voters = u8::try_from(peers.len()).expect("few");
    let stamp = Stamp { epoch: 0, version: 0 };
    Roster { founding: founding.to_string().repeat(32), stamp, min_voters, members }
}

/// The code and the data of a refusal.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (i32, Option<String>) {
    match outcome {
        Err(Error::Call(error)) => (error.code(), error.data().map(|data| data.get().to_owned())),
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> i32 {
    refusal(outcome).0
}

#[tokio::test]
async fn what_is_registered_is_found_until_it_is_removed() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(3)).await;
    let (one, two) = (Peer::start(&group).await, Peer::start(&group).await);
    let client = one.connect(service.local_addr()).await;
    let registered = one.register(&client, "peer-1", None).await.expect("is accepted");
    let expected = Registered {
        lease_millis: 30_000,
        highest_epoch: 0,
        tracker: None,
        founding: None,
        registered: 1,
        expected: 3,
    };
    assert_eq!(registered, expected);
    assert_eq!(client.lookup("peer-1".to_owned()).await.expect("is found"), one.entry());
    let listed = client.list(None, None, None).await.expect("is answered");
    assert_eq!(listed, [("peer-1".to_owned(), one.entry())].into());
    assert!(client.list(Some("x".to_owned()), None, None).await.expect("is answered").is_empty());
    assert_eq!(client.count().await.expect("is answered"), 1);
    let pong = client.ping().await.expect("is answered");
    assert_eq!((pong.pid, pong.count, pong.highest_epoch), (std::process::id(), 1, 0));
    let renewed = client.renew("peer-1".to_owned(), Some(u64::MAX)).await.expect("is accepted");
    assert_eq!(renewed.lease_millis, 3_600_000);
    let other = two.connect(service.local_addr()).await;
    assert_eq!(code(two.register(&other, "peer-1", None).await), Code::NameTaken as i32);
    assert_eq!(code(other.renew("peer-1".to_owned(), None).await), Code::NameTaken as i32);
    assert_eq!(code(other.remove("peer-1".to_owned()).await), Code::NameTaken as i32);
    assert!(client.remove("peer-1".to_owned()).await.expect("its own"));
    assert!(!client.remove("peer-1".to_owned()).await.expect("is answered"));
    assert_eq!(code(client.lookup("peer-1".to_owned()).await), Code::UnknownName as i32);
    assert_eq!(code(client.renew("peer-1".to_owned(), None).await), Code::UnknownName as i32);
    service.stop().await;
}

#[tokio::test]
async fn what_is_asked_of_a_list_holds_all_at_once() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    for (name, room) in [("printer-1", "2"), ("printer-22", "3"), ("scanner-1", "2")] {
        let metadata = [("room".to_owned(), room.to_owned())].into();
        let registering = client.register(name.to_owned(), peer.uri(), None, Some(metadata), None, None);
        registering.await.expect("is accepted");
    }
    let tracker = peer.register(&client, "Tracker_Epoca_1", Some(roster_of('a', &[&peer]))).await;
    tracker.expect("is the first");
    // Prefix, pattern, room, and what fits.
    let table: [(_, _, _, &[&str]); 7] = [
        (None, None, None, &["Tracker_Epoca_1", "printer-1", "printer-22", "scanner-1"]),
        (None, Some("-[0-9]$"), None, &["printer-1", "scanner-1"]),
        (Some("printer"), Some("-[0-9]$"), None, &["printer-1"]),
        (None, None, Some("2"), &["printer-1", "scanner-1"]),
        (None, Some("22|^Tracker_"), None, &["Tracker_Epoca_1", "printer-22"]),
        (Some("p"), Some("1"), Some("2"), &["printer-1"]),
        (Some("p"), Some("1"), Some("3"), &[]),
    ];
    for (prefix, pattern, room, expected) in table {
        let metadata = room.map(|room: &str| [("room".to_owned(), room.to_owned())].into());
        let asking = client.list(prefix.map(str::to_owned), pattern.map(str::to_owned), metadata);
        let listed: Vec<_> = asking.await.expect("is answered").into_keys().collect();
        assert_eq!(listed, expected, "{prefix:?} {pattern:?} {room:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn what_a_registration_carries_is_replaced_by_its_holder_and_survives_a_restart() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let address = service.local_addr();
    let (one, two) = (Peer::start(&group).await, Peer::start(&group).await);
    let (client, other) = (one.connect(address).await, two.connect(address).await);
    one.register(&client, "peer-1", None).await.expect("is accepted");
    let ours = roster_of('a', &[&one, &two]);
    one.register(&client, "Tracker_Epoca_1", Some(ours.clone())).await.expect("is the first");
    let room: names::Metadata = [("room".to_owned(), "2".to_owned())].into();
    let changed = Entry { metadata: room.clone(), ..one.entry() };
    for name in ["peer-1", "Tracker_Epoca_1"] {
        let by_another = other.set_metadata(name.to_owned(), room.clone()).await;
        assert_eq!(code(by_another), Code::NameTaken as i32, "{name}");
        assert_eq!(client.lookup(name.to_owned()).await.expect("is found"), one.entry());
        assert_eq!(client.set_metadata(name.to_owned(), room.clone()).await.expect("its own"), changed);
    }
    service.stop().await;
    let service = service_at(folder.path(), &group, address, Some(7)).await;
    let client = one.connect(address).await;
    let expected = ["Tracker_Epoca_1", "peer-1"].map(|name| (name.to_owned(), changed.clone())).into();
    assert_eq!(client.list(None, None, Some(room.clone())).await.expect("is answered"), expected);
    let nothing = Entry { metadata: names::Metadata::new(), ..one.entry() };
    let emptied = client.set_metadata("peer-1".to_owned(), names::Metadata::new()).await;
    assert_eq!(emptied.expect("its own"), nothing);
    let other = two.connect(address).await;
    two.register(&other, "Tracker_Epoca_2", Some(ours)).await.expect("is higher");
    let history = client.set_metadata("Tracker_Epoca_1".to_owned(), names::Metadata::new()).await;
    assert_eq!(refusal(history), (Code::EpochSuperseded as i32, Some("{\"highest\":2}".to_owned())));
    one.register(&client, "peer-1", None).await.expect("its own");
    assert_eq!(client.lookup("peer-1".to_owned()).await.expect("is found"), one.entry());
    service.stop().await;
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, None).await;
    let peer = Peer::start(&group).await;
    let client = peer.connect(service.local_addr()).await;
    let registering = client.register("peer-1".to_owned(), peer.uri(), None, None, Some(1), None);
    assert_eq!(registering.await.expect("is accepted").lease_millis, 1_000);
    let gone = async {
        while client.count().await.expect("is answered") != 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("the lease ends");
    service.stop().await;
}

#[tokio::test]
async fn only_an_address_that_answers_as_the_caller_is_accepted() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, None).await;
    let (peer, other) = (Peer::start(&group).await, Peer::start(&group).await);
    let outsider = Peer::start(&GroupKey::random()).await;
    // Accepts connections into its backlog and never says anything.
    let silent = TcpListener::bind(ANY_PORT).await.expect("a port");
    let free = TcpListener::bind(ANY_PORT).await.expect("a port");
    let closed = free.local_addr().expect("has one");
    drop(free);
    let uri = |address: SocketAddr| format!("wss://{address}/");
    let wrong = [
        uri(closed),
        uri(silent.local_addr().expect("has one")),
        uri(service.local_addr()),
        other.uri(),
        outsider.uri(),
    ];
    let client = peer.connect(service.local_addr()).await;
    for wrong in wrong {
        for (uri, election_uri) in [(wrong.clone(), None), (peer.uri(), Some(wrong.clone()))] {
            let begun = tokio::time::Instant::now();
            let outcome = client.register("peer-1".to_owned(), uri, election_uri, None, None, None).await;
            assert_eq!(code(outcome), Code::CallBackFailed as i32, "{wrong}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{wrong}");
        }
    }
    assert_eq!(client.count().await.expect("is answered"), 0);
    service.stop().await;
}

#[tokio::test]
async fn outsiders_do_not_get_in() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, None).await;
    let outsider = identity(&GroupKey::random());
    let outcome = connect(&outsider, service.local_addr(), None, CallerLimits::GENERAL).await;
    let inside = match outcome {
        // TLS 1.3 tells the caller of its refusal only with the first answer.
        Ok((client, _)) => client.ping().await.is_ok(),
        Err(_) => false,
    };
    assert!(!inside);
    service.stop().await;
}
