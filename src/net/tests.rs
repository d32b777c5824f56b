//! A real server, callers, links and contents on loopback.

use super::caller::CallError;
use super::*;
use crate::base::{ByteRate, ContentId, PeerId};
use crate::wire::Caller;
use hyper::body::Bytes;
use jsonrpsee::RpcModule;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_secs(10);

fn member(group: &GroupKey) -> Identity {
    Identity::new(group, &PeerKey::generate().expect("randomness")).expect("valid keys")
}

fn methods() -> jsonrpsee::Methods {
    let mut module = RpcModule::new(());
    module
        .register_async_method("who", |_, _, extensions| async move {
            extensions.get::<Caller>().map(|caller| caller.peer.to_string())
        })
        .expect("one method of that name");
    module
        .register_async_method("slow", |_, _, _| async {
            tokio::time::sleep(SOON).await;
            "done"
        })
        .expect("one method of that name");
    module.into()
}

async fn server(identity: &Identity, contents: Option<ContentService>) -> ServerHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    Server::start(listener, identity, methods(), contents, ServerLimits::GENERAL).expect("an address")
}

async fn who(client: &Client) -> Result<Option<String>, CallError> {
    call(SOON, client.request("who", rpc_params![])).await
}

/// Waits until `holds`; fails after [`SOON`].
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(SOON, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} did not come true");
}

/// A content with these bytes; everything else is refused as the id says.
struct Shelf {
    file: std::fs::File,
    size: u64,
    spoiled: AtomicU64,
}

const SHARED: ContentId = ContentId::from_bytes([7; 32]);
const CHANGED: ContentId = ContentId::from_bytes([8; 32]);
/// The beginning of the shelf.
const SMALL: ContentId = ContentId::from_bytes([9; 32]);
const SMALL_BYTES: u64 = 100_000;
const EMPTY: ContentId = ContentId::from_bytes([10; 32]);
/// Longer than its file.
const SHRUNK: ContentId = ContentId::from_bytes([11; 32]);
const LARGE: ContentId = ContentId::from_bytes([12; 32]);

impl ContentRoute for Shelf {
    fn open(&self, _: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal> {
        let size = match content {
            SHARED => self.size,
            SMALL => SMALL_BYTES,
            EMPTY => 0,
            SHRUNK => MAX_SMALL_BYTES,
            LARGE => MAX_SMALL_BYTES + 1,
            CHANGED => return Err(ContentRefusal::Changed),
            _ => return Err(ContentRefusal::Unknown),
        };
        let file = self.file.try_clone();
        let file = file.map_err(|error| ContentRefusal::Unreadable(error.to_string()))?;
        Ok(OpenContent { file, size, name: "shelf".to_owned(), tag: 3, pieces: None })
    }

    fn spoiled(&self, _: ContentId, tag: u64) {
        self.spoiled.fetch_add(tag, Ordering::Relaxed);
    }
}

fn shelf(bytes: &[u8]) -> Arc<Shelf> {
    use std::io::Write;
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a small file");
    Arc::new(Shelf { file, size: bytes.len() as u64, spoiled: AtomicU64::new(0) })
}

fn service(route: Arc<Shelf>) -> ContentService {
    ContentService { route, uploads: Uploads::new(Uploads::LIMITS) }
}

async fn collect(mut body: ContentBody<'_>) -> Result<Vec<u8>, FetchError> {
    let mut all = Vec::new();
    while let Some(bytes) = body.next().await {
        all.extend_from_slice(&bytes?);
    }
    Ok(all)
}

#[tokio::test]
async fn both_ends_know_each_other() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let server = server(&host, None).await;
    let (client, peer) = connect(&guest, server.local_addr(), Some(host.peer_id()), CallerLimits::GENERAL)
        .await
        .expect("member");
    assert_eq!(peer, host.peer_id());
    assert_eq!(who(&client).await, Ok(Some(guest.peer_id().to_string())));
    // A peer may talk to itself: so does the command line.
    let (own, peer) =
        connect(&host, server.local_addr(), None, CallerLimits::ELECTION).await.expect("member");
    assert_eq!((who(&own).await, peer), (Ok(Some(host.peer_id().to_string())), host.peer_id()));
    server.stop().await;
    assert!(tokio::time::timeout(SOON, client.on_disconnect()).await.is_ok());
}

#[tokio::test]
async fn a_stranger_and_a_wrong_peer_are_refused() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let server = server(&host, None).await;
    let address = server.local_addr();
    let stranger = member(&GroupKey::random());
    let refused = connect(&stranger, address, None, CallerLimits::GENERAL).await.expect_err("stranger");
    assert!(matches!(refused, ConnectError::Tls { .. }), "{refused}");
    let (expected, found) = (guest.peer_id(), host.peer_id());
    let refused = connect(&guest, address, Some(expected), CallerLimits::GENERAL).await.expect_err("other");
    assert_eq!(refused, ConnectError::OtherPeer { expected, found, address });
    server.stop().await;
}

#[tokio::test]
async fn silence_cuts_at_once_and_ends() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let server = server(&host, None).await;
    let address = server.local_addr();
    let (client, _) = connect(&guest, address, None, CallerLimits::GENERAL).await.expect("member");
    let begun = tokio::time::Instant::now();
    let calling = async { call(SOON, client.request::<String, _>("slow", rpc_params![])).await };
    let (answer, ()) = tokio::join!(calling, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.silence(true);
    });
    assert!(matches!(answer, Err(CallError::Broken(_))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(1), "the call ended {:?} later", begun.elapsed());
    assert!(connect(&guest, address, None, CallerLimits::GENERAL).await.is_err());
    server.silence(false);
    let (client, _) = connect(&guest, address, None, CallerLimits::GENERAL).await.expect("member again");
    assert_eq!(who(&client).await, Ok(Some(guest.peer_id().to_string())));
    server.stop().await;
}

#[tokio::test]
async fn silence_spares_the_own_key_and_the_end_does_not() {
    let host = member(&GroupKey::random());
    let server = server(&host, None).await;
    let address = server.local_addr();
    let (person, _) = connect(&host, address, None, CallerLimits::GENERAL).await.expect("the own key");
    assert_eq!(who(&person).await, Ok(Some(host.peer_id().to_string())));
    let calling = async { call(SOON, person.request::<String, _>("slow", rpc_params![])).await };
    let (answer, ()) = tokio::join!(calling, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.silence(true);
        assert_eq!(who(&person).await, Ok(Some(host.peer_id().to_string())), "during the silence");
        server.stop().await;
    });
    assert!(matches!(answer, Err(CallError::Broken(_))), "the end cuts everybody: {answer:?}");
}

#[tokio::test]
async fn links_come_back_and_follow_an_address() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let links = PeerLinks::new(guest.clone(), CallerLimits::ELECTION);
    let peer = host.peer_id();
    assert_eq!(links.connected(peer, SOON).await.err(), Some(LinkError::UnknownPeer(peer)));

    let first = server(&host, None).await;
    let address = first.local_addr();
    links.set_address(peer, address);
    let client = links.connected(peer, SOON).await.expect("linked");
    assert_eq!(who(&client).await, Ok(Some(guest.peer_id().to_string())));

    // The peer restarts on the same port.
    first.stop().await;
    until("loss of the link", || !links.is_connected(peer)).await;
    let listener = TcpListener::bind(address).await.expect("the port is free again");
    let again = Server::start(listener, &host, methods(), None, ServerLimits::ELECTION).expect("an address");
    let client = links.connected(peer, SOON).await.expect("linked again");
    assert_eq!(who(&client).await, Ok(Some(guest.peer_id().to_string())));

    // The peer moves.
    let moved = server(&host, None).await;
    links.set_address(peer, moved.local_addr());
    again.stop().await;
    let client = links.connected(peer, SOON).await.expect("linked at the new address");
    assert_eq!(who(&client).await, Ok(Some(guest.peer_id().to_string())));

    // The drill: no links until it ends, even for somebody who still holds the connection.
    links.set_silent(true);
    assert!(matches!(who(&client).await, Err(CallError::Broken(_))));
    until("silence", || !links.is_connected(peer)).await;
    links.set_silent(false);
    links.connected(peer, SOON).await.expect("linked after the drill");

    links.forget(peer);
    assert_eq!(links.peers(), Vec::<PeerId>::new());
    moved.stop().await;
}

#[tokio::test]
async fn a_link_to_nobody_says_why() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let links = PeerLinks::new(guest, CallerLimits::ELECTION);
    links.set_address(host.peer_id(), address);
    let within = Duration::from_millis(100);
    let error = links.connected(host.peer_id(), within).await.err().map(|error| error.to_string());
    assert!(error.is_some_and(|text| text.contains("cannot connect")), "the reason is told");
}

#[tokio::test]
async fn a_listener_of_another_group_or_program_is_told_from_our_own_and_from_none() {
    let (group, other) = (GroupKey::random(), GroupKey::random());
    let guest = member(&group);
    let (own, foreign) = (server(&member(&group), None).await, server(&member(&other), None).await);
    let program = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let (spoken_to, free) = (program.local_addr().expect("bound"), own.local_addr());
    let answers = tokio::spawn(async move {
        let (mut stream, _) = program.accept().await.expect("a caller");
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await
    });
    assert!(!belongs_to_others(&guest, own.local_addr()).await);
    assert!(belongs_to_others(&guest, foreign.local_addr()).await);
    assert!(belongs_to_others(&guest, spoken_to).await);
    own.stop().await;
    assert!(!belongs_to_others(&guest, free).await, "nobody listens any more");
    foreign.stop().await;
    answers.await.expect("no panic").expect("written");
}

#[tokio::test]
async fn contents_arrive_whole_and_in_parts() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|i| (i * 31 % 251) as u8).collect();
    let shelf = shelf(&bytes);
    let contents = service(shelf.clone());
    let server = server(&host, Some(contents.clone())).await;
    let mut client =
        ContentClient::connect(&guest, server.local_addr(), host.peer_id(), SOON).await.expect("member");
    let size = bytes.len() as u64;
    for range in [0..size, 0..1, size - 1..size, 131_072..262_144, 262_143..900_000] {
        let body = client.get(SHARED, range.clone()).await.expect("shared");
        assert_eq!(body.size(), size);
        let at = |offset: u64| usize::try_from(offset).expect("small");
        let expected = &bytes[at(range.start)..at(range.end)];
        assert!(collect(body).await.expect("whole") == expected, "{range:?}");
    }
    let sent: Vec<_> = contents.uploads.rows().iter().map(|row| (row.peer, row.content, row.sent)).collect();
    assert_eq!(sent, [(guest.peer_id(), SHARED, size + 1 + 1 + 131_072 + 637_857)]);
    assert_eq!(client.get(ContentId::from_bytes([0; 32]), 0..1).await.err(), Some(FetchError::Unknown));
    assert_eq!(client.get(CHANGED, 0..1).await.err(), Some(FetchError::Changed));
    assert!(client.is_open(), "a refusal does not cost the connection");
    // Shorter than asked for, and outside.
    assert!(matches!(client.get(SHARED, size - 1..size + 1).await, Err(FetchError::Unfit(_))));
    // The file shrinks while it is sent: the receiver sees it.
    shelf.file.set_len(500_000).expect("truncated");
    let mut client =
        ContentClient::connect(&guest, server.local_addr(), host.peer_id(), SOON).await.expect("member");
    let arrived = match client.get(SHARED, 0..size).await {
        Ok(body) => collect(body).await,
        Err(error) => Err(error),
    };
    assert!(matches!(arrived, Err(FetchError::Broken(_) | FetchError::Changed)), "{arrived:?}");
    assert_eq!(shelf.spoiled.load(Ordering::Relaxed), 3, "whoever knows the shares is told, with the tag");
    assert_eq!(contents.uploads.rows()[0].phase, UploadPhase::Spoiled);
    server.stop().await;
}

#[tokio::test]
async fn many_small_contents_come_in_one_answer() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let bytes: Vec<u8> = (0..120_000_u32).map(|i| (i * 31 % 251) as u8).collect();
    let shelf = shelf(&bytes);
    let contents = service(shelf.clone());
    let server = server(&host, Some(contents.clone())).await;
    let address = server.local_addr();
    let mut client = ContentClient::connect(&guest, address, host.peer_id(), SOON).await.expect("member");
    let unknown = ContentId::from_bytes([0; 32]);
    let small = Bytes::copy_from_slice(&bytes[..100_000]);
    for round in 1..4_u64 {
        let found = client.many(&[SMALL, unknown, CHANGED, EMPTY, SHRUNK, SMALL]).await.expect("an answer");
        let (gone, changed) = (Err(FetchError::Unknown), || Err(FetchError::Changed));
        let expected = [Ok(small.clone()), gone, changed(), Ok(Bytes::new()), changed(), Ok(small.clone())];
        assert_eq!(found, expected);
        assert_eq!(shelf.spoiled.load(Ordering::Relaxed), 3 * round, "whoever knows the shares is told");
        // It is closed while nobody asks: what is asked for then comes all the same.
        server.silence(true);
        server.silence(false);
    }
    let mut rows: Vec<_> = contents.uploads.rows().iter().map(|row| (row.content, row.sent)).collect();
    rows.sort_unstable();
    assert_eq!(rows, [(SMALL, 6 * SMALL_BYTES), (EMPTY, 0)]);
    // What is not small is asked for alone, and a full answer ends.
    let found = client.many(&[LARGE, SHARED]).await.expect("an answer");
    assert!(matches!(&found[0], Err(FetchError::Broken(_))), "{:?}", found[0]);
    assert_eq!(found[1..], [Ok(Bytes::from(bytes))]);
    let found = client.many(&[SMALL; 64]).await.expect("an answer");
    assert_eq!(found, vec![Ok(small); 3]);
    for wrong in [vec![], vec![SMALL; 65]] {
        assert!(matches!(client.many(&wrong).await, Err(FetchError::Unfit(_))), "{}", wrong.len());
        if !client.is_open() {
            client = ContentClient::connect(&guest, address, host.peer_id(), SOON).await.expect("member");
        }
    }
    contents.uploads.limit_speed(Some(ByteRate::per_second(500_000)));
    let began = tokio::time::Instant::now();
    assert_eq!(client.many(&[SMALL; 2]).await.map(|found| found.len()), Ok(2));
    assert!(began.elapsed() > Duration::from_millis(200), "the limit of speed holds: {:?}", began.elapsed());
    server.stop().await;
}

#[test]
fn a_server_runs_on_a_thread_of_its_own() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = server(&host, None).await;
        let links = PeerLinks::new(guest.clone(), CallerLimits::ELECTION);
        links.set_address(host.peer_id(), server.local_addr());
        let client = links.connected(host.peer_id(), SOON).await.expect("linked");
        assert_eq!(who(&client).await, Ok(Some(guest.peer_id().to_string())));
        server.stop().await;
    });
}

/// What other programs do: HTTP POST with the credentials, as documented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_calls_a_peer() {
    let group = GroupKey::random();
    let (host, guest) = (member(&group), member(&group));
    let server = server(&host, Some(service(shelf(b"a short text")))).await;
    let folder = tempfile::tempdir().expect("a folder");
    let Credentials { ca, cert, key } = guest.credentials_pem();
    for (name, text) in [("ca.pem", ca), ("cert.pem", cert), ("key.pem", key)] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let port = server.local_addr().port();
    let curl = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new("curl");
        command.current_dir(folder.path()).args(["-sS", "--max-time", "10", "--cacert", "ca.pem"]);
        command.args(["--cert", "cert.pem", "--key", "key.pem"]).args(arguments);
        command.output().await.ok().map(|output| {
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        })
    };
    let json = "content-type: application/json";
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"who","params":[]}"#;
    let url = format!("https://127.0.0.1:{port}/");
    let Some(answer) = curl(&["-H", json, "-d", request, &url]).await else {
        return; // This machine has no curl.
    };
    let expected = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#, guest.peer_id());
    assert_eq!(answer, expected);
    let map = format!("cardume.peer:{port}:127.0.0.1");
    let url = format!("https://cardume.peer:{port}/content/{SHARED}");
    let ranged = curl(&["--resolve", &map, "-r", "2-6", "-w", " %{http_code}", &url]).await;
    assert_eq!(ranged.as_deref(), Some("short 206"));
    server.stop().await;
}
