//! Heads of answers, in memory.

use super::*;

fn parse(lines: &str) -> Result<Head, FetchError> {
    Head::parse(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes())
}

#[test]
fn heads_are_understood_or_refused() {
    let head = parse("HTTP/1.1 206 Partial Content\nContent-Length: 5\ncontent-range: bytes 2-6/9\nx: y");
    let head = head.expect("fits");
    assert_eq!((head.fits(&(2..7)), head.closes), (Some(9), false));
    for other in [2..8, 1..7, 3..7, 2..6] {
        assert_eq!(head.fits(&other), None, "{other:?}");
    }
    let refused = [
        "rubbish",
        "HTTP/1.1 20x OK",
        "HTTP/1.1 206 OK\ncontent-length: -1",
        "HTTP/1.1 206 OK\ncontent-length: 99999999999999999999999",
        "HTTP/1.1 206 OK\ncontent-length: 5\ncontent-length: 6",
        "HTTP/1.1 206 OK\ntransfer-encoding: chunked",
        "HTTP/1.1 206 OK\ncontent-range: \u{ff}\ncontent-length: 5\n: x",
    ];
    for lines in refused {
        assert!(matches!(parse(lines), Err(FetchError::Unfit(_))), "{lines}");
    }
    let many = format!("HTTP/1.1 206 OK\n{}", vec!["a: b"; MAX_HEADERS + 1].join("\n"));
    assert!(matches!(parse(&many), Err(FetchError::Unfit(_))));
}

#[test]
fn a_length_or_range_that_is_missing_does_not_fit() {
    for lines in [
        "content-range: bytes 0-4/9",
        "content-length: 5",
        "content-length: 6\ncontent-range: bytes 0-4/9",
        "content-length: 5\ncontent-range: bytes 0-4/*",
        "content-length: 5\ncontent-range: bytes 0-4/",
    ] {
        let head = parse(&format!("HTTP/1.1 206 OK\n{lines}")).expect("a head");
        assert_eq!(head.fits(&(0..5)), None, "{lines}");
    }
}

#[test]
fn who_sends_away_says_for_how_long_within_limits() {
    let wait = |lines: &str| parse(&format!("HTTP/1.1 429 Busy\n{lines}")).expect("a head").retry_after;
    let secs = Duration::from_secs;
    assert_eq!(wait("retry-after: 3"), secs(3));
    assert_eq!(wait("retry-after: 100000"), MAX_RETRY_AFTER);
    assert_eq!([wait("x: y"), wait("retry-after: soon")], [Uploads::RETRY_AFTER; 2]);
    assert!(parse("HTTP/1.0 200 OK\nx: y").expect("a head").closes);
    assert!(parse("HTTP/1.1 200 OK\nconnection: Close").expect("a head").closes);
}
