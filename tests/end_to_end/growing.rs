//! A group that grows from one peer to five, by itself, and hands over when its tracker stops.

use super::support::{Group, LONG, alone, now, wait_for};
use std::net::TcpListener;
use std::time::Duration;

/// Peers started one after the other, each with nothing but its profile and the name service's address.
#[test]
fn five_peers_started_one_by_one_are_five_voters_and_survive_their_tracker() {
    let _alone = alone();
    let mut group = Group::new();
    // A port that was free a moment ago; the first peer starts the name service there by itself.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let names = listener.local_addr().expect("an address").to_string();
    drop(listener);
    for number in 1..=5 {
        group.start_peer_with(&format!("peer-{number}"), &["--names", &names]);
        let voters = wait_for("one voter more", LONG, || {
            let status = group.status(&format!("peer-{number}"))?;
            (status["quorum"]["voters"].as_u64()? == number && status["tracker"].is_object())
                .then_some(number)
        });
        assert_eq!(voters, number);
    }
    let service = wait_for("the started service", LONG, || {
        let text = std::fs::read_to_string(group.folder.join("names/runtime.json")).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()?["pid"].as_u64()
    });
    let (tracker, epoch) = group.wait_for_tracker(5);
    group.kill_peer(&tracker);
    let (next, next_epoch) = group.wait_for_tracker(4);
    assert!(next_epoch > epoch && next != tracker);
    end_process(service);
}

#[test]
fn a_tracker_leaves_for_good_when_the_others_can_go_on_without_it() {
    let _alone = alone();
    let mut group = Group::of(3);
    let (tracker, epoch) = group.wait_for_tracker(3);
    let others: Vec<_> = group.running().into_iter().filter(|name| *name != tracker).collect();
    let left = group.cardume(&["--profile", &tracker, "group", "leave"]);
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    wait_for("the end of who left", LONG, || group.has_ended(&tracker).then_some(()));
    group.kill_peer(&tracker);
    let next = wait_for("a group of two", LONG, || {
        let status = group.status(&others[0])?;
        let is_so = status["quorum"]["voters"] == 2 && status["epoch"].as_u64()? > epoch;
        is_so.then(|| status["tracker"]["name"].as_str().map(str::to_owned)).flatten()
    });
    let last = others.into_iter().find(|name| *name != next).expect("another one");
    // One of two alone is no majority, so its tracker cannot leave while the other one is away.
    group.kill_peer(&last);
    let refused = group.cardume(&["--profile", &next, "group", "leave"]);
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{reason}");
    assert!(group.status(&next).is_some(), "it goes on: {reason}");
    group.start_peer(&last);
    let (tracker, _) = group.wait_for_tracker(2);
    let left = group.cardume(&["--profile", &tracker, "group", "leave"]);
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    let stays = if tracker == next { last } else { next };
    wait_for("a group of one", LONG, || {
        let status = group.status(&stays)?;
        (status["quorum"]["voters"] == 1 && status["tracker"]["name"] == stays).then_some(())
    });
}

#[test]
fn a_tracker_that_stops_gracefully_hands_over_and_searches_go_on() {
    let _alone = alone();
    let group = Group::of(5);
    let (tracker, epoch) = group.wait_for_tracker(5);
    let asker = group.running().into_iter().find(|name| *name != tracker).expect("another peer");
    let search = || group.cardume(&["--profile", &asker, "search", "notes", "--json"]);
    assert!(search().status.success());
    let stopped = group.cardume(&["--profile", &tracker, "stop"]);
    assert!(stopped.status.success(), "{}", String::from_utf8_lossy(&stopped.stderr));
    let begun = now();
    let mut failed = Vec::new();
    while begun.elapsed() < Duration::from_secs(3) {
        let output = search();
        if !output.status.success() {
            failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(failed, Vec::<String>::new(), "searches across a handover");
    let status = group.status(&asker).expect("a status");
    assert_eq!(status["epoch"].as_u64(), Some(epoch + 1), "one election, the handover");
    assert_ne!(status["tracker"]["name"], tracker.as_str());
}

/// The first peer of a group, at a loopback address, and then at one that others reach.
#[test]
fn a_peer_that_listens_elsewhere_is_found_there() {
    let _alone = alone();
    let mut group = Group::new();
    group.start_names(Some(1));
    std::fs::create_dir_all(group.share_of("peer-1")).expect("a folder");
    std::fs::write(group.share_of("peer-1").join("letter.txt"), "Dear Ana").expect("written");
    group.start_peer_with("peer-1", &["--listen", "127.0.0.1"]);
    group.wait_for_tracker(1);
    group.kill_peer("peer-1");
    group.start_peer_with("peer-1", &["--listen", "127.0.0.2"]);
    group.wait_for_tracker(1);
    let said = group.json(&["--profile", "peer-1", "group", "members", "--json"]);
    assert!(said[0]["uri"].as_str().is_some_and(|uri| uri.starts_with("wss://127.0.0.2:")), "{said}");
    group.start_peer("peer-2");
    group.wait_for_tracker(2);
    let said = group.json(&["--profile", "peer-2", "sources", "letter.txt", "--json"]);
    assert!(said.to_string().contains("wss://127.0.0.2:"), "a download would wait for ever: {said}");
    let to = group.folder.join("got");
    let to = to.to_str().expect("UTF-8");
    let output = group.cardume(&["--profile", "peer-2", "get", "letter.txt", "--to", to]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_to_string(group.folder.join("got/letter.txt")).expect("there"), "Dear Ana");
}

/// Ends a process that the test did not start itself, by its number.
fn end_process(pid: u64) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
}

#[test]
fn who_waits_for_the_founding_is_told_for_how_many() {
    let _alone = alone();
    let mut group = Group::new();
    group.start_names(Some(3));
    group.start_peer("peer-1");
    group.start_peer("peer-2");
    wait_for("what is missing", LONG, || {
        let notice = group.status("peer-2")?["notice"].as_str()?.to_owned();
        (notice == "Waiting for the group: 2 of 3 peers are here").then_some(())
    });
    group.start_peer("peer-3");
    group.wait_for_tracker(3);
    let status = group.status("peer-2").expect("a status");
    assert_eq!((&status["notice"], &status["names"]["founding"]), (&"".into(), &serde_json::Value::Null));
}
