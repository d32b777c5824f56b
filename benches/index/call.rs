//! The whole call from another peer: JSON-RPC over TLS on loopback, to the tracker's real task.

use crate::engine::{PEERS, announcement, chunks};
use crate::files;
use crate::table::{say, searches};
use cardume::base::{Epoch, PeerId, PeerName};
use cardume::engine::election::Role;
use cardume::engine::index::Page;
use cardume::net::handlers::index::{IndexService as _, index_methods};
use cardume::net::{
    CallerLimits, GroupKey, Identity, IndexCalls as _, PeerKey, PeerLinks, RemoteIndex, Server, ServerLimits,
};
use cardume::node::tracker_task::{self, TrackerHandle};
use cardume::node::{GroupState, MemberInfo};
use cardume::wire::index::AnnounceAnswer;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Measures with so many files of each peer.
pub(crate) fn run(count: u64) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(said)?.block_on(measure(count))
}

async fn measure(count: u64) -> Result<(), String> {
    let group = GroupKey::random();
    let member = || Identity::new(&group, &PeerKey::generate().map_err(said)?).map_err(said);
    let (tracker, guest) = (member()?, member()?);
    let (_state, seen) = watch::channel(Arc::new(group_of(tracker.peer_id())));
    let handle = tracker_task::spawn(tracker.peer_id(), seen);
    for peer in 1..=PEERS {
        announce(&handle, peer, count).await?;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
    let methods = index_methods(handle).into();
    let server = Server::start(listener, &tracker, methods, None, ServerLimits::GENERAL).map_err(said)?;
    let links = PeerLinks::new(guest, CallerLimits::GENERAL);
    links.set_address(tracker.peer_id(), server.local_addr());
    let calls = RemoteIndex(links);
    say(&format!("\nThe whole call from another peer, {} files:\n", count * u64::from(PEERS)));
    tokio::task::block_in_place(|| {
        let runtime = tokio::runtime::Handle::current();
        searches(10, |words| {
            let answer = runtime.block_on(calls.search(tracker.peer_id(), words, Page::from(200)));
            answer.expect("an answer").total
        });
    });
    server.stop().await;
    Ok(())
}

async fn announce(handle: &TrackerHandle, peer: u8, count: u64) -> Result<(), String> {
    let (epoch, id) = (epoch(), files::peer(peer));
    handle.announce_begin(id, epoch, announcement(peer, count), false).await.map_err(said)?;
    for chunk in chunks(peer, count) {
        let answer = handle.announce_chunk(id, epoch, chunk).await.map_err(said)?;
        if answer != AnnounceAnswer::Accepted {
            return Err(format!("a chunk is answered with {answer:?}"));
        }
    }
    Ok(())
}

fn epoch() -> Epoch {
    Epoch::new(1).expect("an epoch")
}

/// A group in which `me` is the tracker.
fn group_of(me: PeerId) -> GroupState {
    let member = |name: String| MemberInfo {
        name: PeerName::new(&name).expect("a plain name"),
        uri: "wss://127.0.0.1:7000/".parse().ok(),
        voter: true,
        reachable: true,
    };
    let mut members: BTreeMap<_, _> =
        (1..=PEERS).map(|number| (files::peer(number), member(format!("peer-{number}")))).collect();
    members.insert(me, member("tracker".to_owned()));
    let epoch = epoch();
    GroupState { me, role: Role::Tracker, epoch, tracker: Some(me), active: true, members }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn said(error: impl ToString) -> String {
    error.to_string()
}
