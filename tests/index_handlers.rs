//! `index_` as any JSON-RPC client meets it: good calls, and the bad ones, each with its own error.

use cardume::base::{Epoch, PeerId, PeerName};
use cardume::engine::election::Role;
use cardume::net::handlers::index::index_methods;
use cardume::node::{GroupState, MemberInfo, tracker_task};
use cardume::wire::Caller;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

const ME: PeerId = PeerId::from_bytes([1; 32]);
const FRIEND: PeerId = PeerId::from_bytes([2; 32]);
const STRANGER: PeerId = PeerId::from_bytes([9; 32]);
const ID: &str = "07070707070707070707070707070707";
const EMPTY_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The code of a parameter out of its limits, and JSON-RPC's own for one of a wrong shape.
const BAD: i64 = 1000;
const INVALID: i64 = -32602;

fn group(epoch: u64, tracker: Option<PeerId>, active: bool) -> Arc<GroupState> {
    let member = |name: &str, port: u16| MemberInfo {
        name: PeerName::new(name).expect("a plain name"),
        uri: format!("wss://127.0.0.1:{port}/").parse().ok(),
        voter: true,
        reachable: true,
    };
    Arc::new(GroupState {
        me: ME,
        role: if tracker == Some(ME) { Role::Tracker } else { Role::Follower },
        epoch: Epoch::new(epoch).expect("small"),
        tracker,
        active,
        members: BTreeMap::from([(ME, member("peer-1", 7001)), (FRIEND, member("peer-2", 7002))]),
    })
}

/// The methods as they are served, without a socket.
struct Served {
    state: watch::Sender<Arc<GroupState>>,
    handle: tracker_task::TrackerHandle,
}

impl Served {
    fn new(state: Arc<GroupState>) -> Self {
        let (state, seen) = watch::channel(state);
        Self { state, handle: tracker_task::spawn(ME, seen) }
    }

    /// The answer to a request with this text for its parameters: the result, or the error's code.
    async fn raw(&self, caller: Option<PeerId>, method: &str, params: &str) -> Result<Value, i64> {
        let error = match self.response(caller, method, params).await {
            mut response if response["error"].is_null() => return Ok(response["result"].take()),
            mut response => response["error"].take(),
        };
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.len() > 10 && message.len() < 500, "a sentence: {message}");
        Err(error["code"].as_i64().expect("an error has a code"))
    }

    async fn response(&self, caller: Option<PeerId>, method: &str, params: &str) -> Value {
        let mut methods = index_methods(self.handle.clone());
        if let Some(peer) = caller {
            methods.extensions_mut().insert(Caller { peer, address: None });
        }
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let (response, _) = methods.raw_json_request(&request, 1).await.expect("a request");
        serde_json::from_str(response.get()).expect("JSON")
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, i64> {
        self.raw(Some(FRIEND), method, &params.to_string()).await
    }
}

fn begin(epoch: u64) -> Value {
    json!({ "epoch": epoch, "index_id": ID, "seq": 0, "count": 0, "digest": EMPTY_DIGEST })
}

fn with(mut params: Value, key: &str, value: Value) -> Value {
    params[key] = value;
    params
}

#[tokio::test]
async fn a_foreign_client_announces_searches_and_finds_sources() {
    let served = Served::new(group(1, Some(ME), true));
    assert_eq!(served.call("index_announce_begin", begin(1)).await, Ok(json!("send_all")));
    let chunk = json!({ "epoch": 1, "index_id": ID, "number": 0, "last": true, "files": [] });
    assert_eq!(served.call("index_announce_chunk", chunk).await, Ok(json!("accepted")));
    assert_eq!(served.call("index_announce_begin", begin(1)).await, Ok(json!("up_to_date")));
    let content = "ab".repeat(32);
    let put = json!({ "put": { "key": 1, "name": "Ação.txt", "size": 3, "content": content } });
    let delta = json!({ "epoch": 1, "index_id": ID, "prev_seq": 0, "seq": 1, "changes": [put] });
    assert_eq!(served.call("index_announce_delta", delta.clone()).await, Ok(json!("accepted")));
    let late = with(with(delta, "prev_seq", json!(7)), "seq", json!(8));
    assert_eq!(served.call("index_announce_delta", late).await, Ok(json!({ "gap": 1 })));

    let source = json!({ "peer": FRIEND.to_string(), "peer_name": "peer-2", "name": "Ação.txt", "uri": "wss://127.0.0.1:7002/" });
    let complete = json!({ "have": 0, "of": 2 });
    let facet = |term: &str| json!({ "term": term, "count": 1 });
    assert_eq!(
        served.call("index_search", json!({ "words": "ACAO" })).await,
        Ok(json!({
            "epoch": 1, "complete": complete, "total": 1,
            "facets": [facet("type:document"), facet("size:<1M"), facet("peer:peer-2")],
            "results": [{ "content": content, "name": "Ação.txt", "size": 3, "sources": [source] }],
        }))
    );
    assert_eq!(
        served.call("index_sources", json!({ "content": content })).await,
        Ok(json!({ "epoch": 1, "complete": complete, "size": 3, "sources": [source] }))
    );
    assert_eq!(
        served.call("index_sources", json!({ "content": "00".repeat(32) })).await,
        Ok(json!({ "epoch": 1, "complete": complete, "size": null, "sources": [] }))
    );
}

#[tokio::test]
async fn bad_announcements_are_refused_and_change_nothing() {
    let served = Served::new(group(5, Some(ME), true));
    let file = |name: &str, size: Value| json!({ "key": 1, "name": name, "size": size });
    let chunk =
        |files: Value| json!({ "epoch": 5, "index_id": ID, "number": 0, "last": true, "files": files });
    let delta =
        |changes: Value| json!({ "epoch": 5, "index_id": ID, "prev_seq": 0, "seq": 1, "changes": changes });
    let mut cases = vec![
        ("index_announce_begin", with(begin(5), "index_id", json!("")), BAD),
        ("index_announce_begin", with(begin(5), "index_id", json!(ID.to_uppercase().replace('0', "A"))), BAD),
        ("index_announce_begin", with(begin(5), "digest", json!("00")), BAD),
        ("index_announce_begin", with(begin(5), "digest", json!("x".repeat(10_000_000))), BAD),
        ("index_announce_begin", with(begin(5), "count", json!(10_000_000)), BAD),
        ("index_announce_begin", with(begin(5), "count", json!(-1)), INVALID),
        ("index_announce_begin", with(begin(5), "seq", json!(1.5)), INVALID),
        ("index_announce_begin", with(begin(5), "seq", json!("0")), INVALID),
        ("index_announce_begin", with(begin(5), "seq", json!(1_u64 << 53)), BAD),
        ("index_announce_begin", begin(1 << 53), BAD),
        ("index_announce_begin", begin(4), 1300),
        ("index_announce_begin", begin(0), 1300),
        ("index_announce_begin", begin(6), 1200),
        ("index_announce_begin", begin((1 << 53) - 1), 1200),
        ("index_announce_begin", json!({}), INVALID),
        ("index_announce_begin", json!([]), INVALID),
        ("index_announce_chunk", with(chunk(json!([])), "number", json!(1_u64 << 32)), INVALID),
        ("index_announce_chunk", with(chunk(json!([])), "last", json!("yes")), INVALID),
        ("index_announce_chunk", chunk(json!([{ "key": 1 }])), INVALID),
        ("index_announce_chunk", chunk(json!([file("a", json!(-1))])), INVALID),
        ("index_announce_chunk", chunk(json!([file("a", json!(1_u64 << 63))])), BAD),
        ("index_announce_chunk", chunk(json!([file("a", json!(1e300))])), INVALID),
        ("index_announce_chunk", chunk(json!([with(file("a", json!(1)), "content", json!("ab"))])), BAD),
        (
            "index_announce_chunk",
            chunk(json!([with(file("a", json!(1)), "content", json!("A".repeat(64)))])),
            BAD,
        ),
        ("index_announce_chunk", chunk(json!([with(file("a", json!(1)), "path", json!("/"))])), INVALID),
        ("index_announce_chunk", chunk(json!(vec![file("a", json!(1)); 20_000])), BAD),
        ("index_announce_delta", delta(json!([{ "rename": 1 }])), INVALID),
        ("index_announce_delta", delta(json!([{ "remove": u64::MAX }])), BAD),
        ("index_announce_delta", with(delta(json!([])), "seq", json!(0)), BAD),
        ("index_announce_delta", with(delta(json!([])), "prev_seq", json!(u64::MAX)), BAD),
        ("index_announce_delta", with(delta(json!([])), "seq", json!(1_u64 << 53)), BAD),
    ];
    for name in
        ["", ".", "..", "../x", "a/b", "a\\b", "a\0", "CON", "com1.txt", " a", "a.", "\u{202e}fdp", "a:b"]
    {
        cases.push(("index_announce_chunk", chunk(json!([file(name, json!(1))])), BAD));
        cases.push(("index_announce_delta", delta(json!([{ "put": file(name, json!(1)) }])), BAD));
    }
    cases.push(("index_announce_chunk", chunk(json!([file(&"n".repeat(256), json!(1))])), BAD));
    for (method, params, code) in cases {
        let shown: String = params.to_string().chars().take(200).collect();
        assert_eq!(served.call(method, params).await, Err(code), "{method} {shown}");
    }
    for params in ["{\"epoch\":1e400}", "null", "[1,2", "{\"epoch\":5,\"epoch\":5}"] {
        let request =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"index_announce_begin","params":{params}}}"#);
        let methods = index_methods(served.handle.clone());
        if let Ok((response, _)) = methods.raw_json_request(&request, 1).await {
            assert!(response.get().contains("\"error\""), "{params}");
        }
    }
    let all = served.call("index_search", json!({ "words": "" })).await;
    assert_eq!(all.map(|answer| answer["total"].clone()), Ok(json!(0)));
}

#[tokio::test]
async fn gaps_are_told_to_the_one_that_made_them() {
    let served = Served::new(group(1, Some(ME), true));
    let gap = Ok(json!({ "gap": null }));
    let chunk =
        |number: u32| json!({ "epoch": 1, "index_id": ID, "number": number, "last": true, "files": [] });
    assert_eq!(served.call("index_announce_chunk", chunk(0)).await, gap, "not begun");
    assert_eq!(served.call("index_announce_begin", begin(1)).await, Ok(json!("send_all")));
    assert_eq!(served.call("index_announce_chunk", chunk(3)).await, gap, "chunks missing");
    assert_eq!(served.call("index_announce_chunk", chunk(0)).await, gap, "begin again");
    let lie = with(begin(1), "count", json!(1));
    assert_eq!(served.call("index_announce_begin", lie).await, Ok(json!("send_all")));
    assert_eq!(served.call("index_announce_chunk", chunk(0)).await, gap, "a lie about the count");
    let lie = with(begin(1), "digest", json!("11".repeat(32)));
    assert_eq!(served.call("index_announce_begin", lie).await, Ok(json!("send_all")));
    assert_eq!(served.call("index_announce_chunk", chunk(0)).await, gap, "a lie about the digest");
    let last = (1_u64 << 53) - 1;
    let far = json!({ "epoch": 1, "index_id": ID, "prev_seq": last - 1, "seq": last, "changes": [] });
    assert_eq!(served.call("index_announce_delta", far.clone()).await, gap, "a number far ahead");
    let wraps = with(with(far, "prev_seq", json!(u64::MAX - 1)), "seq", json!(u64::MAX));
    assert_eq!(served.call("index_announce_delta", wraps).await, Err(BAD), "a number that could wrap");
}

#[tokio::test]
async fn only_members_announce_and_everybody_of_the_group_searches() {
    let served = Served::new(group(1, Some(ME), true));
    let params = begin(1).to_string();
    assert_eq!(served.raw(Some(STRANGER), "index_announce_begin", &params).await, Err(1001));
    assert_eq!(served.raw(None, "index_announce_begin", &params).await, Err(1001));
    assert_eq!(served.raw(None, "index_search", r#"{"words":""}"#).await, Err(1001));
    assert!(served.raw(Some(STRANGER), "index_search", r#"{"words":""}"#).await.is_ok());
}

#[tokio::test]
async fn bad_searches_are_refused_and_strange_ones_answered() {
    let served = Served::new(group(1, Some(ME), true));
    let many: Vec<_> = (0..33).map(|number| number.to_string()).collect();
    let cases = [
        (json!({ "words": "a".repeat(1025) }), Err(1000)),
        (json!({ "words": "a".repeat(1 << 20) }), Err(1000)),
        (json!({ "words": many.join(" ") }), Err(1000)),
        (json!({ "words": "", "limit": 10_001 }), Err(1000)),
        (json!({ "words": "", "limit": -1 }), Err(-32602)),
        (json!({ "words": "", "limit": 1_u64 << 32 }), Err(-32602)),
        (json!({ "words": null }), Err(-32602)),
        (json!({}), Err(-32602)),
        (json!({ "words": "", "offset": 1_u64 << 53 }), Err(1000)),
        (json!({ "words": "", "offset": -1 }), Err(-32602)),
        (json!({ "words": "", "sort": "age" }), Err(1000)),
        (json!({ "words": "", "sort": 1 }), Err(-32602)),
        (json!({ "words": "size:big" }), Err(1000)),
        (json!({ "words": "peer:nobody" }), Err(1000)),
        (json!({ "words": "cardume:?h=12" }), Err(1000)),
        (json!({ "words": "peer:PEER-2 -type:video size:..1G", "offset": 7, "sort": "-size" }), Ok(0)),
        (json!({ "words": "", "limit": 10_000 }), Ok(0)),
        (json!({ "words": "", "limit": 0 }), Ok(0)),
        (json!({ "words": "   \t\n" }), Ok(0)),
        (json!({ "words": ".*[a-z]{3}%_?(\\" }), Ok(0)),
        (json!({ "words": "../../etc/passwd" }), Ok(0)),
        (json!({ "words": "\u{202e}fdp.exe\u{200b}\u{feff}\0" }), Ok(0)),
        (json!({ "words": "\u{fdfa}".repeat(10) }), Ok(0)),
        (json!({ "words": "\u{fdfa}".repeat(300) }), Err(1000)),
    ];
    for (params, expected) in cases {
        let shown: String = params.to_string().chars().take(80).collect();
        let total = served.call("index_search", params).await.map(|answer| answer["total"].as_u64());
        assert_eq!(total, expected.map(Some), "{shown}");
    }
    for content in ["", "ab", &"AB".repeat(32), &"g".repeat(64), "../"] {
        assert_eq!(served.call("index_sources", json!({ "content": content })).await, Err(1000), "{content}");
    }
}

#[tokio::test]
async fn who_is_not_the_tracker_names_the_one_it_knows() {
    let served = Served::new(group(3, Some(FRIEND), false));
    let friend = json!({ "peer_id": FRIEND.to_string(), "name": "peer-2", "uri": "wss://127.0.0.1:7002/" });
    for (method, params) in [
        ("index_search", json!({ "words": "" })),
        ("index_sources", json!({ "content": "00".repeat(32) })),
        ("index_announce_begin", begin(3)),
    ] {
        let error = served.response(Some(FRIEND), method, &params.to_string()).await["error"].take();
        assert_eq!(error["code"], json!(1200), "{method}");
        assert_eq!(error["data"], json!({ "epoch": 3, "tracker": friend }), "{method}");
    }
    served.state.send_replace(group(3, None, false));
    let error = served.response(Some(FRIEND), "index_search", r#"{"words":""}"#).await["error"].take();
    assert_eq!(error["data"], json!({ "epoch": 3, "tracker": null }));
    assert_eq!(served.handle.summary(), None);
}

#[tokio::test]
async fn a_voter_keeps_a_standby_copy_and_starts_with_it() {
    let served = Served::new(group(3, Some(FRIEND), false));
    let standby = |epoch| with(begin(epoch), "standby", json!(true));
    let chunk = json!({ "epoch": 3, "index_id": ID, "number": 0, "last": true, "files": [] });
    let delta = json!({ "epoch": 3, "index_id": ID, "prev_seq": 0, "seq": 1, "changes": [] });
    assert_eq!(served.call("index_announce_chunk", chunk.clone()).await, Err(1200), "not begun");
    assert_eq!(served.call("index_announce_begin", standby(2)).await, Err(1300));
    assert_eq!(served.call("index_announce_begin", with(begin(3), "standby", json!(false))).await, Err(1200));
    let params = standby(3).to_string();
    assert_eq!(served.raw(Some(STRANGER), "index_announce_begin", &params).await, Err(1001));
    assert_eq!(served.call("index_announce_begin", standby(3)).await, Ok(json!("send_all")));
    assert_eq!(served.call("index_announce_chunk", chunk).await, Ok(json!("accepted")));
    assert_eq!(served.call("index_announce_delta", delta.clone()).await, Ok(json!("accepted")));
    assert_eq!(served.call("index_search", json!({ "words": "" })).await, Err(1200), "it answers nobody");
    assert_eq!(served.handle.summary(), None);

    served.state.send_replace(group(4, Some(ME), true));
    let answer = served.call("index_search", json!({ "words": "" })).await.expect("an answer");
    assert_eq!(answer["complete"], json!({ "have": 0, "of": 2 }), "it is not said to be complete");
    assert_eq!(served.call("index_announce_delta", delta).await, Err(1300));
    let now = with(begin(4), "seq", json!(1));
    assert_eq!(served.call("index_announce_begin", now).await, Ok(json!("up_to_date")));

    let mut without_vote = (*group(5, Some(FRIEND), false)).clone();
    without_vote.members.get_mut(&ME).expect("a member").voter = false;
    served.state.send_replace(Arc::new(without_vote));
    assert_eq!(served.call("index_announce_begin", standby(5)).await, Err(1200), "it is never elected");
}

#[tokio::test]
async fn whole_lists_come_in_a_few_at_a_time() {
    let peers: Vec<_> = (2..=6).map(|number| PeerId::from_bytes([number; 32])).collect();
    let mut crowd = (*group(1, Some(ME), true)).clone();
    for peer in &peers {
        let friend = crowd.members[&FRIEND].clone();
        crowd.members.insert(*peer, friend);
    }
    let served = Served::new(Arc::new(crowd));
    let announce = with(begin(1), "count", json!(100_000)).to_string();
    for (number, peer) in peers.iter().enumerate() {
        let answer = served.raw(Some(*peer), "index_announce_begin", &announce).await.expect("an answer");
        match number {
            0..=2 => assert_eq!(answer, json!("send_all")),
            _ => assert!(
                answer["busy"].as_u64().is_some_and(|millis| (1..=1_000).contains(&millis)),
                "{answer}"
            ),
        }
    }
    let chunk = json!({ "epoch": 1, "index_id": ID, "number": 0, "last": true, "files": [] }).to_string();
    let gap = served.raw(Some(peers[4]), "index_announce_chunk", &chunk).await;
    assert_eq!(gap, Ok(json!({ "gap": null })), "it is not its turn");
    let short = with(begin(1), "count", json!(2_000)).to_string();
    let answer = served.raw(Some(peers[4]), "index_announce_begin", &short).await;
    assert_eq!(answer, Ok(json!("send_all")), "a short list waits for nobody");
    let gap = served.raw(Some(peers[0]), "index_announce_chunk", &chunk).await;
    assert_eq!(gap, Ok(json!({ "gap": null })), "its list is not what it announced, and its turn is over");
    let begin_again = served.raw(Some(peers[3]), "index_announce_begin", &announce).await;
    assert_eq!(begin_again, Ok(json!("send_all")), "it waited the longest");
}

#[tokio::test]
async fn a_tracker_without_a_majority_takes_announcements_and_answers_no_search() {
    let served = Served::new(group(3, Some(ME), false));
    assert_eq!(served.call("index_announce_begin", begin(3)).await, Ok(json!("send_all")));
    assert_eq!(served.call("index_search", json!({ "words": "" })).await, Err(1200));
    served.state.send_replace(group(3, Some(ME), true));
    assert!(served.call("index_search", json!({ "words": "" })).await.is_ok());
    served.state.send_replace(group(4, Some(FRIEND), false));
    assert_eq!(served.call("index_search", json!({ "words": "" })).await, Err(1200));
    assert_eq!(served.call("index_announce_begin", begin(3)).await, Err(1300));
}

#[tokio::test]
async fn a_crowd_of_searches_is_answered_or_turned_away() {
    let served = Arc::new(Served::new(group(1, Some(ME), true)));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let served = served.clone();
        running.spawn(async move { served.call("index_search", json!({ "words": "a" })).await });
    }
    let mut answered = 0;
    while let Some(result) = running.join_next().await {
        match result.expect("no panic") {
            Ok(_) => answered += 1,
            Err(code) => assert_eq!(code, 1002),
        }
    }
    assert!(answered > 0);
    assert!(served.call("index_search", json!({ "words": "a" })).await.is_ok(), "still there");
}
