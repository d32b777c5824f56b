//! What those who watch are told.

use super::*;
use std::sync::Arc;

fn seen(text: &str, what: What) -> Seen {
    Seen { name: Name::parse(text).expect("a name"), what }
}

#[test]
fn a_commit_says_what_can_be_seen() {
    let mut registry = registry(NEVER);
    let ours = roster(1, &[1, 2]);
    let own = Name::Peer(name("peer-1"));
    let after = |seconds| NOW + Duration::from_secs(seconds);
    let moved = Entry { uri: uri(9999), ..entry(1) };
    let carrying = Entry { metadata: metadata(&[("room", "2")]), ..moved.clone() };

    register(&mut registry, 1, NOW).expect("is free");
    register(&mut registry, 1, after(1)).expect("its own");
    registry.renew(&own, peer(1), Some(lease(40)), after(2)).expect("its own");
    assert_eq!(registry.commit(), [seen("peer-1", What::Registered(entry(1)))], "renewals are not told");
    assert_eq!(registry.commit(), []);

    registry.register(name("peer-1"), moved.clone(), lease(30), None, after(3)).expect("its own");
    registry.set_metadata(&own, peer(1), carrying.metadata.clone(), after(4)).expect("its own");
    registry.set_metadata(&own, peer(1), carrying.metadata.clone(), after(5)).expect("its own");
    registry.register(name("peer-1"), moved.clone(), lease(30), None, after(6)).expect("its own");
    let expected = [
        seen("peer-1", What::Registered(moved.clone())),
        seen("peer-1", What::Metadata(carrying)),
        seen("peer-1", What::Metadata(moved.clone())),
    ];
    assert_eq!(registry.commit(), expected);

    registry.expire(after(35));
    assert_eq!(registry.commit(), [], "it lives");
    registry.expire(after(36));
    registry.expire(after(37));
    assert_eq!(registry.commit(), [seen("peer-1", What::Expired)]);
    registry.register(name("peer-1"), moved.clone(), lease(30), None, after(40)).expect("its own");
    assert_eq!(registry.commit(), [seen("peer-1", What::Registered(moved))]);
    // Nobody looked at the time until the reservation was over too.
    registry.expire(after(1_000));
    assert_eq!(registry.commit(), [seen("peer-1", What::Expired)]);

    register(&mut registry, 2, after(1_000)).expect("is free");
    let removed = registry.remove(&Name::Peer(name("peer-2")), peer(2), after(1_000));
    assert_eq!(removed, Ok(true));
    registry.register_tracker(epoch(1), entry(1), &ours).expect("is the first");
    registry.register_tracker(epoch(1), entry(1), &ours).expect("repeats it");
    let expected = [
        seen("peer-2", What::Registered(entry(2))),
        seen("peer-2", What::Removed),
        seen("Tracker_Epoca_1", What::Registered(entry(1))),
    ];
    assert_eq!(registry.commit(), expected);
}

#[test]
fn a_name_whose_lease_had_ended_is_removed_and_freed_without_a_word() {
    let mut registry = registry(NEVER);
    let after = |seconds| NOW + Duration::from_secs(seconds);
    register(&mut registry, 1, NOW).expect("is free");
    register(&mut registry, 2, NOW).expect("is free");
    registry.expire(after(30));
    registry.commit();
    assert_eq!(registry.remove(&Name::Peer(name("peer-1")), peer(1), after(40)), Ok(true));
    registry.expire(after(630));
    assert_ne!(registry.changes(), []);
    assert_eq!(registry.commit(), []);
}

#[test]
fn what_could_not_be_saved_is_not_told() {
    let mut registry = registry(NEVER);
    register(&mut registry, 1, NOW).expect("is free");
    registry.roll_back();
    assert_eq!(registry.commit(), []);
}

#[test]
fn a_tracker_that_falls_out_of_the_history_is_told() {
    let mut registry = registry(NEVER);
    let ours = roster(1, &[1]);
    for number in 1..=1_000 {
        registry.register_tracker(epoch(number), entry(1), &ours).expect("is higher");
    }
    registry.commit();
    registry.register_tracker(epoch(1_001), entry(1), &ours).expect("is higher");
    let expected =
        [seen("Tracker_Epoca_1001", What::Registered(entry(1))), seen("Tracker_Epoca_1", What::Removed)];
    assert_eq!(registry.commit(), expected);
}

#[test]
fn who_asks_for_what_is_not_kept_is_told_so() {
    let mut recent = Recent::new(7_000);
    let numbers = |recent: &Recent, after| -> Option<Vec<u64>> {
        Some(recent.after(after)?.into_iter().map(|(number, _)| number).collect())
    };
    assert_eq!(numbers(&recent, 7_000), Some(vec![]));
    assert_eq!(numbers(&recent, 6_999), None, "of an earlier run");
    assert_eq!(numbers(&recent, 7_001), None, "of an earlier run");
    recent.add(seen("a", What::Removed));
    recent.add(seen("b", What::Expired));
    assert_eq!(recent.newest(), 7_002);
    let expected =
        vec![(7_001, Arc::new(seen("a", What::Removed))), (7_002, Arc::new(seen("b", What::Expired)))];
    assert_eq!(recent.after(7_000), Some(expected));
    for after in 7_001..=7_002 {
        assert_eq!(numbers(&recent, after), Some((after + 1..=7_002).collect()));
    }
    for _ in 2..Recent::KEPT {
        recent.add(seen("c", What::Removed));
    }
    assert_eq!(numbers(&recent, 7_000), Some((7_001..=8_024).collect()));
    recent.add(seen("d", What::Removed));
    assert_eq!(numbers(&recent, 7_000), None, "the oldest has given way");
    assert_eq!(numbers(&recent, 7_001), Some((7_002..=8_025).collect()));
    for after in [0, 6_999, 8_026, u64::MAX] {
        assert_eq!(numbers(&recent, after), None, "{after}");
    }
}
