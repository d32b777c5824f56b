//! Trackers, peers and the name service die and come back.

use super::support::{Group, LONG, alone, hash_of, wait_for};
use std::path::Path;
use std::time::Duration;

#[test]
fn a_killed_tracker_is_replaced_in_the_next_epoch_and_comes_back_as_a_peer() {
    let _alone = alone();
    let mut group = Group::of(5);
    let (mut tracker, mut epoch) = group.wait_for_tracker(5);
    for _ in 0..3 {
        let id = group.status(&tracker).expect("a status")["peer_id"].clone();
        group.kill_peer(&tracker);
        let (next, next_epoch) = group.wait_for_tracker(4);
        assert_ne!(next, tracker);
        assert!(next_epoch > epoch, "{next_epoch} follows {epoch}");
        // The files of the one that died come last, and then are hidden.
        wait_for("the files of the four that are left", LONG, || {
            let found = group.json(&["--profile", &next, "search", "notes of", "--json"]);
            (found.as_array().map(Vec::len) == Some(4)).then_some(())
        });
        let registered = wait_for("the registration", LONG, || {
            group.registered().remove(&format!("Tracker_Epoca_{next_epoch}"))
        });
        assert_eq!(registered["peer_id"], group.status(&next).expect("a status")["peer_id"]);
        group.start_peer(&tracker);
        let (same, same_epoch) = group.wait_for_tracker(5);
        assert_eq!((same, same_epoch), (next.clone(), next_epoch), "who comes back disturbs nobody");
        assert_eq!(group.status(&tracker).expect("a status")["peer_id"], id);
        (tracker, epoch) = (next, next_epoch);
    }
}

#[test]
fn without_a_quorum_there_is_no_tracker_and_everybody_says_so() {
    let _alone = alone();
    let mut group = Group::of(5);
    let (tracker, epoch) = group.wait_for_tracker(5);
    let others: Vec<String> = group.running().into_iter().filter(|name| *name != tracker).collect();
    for name in [&tracker, &others[0], &others[1]] {
        group.kill_peer(name);
    }
    for name in &others[2..] {
        wait_for("the notice", LONG, || {
            let status = group.status(name)?;
            let says = status["notice"].as_str()?.contains("2 of 5 peers here, 3 needed");
            (says && status["tracker"].is_null()).then_some(())
        });
    }
    let searched = group.cardume(&["--profile", &others[2], "search", "notes"]);
    assert_ne!(searched.status.code(), Some(0), "without a tracker nothing is said to be found or not");
    group.start_peer(&others[0]);
    let (next, next_epoch) = group.wait_for_tracker(3);
    assert!(next_epoch > epoch, "{next} was elected anew");
}

#[test]
fn elections_go_on_without_the_name_service_and_are_registered_when_it_is_back() {
    let _alone = alone();
    let mut group = Group::of(5);
    let (tracker, epoch) = group.wait_for_tracker(5);
    group.kill_names();
    let other = group.running().into_iter().find(|name| *name != tracker).expect("another peer");
    let found = group.json(&["--profile", &other, "search", "notes", "--json"]);
    assert_eq!(found.as_array().map(Vec::len), Some(5), "searches go on");
    group.kill_peer(&tracker);
    let (next, next_epoch) = group.wait_for_tracker(4);
    assert!(next_epoch > epoch);
    group.start_names(None);
    let registered = wait_for("the registrations", LONG, || {
        let names = group.registered();
        let peers = group.running().iter().all(|name| names.contains_key(name));
        peers.then(|| names.get(&format!("Tracker_Epoca_{next_epoch}")).cloned()).flatten()
    });
    assert_eq!(registered["peer_id"], group.status(&next).expect("a status")["peer_id"]);
    assert!(group.registered().contains_key(&format!("Tracker_Epoca_{epoch}")), "the history survived");
    let (same, same_epoch) = group.wait_for_tracker(4);
    assert_eq!((same, same_epoch), (next, next_epoch), "the tracker is undisturbed");
}

#[test]
fn a_drill_silences_the_tracker_and_lets_it_come_back() {
    let _alone = alone();
    let group = Group::of(3);
    let (tracker, epoch) = group.wait_for_tracker(3);
    let drill = group.json(&["crash", "--for", "3s", "--json"]);
    assert_eq!(drill["peer"], tracker.as_str());
    let others: Vec<String> = group.running().into_iter().filter(|name| *name != tracker).collect();
    let next = wait_for("another tracker", LONG, || {
        let status = group.status(&others[0])?;
        (status["epoch"].as_u64()? > epoch)
            .then(|| status["tracker"]["name"].as_str().map(str::to_owned))
            .flatten()
    });
    assert_ne!(next, tracker);
    assert_eq!(group.status(&tracker).expect("control still answers")["role"], "silent");
    let (last, _) = group.wait_for_tracker(3);
    assert_eq!(last, next, "the silenced one comes back as a peer");
}

#[test]
fn a_download_goes_on_when_a_source_dies() {
    let _alone = alone();
    let mut group = Group::new();
    group.start_names(Some(3));
    let mut bytes = vec![0; 48 * 1024 * 1024];
    blake3::Hasher::new().update(b"a film").finalize_xof().fill(&mut bytes);
    for name in ["peer-1", "peer-2"] {
        std::fs::create_dir_all(group.share_of(name)).expect("a folder");
        std::fs::write(group.share_of(name).join("film.bin"), &bytes).expect("written");
    }
    for name in ["peer-1", "peer-2", "peer-3"] {
        group.start_peer(name);
    }
    group.wait_for_tracker(3);
    let content = blake3::hash(&bytes).to_hex().to_string();
    group.wait_for_sources("peer-3", &content, 2);
    // The slow way, so that there is time to die in the middle.
    let mut getting = std::process::Command::new(super::support::program())
        .arg("--home")
        .arg(&group.folder)
        .args(["--profile", "peer-3", "get", &content, "--via", "rpc"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("started");
    wait_for("half of it", LONG, || {
        let transfers = group.json(&["--profile", "peer-3", "transfers", "--json"]);
        (transfers[0]["done"].as_u64()? > 8 * 1024 * 1024).then_some(())
    });
    group.kill_peer("peer-1");
    assert!(getting.wait().expect("it ends").success());
    let transfers = group.json(&["--profile", "peer-3", "transfers", "--json"]);
    assert_eq!(hash_of(Path::new(transfers[0]["path"].as_str().expect("a path"))), content);
}

#[test]
fn a_download_does_not_notice_that_the_tracker_dies() {
    let _alone = alone();
    let mut group = Group::of(3);
    let (tracker, _) = group.wait_for_tracker(3);
    let others: Vec<String> = group.running().into_iter().filter(|name| *name != tracker).collect();
    let (source, getter) = (others[0].as_str(), others[1].as_str());
    let mut bytes = vec![0; 48 * 1024 * 1024];
    blake3::Hasher::new().update(b"another film").finalize_xof().fill(&mut bytes);
    std::fs::write(group.share_of(source).join("film.bin"), &bytes).expect("written");
    let content = blake3::hash(&bytes).to_hex().to_string();
    group.wait_for_sources(getter, &content, 1);
    group.json(&["--profile", getter, "limits", "--down", "4M", "--json"]);
    let mut getting = std::process::Command::new(super::support::program())
        .arg("--home")
        .arg(&group.folder)
        .args(["--profile", getter, "get", &content])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("started");
    let transfer = |group: &Group| group.json(&["--profile", getter, "transfers", "--json"])[0].clone();
    let before = wait_for("the beginning of it", LONG, || {
        transfer(&group)["done"].as_u64().filter(|done| *done > 4 * 1024 * 1024)
    });
    group.kill_peer(&tracker);
    wait_for("more of it, and another tracker", LONG, || {
        let transfer = transfer(&group);
        assert_eq!(transfer["state"], "running", "{transfer}");
        let has_tracker =
            group.status(getter)?["tracker"]["name"].as_str().is_some_and(|name| name != tracker);
        (has_tracker && transfer["done"].as_u64()? > before + 4 * 1024 * 1024).then_some(())
    });
    group.json(&["--profile", getter, "limits", "--down", "none", "--json"]);
    assert!(getting.wait().expect("it ends").success());
    let transfer = transfer(&group);
    assert_eq!(hash_of(Path::new(transfer["path"].as_str().expect("a path"))), content);
    assert_eq!(
        transfer["sources"][0]["bytes"].as_u64(),
        Some(bytes.len() as u64),
        "nothing came twice: {transfer}"
    );
}

#[test]
fn changes_of_a_shared_folder_reach_the_index() {
    let _alone = alone();
    let group = Group::of(3);
    let share = group.share_of("peer-2");
    let finds = |word: &str, count: usize| {
        wait_for(&format!("{count} results for {word}"), Duration::from_secs(10), || {
            let found = group.json(&["--profile", "peer-1", "search", word, "--json"]);
            (found.as_array()?.len() == count).then_some(())
        });
    };
    std::fs::write(share.join("brand new.txt"), "new").expect("written");
    finds("brand", 1);
    std::fs::rename(share.join("brand new.txt"), share.join("renamed.txt")).expect("renamed");
    finds("brand", 0);
    finds("renamed", 1);
    std::fs::remove_file(share.join("renamed.txt")).expect("removed");
    finds("renamed", 0);
}

#[test]
fn drills_are_ordered_on_the_command_line() {
    let _alone = alone();
    let group = Group::of(3);
    let (tracker, epoch) = group.wait_for_tracker(3);
    let other = group.running().into_iter().find(|name| *name != tracker).expect("a follower");
    let ordered = group.json(&["--profile", &other, "drill", "pause", "--for", "1500ms", "--json"]);
    assert_eq!(
        (ordered["peer"].as_str(), ordered["for_millis"].as_u64()),
        (Some(tracker.as_str()), Some(1_500))
    );
    wait_for("a later epoch", LONG, || (group.status(&other)?["epoch"].as_u64()? > epoch).then_some(()));
    let (next, _) = group.wait_for_tracker(3);
    assert_ne!(next, tracker, "it stood still and another one took over");

    let third = group.running().into_iter().find(|name| *name != next).expect("a follower");
    group.json(&["--profile", &third, "drill", "cut", "--to", &next, "--for", "20s", "--json"]);
    let member = || {
        let members = group.json(&["--profile", &third, "group", "members", "--json"]);
        members.as_array()?.iter().find(|member| member["name"] == next.as_str()).cloned()
    };
    wait_for("the cut", LONG, || member().filter(|it| it["cut"] == true && it["connected"] == false));
    group.json(&["--profile", &third, "crash", "--recover", "--json"]);
    wait_for("the mended link", LONG, || member().filter(|it| it["cut"] == false && it["connected"] == true));
    let refused = group.cardume(&["--profile", &third, "drill", "cut", "--to", &third]);
    assert_ne!(refused.status.code(), Some(0), "no peer is linked to itself");
}

#[test]
fn a_name_service_that_lost_its_storage_learns_the_tracker_again() {
    let _alone = alone();
    let mut group = Group::of(2);
    let (_, epoch) = group.wait_for_tracker(2);
    group.kill_names();
    std::fs::remove_file(group.folder.join("names/registry.redb")).expect("the storage");
    group.start_names(Some(2));
    let tracker = format!("Tracker_Epoca_{epoch}");
    wait_for("the names and the tracker", LONG, || {
        let registered = group.registered();
        let all = ["peer-1", "peer-2", &tracker];
        all.iter().all(|name| registered.contains_key(*name)).then_some(())
    });
    let (_, same) = group.wait_for_tracker(2);
    assert_eq!(same, epoch, "nobody was elected for that");
}
