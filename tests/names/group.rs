//! Founding and `Tracker_Epoca_x`.

use super::*;

#[tokio::test]
async fn the_expected_peers_found_the_group_once_and_a_restart_keeps_it() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(3)).await;
    let mut peers = Vec::new();
    for number in 1..=3 {
        let peer = Peer::start(&group).await;
        let client = peer.connect(service.local_addr()).await;
        let name = format!("peer-{number}");
        let registered = peer.register(&client, &name, None).await.expect("is accepted");
        assert_eq!((registered.registered, registered.expected), (number, 3));
        assert_eq!(registered.founding.is_some(), number == 3);
        peers.push((name, peer, client));
    }
    let mut founding = None;
    for (name, _, client) in &peers {
        let renewed = client.renew(name.clone(), None).await.expect("its own");
        let roster = renewed.founding.expect("is founded");
        assert_eq!(*founding.get_or_insert(roster.clone()), roster);
    }
    let founding = founding.expect("three peers");
    let mut expected: Vec<_> = peers
        .iter()
        .map(|(name, peer, _)| Member {
            peer_id: peer.id().to_string(),
            name: name.clone(),
            uri: peer.uri(),
            election_uri: peer.election_uri(),
            voter: true,
        })
        .collect();
    expected.sort_by(|a, b| a.peer_id.cmp(&b.peer_id));
    assert_eq!((&founding.members, founding.min_voters), (&expected, 3));
    assert_eq!(founding.stamp, Stamp { epoch: 0, version: 0 });

    let (_, first, client) = &peers[0];
    let tracker = first.register(client, "Tracker_Epoca_4", Some(founding.clone())).await;
    assert_eq!(tracker.expect("is higher").highest_epoch, 4);
    let before = client.list(None, None, None).await.expect("is answered");
    let address = service.local_addr();
    service.stop().await;
    let service = service_at(folder.path(), &group, address, None).await;
    let client = first.connect(address).await;
    assert_eq!(client.list(None, None, None).await.expect("is answered"), before);
    let renewed = client.renew("peer-1".to_owned(), None).await.expect("old clients go on");
    assert_eq!((renewed.founding, renewed.highest_epoch, renewed.expected), (Some(founding), 4, 3));
    assert_eq!(renewed.tracker, Some(first.entry()));
    service.stop().await;
}

#[tokio::test]
async fn trackers_are_accepted_by_the_rules() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let (one, two, guest) = (Peer::start(&group).await, Peer::start(&group).await, Peer::start(&group).await);
    let (ours, theirs) = (roster_of('a', &[&one, &two]), roster_of('b', &[&one, &two]));
    let highest = |number: u64| Some(format!("{{\"highest\":{number}}}"));
    let founding = Some(format!("{{\"founding\":\"{}\"}}", "a".repeat(32)));
    // Who, epoch, roster, code and data (0: accepted); one after the other.
    let steps = [
        (&guest, 1, Some(&ours), Code::NotAVoter as i32, None),
        (&one, 1, None, Code::NotAVoter as i32, None),
        (&one, 1_000_001, Some(&ours), Code::AbsurdEpoch as i32, highest(0)),
        (&one, 3, Some(&ours), 0, None),
        (&one, 3, Some(&ours), 0, None),
        (&two, 3, Some(&ours), Code::EpochSuperseded as i32, highest(3)),
        (&two, 2, Some(&ours), Code::EpochSuperseded as i32, highest(3)),
        (&two, 4, Some(&theirs), Code::TwoGroups as i32, founding),
        (&two, 4, Some(&ours), 0, None),
        (&one, 3, Some(&ours), Code::EpochSuperseded as i32, highest(4)),
    ];
    for (step, (peer, epoch, roster, expected, data)) in steps.into_iter().enumerate() {
        let client = peer.connect(service.local_addr()).await;
        let outcome = peer.register(&client, &format!("Tracker_Epoca_{epoch}"), roster.cloned()).await;
        match (outcome, expected) {
            (Ok(_), 0) => {}
            (outcome, _) => assert_eq!(refusal(outcome), (expected, data), "step {step}"),
        }
    }
    let client = guest.connect(service.local_addr()).await;
    let listed: Vec<_> = client
        .list(Some("Tracker_".to_owned()), None, None)
        .await
        .expect("is answered")
        .into_keys()
        .collect();
    assert_eq!(listed, ["Tracker_Epoca_3", "Tracker_Epoca_4"]);
    let owner = two.connect(service.local_addr()).await;
    assert_eq!(code(owner.remove("Tracker_Epoca_4".to_owned()).await), Code::NotAllowed as i32);
    assert_eq!(code(guest.register(&client, "peer", Some(theirs)).await), Code::TwoGroups as i32);
    service.stop().await;
}

#[tokio::test]
async fn a_service_that_lost_everything_adopts_the_group_that_comes_back() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(2)).await;
    let (one, new) = (Peer::start(&group).await, Peer::start(&group).await);
    let ours = roster_of('a', &[&one]);
    let client = one.connect(service.local_addr()).await;
    let registered = one.register(&client, "peer-1", Some(ours.clone())).await.expect("is accepted");
    assert_eq!(registered.founding, Some(ours.clone()));
    let client = new.connect(service.local_addr()).await;
    let registered = new.register(&client, "peer-2", None).await.expect("is accepted");
    assert_eq!(registered.founding, Some(ours), "two peers are there, but nothing new is founded");
    service.stop().await;
}
