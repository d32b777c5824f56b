//! The one command that a newcomer runs.

use super::support::{LONG, alone, cardume, hash_of, now, program, wait_for};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn start_demo(home: &Path) -> Child {
    Command::new(program())
        .arg("--home")
        .arg(home)
        .args(["--stop-with-stdin", "demo", "--headless", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the demonstration starts")
}

fn json(home: &Path, arguments: &[&str]) -> Option<Value> {
    let output = cardume(home, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| serde_json::from_str(text.lines().last().unwrap_or_default()).expect("JSON"))
}

fn whole(home: &Path) -> Option<Value> {
    let status = json(home, &["--profile", "peer-5", "status", "--json"])?;
    (status["index"]["complete"]["have"] == 5 && status["tracker"].is_object()).then_some(status)
}

#[test]
fn one_command_gives_a_group_that_elects_searches_and_downloads() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = dir.path();
    let mut demo = start_demo(home);
    let status = wait_for("a tracker with the full index", LONG, || whole(home));
    assert_eq!(status["quorum"], serde_json::json!({"voters": 5, "reachable": 5, "needed": 3}));
    // Usually the first epoch; two candidates at once, on a busy machine, need a second one.
    let tracker = format!("Tracker_Epoca_{}", status["epoch"]);
    let names = wait_for("the registration", LONG, || {
        json(home, &["names", "list", "--json"]).filter(|names| names[&tracker].is_object())
    });
    let registered: Vec<&String> = names.as_object().expect("an object").keys().collect();
    assert_eq!(registered, [&tracker, "peer-1", "peer-2", "peer-3", "peer-4", "peer-5"]);
    assert_eq!(names[&tracker]["peer_id"], status["tracker"]["peer_id"]);

    let found = wait_for("the recording, hashed by three peers", LONG, || {
        let found = json(home, &["search", "REEF recording", "--json"])?;
        (found[0]["content"].is_string() && found[0]["sources"].as_array()?.len() == 3).then_some(found)
    });
    let content = found[0]["content"].as_str().expect("a hash");
    assert_eq!(found[0]["size"], 64 * 1024 * 1024 + 44);
    let accents = json(home, &["search", "mare sebastiao", "--json"]).expect("an answer");
    assert_eq!(accents[0]["name"], "Maré alta em São Sebastião.txt");

    let from_all =
        json(home, &["--profile", "peer-5", "get", "Reef recording.wav", "--json"]).expect("downloaded");
    assert_eq!(hash_of(Path::new(from_all["path"].as_str().expect("a path"))), content);
    let chosen = ["--profile", "peer-4", "get", content, "--from", "peer-2", "--json"];
    let from_one = json(home, &chosen).expect("downloaded");
    assert_eq!(hash_of(Path::new(from_one["path"].as_str().expect("a path"))), content);
    let sources = from_one["sources"].as_array().expect("sources");
    assert_eq!(sources.iter().map(|source| &source["name"]).collect::<Vec<_>>(), ["peer-2"]);
    wait_for("the chosen source to show whom it sent to", LONG, || {
        let sent = json(home, &["--profile", "peer-2", "transfers", "--uploads", "--json"])?;
        let mut to_peer_4 = sent.as_array()?.iter().filter(|upload| upload["peer_name"] == "peer-4");
        to_peer_4.find(|upload| {
            let whole = upload["sent"].as_u64() >= Some(64 * 1024 * 1024 + 44);
            whole && upload["name"] == "Reef recording.wav" && upload["content"] == content
        })?;
        Some(())
    });
    let by_rpc = ["--profile", "peer-4", "get", "Reef fish.csv", "--via", "rpc", "--json"];
    let by_rpc = json(home, &by_rpc).expect("downloaded");
    assert_eq!(hash_of(Path::new(by_rpc["path"].as_str().expect("a path"))), by_rpc["content"]);

    let missing = cardume(home, &["get", "no such file"]);
    assert_eq!(missing.status.code(), Some(4), "{}", String::from_utf8_lossy(&missing.stderr));

    drop(demo.stdin.take());
    assert!(demo.wait().expect("it ends").success());
    all_have_ended(home);
}

#[test]
fn a_demonstration_that_is_killed_leaves_no_process_behind() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut demo = start_demo(dir.path());
    wait_for("a tracker with the full index", LONG, || whole(dir.path()));
    let names = cardume(dir.path(), &["names", "ping"]);
    assert!(names.status.success());
    demo.kill().expect("killed");
    demo.wait().expect("collected");
    all_have_ended(dir.path());
}

#[test]
fn a_demonstration_whose_peers_have_ended_says_nothing_to_programs_but_json() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = dir.path();
    let mut demo = Command::new(program())
        .arg("--home")
        .arg(home)
        .args(["--stop-with-stdin", "demo", "--headless", "--json", "--peers", "1", "--no-samples"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demonstration starts");
    wait_for("the peer", LONG, || json(home, &["--profile", "peer-1", "status", "--json"]));
    assert!(cardume(home, &["--profile", "peer-1", "stop"]).status.success());
    wait_for("the end", LONG, || demo.try_wait().expect("a child"));
    let printed = demo.wait_with_output().expect("collected").stdout;
    let printed = String::from_utf8(printed).expect("text");
    assert!(!printed.is_empty());
    for line in printed.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

/// Waits until no process of the home runs.
fn all_have_ended(home: &Path) {
    let begun = now();
    for number in 1..=5 {
        wait_for("the end of a peer", Duration::from_secs(10), || {
            let status = cardume(home, &["--profile", &format!("peer-{number}"), "status"]);
            (status.status.code() == Some(3)).then_some(())
        });
    }
    wait_for("the end of the name service", Duration::from_secs(10), || {
        (!cardume(home, &["names", "ping"]).status.success()).then_some(())
    });
    assert!(begun.elapsed() < LONG);
}
