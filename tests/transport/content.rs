//! Contents: ranges, methods, and readers that stop reading.

use crate::support::{Host, LIMITS, SHARED, SHARED_BYTES, SOON, status};
use cardume::base::ContentId;
use cardume::net::{ContentClient, FetchError, ServerLimits};
use std::time::Duration;

#[tokio::test]
async fn every_form_of_range() {
    let host = Host::start(LIMITS).await;
    let last = SHARED_BYTES - 1;
    let whole = format!("content-range: bytes 0-{last}/{SHARED_BYTES}");
    let unsatisfied = format!("content-range: bytes */{SHARED_BYTES}");
    let table = [
        ("", 200, String::new()),
        ("bytes=0-0", 206, format!("content-range: bytes 0-0/{SHARED_BYTES}")),
        ("bytes=0-", 206, whole.clone()),
        (&format!("bytes=0-{}", u64::MAX), 206, whole.clone()),
        ("bytes=0-99999999999999999999999999", 206, whole.clone()),
        ("bytes=-1", 206, format!("content-range: bytes {last}-{last}/{SHARED_BYTES}")),
        ("bytes=-99999999999999999999999999", 206, whole),
        (&format!("bytes={last}-"), 206, format!("content-range: bytes {last}-{last}/{SHARED_BYTES}")),
        (&format!("bytes={SHARED_BYTES}-"), 416, unsatisfied.clone()),
        ("bytes=-0", 416, unsatisfied.clone()),
        (&format!("bytes={}-{}", u64::MAX, u64::MAX), 416, unsatisfied),
        ("bytes=1-0", 400, String::new()),
        ("bytes=0-1,2-3", 400, String::new()),
        ("bytes=", 400, String::new()),
        ("bytes=-", 400, String::new()),
        ("bytes=--1", 400, String::new()),
        ("bytes=+1-2", 400, String::new()),
        ("bytes=0x1-2", 400, String::new()),
        ("bytes=a-b", 400, String::new()),
        ("pieces=0-1", 400, String::new()),
    ];
    for (range, expected, header) in table {
        let range = if range.is_empty() { String::new() } else { format!("range: {range}\r\n") };
        let request =
            format!("HEAD /content/{SHARED} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{range}\r\n");
        let answer = host.send(request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{range}{answer}");
        assert!(answer.contains(&header), "{range}{answer}");
    }
    host.still_serves().await;
}

#[tokio::test]
async fn other_contents_and_methods() {
    let host = Host::start(LIMITS).await;
    let unknown = ContentId::from_bytes([1; 32]);
    let table = [
        (format!("GET /content/{unknown}"), 404),
        ("GET /content/".to_owned(), 404),
        ("GET /content/../../etc/passwd".to_owned(), 404),
        (format!("GET /content/{SHARED}/x"), 404),
        (format!("GET /content/{}", SHARED.to_string().replace('7', "g")), 404),
        (format!("GET /content/{}", "é".repeat(32)), 404),
        (format!("PUT /content/{SHARED}"), 405),
        (format!("DELETE /content/{SHARED}"), 405),
    ];
    for (line, expected) in table {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        let got = status(&host.send(request.as_bytes()).await);
        // Bytes beyond ASCII in a request line are refused before the path is looked at.
        assert!(got == expected || (!line.is_ascii() && got == 400), "{line}: {got}");
    }
    host.still_serves().await;
}

#[tokio::test]
async fn a_reader_that_stops_reading_gives_way() {
    let limits = ServerLimits { uploads_per_peer: 1, ..LIMITS };
    let host = Host::start(limits).await;
    let client = async || {
        ContentClient::connect(&host.guest, host.address, host.identity.peer_id(), SOON)
            .await
            .expect("a member")
    };
    let mut first = client().await;
    let stuck = first.get(SHARED, 0..SHARED_BYTES).await.expect("shared");
    let mut second = client().await;
    let busy = second.get(SHARED, 0..1).await.err();
    assert_eq!(busy, Some(FetchError::Busy(Duration::from_secs(1))));
    let freed = async {
        while second.get(SHARED, 0..1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !second.is_open() {
                second = client().await;
            }
        }
    };
    assert!(tokio::time::timeout(SOON, freed).await.is_ok(), "the stuck reader kept its place");
    drop(stuck);
    host.still_serves().await;
}
