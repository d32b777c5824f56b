//! Before a connection is a connection.

use crate::support::{Host, LIMITS, SOON, member, rest, rest_bytes};
use cardume::net::identity::server_name;
use cardume::net::{CallerLimits, ConnectError, GroupKey, Identity, PeerKey, ServerLimits, connect};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, version::TLS13};

/// The first record of a TLS alert.
const ALERT: u8 = 0x15;

#[tokio::test]
async fn silence_is_closed() {
    let host = Host::start(LIMITS).await;
    assert_eq!(rest_bytes(&mut host.tcp().await).await, b"");
    host.still_serves().await;
}

#[tokio::test]
async fn half_a_handshake_is_closed() {
    let host = Host::start(LIMITS).await;
    let mut client = ClientConnection::new(host.guest.client_config(), server_name()).expect("valid");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("in memory");
    for length in [1, 5, 6, hello.len() / 2, hello.len() - 1] {
        let mut socket = host.tcp().await;
        socket.write_all(&hello[..length]).await.expect("sent");
        assert_eq!(rest_bytes(&mut socket).await, b"", "{length} bytes");
    }
    // All of it, and then nothing.
    let mut socket = host.tcp().await;
    socket.write_all(&hello).await.expect("sent");
    assert!(!rest_bytes(&mut socket).await.is_empty());
    host.still_serves().await;
}

/// A client hello as TLS 1.2 has it: without the extension that offers 1.3.
fn tls_1_2_hello() -> Vec<u8> {
    let mut extensions = Vec::new();
    // Supported groups: x25519; signature algorithms: ed25519, ecdsa_secp256r1_sha256.
    extensions.extend_from_slice(&[0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x1d]);
    extensions.extend_from_slice(&[0x00, 0x0d, 0x00, 0x06, 0x00, 0x04, 0x08, 0x07, 0x04, 0x03]);
    let mut body = vec![0x03, 0x03];
    body.extend_from_slice(&[0x5a; 32]);
    body.push(0); // no session
    body.extend_from_slice(&[0x00, 0x02, 0xc0, 0x2b, 0x01, 0x00]);
    body.extend_from_slice(&u16::try_from(extensions.len()).expect("short").to_be_bytes());
    body.extend_from_slice(&extensions);
    let length = u16::try_from(body.len()).expect("short");
    let mut record = vec![0x16, 0x03, 0x01];
    record.extend_from_slice(&(length + 4).to_be_bytes());
    record.extend_from_slice(&[0x01, 0x00]);
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(&body);
    record
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let host = Host::start(LIMITS).await;
    let mut socket = host.tcp().await;
    socket.write_all(&tls_1_2_hello()).await.expect("sent");
    // A fatal alert: protocol_version.
    assert_eq!(rest_bytes(&mut socket).await, [ALERT, 0x03, 0x03, 0x00, 0x02, 0x02, 70]);
    host.still_serves().await;
}

#[tokio::test]
async fn plain_http_is_refused() {
    let host = Host::start(LIMITS).await;
    let mut socket = host.tcp().await;
    socket.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}").await.expect("sent");
    let answer = rest_bytes(&mut socket).await;
    assert_eq!(answer.first(), Some(&ALERT), "{answer:?}");
    host.still_serves().await;
}

#[tokio::test]
async fn rubbish_is_closed() {
    let host = Host::start(LIMITS).await;
    for rubbish in [
        &vec![0_u8; 70_000][..],
        &vec![0xff; 70_000],
        &[0x16, 0x03, 0x01, 0xff, 0xff, 0x01],
        b"\x16\x03\x01\0\0",
    ] {
        let mut socket = host.tcp().await;
        drop(socket.write_all(rubbish).await);
        rest(&mut socket).await;
    }
    host.still_serves().await;
}

/// A caller of the group's authority that shows this certificate, or none.
async fn refused(host: &Host, config: ClientConfig) {
    let connector = TlsConnector::from(Arc::new(config));
    // The caller's side is done before the server has looked at its certificate.
    if let Ok(mut stream) = connector.connect(server_name(), host.tcp().await).await {
        drop(stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await);
        assert_eq!(rest(&mut stream).await, "");
    }
}

fn roots(identity: &Identity) -> RootCertStore {
    let ca = CertificateDer::from_pem_slice(identity.credentials_pem().ca.as_bytes()).expect("PEM");
    let mut roots = RootCertStore::empty();
    roots.add(ca).expect("a certificate");
    roots
}

#[tokio::test]
async fn only_members_get_in() {
    let host = Host::start(LIMITS).await;
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots(&host.guest))
    };
    refused(&host, builder().with_no_client_auth()).await;
    let stranger = member(&GroupKey::random());
    let pem = stranger.credentials_pem();
    let certificate = CertificateDer::from_pem_slice(pem.cert.as_bytes()).expect("PEM");
    let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).expect("PEM");
    let config = builder().with_client_auth_cert(vec![certificate], key).expect("a key and its certificate");
    refused(&host, config).await;
    // A member's certificate is public; without its key it opens nothing.
    let theirs = CertificateDer::from_pem_slice(host.guest.credentials_pem().cert.as_bytes()).expect("PEM");
    let own = PeerKey::generate().expect("randomness");
    let own = rustls_pki_types::PrivatePkcs8KeyDer::from(own.to_bytes().to_vec());
    if let Ok(config) = builder().with_client_auth_cert(vec![theirs], own.into()) {
        refused(&host, config).await;
    }
    // And a member does not talk to a stranger's listener.
    let error = connect(&stranger, host.address, None, CallerLimits::GENERAL).await.expect_err("stranger");
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    let (expected, found) = (host.guest.peer_id(), host.identity.peer_id());
    let error = connect(&host.guest, host.address, Some(expected), CallerLimits::GENERAL).await;
    assert_eq!(
        error.expect_err("another"),
        ConnectError::OtherPeer { expected, found, address: host.address }
    );
    host.still_serves().await;
}

#[tokio::test]
async fn a_recorded_connection_cannot_be_replayed() {
    let host = Host::start(LIMITS).await;
    // What a listener on the wire could record: everything that a member sends in a good connection.
    let mut client = ClientConnection::new(host.guest.client_config(), server_name()).expect("valid");
    let mut recorded = Vec::new();
    client.write_tls(&mut recorded).expect("in memory");
    let good = std::net::TcpStream::connect(host.address).expect("the listener accepts");
    let recorded = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut good = good;
        good.write_all(&recorded).expect("sent");
        while client.is_handshaking() {
            client.read_tls(&mut good).expect("answered");
            client.process_new_packets().expect("a good handshake");
            let begun = recorded.len();
            while client.wants_write() {
                client.write_tls(&mut recorded).expect("in memory");
            }
            good.write_all(&recorded[begun..]).expect("sent");
        }
        client
            .writer()
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .expect("in memory");
        let begun = recorded.len();
        client.write_tls(&mut recorded).expect("in memory");
        good.write_all(&recorded[begun..]).expect("sent");
        let mut answer = [0; 1];
        good.read_exact(&mut answer).expect("answered");
        recorded
    });
    let recorded = recorded.await.expect("a good connection");
    let mut socket = host.tcp().await;
    drop(socket.write_all(&recorded).await);
    let answer = rest_bytes(&mut socket).await;
    // The server's hello, and an alert: it cannot decrypt what belongs to another handshake.
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "the replay was answered");
    host.still_serves().await;
}

#[tokio::test]
async fn a_thousand_idle_sockets_hold_nobody_up() {
    // Both ends are in this process.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let more = rustix::process::Rlimit { current: files.maximum, maximum: files.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, more).expect("up to the hard limit");
    let patient = ServerLimits { handshake_timeout: SOON * 10, ..LIMITS };
    let host = Host::start(patient).await;
    let mut idle = Vec::new();
    for number in 0..1_000 {
        idle.push(host.tcp().await);
        if number % 250 == 0 {
            host.serves().await;
        }
    }
    for _ in 0..20 {
        host.serves().await;
    }
    drop(idle);
    host.still_serves().await;
}

#[tokio::test]
async fn one_peer_cannot_take_all_connections() {
    let host = Host::start(ServerLimits { connections_per_peer: 2, connections: 3, ..LIMITS }).await;
    let link = async |identity: &Identity| connect(identity, host.address, None, CallerLimits::GENERAL).await;
    let (first, second) = (link(&host.guest).await.expect("one"), link(&host.guest).await.expect("two"));
    assert!(link(&host.guest).await.is_err(), "a third connection of one peer");
    let other = link(&member(&host.group)).await.expect("another peer");
    assert!(link(&member(&host.group)).await.is_err(), "a fourth connection in all");
    drop((first, second, other));
    // Closing takes a moment.
    let again = async {
        while link(&host.guest).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, again).await.is_ok(), "closed connections still count");
    host.still_serves().await;
}
