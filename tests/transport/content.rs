//! Contents: ranges, methods, and readers that stop reading.

use crate::support::{Host, LIMITS, SHARED, SHARED_BYTES, SOON, status};
use cardume::base::{ByteRate, ContentId};
use cardume::engine::upload::turns::TurnLimits;
use cardume::net::{ContentClient, FetchError, ServerLimits, UploadPhase, Uploads};
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
async fn requests_for_many_that_are_none() {
    let host = Host::start(LIMITS).await;
    let (line, unknown) = (format!("{SHARED}\n"), ContentId::from_bytes([1; 32]));
    let table = [
        ("POST", "", 400),
        ("POST", "\n", 400),
        ("POST", "abc\n", 400),
        ("POST", &line.replace('7', "G"), 400),
        ("POST", &format!("{SHARED} {SHARED}"), 400),
        ("POST", &line.repeat(65), 413),
        ("POST", &"x".repeat(5_000), 413),
        ("POST", "\u{feff}", 400),
        ("GET", "", 405),
        ("PUT", &line, 405),
        ("POST", &format!("{unknown}\n"), 200),
        ("POST", &line.repeat(64), 200),
    ];
    for (method, body, expected) in table {
        let length = body.len();
        let head = format!("{method} /contents HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        let request = format!("{head}content-length: {length}\r\n\r\n{body}");
        let answer = host.send(request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{method} {body:.70}: {answer:.300}");
        assert!(!answer.contains("200 0"), "what is not small is refused: {answer:.300}");
    }
    host.still_serves().await;
}

#[tokio::test]
async fn a_reader_that_stops_reading_gives_way() {
    let turns = TurnLimits { per_peer: 1, ..Uploads::LIMITS };
    // Longer than a request waits for its turn.
    let limits = ServerLimits { write_timeout: Uploads::WAIT * 3 / 2, ..LIMITS };
    let host = Host::start_sending(limits, turns).await;
    let client = async || {
        ContentClient::connect(&host.guest, host.address, host.identity.peer_id(), SOON)
            .await
            .expect("a member")
    };
    let mut first = client().await;
    let _stuck = first.get(SHARED, 0..SHARED_BYTES).await.expect("shared");
    let mut second = client().await;
    let busy = second.get(SHARED, 0..1).await.err();
    assert_eq!(busy, Some(FetchError::Busy(Duration::from_secs(1))), "after it waited its time");
    let rows = host.uploads.rows();
    assert_eq!((rows.len(), rows[0].phase), (1, UploadPhase::Sending), "one row for a peer and a content");
    let freed = async {
        while second.get(SHARED, 0..1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !second.is_open() {
                second = client().await;
            }
        }
    };
    assert!(tokio::time::timeout(SOON, freed).await.is_ok(), "the stuck reader kept its place");
    host.still_serves().await;
}

/// A peer that asks for as much as it may does not keep another one waiting.
#[tokio::test]
async fn a_greedy_peer_does_not_starve_another() {
    let turns = TurnLimits { all: 1, per_peer: 1, ..Uploads::LIMITS };
    let host = Host::start_sending(LIMITS, turns).await;
    let other = crate::support::member(&host.group);
    let client = async |identity| {
        ContentClient::connect(identity, host.address, host.identity.peer_id(), SOON).await.expect("a member")
    };
    let mut greedy = Vec::new();
    for _ in 0..4 {
        let mut client = client(&host.guest).await;
        greedy.push(tokio::spawn(async move {
            let mut body = client.get(SHARED, 0..SHARED_BYTES).await.expect("its turn comes");
            let mut bytes = 0;
            while let Some(next) = body.next().await {
                bytes += next.expect("whole").len() as u64;
            }
            bytes
        }));
    }
    let mut small = client(&other).await;
    for _ in 0..3 {
        let mut body = small.get(SHARED, 0..100).await.expect("its turn comes soon");
        assert_eq!(body.next().await.expect("bytes").expect("whole").len(), 100);
        assert!(body.next().await.is_none());
    }
    let others = host.uploads.rows();
    let greedy_row = others.iter().find(|row| row.peer == host.guest.peer_id()).expect("in the list");
    assert!(greedy_row.sent < 4 * SHARED_BYTES, "the other one did not wait for all of it: {others:?}");
    for task in greedy {
        assert_eq!(task.await.expect("no panic"), SHARED_BYTES, "nobody is broken off");
    }
    host.still_serves().await;
}

/// The limit holds for all together, and each gets its part.
#[tokio::test]
async fn the_limit_of_speed_holds_and_is_shared() {
    let host = Host::start(LIMITS).await;
    host.uploads.limit_speed(Some(ByteRate::per_second(2_000_000)));
    let other = crate::support::member(&host.group);
    let began = tokio::time::Instant::now();
    let fetch = async |identity| {
        let peer = host.identity.peer_id();
        let mut client = ContentClient::connect(identity, host.address, peer, SOON).await.expect("a member");
        let mut body = client.get(SHARED, 0..500_000).await.expect("shared");
        while let Some(bytes) = body.next().await {
            bytes.expect("whole");
        }
        began.elapsed()
    };
    let (one, two) = tokio::join!(fetch(&host.guest), fetch(&other));
    for (took, from, until) in [(one.max(two), 350, 4_000), (one.min(two), 250, 4_000)] {
        let (from, until) = (Duration::from_millis(from), Duration::from_millis(until));
        assert!((from..until).contains(&took), "{one:?} and {two:?} for 1 MB at 2 MB/s");
    }
    host.uploads.limit_speed(None);
    host.still_serves().await;
}
