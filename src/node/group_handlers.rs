//! `group_`: membership at the tracker, and the fault drill at every peer.

use super::drill::Drill;
use super::election_handlers::caller;
use super::election_task::{MembershipNow, TaskEvent};
use super::faults::Faults;
use super::group_state::GroupState;
use super::rhythm::Rhythm;
use super::trace_task::Tracer;
use crate::engine::election::Member;
use crate::net::peer_link::PeerLinks;
use crate::wire::codes::Code;
use crate::wire::convert;
use crate::wire::group::{GroupServer, Membership, Pong, Trace};
use jsonrpsee::Extensions;
use jsonrpsee::core::{RpcResult, async_trait};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The longest fault drill that another member may order.
pub(super) const MAX_DRILL: Duration = Duration::from_mins(1);
/// How long the election may take to answer.
const DEADLINE: Duration = Duration::from_secs(1);

/// Serves `group_`.
pub(super) struct GroupHandlers {
    pub(super) events: mpsc::Sender<TaskEvent>,
    pub(super) drill: Drill,
    pub(super) faults: Faults,
    pub(super) tracer: Tracer,
    pub(super) drills_from_anywhere: bool,
    pub(super) listen: IpAddr,
    pub(super) links: PeerLinks,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) rhythm: Rhythm,
}

impl GroupHandlers {
    async fn ask(
        &self,
        event: impl FnOnce(oneshot::Sender<MembershipNow>) -> TaskEvent,
    ) -> RpcResult<Membership> {
        let silent = || Code::ElectionSilent.error("the election does not answer; try again");
        let (answer, answered) = oneshot::channel();
        self.events.try_send(event(answer)).map_err(|_| silent())?;
        let now =
            tokio::time::timeout(DEADLINE, answered).await.map_err(|_| silent())?.map_err(|_| silent())?;
        if !now.active {
            let data = serde_json::json!({ "tracker": now.tracker.map(|tracker| tracker.to_string()) });
            return Err(
                Code::NotTracker.error_with("this peer is not the tracker; ask the one in the data", &data)
            );
        }
        let roster = now.roster.ok_or_else(silent)?;
        Ok(Membership {
            epoch: now.epoch.number(),
            member: now.member,
            voter: now.voter,
            roster: convert::roster_to_wire(&roster),
        })
    }
}

impl GroupHandlers {
    /// Whether the caller may order a drill of this peer, and for how long.
    fn ordered(&self, extensions: &Extensions, for_millis: u64) -> RpcResult<Duration> {
        let caller = caller(extensions)?;
        let same_machine = caller.address.is_some_and(|at| at.ip().is_loopback() || at.ip() == self.listen);
        if !same_machine && !self.drills_from_anywhere {
            return Err(Code::NotAllowed.error(
                "fault drills are accepted from peers on the same machine; start this peer with --drills to accept them from every member",
            ));
        }
        let duration = Duration::from_millis(for_millis);
        if duration > MAX_DRILL || duration.is_zero() {
            return Err(Code::BadParameter.error("for_millis: a drill lasts from 1 to 60,000 ms"));
        }
        Ok(duration)
    }
}

#[async_trait]
impl GroupServer for GroupHandlers {
    async fn join(
        &self,
        extensions: &Extensions,
        name: String,
        uri: String,
        election_uri: String,
    ) -> RpcResult<Membership> {
        let peer = caller(extensions)?.peer;
        let member = Member {
            name: convert::parse_peer_name("name", &name)?,
            uri: convert::parse_uri("uri", &uri)?,
            election_uri: convert::parse_uri("election_uri", &election_uri)?,
            voter: false,
        };
        self.ask(|answer| TaskEvent::Join { peer, member, answer }).await
    }

    async fn leave(&self, extensions: &Extensions) -> RpcResult<Membership> {
        let peer = caller(extensions)?.peer;
        self.ask(|answer| TaskEvent::Leave { peer, answer }).await
    }

    async fn ping(&self, extensions: &Extensions) -> RpcResult<Pong> {
        let caller = caller(extensions)?;
        let group = self.group.borrow().clone();
        Ok(Pong {
            address: caller.address.map(|address| address.to_string()).unwrap_or_default(),
            linked: self.links.is_connected(caller.peer),
            election_linked: group.members.get(&caller.peer).map(|member| member.reachable),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            unix_millis: super::clock::unix_millis(),
            tracker: group.tracker.map(|tracker| tracker.to_string()),
            heartbeats: self.rhythm.picture().filter(|_| group.tracker.is_some() && !group.is_tracker()),
        })
    }

    async fn crash(&self, extensions: &Extensions, for_millis: u64) -> RpcResult<()> {
        self.drill.start(Some(self.ordered(extensions, for_millis)?));
        Ok(())
    }

    async fn pause(&self, extensions: &Extensions, for_millis: u64) -> RpcResult<()> {
        self.faults.pause(self.ordered(extensions, for_millis)?);
        Ok(())
    }

    async fn trace(&self, extensions: &Extensions, after: Option<u64>) -> RpcResult<Trace> {
        caller(extensions)?;
        let trace = self.tracer.trace(after).await;
        trace.ok_or_else(|| Code::ElectionSilent.error("the election does not answer; try again"))
    }
}
