//! Downloads across kill -9, whole folders, and what a person does with them.

use super::support::{Group, LONG, alone, hash_of, now, program, wait_for};
use cardume::base::PieceLayout;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Kills of the downloader in one download; more with `CARDUME_KILLS` (1,000 take seven minutes).
const KILLS: u64 = 20;
/// The size of that download, with pieces so large that they are written past the system's memory; with more kills it
/// is a GiB.
const SIZE: usize = 520 * 1024 * 1024;

/// Bytes that look random, different for every `seed`.
fn bytes(seed: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Two peers that share a file, and one that shares nothing of it.
fn group_with(name: &str, content: &[u8]) -> Group {
    let mut group = Group::new();
    group.start_names(Some(3));
    for peer in ["peer-1", "peer-2"] {
        std::fs::create_dir_all(group.share_of(peer)).expect("a folder");
        std::fs::write(group.share_of(peer).join(name), content).expect("written");
    }
    for peer in ["peer-1", "peer-2", "peer-3"] {
        group.start_peer(peer);
    }
    group.wait_for_tracker(3);
    let hash = blake3::hash(content).to_hex().to_string();
    group.wait_for_sources("peer-3", &hash, 2);
    group
}

fn transfers(group: &Group) -> Option<Value> {
    let output = group.cardume(&["--profile", "peer-3", "transfers", "--json"]);
    output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Starts a download and does not wait for it.
fn begin(group: &Group, arguments: &[&str]) {
    let mut getting = Command::new(program())
        .arg("--home")
        .arg(&group.folder)
        .args(["--profile", "peer-3", "get"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    wait_for("the download in the list", LONG, || (transfers(group)?.as_array()?.len() == 1).then_some(()));
    getting.kill().expect("a child");
    getting.wait().expect("it ends");
}

#[test]
fn a_download_survives_kills_at_any_moment_and_goes_on_by_itself() {
    let _alone = alone();
    let kills = std::env::var("CARDUME_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let size = if kills > KILLS { 1024 * 1024 * 1024 } else { SIZE };
    let content = bytes("killed", size);
    let mut group = group_with("film.bin", &content);
    let hash = blake3::hash(&content).to_hex().to_string();
    // So slow that all kills meet it in the middle: it is left alone for a quarter of a second on average.
    let rate = (size as u64 / kills).to_string();
    group.json(&["--profile", "peer-3", "limits", "--down", &rate, "--json"]);
    begin(&group, &[&hash]);
    let piece = PieceLayout::of(size as u64).map(|layout| u64::from(layout.piece_size())).expect("a size");
    let mut in_the_middle = 0;
    for kill in 0..kills {
        // From right after the start to half a second into it, spread by a fixed rule.
        std::thread::sleep(Duration::from_millis(kill * 97 % 500));
        let before = transfers(&group).and_then(|all| all[0]["done"].as_u64()).unwrap_or(0);
        group.kill_peer("peer-3");
        group.start_peer("peer-3");
        let after = wait_for("the download goes on", LONG, || {
            let all = transfers(&group)?;
            // Before it goes on it shows what was known when the list was last saved.
            let going = all[0]["state"] == "finished" || all[0]["reason"] == "downloading" || before == 0;
            going.then(|| all[0]["done"].as_u64()).flatten()
        });
        let is_shown_anew = after > 0 || before == 0;
        assert!(is_shown_anew && after + 2 * piece >= before, "kill {kill}: {after} after {before}");
        in_the_middle += u64::from(after < size as u64);
    }
    eprintln!("{in_the_middle} of {kills} kills in the middle of it");
    assert!(in_the_middle > kills / 2, "{in_the_middle} of {kills} kills in the middle");
    group.json(&["--profile", "peer-3", "limits", "--down", "none", "--json"]);
    let finished = wait_for("the end", Duration::from_mins(2), || {
        let all = transfers(&group)?;
        (all[0]["state"] == "finished").then(|| all[0].clone())
    });
    assert_eq!(hash_of(Path::new(finished["path"].as_str().expect("a path"))), hash);
    let folder = Path::new(finished["path"].as_str().expect("a path")).parent().expect("a folder").to_owned();
    assert!(!folder.join(".cardume").exists(), "nothing is left behind");
}

#[test]
fn a_paused_download_stays_paused_across_a_restart_and_is_resumed() {
    let _alone = alone();
    let content = bytes("paused", 30 * 1024 * 1024);
    let mut group = group_with("paused.bin", &content);
    let hash = blake3::hash(&content).to_hex().to_string();
    group.json(&["--profile", "peer-3", "limits", "--down", "2M", "--json"]);
    begin(&group, &[&hash, "--from", "peer-2"]);
    wait_for("some of it", LONG, || (transfers(&group)?[0]["done"].as_u64()? > 1_000_000).then_some(()));
    group.json(&["--profile", "peer-3", "transfers", "--pause", "1", "--json"]);
    wait_for("the pause", LONG, || (transfers(&group)?[0]["state"] == "paused").then_some(()));
    group.kill_peer("peer-3");
    group.start_peer("peer-3");
    let paused = wait_for("the list", LONG, || transfers(&group));
    assert_eq!(paused[0]["state"], "paused");
    group.json(&["--profile", "peer-3", "limits", "--down", "none", "--json"]);
    group.json(&["--profile", "peer-3", "transfers", "--resume", "all", "--json"]);
    let finished = wait_for("the end", LONG, || {
        let all = transfers(&group)?;
        (all[0]["state"] == "finished").then(|| all[0].clone())
    });
    assert_eq!(hash_of(Path::new(finished["path"].as_str().expect("a path"))), hash);
    let used: Vec<&str> = finished["sources"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|source| source["name"].as_str())
        .collect();
    assert_eq!(used, ["peer-2"], "the chosen source is remembered");
    group.json(&["--profile", "peer-3", "transfers", "--clear", "--json"]);
    wait_for("an empty list", LONG, || transfers(&group)?.as_array()?.is_empty().then_some(()));
}

#[test]
fn what_is_downloaded_into_a_shared_folder_is_shared_without_being_read_again() {
    let _alone = alone();
    let content = bytes("passed on", 9 * 1024 * 1024);
    let mut group = group_with("passed on.bin", &content);
    let hash = blake3::hash(&content).to_hex().to_string();
    let share = group.share_of("peer-3");
    let share = share.to_str().expect("a path in Unicode");
    let held = group.cardume(&["--profile", "peer-3", "share", share, "--pause"]);
    assert!(held.status.success(), "{held:?}");
    let got = group.cardume(&["--profile", "peer-3", "get", &hash, "--to", share]);
    assert!(got.status.success(), "{got:?}");
    group.wait_for_sources("peer-1", &hash, 3);
    group.start_peer("peer-4");
    group.wait_for_sources("peer-4", &hash, 3);
    let to = group.folder.join("elsewhere");
    let to = to.to_str().expect("a path in Unicode");
    let got = group.cardume(&["--profile", "peer-4", "get", &hash, "--from", "peer-3", "--to", to]);
    assert!(got.status.success(), "{got:?}");
    assert_eq!(hash_of(&Path::new(to).join("passed on.bin")), hash);
}

#[test]
fn a_folder_comes_with_its_structure_and_many_small_files() {
    let _alone = alone();
    let mut group = Group::new();
    group.start_names(Some(2));
    let share = group.share_of("peer-1");
    let files = 600;
    for number in 0..files {
        let folder = share.join(format!("course/week {}", number % 7));
        std::fs::create_dir_all(&folder).expect("a folder");
        let content = bytes(&format!("small {number}"), 10 * 1024 - number);
        std::fs::write(folder.join(format!("{number:04}.txt")), content).expect("written");
    }
    std::fs::write(share.join("course/large.bin"), bytes("large", 3_000_000)).expect("written");
    std::fs::write(share.join("course/empty"), b"").expect("written");
    group.start_peer("peer-1");
    group.start_peer("peer-2");
    group.wait_for_tracker(2);
    let begun = now();
    let done = group.json(&[
        "--profile",
        "peer-2",
        "get",
        "--folder",
        "peer-1/course",
        "--from",
        "peer-1",
        "--json",
    ]);
    eprintln!("{files} small files and a large one in {:?}", begun.elapsed());
    let target = Path::new(done["path"].as_str().expect("a path")).to_owned();
    assert_eq!(target.file_name().and_then(|name| name.to_str()), Some("course"));
    for number in 0..files {
        let path = format!("week {}/{number:04}.txt", number % 7);
        let (got, sent) =
            (std::fs::read(target.join(&path)), std::fs::read(share.join("course").join(&path)));
        assert_eq!(got.expect("there"), sent.expect("there"), "{path}");
    }
    assert_eq!(std::fs::read(target.join("large.bin")).expect("there"), bytes("large", 3_000_000));
    assert_eq!(std::fs::read(target.join("empty")).expect("there"), b"");
    assert!(!target.join(".cardume").exists(), "nothing is left behind");
    let again = group.json(&[
        "--profile",
        "peer-2",
        "get",
        "--folder",
        "peer-1/course",
        "--from",
        "peer-1",
        "--json",
    ]);
    assert!(again["path"].as_str().expect("a path").ends_with("course (2)"), "{again}");
}
