//! Voters are killed at random moments while they vote; nobody votes twice in an epoch.

use super::support::{Group, LONG, alone, wait_for};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many kills: 20, or as many as `CARDUME_VOTE_KILLS` says.
fn kills() -> u64 {
    std::env::var("CARDUME_VOTE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[test]
fn voters_killed_while_they_vote_never_vote_twice_in_an_epoch() {
    let _alone = alone();
    let mut group = Group::new();
    group.log = "cardume::events=debug";
    group.start_names(Some(3));
    let names = ["peer-1", "peer-2", "peer-3"];
    for name in names {
        group.start_peer(name);
    }
    let (mut tracker, _) = group.wait_for_tracker(3);
    let mut dice = blake3::Hasher::new().update(b"moments").finalize_xof();
    for _ in 0..kills() {
        let mut roll = [0; 2];
        dice.fill(&mut roll);
        // Silence the tracker, so that the others vote; kill one of them somewhere around its vote.
        let voter = names.into_iter().filter(|name| *name != tracker).nth(usize::from(roll[0] % 2));
        let voter = voter.expect("two others");
        assert!(group.cardume(&["--profile", voter, "crash", "--for", "700ms"]).status.success());
        std::thread::sleep(Duration::from_millis(80 + u64::from(roll[1])));
        group.kill_peer(voter);
        group.start_peer(voter);
        (tracker, _) = group.wait_for_tracker(3);
    }
    let votes = votes(&group);
    assert!(votes.len() > 5, "votes were seen: {votes:?}");
    let twice: Vec<_> = votes.iter().filter(|(_, candidates)| candidates.len() > 1).collect();
    assert!(twice.is_empty(), "two votes in one epoch: {twice:?}");
    let trackers = group.registered().keys().filter(|name| name.starts_with("Tracker_")).count();
    assert!(trackers > 5, "{trackers} elections");
    wait_for("the last word", LONG, || group.status(&tracker));
}

/// Who voted for whom: by epoch and voter, the candidates. From what candidates counted and what voters
/// said of themselves, in the logs of all lives of all peers.
fn votes(group: &Group) -> BTreeMap<(u64, String), Vec<String>> {
    let ids: BTreeMap<String, String> = group
        .running()
        .into_iter()
        .map(|name| {
            (name.clone(), group.status(&name).expect("a status")["peer_id"].as_str().expect("an id").into())
        })
        .collect();
    let mut votes: BTreeMap<(u64, String), Vec<String>> = BTreeMap::new();
    for (name, id) in &ids {
        let log = std::fs::read_to_string(group.folder.join("logs").join(format!("{name}.log")));
        for line in log.expect("a log").lines() {
            let field = |field: &str| {
                let (_, rest) = line.split_once(&format!(" {field}="))?;
                Some(rest.split(' ').next().unwrap_or(rest).trim_matches('"').to_owned())
            };
            let (Some(kind), Some(epoch), Some(peer)) = (field("kind"), field("epoch"), field("peer")) else {
                continue;
            };
            let (voter, candidate) = match kind.as_str() {
                "vote_given" => (id.clone(), peer),
                "vote_received" => (peer, id.clone()),
                _ => continue,
            };
            let candidates = votes.entry((epoch.parse().expect("a number"), voter)).or_default();
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
    }
    votes
}
