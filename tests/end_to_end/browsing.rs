//! Looking into the folders of a peer, of which the peer itself tells, tracker or not.

use super::support::{Group, LONG, alone, hash_of, wait_for};
use serde_json::{Value, json};

fn names<'a>(folder: &'a Value, what: &str) -> Vec<&'a str> {
    let listed = folder[what].as_array().expect("a list").iter();
    listed.map(|entry| entry["name"].as_str().expect("a name")).collect()
}

/// What `peer-1` sees in a folder of `peer-2` as soon as all of it is hashed.
fn browse(group: &Group, folder: &str, more: &[&str]) -> Value {
    wait_for("a folder that is hashed", LONG, || {
        let mut arguments = vec!["--profile", "peer-1", "browse", "peer-2", folder, "--json"];
        arguments.extend(more);
        let output = group.cardume(&arguments);
        let shown: Value = serde_json::from_slice(&output.stdout).ok()?;
        (shown["below"]["hashing"] == 0).then_some(shown)
    })
}

#[test]
fn a_peers_folders_are_looked_into_and_fetched() {
    let _alone = alone();
    let mut group = Group::of(2);
    let share = group.share_of("peer-2");
    for (path, bytes) in [("Music/Live/a.mp3", "aaaa"), ("Music/b.mp3", "b"), ("Music/Água.mp3", "água")] {
        let path = share.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
    let shared = wait_for("the new files", LONG, || {
        let shared = browse(&group, "", &[]);
        (shared["below"]["files"] == 4).then_some(shared)
    });
    assert_eq!(names(&shared, "folders"), ["peer-2"], "the shared folders: {shared}");
    assert_eq!(shared["folders"][0]["files"], 4);

    let music = browse(&group, "peer-2/Music", &[]);
    assert_eq!(music["below"], json!({ "files": 3, "bytes": 10, "hashing": 0 }));
    assert_eq!((names(&music, "folders"), names(&music, "files")), (vec!["Live"], vec!["Água.mp3", "b.mp3"]));
    assert_eq!(music["files"][1]["content"].as_str(), Some(hash_of(&share.join("Music/b.mp3")).as_str()));
    let filtered = browse(&group, "peer-2/Music/", &["--filter", "AGUA"]);
    assert_eq!((names(&filtered, "folders").len(), names(&filtered, "files")), (0, vec!["Água.mp3"]));
    let limited = browse(&group, "peer-2/Music", &["--limit", "2"]);
    assert_eq!((names(&limited, "folders"), names(&limited, "files")), (vec!["Live"], vec!["Água.mp3"]));

    let all = group.cardume(&["--profile", "peer-1", "browse", "peer-2", "peer-2/Music", "--recursive"]);
    let text = String::from_utf8_lossy(&all.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        ["peer-2/Music/Água.mp3  5 B", "peer-2/Music/b.mp3  1 B", "peer-2/Music/Live/a.mp3  4 B"],
        "{}",
        group.logs()
    );

    let to = group.folder.join("fetched");
    let to_text = to.to_str().expect("text");
    group.json(&[
        "--profile",
        "peer-1",
        "get",
        "--folder",
        "peer-2/Music",
        "--from",
        "peer-2",
        "--to",
        to_text,
        "--json",
    ]);
    assert_eq!(std::fs::read(to.join("Music/Live/a.mp3")).expect("fetched"), b"aaaa");

    // Its own folders too, and what is not there is said.
    let own = group.json(&["--profile", "peer-1", "browse", "peer-1", "peer-1", "--json"]);
    assert_eq!(names(&own, "files"), ["notes of peer-1.txt"]);
    for (folder, code) in [("peer-2/Nothing", 4), ("../etc", 2), ("/etc", 2), ("peer-2/Music/b.mp3", 4)] {
        let output = group.cardume(&["--profile", "peer-1", "browse", "peer-2", folder]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{folder}: {complaint}");
    }
    let nobody = group.cardume(&["--profile", "peer-1", "browse", "nobody"]);
    assert_eq!(nobody.status.code(), Some(4));

    // A peer that is gone is said to be gone, in time.
    group.kill_peer("peer-2");
    let output = group.cardume(&["--profile", "peer-1", "browse", "peer-2"]);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("cannot be asked"), "{complaint}");
}
