//! The vote's state on disk: whatever happens, the old record or the new one, and only one's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cardume::base::{Epoch, FoundingId, MachineId, PeerId, PeerName};
use cardume::engine::election::{Member, Roster, RosterStamp, SavedState};
use cardume::store::{
    Loaded, PowerLoss, RealDisk, StateError, StateRefusal, StateStore, Unsynced, VolatileDisk,
};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

const MACHINE: MachineId = MachineId::from_bytes([1; 16]);
const PEER: PeerId = PeerId::from_bytes([2; 32]);

fn state(epoch: u64) -> SavedState {
    let member = |number: u8| {
        let member = Member {
            name: PeerName::new(&format!("peer-{number}")).unwrap(),
            uri: format!("wss://127.0.0.{number}:7000/").parse().unwrap(),
            election_uri: format!("wss://[::{number}]:7001/").parse().unwrap(),
            voter: number != 3,
        };
        (PeerId::from_bytes([number; 32]), member)
    };
    let roster = Roster {
        founding: FoundingId::from_bytes([9; 16]),
        stamp: RosterStamp { epoch: Epoch::new(epoch / 2).unwrap(), version: 3 },
        min_voters: 2,
        members: [1, 2, 3].map(member).into_iter().collect(),
    };
    SavedState {
        epoch: Epoch::new(epoch).unwrap(),
        voted_for: (epoch % 2 == 1).then_some(PEER),
        roster: Some(roster),
    }
}

fn load(dir: &Path, disk: impl cardume::store::Disk + 'static) -> Loaded {
    StateStore::open(dir, MACHINE, PEER, disk).unwrap().1
}

fn refused(loaded: Loaded) -> StateRefusal {
    match loaded {
        Loaded::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// A home with the record of `state(7)` on the real disk, and that record.
fn saved() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let home = tempfile::tempdir().unwrap();
    let (mut store, _) = StateStore::open(home.path(), MACHINE, PEER, RealDisk).unwrap();
    store.save(&state(7)).unwrap();
    let path = home.path().join("state");
    let bytes = std::fs::read(&path).unwrap();
    (home, path, bytes)
}

#[test]
fn what_was_saved_is_found() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(load(home.path(), RealDisk), Loaded::Fresh);
    let empty = SavedState { epoch: Epoch::ZERO, voted_for: None, roster: None };
    let (mut store, first) = StateStore::begin(home.path(), MACHINE, PEER, RealDisk).unwrap();
    assert_eq!(first, empty);
    assert_eq!(load(home.path(), RealDisk), Loaded::Found(empty));
    let last = SavedState { epoch: Epoch::MAX, ..state(5) };
    for state in [state(1), state(2), last.clone()] {
        store.save(&state).unwrap();
        assert_eq!(load(home.path(), RealDisk), Loaded::Found(state));
    }
    let names: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["state"], "nothing is left behind");
}

/// Every way in which a power loss can treat what was not synced.
fn losses() -> Vec<PowerLoss> {
    let contents = [Unsynced::Lost, Unsynced::Torn, Unsynced::Zeroed, Unsynced::Kept];
    let both = |content| [false, true].map(|names_kept| PowerLoss { content, names_kept });
    contents.into_iter().flat_map(both).collect()
}

#[test]
fn after_a_crash_at_any_step_it_is_the_old_or_the_new_record() {
    let dir = Path::new("/profile");
    let steps = {
        let disk = VolatileDisk::new();
        StateStore::begin(dir, MACHINE, PEER, disk.clone()).unwrap();
        disk.steps()
    };
    assert_eq!(steps, 5, "create, write, sync, rename, sync the folder");
    // One step more than there are: the save succeeds, and then the power fails.
    for step in 0..=steps {
        let disk = VolatileDisk::new();
        let (mut store, _) = StateStore::begin(dir, MACHINE, PEER, disk.clone()).unwrap();
        store.save(&state(3)).unwrap();
        disk.fail_at(step);
        let result = store.save(&state(4));
        assert_eq!(result.is_ok(), step == steps, "step {step}");
        let good = if result.is_ok() { vec![state(4)] } else { vec![state(3), state(4)] };
        let check = |disk: VolatileDisk, how: &str| match load(dir, disk) {
            Loaded::Found(found) => assert!(good.contains(&found), "step {step}, {how}: {found:?}"),
            other => panic!("step {step}, {how}: {other:?}"),
        };
        for loss in losses() {
            check(disk.after_power_loss(loss), &format!("{loss:?}"));
        }
        // The last, since loading makes what was found durable.
        disk.heal();
        check(disk, "killed");
    }
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let dir = Path::new("/profile");
    for step in 0..2 {
        let disk = VolatileDisk::new();
        let (mut store, _) = StateStore::begin(dir, MACHINE, PEER, disk.clone()).unwrap();
        store.save(&state(3)).unwrap();
        disk.fail_at(step);
        assert!(matches!(store.save(&state(4)), Err(StateError::NotWritten { .. })));
        // Killed now, and the power lost: it is the old one.
        for loss in losses() {
            assert_eq!(load(dir, disk.after_power_loss(loss)), Loaded::Found(state(3)));
        }
        disk.heal();
        store.save(&state(5)).unwrap();
        assert_eq!(load(dir, disk), Loaded::Found(state(5)));
    }
}

#[test]
fn after_a_sync_or_rename_that_failed_nothing_is_saved_any_more() {
    let dir = Path::new("/profile");
    for step in 2..5 {
        let disk = VolatileDisk::new();
        let (mut store, _) = StateStore::begin(dir, MACHINE, PEER, disk.clone()).unwrap();
        disk.fail_at(step);
        assert!(matches!(store.save(&state(4)), Err(StateError::Io { .. })));
        disk.heal();
        // The kernel may have dropped what an fsync failed to write: a second one would lie.
        assert!(matches!(store.save(&state(4)), Err(StateError::Failed(_))));
        assert!(matches!(store.save(&state(5)), Err(StateError::Failed(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Many saves with crashes in between, each followed by a restart on what is left.
    #[test]
    fn what_was_acknowledged_survives_any_number_of_crashes(
        runs in prop::collection::vec((1_usize..4, 0_usize..25, 0_usize..9), 1..8)
    ) {
        let dir = Path::new("/profile");
        let mut disk = VolatileDisk::new();
        let (_, mut acknowledged) = StateStore::begin(dir, MACHINE, PEER, disk.clone()).unwrap();
        let mut epoch = 0;
        for (saves, step, loss) in runs {
            let (mut store, loaded) = StateStore::open(dir, MACHINE, PEER, disk.clone()).unwrap();
            prop_assert_eq!(&loaded, &Loaded::Found(acknowledged.clone()));
            disk.fail_at(step);
            let mut asked = acknowledged.clone();
            for _ in 0..saves {
                epoch += 1;
                asked = state(epoch);
                if store.save(&asked).is_err() {
                    break;
                }
                acknowledged = asked.clone();
            }
            // The ninth way is a kill: the page cache survives.
            disk = losses().get(loss).map_or(disk.clone(), |loss| disk.after_power_loss(*loss));
            disk.heal();
            match load(dir, disk.clone()) {
                Loaded::Found(found) => {
                    prop_assert!(found == acknowledged || found == asked, "{:?}", found);
                    acknowledged = found;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

#[test]
fn a_record_that_was_cut_is_refused() {
    let (_home, _, bytes) = saved();
    for length in 0..bytes.len() {
        let disk = VolatileDisk::new();
        disk.put(Path::new("/profile/state"), &bytes[..length]);
        let refusal = refused(load(Path::new("/profile"), disk));
        assert!(matches!(refusal, StateRefusal::Damaged(_)), "{length}: {refusal:?}");
    }
}

#[test]
fn a_record_with_any_bit_flipped_is_refused() {
    let (_home, _, bytes) = saved();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let disk = VolatileDisk::new();
            disk.put(Path::new("/profile/state"), &flipped);
            // A flip in the format's number can look like a newer one.
            let refusal = refused(load(Path::new("/profile"), disk));
            let expected = matches!(refusal, StateRefusal::Damaged(_) | StateRefusal::Newer(3 | 5 | 9));
            assert!(expected, "byte {at}, bit {bit}: {refusal:?}");
        }
    }
}

#[test]
fn a_record_of_somebody_else_is_refused() {
    let (home, path, bytes) = saved();
    let open = |machine, peer| StateStore::open(home.path(), machine, peer, RealDisk).unwrap().1;
    let other_machine = MachineId::from_bytes([8; 16]);
    let other_peer = PeerId::from_bytes([8; 32]);
    assert_eq!(refused(open(other_machine, PEER)), StateRefusal::OtherMachine);
    assert_eq!(refused(open(MACHINE, other_peer)), StateRefusal::OtherPeer);
    assert_eq!(refused(open(other_machine, other_peer)), StateRefusal::OtherPeer);
    // A backup of another one's home put back in place.
    let (other, _) = StateStore::begin(home.path(), MACHINE, other_peer, RealDisk).unwrap();
    drop(other);
    assert_eq!(refused(open(MACHINE, PEER)), StateRefusal::OtherPeer);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(open(MACHINE, PEER), Loaded::Found(state(7)));
}

#[test]
fn a_record_of_a_newer_version_is_refused_as_such() {
    let (home, path, bytes) = saved();
    let text = String::from_utf8(bytes).unwrap();
    for format in [2, 10, u32::MAX] {
        std::fs::write(&path, text.replacen("state 1", &format!("state {format}"), 1)).unwrap();
        assert_eq!(refused(load(home.path(), RealDisk)), StateRefusal::Newer(format));
    }
}

#[test]
fn values_out_of_their_limits_are_refused_though_the_checksum_is_right() {
    let (home, path, bytes) = saved();
    let text = String::from_utf8(bytes).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let (_, body) = rest.split_once('\n').unwrap();
    let write = |body: &str| {
        let sum = blake3::hash(format!("{first}\n{body}").as_bytes());
        std::fs::write(&path, format!("{first}\nblake3 {sum}\n{body}")).unwrap();
    };
    write(body);
    assert_eq!(load(home.path(), RealDisk), Loaded::Found(state(7)), "this test writes good checksums");
    let peer_3 = PeerId::from_bytes([3; 32]).to_string();
    let peer_1 = PeerId::from_bytes([1; 32]).to_string();
    let cases = [
        ("\"epoch\": 7", "\"epoch\": 9007199254740992"),
        ("\"epoch\": 7", "\"epoch\": -1"),
        ("\"epoch\": 7", "\"epoch\": 1e400"),
        ("\"epoch\": 7", "\"epoch\": 7, \"epoch\": 8"),
        ("\"epoch\": 7", "\"epoch\": 7, \"extra\": 8"),
        ("\"min_voters\": 2", "\"min_voters\": 256"),
        ("peer-1", "Tracker_Epoca_1"),
        ("wss://127.0.0.1:7000/", "wss://localhost:7000/"),
        ("\"voter\": true", "\"voter\": 1"),
        (peer_3.as_str(), peer_1.as_str()),
        ("{", "["),
    ];
    for (good, bad) in cases {
        assert!(body.contains(good), "{good}");
        write(&body.replacen(good, bad, 1));
        let refusal = refused(load(home.path(), RealDisk));
        assert!(matches!(refusal, StateRefusal::Damaged(_)), "{bad}: {refusal:?}");
    }
}

#[test]
fn what_is_no_record_is_refused() {
    let (home, path, _) = saved();
    let refusal = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        refused(load(home.path(), RealDisk))
    };
    for bytes in [&b""[..], b"{}", b"cardume state ", b"cardume state x\n", b"\xff\xfe", &[0; 4096]] {
        assert!(matches!(refusal(bytes), StateRefusal::Damaged(_)));
    }
    assert!(matches!(refusal(&vec![b' '; 5 << 20]), StateRefusal::Unreadable(_)), "too long");
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state");
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(refused(load(home.path(), RealDisk)), StateRefusal::Unreadable(_)));
    let error = StateStore::begin(home.path(), MACHINE, PEER, RealDisk).unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    std::fs::remove_dir(&path).unwrap();

    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(matches!(refused(load(home.path(), RealDisk)), StateRefusal::Unreadable(_)));

    let no_folder = home.path().join("none");
    assert_eq!(load(&no_folder, RealDisk), Loaded::Fresh);
    assert!(StateStore::begin(&no_folder, MACHINE, PEER, RealDisk).is_err());
}

#[test]
fn a_read_only_record_is_read_and_replaced() {
    let (home, path, _) = saved();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let (mut store, loaded) = StateStore::open(home.path(), MACHINE, PEER, RealDisk).unwrap();
    assert_eq!(loaded, Loaded::Found(state(7)));
    store.save(&state(8)).unwrap();
    assert_eq!(load(home.path(), RealDisk), Loaded::Found(state(8)));
}
