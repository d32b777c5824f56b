//! A disk that is really full: a small file system in memory, mounted where only the peer sees it.

use super::support::{Group, LONG, alone, hash_of, wait_for};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The size of the file system, in MiB; another file fills most of it.
const DISK: usize = 36;
/// In MiB.
const FILLER: usize = 20;
/// In MiB: fits only without the other file.
const FILE: usize = 24;

/// What gives a process mounts of its own; `None`: this system does not let us.
fn own_mounts() -> Option<Vec<&'static str>> {
    let ways = [vec!["unshare", "--mount"], vec!["unshare", "--user", "--map-root-user", "--mount"]];
    ways.into_iter().find(|way| {
        let probe = "mount -t tmpfs -o size=1m cardume /mnt";
        let mut command = Command::new(way[0]);
        command.args(&way[1..]).args(["sh", "-c", probe]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

fn transfer_of(group: &Group, content: &str) -> Option<Value> {
    let output = group.cardume(&["--profile", "peer-2", "transfers", "--json"]);
    let all: Value = serde_json::from_slice(&output.stdout).ok()?;
    all.as_array()?.iter().find(|transfer| transfer["content"] == content).cloned()
}

fn begin(group: &Group, content: &str, to: &Path) {
    let to = to.to_str().expect("Unicode");
    let mut getting = Command::new(super::support::program())
        .arg("--home")
        .arg(&group.folder)
        .args(["--profile", "peer-2", "get", content, "--to", to])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    wait_for("the download in the list", LONG, || transfer_of(group, content));
    // What was ordered goes on without who ordered it.
    getting.kill().and_then(|()| getting.wait()).expect("a child");
}

fn bytes(seed: &str, mib: usize) -> Vec<u8> {
    let mut bytes = vec![0; mib * 1024 * 1024];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// A source, and a peer that sees a nearly full file system at the second path.
fn group_with_a_small_disk(files: &[(&str, &[u8])], within: &[&'static str]) -> (Group, PathBuf) {
    let mut group = Group::new();
    group.start_names(Some(2));
    let share = group.share_of("peer-1");
    std::fs::create_dir_all(&share).expect("a folder");
    for (name, content) in files {
        std::fs::write(share.join(name), content).expect("written");
    }
    let disk = group.folder.join("small disk");
    std::fs::create_dir(&disk).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size={DISK}m cardume '{0}' && head -c {FILLER}M /dev/zero > '{0}/filler' && exec \"$@\"",
        disk.display()
    );
    let mut way = within.to_vec();
    way.extend(["sh", "-c", &script, "sh"]);
    group.start_peer("peer-1");
    group.start_peer_within("peer-2", &way, &["--no-names"]);
    group.wait_for_tracker(2);
    for (_, content) in files {
        group.wait_for_sources("peer-2", &blake3::hash(content).to_hex(), 1);
    }
    (group, disk)
}

#[test]
fn a_full_disk_is_said_and_others_go_on_and_it_goes_on_when_there_is_room() {
    let _alone = alone();
    let Some(within) = own_mounts() else {
        eprintln!("skipped: this system lets nobody mount a file system of his own");
        return;
    };
    let (large, small) = (bytes("large", FILE), bytes("small", 1));
    let (group, disk) = group_with_a_small_disk(&[("large.bin", &large), ("small.bin", &small)], &within);
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let (large, small) = (hash(&large), hash(&small));
    begin(&group, &large, &disk);
    let waiting = wait_for("a full disk is said", LONG, || {
        transfer_of(&group, &large).filter(|transfer| transfer["reason"] == "disk_full")
    });
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    // Others go on meanwhile.
    begin(&group, &small, &group.folder.join("elsewhere"));
    let other = wait_for("another download", LONG, || {
        transfer_of(&group, &small).filter(|transfer| transfer["state"] == "finished")
    });
    assert_eq!(hash_of(Path::new(other["path"].as_str().expect("a path"))), small);
    let still = transfer_of(&group, &large).expect("it is still there");
    assert_eq!(still["state"], "waiting", "{still}");
    // As the peer sees it.
    let inside = PathBuf::from(format!("/proc/{}/root", group.pid("peer-2")));
    let seen = |path: &Path| inside.join(path.strip_prefix("/").expect("absolute"));
    assert!(!seen(&disk.join("large.bin")).exists(), "nothing that is not whole has the name");
    std::fs::remove_file(seen(&disk.join("filler"))).expect("removed");
    let finished = wait_for("it goes on by itself", LONG, || {
        transfer_of(&group, &large).filter(|transfer| transfer["state"] == "finished")
    });
    assert_eq!(hash_of(&seen(Path::new(finished["path"].as_str().expect("a path")))), large);
}
