//! Every shape comes back as it went, and every limit refuses what is beyond it.

use super::*;
use crate::base::{FileName, FolderPath};
use crate::engine::index::{Change, FileEntry};
use crate::wire::index;
use serde_json::{Value, json};

const ID: &str = "0101010101010101010101010101010101010101010101010101010101010101";

fn member(number: u8, voter: bool) -> (PeerId, Member) {
    let uri = |port: u16| PeerUri::new(([127, 0, 0, number], port).into()).expect("an address");
    let name = PeerName::new(&format!("peer-{number}")).expect("a name");
    (PeerId::from_bytes([number; 32]), Member { name, uri: uri(7000), election_uri: uri(7001), voter })
}

fn roster() -> Roster {
    Roster {
        founding: FoundingId::from_bytes([9; 16]),
        stamp: RosterStamp { epoch: Epoch::new(7).expect("small"), version: 2 },
        min_voters: 3,
        members: [member(1, true), member(2, true), member(3, true), member(4, false)].into(),
    }
}

fn roster_json() -> Value {
    serde_json::to_value(roster_to_wire(&roster())).expect("JSON")
}

/// The roster with one value changed.
fn changed(pointer: &str, value: Value) -> Checked<Roster> {
    let mut json = roster_json();
    *json.pointer_mut(pointer).expect("a known member") = value;
    roster_from_wire(&serde_json::from_value(json).map_err(|error| bad("roster", error))?)
}

/// The refusal's message.
fn message<T: std::fmt::Debug>(refused: Checked<T>) -> String {
    let error = refused.expect_err("beyond the limits");
    assert_eq!(error.code(), Code::BadParameter as i32);
    error.message().to_owned()
}

#[test]
fn rosters_come_back_as_they_went() {
    assert_eq!(roster_from_wire(&roster_to_wire(&roster())), Ok(roster()));
}

#[test]
fn rosters_beyond_their_limits() {
    let first = roster_json()["members"][0].clone();
    let voters = |count: u8| {
        let members = (1..=count).map(|number| member(number, true));
        json!(members.map(|(id, member)| member_to_wire(id, &member)).collect::<Vec<_>>())
    };
    let table = [
        ("/founding", json!("09"), "founding"),
        ("/founding", json!(roster().founding.to_string().to_uppercase()), ""),
        ("/stamp/epoch", json!(1_u64 << 53), "stamp.epoch"),
        ("/stamp/version", json!(u64::MAX), "stamp.version"),
        ("/min_voters", json!(0), "min_voters"),
        ("/min_voters", json!(8), "min_voters"),
        ("/members", json!([]), "1 to 7 voters"),
        ("/members", voters(8), "1 to 7 voters"),
        ("/members", voters(65), "at most 64"),
        ("/members", json!([first, first]), "order of their ids"),
        ("/members/0/peer_id", json!("05".repeat(32)), "order of their ids"),
        ("/members/0/peer_id", json!("zz".repeat(32)), "peer_id"),
        ("/members/0/name", json!("Tracker_Epoca_7"), "name"),
        ("/members/0/name", json!("x".repeat(65)), "name"),
        ("/members/0/uri", json!("ws://127.0.0.1:1/"), "uri"),
        ("/members/0/uri", json!("wss://127.0.0.1:0/"), "port"),
        ("/members/0/uri", json!("wss://example.org:1/"), "IP address"),
        ("/members/0/uri", json!("wss://0.0.0.0:1/"), "IP address"),
        ("/members/0/election_uri", json!(format!("wss://{}:1/", "1".repeat(65_536))), "election_uri"),
    ];
    for (pointer, value, expected) in table {
        // Upper case in a founding without letters is the same text.
        if expected.is_empty() {
            assert_eq!(changed(pointer, value), Ok(roster()));
            continue;
        }
        let told = message(changed(pointer, value.clone()));
        assert!(told.contains(expected), "{pointer} {value}: {told}");
    }
}

#[test]
fn election_messages_come_back_as_they_went() {
    let epoch = Epoch::new(7).expect("small");
    for (refusal, text) in REFUSALS {
        let answer = VoteAnswer {
            epoch,
            round: 3,
            refusal: Some(refusal),
            current_epoch: epoch,
            stamp: Some(roster().stamp),
        };
        let wire = vote_answer_to_wire(&answer);
        assert_eq!((wire.granted, wire.refusal.as_deref()), (false, Some(text)));
        assert_eq!(vote_answer_from_wire(&wire), Ok(answer));
    }
    let grant = VoteAnswer { epoch, round: 3, refusal: None, current_epoch: epoch, stamp: None };
    assert_eq!(vote_answer_from_wire(&vote_answer_to_wire(&grant)), Ok(grant.clone()));
    let reply = HeartbeatReply { epoch, round: 1, stamp: Some(roster().stamp) };
    let position = Some(IndexPosition { index_id: [5; 16], seq: 8 });
    assert_eq!(heartbeat_reply_from_wire(&heartbeat_reply_to_wire(&reply, position)), Ok((reply, position)));
    let request = VoteRequest { epoch, round: 4, roster: roster() };
    assert_eq!(vote_request_from_wire(7, 4, &roster_to_wire(&roster())), Ok(request));
    let stamp = stamp_to_wire(roster().stamp);
    let heartbeat = Heartbeat { epoch, round: 1, stamp: roster().stamp, roster: Some(roster()) };
    assert_eq!(heartbeat_from_wire(7, 1, stamp, Some(&roster_to_wire(&roster()))), Ok(heartbeat));
    let handover = Handover { epoch, successor: PeerId::from_bytes([1; 32]) };
    assert_eq!(handover_from_wire(7, ID), Ok(handover));
}

#[test]
fn election_messages_beyond_their_limits() {
    let epoch = Epoch::new(7).expect("small");
    let grant = VoteAnswer { epoch, round: 3, refusal: None, current_epoch: epoch, stamp: None };
    let good = vote_answer_to_wire(&grant);
    let text = |text: &str| Some(text.to_owned());
    let table = [
        (shape::VoteAnswer { refusal: text("sticky"), ..good.clone() }, "not granted"),
        (shape::VoteAnswer { granted: false, ..good.clone() }, "not granted"),
        (shape::VoteAnswer { granted: false, refusal: text("other"), ..good.clone() }, "no such reason"),
        (shape::VoteAnswer { epoch: 1 << 53, ..good.clone() }, "`epoch`"),
        (shape::VoteAnswer { round: 1 << 53, ..good.clone() }, "`round`"),
        (shape::VoteAnswer { current_epoch: u64::MAX, ..good }, "current_epoch"),
    ];
    for (answer, expected) in table {
        let told = message(vote_answer_from_wire(&answer));
        assert!(told.contains(expected), "{told}");
    }
    let other = Stamp { epoch: 7, version: 3 };
    let told = message(heartbeat_from_wire(7, 1, other, Some(&roster_to_wire(&roster()))));
    assert!(told.contains("another stamp"), "{told}");
}

#[test]
fn files_come_back_as_they_went_or_are_refused() {
    let entry = |folder: &str, content| FileEntry {
        key: 3,
        folder: FolderPath::new(folder).expect("a path"),
        name: FileName::new("Übung 1.pdf").expect("a name"),
        size: 5,
        content,
    };
    let (none, some) = (None, Some(ContentId::from_bytes([1; 32])));
    let list = [("", none), ("A", some), ("A", none), ("A/B", none), ("", some), ("", none)];
    let list = list.map(|(folder, content)| entry(folder, content));
    let said: Vec<_> = files_to_wire(&list).into_iter().map(|entry| entry.folder).collect();
    let folder = |text: &str| Some(text.to_owned());
    assert_eq!(said, [None, folder("A"), None, folder("A/B"), folder(""), None], "each folder is said once");
    assert_eq!(files_from_wire(&files_to_wire(&list)), Ok(list.to_vec()));
    let mut changes: Vec<Change> = list.into_iter().map(Change::Put).collect();
    changes.insert(2, Change::Remove(9));
    assert_eq!(changes_from_wire(&changes_to_wire(&changes)), Ok(changes));
    let good = file_entry_to_wire(&entry("", None), &mut FolderPath::default());
    let in_folder = |folder: &str| index::FileEntry { folder: Some(folder.to_owned()), ..good.clone() };
    let named = |name: &str| index::FileEntry { name: name.to_owned(), ..good.clone() };
    let table = [
        (index::FileEntry { key: 1 << 53, ..good.clone() }, "`key`"),
        (index::FileEntry { size: 1 << 53, ..good.clone() }, "`size`"),
        (index::FileEntry { content: Some("00".repeat(31)), ..good.clone() }, "`content`"),
        (named("../x"), "`name`"),
        (named("a/b"), "`name`"),
        (named("CON.txt"), "device"),
        (named(""), "empty"),
        (named(&"x".repeat(256)), "255 bytes"),
        (named("a\u{202e}b"), "not allowed"),
        (in_folder("/etc"), "`folder`"),
        (in_folder("a/../b"), "`folder`"),
        (in_folder("a\\b"), "`folder`"),
        (in_folder(&"x/".repeat(40)), "`folder`"),
    ];
    for (entry, expected) in table {
        let told = message(files_from_wire(&[entry]));
        assert!(told.contains(expected), "{told}");
    }
    let many = vec![good; MAX_FILES + 1];
    assert_eq!(files_from_wire(&many[1..]).map(|files| files.len()), Ok(MAX_FILES));
    assert!(message(files_from_wire(&many)).contains("16384"));
    let removals = vec![index::Change::Remove(1); MAX_FILES + 1];
    assert!(message(changes_from_wire(&removals)).contains("16384"));
}

#[test]
fn manifests_come_back_as_they_went_or_are_refused() {
    let layout = PieceLayout::new(3 * 131_072 - 1, 131_072).expect("a layout");
    let page = ManifestPage {
        content: ContentId::from_bytes([1; 32]),
        layout,
        first: layout.piece(1).expect("the second of three"),
        pieces: vec![PieceHash([2; 32]), PieceHash([3; 32])],
    };
    let good = manifest_to_wire(&page);
    assert_eq!(manifest_from_wire(&good), Ok(page));
    let pieces = |count: usize| vec!["02".repeat(32); count];
    let table = [
        (transfer::Manifest { size: 1 << 53, ..good.clone() }, "`size`"),
        (transfer::Manifest { piece_size: 0, ..good.clone() }, "power of two"),
        (transfer::Manifest { piece_size: 131_073, ..good.clone() }, "power of two"),
        (transfer::Manifest { piece_size: 1 << 31, ..good.clone() }, "power of two"),
        (transfer::Manifest { first: 3, ..good.clone() }, "no such piece"),
        (transfer::Manifest { first: u32::MAX, ..good.clone() }, "no such piece"),
        (transfer::Manifest { pieces: pieces(0), ..good.clone() }, "1 to 2 pieces"),
        (transfer::Manifest { pieces: pieces(3), ..good.clone() }, "1 to 2 pieces"),
        (transfer::Manifest { pieces: pieces(4_097), ..good.clone() }, "at most 4096"),
        (transfer::Manifest { pieces: vec!["02".to_owned()], ..good.clone() }, "64 lower-case"),
        (transfer::Manifest { content: "é".repeat(32), ..good }, "`content`"),
    ];
    for (manifest, expected) in table {
        let told = message(manifest_from_wire(&manifest));
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn parts_come_back_as_they_went_or_are_refused() {
    let part = part_to_wire(7, b"bytes");
    assert_eq!(part_from_wire(&part, 7, 5), Ok(b"bytes".to_vec()));
    assert!(message(part_from_wire(&part, 8, 5)).contains("`offset`"));
    assert!(message(part_from_wire(&part, 7, 6)).contains("6 bytes"));
    let rubbish = transfer::Part { offset: 7, data: "!".to_owned() };
    assert!(message(part_from_wire(&rubbish, 7, 1)).contains("base64"));
}
