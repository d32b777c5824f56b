//! A listener on loopback with short time-outs, and raw ways to talk to it.

use cardume::base::{ContentId, PeerId};
use cardume::engine::upload::turns::TurnLimits;
use cardume::net::caller::call;
use cardume::net::identity::server_name;
use cardume::net::{
    CallerLimits, ContentRefusal, ContentRoute, ContentService, GroupKey, Identity, OpenContent, PeerKey,
    Server, ServerHandle, ServerLimits, Uploads, connect,
};
use cardume::wire::Caller;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::rpc_params;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than any time-out of [`LIMITS`]: what takes longer hangs.
pub(crate) const SOON: Duration = Duration::from_secs(8);

/// As in production, with time-outs that tests can wait for.
pub(crate) const LIMITS: ServerLimits = ServerLimits {
    handshakes: 64,
    handshake_timeout: Duration::from_millis(400),
    header_timeout: Duration::from_millis(400),
    body_timeout: Duration::from_millis(400),
    write_timeout: Duration::from_millis(400),
    ..ServerLimits::GENERAL
};

/// A namespace of the same make as the real ones.
#[rpc(server, namespace = "test", namespace_separator = "_")]
pub(crate) trait Test {
    /// Gives back what it got, and who called.
    #[method(name = "echo", param_kind = map, with_extensions)]
    async fn echo(&self, number: u64, words: Option<Vec<String>>) -> RpcResult<(u64, usize, String)>;
}

struct Echo;

#[async_trait]
impl TestServer for Echo {
    async fn echo(
        &self,
        extensions: &jsonrpsee::Extensions,
        number: u64,
        words: Option<Vec<String>>,
    ) -> RpcResult<(u64, usize, String)> {
        let peer = extensions.get::<Caller>().map(|caller| caller.peer.short()).unwrap_or_default();
        Ok((number, words.map_or(0, |words| words.len()), peer))
    }
}

/// The one content that hosts share.
pub(crate) const SHARED: ContentId = ContentId::from_bytes([7; 32]);
/// Its size: far more than sockets buffer.
pub(crate) const SHARED_BYTES: u64 = 64 * 1024 * 1024;

struct Shelf(File);

impl ContentRoute for Shelf {
    fn open(&self, _: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal> {
        if content != SHARED {
            return Err(ContentRefusal::Unknown);
        }
        let file = self.0.try_clone().map_err(|error| ContentRefusal::Unreadable(error.to_string()))?;
        Ok(OpenContent { file, size: SHARED_BYTES, name: "shelf".to_owned(), tag: 0, pieces: None })
    }

    fn spoiled(&self, _: ContentId, _: u64) {}
}

/// A member that serves, and another one that calls.
pub(crate) struct Host {
    pub(crate) group: GroupKey,
    pub(crate) identity: Identity,
    pub(crate) guest: Identity,
    pub(crate) server: ServerHandle,
    pub(crate) uploads: Uploads,
    pub(crate) address: SocketAddr,
}

/// A new member.
pub(crate) fn member(group: &GroupKey) -> Identity {
    Identity::new(group, &PeerKey::generate().expect("randomness")).expect("valid keys")
}

impl Host {
    pub(crate) async fn start(limits: ServerLimits) -> Self {
        Self::start_sending(limits, Uploads::LIMITS).await
    }

    /// With these limits of what is sent at once.
    pub(crate) async fn start_sending(limits: ServerLimits, turns: TurnLimits) -> Self {
        let group = GroupKey::random();
        let (identity, guest) = (member(&group), member(&group));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(SHARED_BYTES).expect("a sparse file");
        let uploads = Uploads::new(turns);
        let service = ContentService { route: Arc::new(Shelf(file)), uploads: uploads.clone() };
        let server = Server::start(listener, &identity, Echo.into_rpc().into(), Some(service), limits);
        let server = server.expect("an address");
        let address = server.local_addr();
        Self { group, identity, guest, server, uploads, address }
    }

    /// A member's call works, on a new connection; then the server stops in time.
    pub(crate) async fn still_serves(self) {
        self.serves().await;
        let stopped = tokio::time::timeout(SOON, self.server.stop()).await;
        assert!(stopped.is_ok(), "the server did not stop");
    }

    /// A member's call works, on a new connection.
    pub(crate) async fn serves(&self) {
        let connected = connect(&self.guest, self.address, None, CallerLimits::GENERAL).await;
        let (client, _) = connected.expect("a member is let in");
        let mut params = jsonrpsee::core::params::ObjectParams::new();
        params.insert("number", 1).expect("a number");
        let answer = call(SOON, client.request::<(u64, usize, String), _>("test_echo", params)).await;
        assert_eq!(answer, Ok((1, 0, self.guest.peer_id().short())));
        let unknown = call(SOON, client.request::<u64, _>("test_nothing", rpc_params![])).await;
        assert_eq!(unknown.expect_err("unknown").code(), Some(-32601));
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the listener accepts")
    }

    /// A member's raw connection.
    pub(crate) async fn tls(&self) -> TlsStream<TcpStream> {
        let connector = TlsConnector::from(self.guest.client_config());
        connector.connect(server_name(), self.tcp().await).await.expect("a member is let in")
    }

    /// Sends raw bytes as a member and reads all until the server closes.
    pub(crate) async fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.tls().await;
        // The server may answer and close before it has read all.
        drop(stream.write_all(bytes).await);
        drop(stream.flush().await);
        rest(&mut stream).await
    }

    /// Posts a body as JSON; the status and the answer's body.
    pub(crate) async fn post(&self, body: &[u8]) -> (u16, String) {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let answer = self.send(&[head.as_bytes(), body].concat()).await;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        (status(&answer), body)
    }
}

/// The status of a raw HTTP answer; 0 if there is none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or_default()
}

/// Everything until the other end closes, which it has to do soon. A reset counts as closing.
pub(crate) async fn rest<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    String::from_utf8_lossy(&rest_bytes(stream).await).into_owned()
}

/// As [`rest`].
pub(crate) async fn rest_bytes<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut all = Vec::new();
    let mut block = [0; 4096];
    let reading = async {
        while let Ok(length @ 1..) = stream.read(&mut block).await {
            all.extend_from_slice(&block[..length]);
        }
    };
    let closed = tokio::time::timeout(SOON, reading).await;
    assert!(closed.is_ok(), "the connection stayed open");
    all
}
