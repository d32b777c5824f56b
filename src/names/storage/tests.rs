use super::*;
use crate::base::{FoundingId, PeerId, PeerUri};
use crate::engine::election::Roster;
use crate::engine::registry::{Founding, Metadata, Name, Registry};
use proptest::prelude::*;
use std::net::SocketAddr;

const RULE: Founding = Founding { expected: 2, not_before: Duration::ZERO };
const NOW: Duration = Duration::ZERO;

fn entry(holder: u8) -> Entry {
    let uri = |port| PeerUri::new(SocketAddr::from(([127, 0, 0, 1], port))).expect("an address");
    let metadata = Metadata::new([("version".to_owned(), "\"1\" é".to_owned())].into()).expect("small");
    let (uri, election_uri) = (uri(7000 + u16::from(holder)), Some(uri(8000)));
    Entry { holder: PeerId::from_bytes([holder; 32]), uri, election_uri, metadata }
}

/// A registry with something of everything, step by step: the changes of each step.
fn steps() -> Vec<Vec<Change>> {
    let mut registry = Registry::new(RULE, Saved::default(), NOW);
    let mut steps = Vec::new();
    let mut step = |registry: &mut Registry| {
        steps.push(registry.changes().to_vec());
        registry.commit();
    };
    for holder in 1..=3 {
        let name = PeerName::new(&format!("peer {holder} ç")).expect("a name");
        let lease = Lease::granted(Some(1_000 * u64::from(holder))).expect("not 0");
        registry.register(name, entry(holder), lease, None, NOW).expect("is free");
        registry.found(FoundingId::from_bytes([9; 16]), NOW);
        step(&mut registry);
    }
    let founding: Roster = registry.overview(NOW).founding.expect("two are enough");
    for number in 1..=3 {
        let epoch = Epoch::new(number).expect("small");
        registry.register_tracker(epoch, entry(1), &founding).expect("is higher");
        step(&mut registry);
    }
    let third = Name::Peer(PeerName::new("peer 3 ç").expect("a name"));
    registry.remove(&third, entry(3).holder, NOW).expect("its own");
    step(&mut registry);
    registry.expire(Duration::from_secs(1));
    step(&mut registry);
    steps
}

/// What is saved after these changes.
fn saved_after(steps: &[Vec<Change>]) -> Saved {
    let mut saved = Saved::default();
    for change in steps.iter().flatten().cloned() {
        match change {
            Change::Name(name, Some(held)) => drop(saved.names.insert(name, Held { until: NOW, ..held })),
            Change::Name(name, None) => drop(saved.names.remove(&name)),
            Change::Tracker(epoch, Some(entry)) => drop(saved.trackers.insert(epoch, entry)),
            Change::Tracker(epoch, None) => drop(saved.trackers.remove(&epoch)),
            Change::Highest(epoch) => saved.highest = epoch,
            Change::Founding(roster) => saved.founding = roster,
        }
    }
    saved
}

#[test]
fn what_was_saved_is_there_after_every_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let steps = steps();
    for (number, changes) in steps.iter().enumerate() {
        let (mut storage, saved, _) = Storage::open(folder.path()).expect("opens");
        assert_eq!(saved, saved_after(&steps[..number]), "before step {number}");
        storage.save(changes).expect("is written");
    }
    let (mut storage, saved, expected) = Storage::open(folder.path()).expect("opens");
    assert_eq!((saved, expected), (saved_after(&steps), None));
    storage.save_expected(5).expect("is written");
    drop(storage);
    assert_eq!(Storage::open(folder.path()).expect("opens").2, Some(5));
}

/// A kill leaves the file as the page cache has it at that moment: copies of the open file, taken after
/// every save, hold everything saved before.
#[test]
fn a_killed_service_lost_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let steps = steps();
    let (mut storage, ..) = Storage::open(folder.path()).expect("opens");
    for (number, changes) in steps.iter().enumerate() {
        storage.save(changes).expect("is written");
        let copy = tempfile::tempdir().expect("a folder");
        fs::copy(folder.path().join("registry.redb"), copy.path().join("registry.redb")).expect("is copied");
        let (_, saved, _) = Storage::open(copy.path()).expect("opens after a kill");
        assert_eq!(saved, saved_after(&steps[..=number]), "after step {number}");
    }
}

#[test]
fn a_kill_while_the_storage_is_made_leaves_none() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("registry.new"), b"half").expect("is written");
    let (_, saved, _) = Storage::open(folder.path()).expect("opens");
    assert_eq!(saved, Saved::default());
    assert!(!folder.path().join("registry.new").exists());
}

fn full_file() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut storage, ..) = Storage::open(folder.path()).expect("opens");
    for changes in steps() {
        storage.save(&changes).expect("is written");
    }
    drop(storage);
    fs::read(folder.path().join("registry.redb")).expect("is read")
}

fn open_bytes(bytes: &[u8]) -> Result<Saved, StorageError> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("registry.redb"), bytes).expect("is written");
    Storage::open(folder.path()).map(|(_, saved, _)| saved)
}

#[test]
fn a_file_that_was_cut_is_refused() {
    let bytes = full_file();
    for length in [0, 1, 9, 64, 320, 4_095, 4_096, 8_192, bytes.len() / 2, bytes.len() - 1] {
        let outcome = open_bytes(&bytes[..length]);
        assert!(matches!(outcome, Err(StorageError::Damaged { .. })), "{length}: {outcome:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// A flipped bit is found, or does not matter; it is never believed.
    #[test]
    fn a_flipped_bit_is_never_believed(place in 0_usize..100_000, bit in 0_u8..8) {
        let mut bytes = full_file();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        match open_bytes(&bytes) {
            Ok(saved) => prop_assert_eq!(saved, saved_after(&steps())),
            Err(StorageError::Damaged { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn other_files_are_refused_with_a_clear_message() {
    for bytes in [b"hello".to_vec(), vec![0; 4_096], vec![0xff; 100_000]] {
        let error = open_bytes(&bytes).expect_err("is no storage");
        assert!(error.to_string().contains("move it away"), "{error}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("registry.redb")).expect("is made");
    assert!(matches!(Storage::open(folder.path()), Err(StorageError::Io { .. })));
    fs::write(folder.path().join("file"), b"").expect("is written");
    assert!(matches!(Storage::open(&folder.path().join("file")), Err(StorageError::Io { .. })));
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut storage, ..) = Storage::open(folder.path()).expect("opens");
    storage.write(|transaction| put_group(transaction, FORMAT_KEY, Some(2_u64))).expect("is written");
    drop(storage);
    assert!(matches!(Storage::open(folder.path()), Err(StorageError::Newer { format: 2, .. })));
}

#[test]
fn two_services_do_not_share_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Storage::open(folder.path()).expect("opens");
    let error = Storage::open(folder.path()).expect_err("is locked");
    assert!(matches!(error, StorageError::Locked(_)), "{error}");
    assert!(error.to_string().contains("already uses"), "{error}");
    drop(first);
    assert!(Storage::open(folder.path()).is_ok());
}
