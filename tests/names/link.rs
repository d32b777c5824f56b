//! A peer's link: registers, renews, comes back.

use super::*;
use cardume::base::{Epoch, PeerName, PeerUri};
use cardume::engine::election::RegistrationOutcome;
use cardume::names::FOUNDING_GRACE;
use cardume::net::names_link::{LONGEST_ABSENCE, MyRegistration, NamesError, NamesEvent, NamesLink};
use cardume::wire::convert::roster_from_wire;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A peer with its link.
struct Linked {
    peer: Peer,
    link: NamesLink,
    events: mpsc::Receiver<NamesEvent>,
    roster: watch::Sender<Option<Roster>>,
    me: watch::Sender<MyRegistration>,
}

impl Linked {
    async fn start(group: &GroupKey, name: &str, service: SocketAddr) -> Self {
        let peer = Peer::start(group).await;
        let (me, mine) = watch::channel(MyRegistration {
            name: PeerName::new(name).expect("a name"),
            uri: peer.uri().parse().expect("a URI"),
            election_uri: peer.election_uri().parse().expect("a URI"),
            metadata: peer.entry().metadata,
        });
        let (roster, newest) = watch::channel(None);
        let (link, events) = NamesLink::start(peer.identity.clone(), vec![service], mine, newest);
        Self { peer, link, events, roster, me }
    }

    /// The first event that `pick` takes.
    async fn wait_for<T>(&mut self, pick: impl Fn(NamesEvent) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.recv().await.expect("the link goes on");
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("the event comes")
    }

    async fn register_tracker(&self, epoch: u64, roster: &Roster) -> RegistrationOutcome {
        let uri = |text: String| text.parse::<PeerUri>().expect("a URI");
        let (uri, election_uri) = (uri(self.peer.uri()), uri(self.peer.election_uri()));
        let roster = roster_from_wire(roster).expect("a roster");
        let epoch = Epoch::new(epoch).expect("small");
        self.link.register_tracker(epoch, uri, election_uri, &roster).await
    }
}

fn founding(event: NamesEvent) -> Option<Roster> {
    match event {
        NamesEvent::Registered(registered) => registered.founding,
        _ => None,
    }
}

fn reachable(wanted: bool) -> impl Fn(NamesEvent) -> Option<()> {
    move |event| (event == NamesEvent::Reachable(wanted)).then_some(())
}

#[tokio::test]
async fn links_found_a_group_and_come_back_after_a_restart_of_the_service() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(3)).await;
    let address = service.local_addr();
    let mut links = Vec::new();
    for number in 1..=3 {
        links.push(Linked::start(&group, &format!("peer-{number}"), address).await);
    }
    let mut foundings = Vec::new();
    for linked in &mut links {
        linked.wait_for(reachable(true)).await;
        let roster = linked.wait_for(founding).await;
        linked.roster.send_replace(Some(roster.clone()));
        foundings.push(roster);
    }
    let ours = foundings[0].clone();
    assert_eq!(foundings, [ours.clone(), ours.clone(), ours.clone()]);
    assert_eq!(links[0].register_tracker(1, &ours).await, RegistrationOutcome::Accepted);
    let superseded = RegistrationOutcome::Superseded { highest: Epoch::new(1).expect("small") };
    assert_eq!(links[1].register_tracker(1, &ours).await, superseded);
    let mut foreign = ours.clone();
    foreign.founding = "b".repeat(32);
    assert_eq!(links[1].register_tracker(2, &foreign).await, RegistrationOutcome::TwoGroups);
    assert_eq!(links[1].register_tracker(2_000_000, &ours).await, RegistrationOutcome::Refused);

    service.stop().await;
    for linked in &mut links {
        linked.wait_for(reachable(false)).await;
        assert!(!linked.link.is_reachable());
        assert_eq!(linked.link.list("").await, Err(NamesError::Unreachable));
    }
    assert_eq!(links[1].register_tracker(2, &ours).await, RegistrationOutcome::Unreachable);
    // Everything is lost, and comes back from the peers.
    let empty = tempfile::tempdir().expect("a folder");
    let service = service_at(empty.path(), &group, address, Some(3)).await;
    let begun = Instant::now();
    for linked in &mut links {
        linked.wait_for(reachable(true)).await;
        assert_eq!(linked.wait_for(founding).await, ours);
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(3), "registrations were back after {took:?}");
    let listed: Vec<_> = links[0].link.list("").await.expect("is answered").into_keys().collect();
    assert_eq!(listed, ["peer-1", "peer-2", "peer-3"]);
    assert_eq!(links[1].register_tracker(2, &ours).await, RegistrationOutcome::Accepted);
    let found = links[2].link.lookup("Tracker_Epoca_2").await.expect("is found");
    assert_eq!(found, links[1].peer.entry());
    service.stop().await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_and_another_one_is_registered_at_once() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let mut first = Linked::start(&group, "peer-1", service.local_addr()).await;
    first.wait_for(|event| matches!(event, NamesEvent::Registered(_)).then_some(())).await;
    let mut second = Linked::start(&group, "peer-1", service.local_addr()).await;
    let message = second
        .wait_for(|event| match event {
            NamesEvent::NameRefused { message, .. } => Some(message),
            _ => None,
        })
        .await;
    assert!(message.contains("belongs to another peer"), "{message}");
    second.me.send_modify(|me| me.name = PeerName::new("peer-2").expect("a name"));
    second.wait_for(|event| matches!(event, NamesEvent::Registered(_)).then_some(())).await;
    assert_eq!(second.link.lookup("peer-2").await, Ok(second.peer.entry()));
    service.stop().await;
}

#[tokio::test]
async fn a_silent_peer_says_nothing_until_the_drill_ends() {
    let (folder, group) = (tempfile::tempdir().expect("a folder"), GroupKey::random());
    let service = service_at(folder.path(), &group, ANY_PORT, Some(7)).await;
    let mut linked = Linked::start(&group, "peer-1", service.local_addr()).await;
    linked.wait_for(reachable(true)).await;
    linked.link.set_silent(true);
    linked.wait_for(reachable(false)).await;
    assert_eq!(linked.link.lookup("peer-1").await, Err(NamesError::Unreachable));
    linked.link.set_silent(false);
    linked.wait_for(reachable(true)).await;
    service.stop().await;
}

#[tokio::test]
async fn a_service_whose_computer_was_down_is_tried_before_another_group_is_founded() {
    let group = GroupKey::random();
    // Takes connections and says nothing, as a computer that is down, as far as waiting goes.
    let silent = TcpListener::bind(ANY_PORT).await.expect("a port");
    let _linked = Linked::start(&group, "peer-1", silent.local_addr().expect("has one")).await;
    let mut kept = Vec::new();
    let mut attempts = Vec::new();
    while attempts.len() < 4 {
        let accepted = tokio::time::timeout(DEADLINE, silent.accept()).await.expect("it is tried again");
        kept.push(accepted.expect("a connection").0);
        attempts.push(Instant::now());
    }
    // By then the pause is the longest one, and does not come on top of the waiting.
    let between = attempts[3] - attempts[2];
    assert!(between < LONGEST_ABSENCE + Duration::from_millis(500), "{between:?}");
    assert!(between < FOUNDING_GRACE);
}
