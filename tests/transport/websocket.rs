//! WebSockets: frames that lie, floods, and callers that do not read.

use crate::support::{Host, LIMITS, SOON, rest_bytes};
use cardume::net::ServerLimits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const TEXT: u8 = 1;
const PING: u8 = 9;
const FINAL: u8 = 0x80;

/// A frame as a client sends it, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("short")),
        length @ 126..65_536 => {
            frame.push(0xfe);
            frame.extend_from_slice(&u16::try_from(length).expect("short").to_be_bytes());
        }
        length => {
            frame.push(0xff);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

async fn upgraded(host: &Host) -> TlsStream<TcpStream> {
    let mut stream = host.tls().await;
    let upgrade = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("answered"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

const ECHO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"test_echo","params":{"number":1}}"#;

/// Reads until this text appears.
async fn reads(stream: &mut TlsStream<TcpStream>, text: &str) {
    let mut all = Vec::new();
    let mut block = [0; 4096];
    let reading = async {
        while !String::from_utf8_lossy(&all).contains(text) {
            match stream.read(&mut block).await {
                Ok(length @ 1..) => all.extend_from_slice(&block[..length]),
                _ => break,
            }
        }
    };
    drop(tokio::time::timeout(SOON, reading).await);
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains(text), "{text} is not in {all:?}");
}

#[tokio::test]
async fn rubbish_after_the_upgrade_is_closed() {
    let host = Host::start(LIMITS).await;
    let reserved = frame(0xff, b"x");
    let unmasked = [FINAL | TEXT, 2, b'{', b'}'];
    let long_ping = frame(FINAL | PING, &[0; 126]);
    let lost = frame(FINAL, b"a continuation of nothing");
    let top_bit = [FINAL | TEXT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    for rubbish in
        [&[0xff; 1000][..], b"GET / HTTP/1.1\r\n\r\n", &reserved, &unmasked, &long_ping, &lost, &top_bit]
    {
        let mut stream = upgraded(&host).await;
        drop(stream.write_all(rubbish).await);
        drop(stream.shutdown().await);
        rest_bytes(&mut stream).await;
    }
    host.still_serves().await;
}

/// The library loses its place in the stream after such a frame; the connection ends then, at the latest
/// when its pings are not answered.
#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() {
    let limits = ServerLimits {
        request_bytes: 100_000,
        ping_interval: Duration::from_millis(100),
        dead_after: Duration::from_millis(500),
        ..LIMITS
    };
    let host = Host::start(limits).await;
    let one = frame(FINAL | TEXT, &vec![b'x'; 200_000]);
    // In pieces that are short enough each.
    let pieces = [frame(TEXT, &vec![b'x'; 60_000]), frame(0, &vec![b'x'; 60_000])].concat();
    // A length that no memory has.
    let mut endless = vec![FINAL | TEXT, 0xff];
    endless.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    endless.extend_from_slice(&[0; 4]);
    for bytes in [one, pieces, endless] {
        let mut stream = upgraded(&host).await;
        drop(stream.write_all(&bytes).await);
        rest_bytes(&mut stream).await;
    }
    host.still_serves().await;
}

#[tokio::test]
async fn a_fragmented_call_is_a_call() {
    let host = Host::start(LIMITS).await;
    let mut stream = upgraded(&host).await;
    let bytes = ECHO.as_bytes();
    stream.write_all(&frame(TEXT, &bytes[..1])).await.expect("sent");
    for byte in &bytes[1..bytes.len() - 1] {
        stream.write_all(&frame(0, &[*byte])).await.expect("sent");
    }
    stream.write_all(&frame(FINAL, &bytes[bytes.len() - 1..])).await.expect("sent");
    reads(&mut stream, r#""result":[1,0,"#).await;
    host.still_serves().await;
}

#[tokio::test]
async fn a_ping_flood_is_survived() {
    let host = Host::start(LIMITS).await;
    let mut stream = upgraded(&host).await;
    let pings = frame(FINAL | PING, &[b'p'; 125]).repeat(1_000);
    // Without reading a single answer: the connection is cut, or goes on once they are read.
    for _ in 0..100 {
        let sent = tokio::time::timeout(Duration::from_secs(2), stream.write_all(&pings)).await;
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
    host.serves().await;
    drop(stream);
    host.still_serves().await;
}

#[tokio::test]
async fn a_caller_that_reads_nothing_is_cut_off() {
    let host = Host::start(LIMITS).await;
    let mut stream = upgraded(&host).await;
    // The answer repeats the id, so that answers fill the sockets' buffers as fast as calls do.
    let call = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"test_nothing"}}"#, "i".repeat(50_000));
    let calls = frame(FINAL | TEXT, call.as_bytes()).repeat(20);
    let flood = async { while stream.write_all(&calls).await.is_ok() {} };
    assert!(tokio::time::timeout(SOON * 3, flood).await.is_ok(), "the flood was never cut off");
    host.still_serves().await;
}

#[tokio::test]
async fn a_thousand_calls_at_once_are_answered_or_refused() {
    let host = Host::start(ServerLimits { write_timeout: SOON, ..LIMITS }).await;
    let mut stream = upgraded(&host).await;
    let calls = frame(FINAL | TEXT, ECHO.as_bytes()).repeat(1_000);
    let (mut read, mut write) = tokio::io::split(&mut stream);
    let mut answers = 0;
    let reading = async {
        let mut block = vec![0; 65_536];
        let mut carry = String::new();
        while answers < 1_000 {
            let length = read.read(&mut block).await.expect("answered");
            carry.push_str(&String::from_utf8_lossy(&block[..length]));
            answers += carry.matches("\"jsonrpc\"").count();
            let keep = carry.rfind("\"jsonrpc\"").map_or(0, |at| at + 9);
            carry.drain(..keep);
        }
    };
    let both = async { tokio::join!(write.write_all(&calls), reading).0.expect("sent") };
    assert!(tokio::time::timeout(SOON, both).await.is_ok(), "not every call was answered");
    assert_eq!(answers, 1_000);
    host.still_serves().await;
}
