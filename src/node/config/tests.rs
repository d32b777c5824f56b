use super::*;
use std::collections::BTreeSet;

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = Home::at(dir.path());
    (dir, home)
}

fn invite(byte: u8) -> Invite {
    let names = vec!["10.0.0.1:7734".parse().expect("an address")];
    Invite { group_key: Secret::from_bytes([byte; 32]), names }
}

#[test]
fn processes_that_start_at_once_agree_on_one_group_key() {
    let (_dir, home) = home();
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let started: Vec<_> =
            (0..8).map(|_| scope.spawn(|| *home.group_key().expect("a key").as_bytes())).collect();
        started.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 1);
    assert_ne!(keys[0], [0; 32]);
}

#[cfg(unix)]
#[test]
fn keys_are_readable_by_this_account_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, home) = home();
    home.group_key().expect("a key");
    home.profile("peer-1").expect("a profile").peer_key().expect("a key");
    for file in ["group.key", "profiles/peer-1/peer.key"] {
        let mode = std::fs::metadata(dir.path().join(file)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_damaged_key_is_reported_and_never_replaced() {
    let (dir, home) = home();
    let path = dir.path().join("group.key");
    std::fs::write(&path, "0123").expect("written");
    assert!(matches!(home.group_key(), Err(HomeError::Damaged { .. })));
    assert_eq!(std::fs::read_to_string(path).expect("still there"), "0123");
}

#[test]
fn each_start_takes_the_next_free_profile() {
    let (_dir, home) = home();
    let taken: Vec<_> = (0..3).map(|_| home.next_free_profile().expect("a profile")).collect();
    let names: Vec<_> = taken.iter().map(|(profile, _)| profile.name.as_str()).collect();
    assert_eq!(names, ["peer-1", "peer-2", "peer-3"]);
    let running: Vec<_> = home.profiles().iter().map(Profile::is_running).collect();
    assert_eq!(running, [true, true, true]);
    drop(taken);
    assert_eq!(home.next_free_profile().expect("a profile").0.name, "peer-1");
    assert!(!home.profile("peer-9").expect("a name").is_running());
}

#[test]
fn names_of_profiles_stay_inside_the_home() {
    let (_dir, home) = home();
    for bad in ["", ".", "..", "a/b", "../x", "a\\b", "peer 1", "é", &"x".repeat(65)] {
        assert!(matches!(home.profile(bad), Err(HomeError::BadProfile(_))), "{bad:?}");
    }
}

#[test]
fn the_runtime_of_a_dead_process_is_not_believed() {
    let (_dir, home) = home();
    let profile = home.profile("peer-1").expect("a profile");
    let runtime =
        Runtime { pid: 1, uri: "wss://127.0.0.1:1/".into(), election_uri: "wss://127.0.0.1:2/".into() };
    let lock = profile.try_lock().expect("a folder").expect("free");
    profile.write_runtime(&runtime).expect("written");
    assert_eq!(profile.runtime(), Some(runtime));
    drop(lock);
    assert_eq!(profile.runtime(), None);
}

#[test]
fn addresses_of_name_services_come_from_the_file_then_the_running_one_then_the_default() {
    let (dir, home) = home();
    assert_eq!(home.names_addresses().expect("readable"), [DEFAULT_NAMES_ADDRESS]);
    let runtime = NamesRuntime { pid: 1, uri: "wss://127.0.0.1:4444/".into() };
    home.write_names_runtime(&runtime).expect("written");
    assert_eq!(home.names_addresses().expect("readable"), ["127.0.0.1:4444".parse().expect("one")]);
    home.set_names_addresses(&invite(1).names).expect("written");
    assert_eq!(home.names_addresses().expect("readable"), invite(1).names);
    std::fs::write(dir.path().join("names.json"), "{\"addresses\":[]}").expect("written");
    assert!(matches!(home.names_addresses(), Err(HomeError::Damaged { .. })));
}

#[test]
fn joining_another_group_needs_a_word_and_moves_the_old_vote_aside() {
    let (dir, home) = home();
    assert_eq!(home.membership(&invite(1)).expect("readable"), Membership::None);
    home.join(&invite(1), Replace::Refuse).expect("no group yet");
    assert_eq!(home.membership(&invite(1)).expect("readable"), Membership::Same);
    assert_eq!(home.membership(&invite(2)).expect("readable"), Membership::Other);
    home.join(&invite(1), Replace::Refuse).expect("the same group");
    let profile = home.profile("peer-1").expect("a profile");
    let lock = profile.try_lock().expect("a folder").expect("free");
    let old_key = profile.peer_key().expect("a key");
    assert!(matches!(home.join(&invite(2), Replace::Refuse), Err(HomeError::OtherGroup(_))));
    assert!(matches!(home.join(&invite(2), Replace::OtherGroup), Err(HomeError::InUse(_))));
    assert_eq!(home.group_key().expect("a key"), invite(1).group_key);
    drop(lock);
    std::fs::create_dir(&profile.state_dir).expect("made");
    home.join(&invite(2), Replace::OtherGroup).expect("joined");
    assert_eq!(home.group_key().expect("a key"), invite(2).group_key);
    assert!(!profile.state_dir.exists());
    assert_ne!(profile.peer_key().expect("a new key"), old_key);
    assert!(dir.path().join("names.json").exists());
}

/// What there is in a folder, without its subfolders' own content.
fn entries(folder: &std::path::Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_name_service_does_not_go_on_with_the_founding_of_a_group_that_was_left() {
    let (dir, home) = home();
    home.join(&invite(1), Replace::Refuse).expect("no group yet");
    let names = dir.path().join("names");
    let key = home.names_key().expect("a key");
    std::fs::write(names.join("registry.redb"), "old").expect("written");
    let running = std::fs::File::create(names.join("lock")).expect("made");
    running.lock().expect("free");
    home.join(&invite(1), Replace::OtherGroup).expect("the same group");
    assert!(names.join("registry.redb").exists() && home.names_run());
    // It serves others of the old group: it is left alone as long as it runs.
    home.join(&invite(2), Replace::OtherGroup).expect("joined");
    home.settle_names().expect("nothing to do yet");
    assert!(names.join("registry.redb").exists());
    drop(running);
    assert!(!home.names_run());
    home.settle_names().expect("moved");
    let left = entries(&names).into_iter().find(|name| name.starts_with("left-")).expect("a folder");
    assert_eq!(entries(&names), ["lock", "peer.key", &left].map(str::to_owned).into());
    assert_eq!(std::fs::read_to_string(names.join(&left).join("registry.redb")).expect("kept"), "old");
    assert_eq!(home.names_key().expect("a key"), key);
    // What the new group makes stays, and without a running service it is moved at once.
    std::fs::write(names.join("registry.redb"), "new").expect("written");
    home.settle_names().expect("nothing to do");
    assert!(names.join("registry.redb").exists());
    home.join(&invite(3), Replace::OtherGroup).expect("joined");
    assert!(!names.join("registry.redb").exists());
}

#[test]
fn a_profile_that_is_taken_has_no_secrets_of_killed_processes() {
    let (_dir, home) = home();
    let profile = home.profile("peer-1").expect("a profile");
    profile.peer_key().expect("a key");
    let left = profile.dir.join("peer.key.0123456789abcdef.tmp");
    std::fs::write(&left, "secret").expect("written");
    let lock = profile.try_lock().expect("a folder").expect("free");
    assert!(!left.exists() && profile.dir.join("peer.key").exists());
    drop(lock);
}

#[test]
fn peers_listen_where_the_name_service_reaches_them() {
    assert_eq!(listen_address(&[]), IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(listen_address(&[DEFAULT_NAMES_ADDRESS]), IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert!(is_local(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    assert!(!is_local(IpAddr::from([192, 0, 2, 1])));
}
