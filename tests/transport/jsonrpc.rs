//! JSON-RPC that is not: by HTTP POST, as anybody may send it; and answers that lie.

use crate::support::{Host, LIMITS, SOON};
use serde_json::Value;

fn call_with(params: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"test_echo","params":{params}}}"#).into_bytes()
}

/// The error code in an answer, or its result.
fn outcome(body: &str) -> Result<Value, i64> {
    let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    match answer.pointer("/error/code").and_then(Value::as_i64) {
        Some(code) => Err(code),
        None => Ok(answer.get("result").cloned().unwrap_or(Value::Null)),
    }
}

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const UNKNOWN_METHOD: i64 = -32601;
const BAD_PARAMETERS: i64 = -32602;
const BATCHES_REFUSED: i64 = -32005;

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let host = Host::start(LIMITS).await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let table: Vec<(&str, Vec<u8>, i64)> = vec![
        ("nothing", b"".to_vec(), PARSE_ERROR),
        ("not JSON", b"hello".to_vec(), PARSE_ERROR),
        ("half of JSON", b"{\"jsonrpc\":\"2.0\"".to_vec(), PARSE_ERROR),
        ("bad UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}".to_vec(), INVALID_REQUEST),
        ("a byte order mark", [b"\xef\xbb\xbf", &call_with("{}")[..]].concat(), PARSE_ERROR),
        ("NUL", [b"\0", &call_with("{}")[..]].concat(), PARSE_ERROR),
        ("a number", b"1".to_vec(), PARSE_ERROR),
        ("no version", br#"{"id":1,"method":"test_echo"}"#.to_vec(), INVALID_REQUEST),
        ("an old version", br#"{"jsonrpc":"1.0","id":1,"method":"test_echo"}"#.to_vec(), INVALID_REQUEST),
        ("no method", br#"{"jsonrpc":"2.0","id":1}"#.to_vec(), INVALID_REQUEST),
        (
            "two methods",
            br#"{"jsonrpc":"2.0","id":1,"method":"a","method":"test_echo"}"#.to_vec(),
            INVALID_REQUEST,
        ),
        ("two ids", br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"test_echo"}"#.to_vec(), INVALID_REQUEST),
        (
            "an id with a fraction",
            br#"{"jsonrpc":"2.0","id":1.5,"method":"test_echo"}"#.to_vec(),
            INVALID_REQUEST,
        ),
        ("an object as id", br#"{"jsonrpc":"2.0","id":{},"method":"test_echo"}"#.to_vec(), INVALID_REQUEST),
        (
            "another member",
            br#"{"jsonrpc":"2.0","id":1,"method":"test_echo","more":1}"#.to_vec(),
            BAD_PARAMETERS,
        ),
        (
            "an unknown method",
            br#"{"jsonrpc":"2.0","id":1,"method":"test_nothing"}"#.to_vec(),
            UNKNOWN_METHOD,
        ),
        ("no parameters", br#"{"jsonrpc":"2.0","id":1,"method":"test_echo"}"#.to_vec(), BAD_PARAMETERS),
        ("a batch of none", b"[]".to_vec(), BATCHES_REFUSED),
        ("a batch of one", [b"[", &call_with("{}")[..], b"]"].concat(), BATCHES_REFUSED),
        ("depth 129", deep(129).into_bytes(), BATCHES_REFUSED),
        ("a batch of 100,000", format!("[{}1]", "1,".repeat(100_000)).into_bytes(), BATCHES_REFUSED),
        ("depth 100,000", format!(r#"{{"jsonrpc":{}"#, deep(100_000)).into_bytes(), PARSE_ERROR),
    ];
    for (what, body, code) in table {
        let (status, answer) = host.post(&body).await;
        assert_eq!(outcome(&answer), Err(code), "{what}: {status} {answer}");
    }
    host.still_serves().await;
}

#[tokio::test]
async fn parameters_are_checked() {
    let host = Host::start(LIMITS).await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let refused = [
        ("missing", "{}".to_owned()),
        ("null", r#"{"number":null}"#.to_owned()),
        ("text", r#"{"number":"1"}"#.to_owned()),
        ("-1", r#"{"number":-1}"#.to_owned()),
        ("2^64", r#"{"number":18446744073709551616}"#.to_owned()),
        ("a fraction", r#"{"number":1.5}"#.to_owned()),
        ("1e400", r#"{"number":1e400}"#.to_owned()),
        ("twice", r#"{"number":1,"number":2}"#.to_owned()),
        ("depth 129", format!(r#"{{"number":1,"words":{}}}"#, deep(129))),
        ("depth 50,000", format!(r#"{{"number":1,"words":{}}}"#, deep(50_000))),
        ("numbers for words", format!(r#"{{"number":1,"words":[{}1]}}"#, "1,".repeat(500_000))),
        ("too few, positional", "[]".to_owned()),
        ("a text as parameters", r#""number""#.to_owned()),
    ];
    for (what, params) in refused {
        let (_, answer) = host.post(&call_with(&params)).await;
        let code = outcome(&answer).expect_err(what);
        assert!(matches!(code, BAD_PARAMETERS | INVALID_REQUEST | PARSE_ERROR), "{what}: {answer}");
    }
    let me = host.guest.peer_id().short();
    let taken = [
        (r#"{"number":0}"#.to_owned(), 0_u64, 0_u64),
        (r#"{"number":9007199254740993}"#.to_owned(), 9_007_199_254_740_993, 0),
        (r#"{"number":9223372036854775808}"#.to_owned(), 9_223_372_036_854_775_808, 0),
        (r#"{"number":18446744073709551615,"words":null}"#.to_owned(), u64::MAX, 0),
        (format!(r#"{{"number":1,"words":[{}""]}}"#, r#""","#.repeat(600_000)), 1, 600_001),
    ];
    for (params, number, words) in taken {
        let (_, answer) = host.post(&call_with(&params)).await;
        assert_eq!(outcome(&answer), Ok(serde_json::json!([number, words, me])), "{answer}");
    }
    host.still_serves().await;
}

#[tokio::test]
async fn ids_come_back_as_they_were() {
    let host = Host::start(LIMITS).await;
    let long = format!("\"{}\"", "i".repeat(1_000_000));
    for id in ["null", "0", "18446744073709551615", r#""""#, r#""a\u0000b""#, &long] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"test_nothing"}}"#);
        let (status, answer) = host.post(body.as_bytes()).await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let expected: Value = serde_json::from_str(id).expect("JSON");
        assert_eq!((status, answer.get("id")), (200, Some(&expected)));
    }
    // Without an id it is a notification: nothing to answer.
    let (status, answer) = host.post(br#"{"jsonrpc":"2.0","method":"test_nothing"}"#).await;
    assert_eq!((status, outcome(&answer)), (200, Ok(Value::Null)));
    host.still_serves().await;
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_read() {
    let host = Host::start(LIMITS).await;
    let long = format!(r#"{{"number":1,"words":["{}"]}}"#, "x".repeat(10_000_000));
    let begun = tokio::time::Instant::now();
    let (status, answer) = host.post(&call_with(&long)).await;
    // The answer may be lost in the reset that follows an unread body (RFC 9112, section 9.6).
    assert!(status == 413 || status == 0, "{status} {answer}");
    assert!(begun.elapsed() < SOON);
    let head =
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n";
    let answer = host.send(head.as_bytes()).await;
    assert_eq!(crate::support::status(&answer), 413, "{answer}");
    assert!(answer.contains("-32007"), "{answer}");
    host.still_serves().await;
}
