use super::*;
use crate::base::PeerUri;
use std::net::SocketAddr;

mod pattern;
mod recent;
mod reference;

const NOW: Duration = Duration::from_secs(100);
const AT_ONCE: Founding = Founding { expected: 1, not_before: Duration::ZERO };
const NEVER: Founding = Founding { expected: 1, not_before: Duration::MAX };

fn peer(number: u8) -> PeerId {
    PeerId::from_bytes([number; 32])
}

fn group(number: u8) -> FoundingId {
    FoundingId::from_bytes([number; 16])
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).expect("a small number")
}

fn name(text: &str) -> PeerName {
    PeerName::new(text).expect("a name")
}

fn uri(port: u16) -> PeerUri {
    PeerUri::new(SocketAddr::from(([127, 0, 0, 1], port))).expect("an address")
}

fn entry(holder: u8) -> Entry {
    let port = 7000 + u16::from(holder);
    let (uri, election_uri) = (uri(port), Some(uri(port + 1000)));
    Entry { holder: peer(holder), uri, election_uri, metadata: Metadata::default() }
}

fn member(number: u8, voter: bool) -> (PeerId, Member) {
    let entry = entry(number);
    let election_uri = entry.election_uri.expect("has one");
    (entry.holder, Member { name: name(&format!("peer-{number}")), uri: entry.uri, election_uri, voter })
}

fn roster(founding: u8, voters: &[u8]) -> Roster {
    let stamp = RosterStamp { epoch: Epoch::ZERO, version: 0 };
    let members = voters.iter().map(|number| member(*number, true)).collect();
    let min_voters = u8::try_from(voters.len()).expect("few voters");
    Roster { founding: group(founding), stamp, min_voters, members }
}

fn registry(rule: Founding) -> Registry {
    Registry::new(rule, Saved::default(), Duration::ZERO)
}

fn lease(seconds: u64) -> Lease {
    Lease::granted(Some(seconds * 1000)).expect("not 0")
}

fn beginning(prefix: &str) -> Filter {
    Filter { prefix: prefix.to_owned(), ..Filter::default() }
}

fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Metadata::new(pairs.collect()).expect("within the limits")
}

fn register(registry: &mut Registry, holder: u8, now: Duration) -> Result<(), Refusal> {
    registry.register(name(&format!("peer-{holder}")), entry(holder), lease(30), None, now)
}

#[test]
fn names_have_one_form() {
    let tracker = |number| Some(Name::Tracker(epoch(number)));
    let peer = |text: &str| Some(Name::Peer(name(text)));
    let long = "a".repeat(65);
    let huge = "a".repeat(64 * 1024);
    let table = [
        ("peer-1", peer("peer-1")),
        ("Ana Luísa", peer("Ana Luísa")),
        ("tracker", peer("tracker")),
        ("Tracker_Epoca_7", tracker(7)),
        ("Tracker_Epoca_9007199254740991", tracker((1 << 53) - 1)),
        ("Tracker_Epoca_9007199254740992", None),
        ("Tracker_Epoca_", None),
        ("Tracker_Epoca_0", None),
        ("Tracker_Epoca_007", None),
        ("Tracker_Epoca_+7", None),
        ("Tracker_Epoca_-7", None),
        ("Tracker_Epoca_7 ", None),
        (" Tracker_Epoca_7", None),
        ("Tracker_Epoca_7.0", None),
        ("Tracker_Epoca_٧", None),
        ("Tracker_Epoca_７", None),
        ("tracker_epoca_7", None),
        ("TRACKER_EPOCA_7", None),
        ("Tracker_Epoca_x", None),
        ("Tracker\u{200B}_Epoca_7", None),
        ("", None),
        (" ", None),
        (".", None),
        ("a\u{0}b", None),
        ("a\nb", None),
        ("a/b", None),
        ("\u{202E}abc", None),
        (&long, None),
        (&huge, None),
    ];
    for (text, expected) in table {
        assert_eq!(Name::parse(text).ok(), expected, "{text:?}");
    }
}

#[test]
fn leases_are_refused_at_zero_and_clamped_elsewhere() {
    let granted = |millis| Lease::granted(millis).map(Lease::duration);
    assert_eq!(granted(None), Ok(Duration::from_secs(30)));
    assert_eq!(granted(Some(0)), Err(LeaseError));
    assert_eq!(granted(Some(1)), Ok(Lease::MIN));
    assert_eq!(granted(Some(5_000)), Ok(Duration::from_secs(5)));
    assert_eq!(granted(Some(u64::MAX)), Ok(Lease::MAX));
}

#[test]
fn metadata_have_limits() {
    let of = |pairs: Vec<(String, String)>| Metadata::new(pairs.into_iter().collect()).is_ok();
    let pair = |number: usize| (number.to_string(), String::new());
    assert!(of((0..16).map(pair).collect()));
    assert!(!of((0..17).map(pair).collect()));
    assert!(of(vec![("k".repeat(256), "v".repeat(256))]));
    assert!(!of(vec![("k".repeat(257), String::new())]));
    assert!(!of(vec![("k".to_owned(), "v".repeat(257))]));
    assert!(!of(vec![(String::new(), "v".to_owned())]));
    assert!(!of(vec![("k".to_owned(), "a\u{7}".to_owned())]));
}

#[test]
fn a_name_belongs_to_its_key_until_ten_minutes_after_the_lease() {
    let mut registry = registry(NEVER);
    let seconds = |count| NOW + Duration::from_secs(count);
    let by = |registry: &mut Registry, holder, now| {
        registry.register(name("peer-1"), entry(holder), lease(30), None, now)
    };
    let taken = Err(Refusal::NameTaken { holder: peer(1) });
    assert_eq!(by(&mut registry, 1, NOW), Ok(()));
    assert_eq!(by(&mut registry, 2, NOW), taken);
    assert_eq!(registry.lookup(&Name::Peer(name("peer-1")), seconds(29)), Some(&entry(1)));
    assert_eq!(registry.lookup(&Name::Peer(name("peer-1")), seconds(30)), None);
    registry.expire(seconds(30));
    assert_eq!(by(&mut registry, 2, seconds(629)), taken);
    assert_eq!(
        registry.renew(&Name::Peer(name("peer-1")), peer(1), None, seconds(629)),
        Err(Refusal::UnknownName)
    );
    assert_eq!(by(&mut registry.clone(), 1, seconds(629)), Ok(()));
    assert_eq!(by(&mut registry, 2, seconds(630)), Ok(()));
    assert_eq!(registry.lookup(&Name::Peer(name("peer-1")), seconds(630)), Some(&entry(2)));
}

#[test]
fn only_the_holder_renews_and_removes() {
    let mut registry = registry(NEVER);
    register(&mut registry, 1, NOW).expect("is free");
    registry.commit();
    let own = Name::Peer(name("peer-1"));
    let taken = Refusal::NameTaken { holder: peer(1) };
    assert_eq!(registry.renew(&own, peer(2), None, NOW), Err(taken));
    assert_eq!(registry.remove(&own, peer(2), NOW), Err(taken));
    assert_eq!(registry.renew(&own, peer(1), None, NOW + Duration::from_secs(20)), Ok(lease(30)));
    assert_eq!(registry.changes(), [], "a renewal of the same lease needs no write");
    assert_eq!(registry.count(NOW + Duration::from_secs(49)), 1);
    assert_eq!(registry.count(NOW + Duration::from_secs(50)), 0);
    assert_eq!(registry.remove(&own, peer(1), NOW), Ok(true));
    assert_eq!(registry.remove(&own, peer(1), NOW), Ok(false));
    assert_eq!(registry.renew(&own, peer(1), None, NOW), Err(Refusal::UnknownName));
    assert_eq!(registry.register(name("peer-1"), entry(2), lease(1), None, NOW), Ok(()));
}

#[test]
fn only_the_holder_replaces_what_a_registration_carries() {
    let mut registry = registry(NEVER);
    let ours = roster(1, &[1, 2]);
    register(&mut registry, 1, NOW).expect("is free");
    registry.register_tracker(epoch(1), entry(1), &ours).expect("is the first");
    registry.commit();
    let (own, tracker) = (Name::Peer(name("peer-1")), Name::Tracker(epoch(1)));
    let carrying = |pairs: &[(&str, &str)]| Entry { metadata: metadata(pairs), ..entry(1) };
    let taken = Err(Refusal::NameTaken { holder: peer(1) });
    let set = |registry: &mut Registry, name: &Name, holder, room, seconds| {
        registry.set_metadata(
            name,
            peer(holder),
            metadata(&[("room", room)]),
            NOW + Duration::from_secs(seconds),
        )
    };
    assert_eq!(set(&mut registry, &own, 2, "2", 0), taken);
    assert_eq!(set(&mut registry, &tracker, 2, "2", 0), taken);
    assert_eq!(set(&mut registry, &Name::Peer(name("peer-2")), 1, "2", 0), Err(Refusal::UnknownName));
    assert_eq!(set(&mut registry, &Name::Tracker(epoch(2)), 1, "2", 0), Err(Refusal::UnknownName));
    assert_eq!(registry.changes(), []);
    let changed = carrying(&[("room", "2")]);
    assert_eq!(set(&mut registry, &own, 1, "2", 20), Ok(changed.clone()));
    assert_eq!(set(&mut registry, &own, 1, "2", 20), Ok(changed.clone()), "twice is once");
    assert_eq!(set(&mut registry, &tracker, 1, "2", 20), Ok(changed.clone()));
    // The lease goes on as it was.
    let until = NOW + Duration::from_secs(30);
    let held = Held { entry: changed.clone(), lease: lease(30), until, lapsed: false };
    assert_eq!(
        registry.changes(),
        [Change::Name(name("peer-1"), Some(held)), Change::Tracker(epoch(1), Some(changed.clone()))]
    );
    assert_eq!(set(&mut registry, &own, 1, "3", 30), Err(Refusal::UnknownName), "the lease has ended");
    assert_eq!(set(&mut registry, &own, 2, "3", 629), taken);
    assert_eq!(set(&mut registry, &own, 2, "3", 630), Err(Refusal::UnknownName));
    register(&mut registry, 1, NOW).expect("its own");
    assert_eq!(registry.lookup(&own, NOW), Some(&entry(1)), "a registration brings its own");
    registry.register_tracker(epoch(2), entry(2), &ours).expect("is higher");
    assert_eq!(set(&mut registry, &tracker, 1, "3", 0), Err(Refusal::Superseded { highest: epoch(2) }));
    assert_eq!(registry.lookup(&tracker, NOW), Some(&changed));
}

#[test]
fn the_number_of_names_is_limited_in_all_and_for_each_key() {
    let mut registry = registry(NEVER);
    for number in 0..Registry::MAX_NAMES {
        let holder = u8::try_from(number / Registry::MAX_NAMES_PER_KEY).expect("125 keys");
        let registered = registry.register(name(&format!("n{number}")), entry(holder), lease(30), None, NOW);
        assert_eq!(registered, Ok(()), "{number}");
    }
    let more = |registry: &mut Registry, holder, now| {
        registry.register(name("more"), entry(holder), lease(30), None, now)
    };
    assert_eq!(more(&mut registry, 0, NOW), Err(Refusal::TooManyOfKey));
    assert_eq!(more(&mut registry, 200, NOW), Err(Refusal::Full));
    assert_eq!(registry.register(name("n0"), entry(0), lease(30), None, NOW), Ok(()), "its own again");
    assert_eq!(more(&mut registry, 200, NOW + Duration::from_secs(630)), Ok(()));
}

#[test]
fn trackers_are_accepted_by_the_rules() {
    let ours = roster(1, &[1, 2, 3]);
    let other = roster(2, &[1, 2, 3]);
    let mut later = ours.clone();
    later.stamp.epoch = epoch(12);
    let two_groups = Err(Refusal::TwoGroups { ours: group(1) });
    let superseded = |highest| Err(Refusal::Superseded { highest: epoch(highest) });
    let absurd = Err(Refusal::AbsurdEpoch { highest: epoch(9) });
    // Epoch, holder, roster, outcome; one after the other in the same registry.
    let steps = [
        (5, 4, &ours, Err(Refusal::NotAVoter)),
        (1_000_001, 1, &ours, Err(Refusal::AbsurdEpoch { highest: Epoch::ZERO })),
        (5, 1, &ours, Ok(())),
        (5, 1, &ours, Ok(())),
        (5, 2, &ours, superseded(5)),
        (4, 1, &ours, superseded(5)),
        (4, 2, &ours, superseded(5)),
        (6, 2, &other, two_groups),
        (5, 1, &other, two_groups),
        (6, 2, &ours, Ok(())),
        (5, 1, &ours, superseded(6)),
        (9, 1, &ours, Ok(())),
        (11, 3, &later, Err(Refusal::RosterFromLater)),
        (12, 3, &later, Ok(())),
        (12, 3, &ours, Ok(())),
    ];
    let mut registry = registry(NEVER);
    for (step, (number, holder, roster, expected)) in steps.into_iter().enumerate() {
        let outcome = registry.register_tracker(epoch(number), entry(holder), roster);
        assert_eq!(outcome, expected, "step {step}");
        if number == 9 {
            assert_eq!(registry.register_tracker(epoch(1_000_010), entry(1), &ours), absurd);
        }
    }
    let names: Vec<_> = registry.list(&beginning("Tracker_Epoca_"), NOW).into_keys().collect();
    assert_eq!(names, ["Tracker_Epoca_12", "Tracker_Epoca_5", "Tracker_Epoca_6", "Tracker_Epoca_9"]);
    assert_eq!(registry.remove(&Name::Tracker(epoch(12)), peer(3), NOW), Err(Refusal::History));
    assert_eq!(registry.renew(&Name::Tracker(epoch(12)), peer(3), None, NOW), Ok(Lease::DEFAULT));
    assert_eq!(
        registry.renew(&Name::Tracker(epoch(12)), peer(1), None, NOW),
        Err(Refusal::NameTaken { holder: peer(3) })
    );
    assert_eq!(registry.renew(&Name::Tracker(epoch(8)), peer(3), None, NOW), Err(Refusal::UnknownName));
}

#[test]
fn a_list_holds_what_passes_all_of_the_filter() {
    let mut registry = registry(NEVER);
    let carrying = |holder, pairs: &[(&str, &str)]| Entry { metadata: metadata(pairs), ..entry(holder) };
    let printer = carrying(1, &[("room", "2"), ("kind", "printer")]);
    let scanner = carrying(1, &[("room", "2"), ("kind", "scanner")]);
    let tracker = carrying(1, &[("room", "2")]);
    registry.register(name("printer"), printer.clone(), lease(30), None, NOW).expect("is free");
    registry.register(name("scanner"), scanner.clone(), lease(30), None, NOW).expect("is free");
    register(&mut registry, 2, NOW).expect("is free");
    registry.register_tracker(epoch(1), tracker.clone(), &roster(1, &[1])).expect("is the first");
    let all =
        [("Tracker_Epoca_1", &tracker), ("peer-2", &entry(2)), ("printer", &printer), ("scanner", &scanner)];
    // Prefix, metadata, and which of all pass.
    let table: [(_, &[_], &[usize]); 8] = [
        ("", &[], &[0, 1, 2, 3]),
        ("p", &[], &[1, 2]),
        ("", &[("room", "2")], &[0, 2, 3]),
        ("", &[("kind", "printer"), ("room", "2")], &[2]),
        ("", &[("kind", "printer"), ("room", "3")], &[]),
        ("", &[("room", "")], &[]),
        ("", &[("Room", "2")], &[]),
        ("p", &[("room", "2")], &[2]),
    ];
    for (prefix, pairs, expected) in table {
        let filter = Filter { metadata: metadata(pairs), ..beginning(prefix) };
        let expected: BTreeMap<_, _> =
            expected.iter().map(|place| (all[*place].0.to_owned(), all[*place].1)).collect();
        assert_eq!(registry.list(&filter, NOW), expected, "{filter:?}");
    }
}

#[test]
fn a_tracker_that_moved_repeats_its_registration() {
    let mut registry = registry(NEVER);
    let ours = roster(1, &[1]);
    let moved = Entry { uri: uri(9999), ..entry(1) };
    assert_eq!(registry.register_tracker(epoch(1), entry(1), &ours), Ok(()));
    assert_eq!(registry.register_tracker(epoch(1), moved.clone(), &ours), Ok(()));
    assert_eq!(registry.overview(NOW).tracker, Some(moved));
}

#[test]
fn the_history_is_bounded_and_the_highest_epoch_stays() {
    let mut registry = registry(NEVER);
    let ours = roster(1, &[1]);
    for number in 1..=1_003 {
        assert_eq!(registry.register_tracker(epoch(number), entry(1), &ours), Ok(()));
        registry.commit();
    }
    assert_eq!(registry.count(NOW), Registry::MAX_HISTORY);
    assert_eq!(registry.lookup(&Name::Tracker(epoch(3)), NOW), None);
    assert_eq!(registry.lookup(&Name::Tracker(epoch(4)), NOW), Some(&entry(1)));
    assert_eq!(registry.overview(NOW).highest, epoch(1_003));
    assert_eq!(
        registry.register_tracker(epoch(3), entry(1), &ours),
        Err(Refusal::Superseded { highest: epoch(1_003) })
    );
}

#[test]
fn the_group_is_founded_once_by_the_expected_peers() {
    let mut registry = registry(Founding { expected: 3, not_before: Duration::ZERO });
    let program = Entry { election_uri: None, ..entry(9) };
    registry.register(name("program"), program, lease(30), None, NOW).expect("is free");
    register(&mut registry, 1, NOW).expect("is free");
    let again = Entry { uri: uri(9999), ..entry(1) };
    let later = NOW + Duration::from_secs(1);
    registry.register(name("second name"), again.clone(), lease(30), None, later).expect("is free");
    register(&mut registry, 2, NOW).expect("is free");
    assert_eq!((registry.is_founding_due(later), registry.overview(later).registered), (false, 2));
    registry.found(group(1), later);
    assert_eq!(registry.overview(later).founding, None);
    register(&mut registry, 3, later).expect("is free");
    assert!(registry.is_founding_due(later));
    registry.found(group(1), later);
    let mut expected = roster(1, &[1, 2, 3]);
    let first = expected.members.get_mut(&peer(1)).expect("is a member");
    (first.name, first.uri) = (name("second name"), again.uri);
    assert_eq!(registry.overview(later).founding, Some(expected.clone()));
    registry.found(group(2), later);
    register(&mut registry, 4, later).expect("is free");
    registry.found(group(2), later);
    assert_eq!(registry.overview(later).founding, Some(expected));
}

#[test]
fn peers_that_are_gone_do_not_found() {
    let mut registry = registry(Founding { expected: 2, not_before: Duration::ZERO });
    register(&mut registry, 1, NOW).expect("is free");
    let later = NOW + Duration::from_secs(30);
    register(&mut registry, 2, later).expect("is free");
    assert!(!registry.is_founding_due(later));
    register(&mut registry, 1, later).expect("its own");
    assert!(registry.is_founding_due(later));
}

#[test]
fn a_founding_that_exists_is_adopted() {
    let mut registry = registry(Founding { expected: 1, not_before: NOW });
    let ours = roster(1, &[1, 2]);
    let early = NOW.checked_sub(Duration::from_millis(1)).expect("later than the start");
    register(&mut registry, 3, early).expect("is free");
    assert!(!registry.is_founding_due(early), "others may come back with a roster");
    // Not a member of what it brings: nothing is adopted.
    let brought = registry.register(name("peer-4"), entry(4), lease(30), Some(&roster(2, &[5])), early);
    assert_eq!((brought, registry.overview(early).founding), (Ok(()), None));
    let brought = registry.register(name("peer-1"), entry(1), lease(30), Some(&ours), early);
    assert_eq!((brought, registry.overview(early).founding), (Ok(()), Some(ours.clone())));
    assert!(!registry.is_founding_due(NOW));
    let other = registry.register(name("peer-5"), entry(5), lease(30), Some(&roster(2, &[5])), NOW);
    assert_eq!(other, Err(Refusal::TwoGroups { ours: group(1) }));
    assert_eq!(registry.lookup(&Name::Peer(name("peer-5")), NOW), None);
}

#[test]
fn a_tracker_brings_its_founding() {
    let mut registry = registry(AT_ONCE);
    let ours = roster(1, &[1, 2]);
    assert_eq!(registry.register_tracker(epoch(7), entry(2), &ours), Ok(()));
    assert_eq!(registry.overview(NOW).founding, Some(ours.clone()));
    assert_eq!(
        registry.changes(),
        [Change::Founding(Some(ours)), Change::Tracker(epoch(7), Some(entry(2))), Change::Highest(epoch(7))]
    );
}

#[test]
fn what_could_not_be_saved_is_taken_back() {
    let mut registry = registry(AT_ONCE);
    let ours = roster(1, &[1, 2]);
    register(&mut registry, 1, NOW).expect("is free");
    registry.register_tracker(epoch(1), entry(1), &ours).expect("is higher");
    registry.commit();
    let before = registry.clone();
    register(&mut registry, 2, NOW).expect("is free");
    let moved = Entry { uri: uri(9999), ..entry(1) };
    registry.register(name("peer-1"), moved, lease(60), None, NOW).expect("its own");
    registry.remove(&Name::Peer(name("peer-1")), peer(1), NOW).expect("its own");
    registry.register_tracker(epoch(2), entry(2), &ours).expect("is higher");
    registry.expire(NOW + Duration::from_secs(1_000));
    assert_ne!(registry, before);
    registry.roll_back();
    assert_eq!(registry, before);
}

#[test]
fn a_restart_loses_nothing_and_leases_begin_anew() {
    let mut registry = registry(Founding { expected: 2, not_before: Duration::ZERO });
    register(&mut registry, 1, NOW).expect("is free");
    register(&mut registry, 2, NOW).expect("is free");
    registry.found(group(1), NOW);
    let founding = registry.overview(NOW).founding.expect("two peers");
    registry.register_tracker(epoch(1), entry(1), &founding).expect("is higher");
    let later = NOW + Duration::from_secs(40);
    register(&mut registry, 1, later).expect("its own");
    registry.expire(later);
    let saved = replay(registry.changes());
    let restarted = Registry::new(registry.rule, saved, Duration::ZERO);
    let second = |count| Duration::from_secs(count);
    let found = |now| restarted.list(&beginning("peer"), now).into_keys().collect::<Vec<_>>();
    assert_eq!(found(second(29)), ["peer-1"]);
    assert_eq!(found(second(30)), Vec::<String>::new());
    assert_eq!(restarted.overview(second(0)).highest, epoch(1));
    assert_eq!(restarted.overview(second(0)).tracker, Some(entry(1)));
    assert_eq!(restarted.overview(second(0)).founding, Some(founding));
    let by_another = restarted.clone().register(name("peer-2"), entry(3), lease(1), None, second(599));
    assert_eq!(by_another, Err(Refusal::NameTaken { holder: peer(2) }));
}

/// What storage holds after these changes.
fn replay(changes: &[Change]) -> Saved {
    let mut saved = Saved::default();
    for change in changes.iter().cloned() {
        match change {
            Change::Name(name, held) => drop(replace(&mut saved.names, name, held)),
            Change::Tracker(epoch, entry) => drop(replace(&mut saved.trackers, epoch, entry)),
            Change::Highest(epoch) => saved.highest = epoch,
            Change::Founding(roster) => saved.founding = roster,
        }
    }
    saved
}
