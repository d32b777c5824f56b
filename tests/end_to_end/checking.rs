//! The connection check of real processes: healthy, and with a link that fails. Names that are taken.

use super::support::{Group, LONG, alone, wait_for};
use serde_json::Value;

fn tests_of<'a>(report: &'a Value, test: &str) -> Vec<&'a Value> {
    let tests = report["tests"].as_array().expect("a list of tests");
    tests.iter().filter(|it| it["test"] == test).collect()
}

#[test]
fn a_healthy_group_passes_and_a_dead_peer_is_named_with_an_advice() {
    let _alone = alone();
    let mut group = Group::of(3);
    let report = wait_for("a healthy check", LONG, || {
        let output = group.cardume(&["--profile", "peer-1", "check", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).ok()?;
        let rhythm = tests_of(&report, "rhythm").iter().filter(|it| it["verdict"] != "skipped").count();
        (output.status.success() && rhythm == 2).then_some(report)
    });
    assert_eq!(tests_of(&report, "names")[0]["finding"], "answers", "{report}");
    assert_eq!(tests_of(&report, "tracker")[0]["finding"], "known");
    assert_eq!(tests_of(&report, "address")[0]["finding"], "this_machine");
    let peers = tests_of(&report, "peer");
    assert_eq!(peers.len(), 2, "{report}");
    for peer in peers {
        assert_eq!(peer["finding"], "both_ways", "{peer}");
        assert!(peer["figures"]["rtt_micros"].as_u64().is_some_and(|micros| micros > 0), "{peer}");
    }
    for rhythm in tests_of(&report, "rhythm").iter().filter(|it| it["verdict"] != "skipped") {
        let middle = rhythm["figures"]["p50_micros"].as_u64().expect("a number");
        assert!((50_000..200_000).contains(&middle), "heartbeats come every 100 ms: {rhythm}");
    }
    for (test, finding) in [("version", "same"), ("clock", "together"), ("disk", "room")] {
        assert_eq!(tests_of(&report, test)[0]["finding"], finding, "{report}");
    }

    group.kill_peer("peer-3");
    group.kill_names();
    let report = wait_for("a check that fails", LONG, || {
        let output = group.cardume(&["--profile", "peer-1", "check", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).ok()?;
        let names = tests_of(&report, "names")[0]["finding"] == "silent";
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code() == Some(1) && names && complaint.contains("failed")).then_some(report)
    });
    let peers = tests_of(&report, "peer");
    let dead = peers.iter().find(|peer| peer["about"] == "peer-3").expect("the dead peer is tested");
    assert_eq!((&dead["verdict"], &dead["finding"]), (&"failed".into(), &"no_way_there".into()), "{dead}");
    assert!(dead["advice"].as_str().is_some_and(|advice| advice.contains("peer-3 runs")), "{dead}");
    let alive = peers.iter().find(|peer| peer["about"] == "peer-2").expect("the other one");
    assert_eq!(alive["finding"], "both_ways", "{alive}");
    let text = group.cardume(&["--profile", "peer-1", "check"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("FAILED  peer-3: no connection from here to there"), "{text}");
}

#[test]
fn a_default_name_that_is_taken_gets_the_computers_name_and_a_chosen_one_is_refused() {
    let _alone = alone();
    let first = Group::of(1);
    // Another home of the same group: another computer, as far as names go.
    let mut second = Group::new();
    let invite = first.json(&["group", "invite", "--json"]);
    let link = invite["link"].as_str().expect("a link").to_owned();
    assert!(second.cardume(&["join", &link]).status.success());
    second.start_peer_with("peer-1", &["--no-names"]);
    let status = wait_for("a voter under another name", LONG, || {
        let status = second.status("peer-1")?;
        (status["quorum"]["voters"] == 2 && status["name"] != "peer-1").then_some(status)
    });
    let name = status["name"].as_str().expect("a name").to_owned();
    assert!(name.starts_with("peer-1-"), "{name}");
    let members = || {
        let members = first.json(&["group", "members", "--json"]);
        let mut names: Vec<String> = members
            .as_array()
            .expect("a list")
            .iter()
            .map(|member| member["name"].as_str().expect("a name").to_owned())
            .collect();
        names.sort();
        names
    };
    wait_for("both names in the group", LONG, || (members() == ["peer-1", name.as_str()]).then_some(()));
    let registered: Vec<String> =
        first.registered().into_keys().filter(|it| it.starts_with("peer")).collect();
    assert_eq!(registered, ["peer-1", name.as_str()]);
    let events = second.cardume(&["events", "--json"]);
    assert!(String::from_utf8_lossy(&events.stdout).contains("\"name_changed\""), "it is told");

    // A person's choice is not changed, but refused.
    let taken = second.cardume(&["name", "peer-1"]);
    let complaint = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert_eq!(taken.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("belongs to another peer"), "{complaint}");
    assert_eq!(second.status("peer-1").expect("a status")["name"], name.as_str());
    assert_eq!(second.cardume(&["name", "bad/name"]).status.code(), Some(2));

    // Another one is taken at once, everywhere, and kept.
    assert!(second.cardume(&["name", "Ana"]).status.success());
    wait_for("the new name in the group", LONG, || (members() == ["Ana", "peer-1"]).then_some(()));
    let names = || first.registered().into_keys().filter(|it| !it.starts_with("Tracker")).collect::<Vec<_>>();
    wait_for("the new name at the service", LONG, || (names() == ["Ana", "peer-1"]).then_some(()));
    second.kill_peer("peer-1");
    second.start_peer_with("peer-1", &["--no-names"]);
    wait_for("the kept name", LONG, || (second.status("peer-1")?["name"] == "Ana").then_some(()));
}

#[cfg(target_os = "linux")]
#[test]
fn threads_that_keep_time_go_first_and_those_that_work_are_nice() {
    let _alone = alone();
    let mut group = Group::of(1);
    crate::support::check_scheduling(group.pid("peer-1"), false);
    group.start_peer_within("peer-2", &["env", "CARDUME_REAL_TIME=0"], &["--no-names"]);
    crate::support::check_scheduling(group.pid("peer-2"), true);
}
