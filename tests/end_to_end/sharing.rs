//! What a person is asked before a folder is shared, on the command line, and what is never shared.

use super::support::{Group, LONG, alone, wait_for};
use std::path::Path;

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn a_folder_with_keys_is_shared_only_with_yes() {
    let _alone = alone();
    let group = Group::of(1);
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().canonicalize().expect("a path").join("mine");
    write(&folder.join("lecture.txt"), b"lecture");
    write(&folder.join(".ssh/id_rsa"), b"key");
    write(&folder.join("work/server.pem"), b"key");
    let path = folder.to_str().expect("text");
    for arguments in [&["share", path][..], &["share", path, "--json"]] {
        let output = group.cardume(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{complaint}");
        for part in ["2 files", "work/server.pem (keys or passwords, would be shared)", ".ssh", "--yes"] {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
    }
    let root = group.cardume(&["share", "/"]);
    let complaint = String::from_utf8_lossy(&root.stderr).into_owned();
    assert_eq!(root.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("the whole computer"), "{complaint}");
    assert_eq!(group.json(&["share", "--json"]).as_array().map(Vec::len), Some(1), "nothing was shared");

    group.json(&["share", path, "--yes", "--json"]);
    let share = wait_for("the files", LONG, || {
        let shares = group.json(&["share", "--json"]);
        let share = shares.as_array()?.iter().find(|share| share["path"] == path)?.clone();
        (share["files"] == 2 && share["skips"]["hidden"] == 1).then_some(share)
    });
    assert_eq!(share["skipped"], 0);
    assert!(group.cardume(&["share", path, "--pause"]).status.success());
    wait_for("the pause", LONG, || {
        let shares = group.json(&["share", "--json"]);
        (shares.as_array()?.iter().find(|share| share["path"] == path)?["paused"] == true).then_some(())
    });
    for change in ["--resume", "--rescan"] {
        assert!(group.cardume(&["share", path, change]).status.success(), "{change}");
    }
}

#[test]
fn a_peer_does_not_start_with_a_risky_share_and_shares_no_keys_of_its_own() {
    let _alone = alone();
    let mut group = Group::of(1);
    let home = group.folder.to_str().expect("text").to_owned();
    let refused =
        group.cardume(&["--profile", "peer-2", "peer", "--headless", "--no-names", "--share", &home]);
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("group.key"), "{complaint}");

    group.start_peer_with("peer-2", &["--no-names"]);
    wait_for("the second peer", LONG, || group.status("peer-2"));
    let own = group.share_of("peer-2");
    group.json(&["--profile", "peer-2", "unshare", own.to_str().expect("text"), "--json"]);
    group.json(&["--profile", "peer-2", "share", &home, "--yes", "--json"]);
    wait_for("what is skipped", LONG, || {
        let shares = group.json(&["--profile", "peer-2", "share", "--json"]);
        let share = shares[0].clone();
        // And the rest is shared.
        let is_whole = share["skips"]["own"].as_u64() >= Some(3) && share["files"].as_u64() > Some(0);
        is_whole.then_some(())
    });
    for name in ["group.key", "peer.key", "vote"] {
        let found = group.json(&["--profile", "peer-2", "search", name, "--json"]);
        assert_eq!(found.as_array().map(Vec::len), Some(0), "{name}: {found}");
    }
}
