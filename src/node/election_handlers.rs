//! `election_`, served on the election port by the timing thread: checks the parameters, hands the
//! message to the election task and waits for its answer.

use super::address_book::Addresses;
use super::election_task::{IndexTold, TaskEvent};
use crate::engine::election::{HandoverAnswer, HeartbeatReply, Message};
use crate::wire::codes::Code;
use crate::wire::election::{
    ElectionServer, HandoverAnswer as WireHandoverAnswer, HeartbeatReply as WireReply, IndexPosition,
    IndexSummary, Sender, Stamp, VoteAnswer,
};
use crate::wire::group::Roster;
use crate::wire::{Caller, convert};
use jsonrpsee::Extensions;
use jsonrpsee::core::{RpcResult, async_trait};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How long a caller waits for the election: longer than anybody counts the answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Serves `election_`.
pub(super) struct ElectionHandlers {
    pub(super) events: mpsc::Sender<TaskEvent>,
    pub(super) position: watch::Receiver<crate::engine::index::IndexPosition>,
}

/// Who calls; refused if the connection did not say.
pub(super) fn caller(extensions: &Extensions) -> RpcResult<Caller> {
    let caller = extensions.get::<Caller>().copied();
    caller.ok_or_else(|| Code::NotAllowed.error("the connection did not prove who calls"))
}

impl ElectionHandlers {
    async fn ask(
        &self,
        extensions: &Extensions,
        message: Message,
        sender: Option<&Sender>,
        index: Option<IndexTold>,
    ) -> RpcResult<Message> {
        let from = caller(extensions)?.peer;
        let addresses = sender
            .map(convert::sender_from_wire)
            .transpose()?
            .map(|(uri, election_uri)| Addresses { uri, election_uri });
        let silent =
            || Code::ElectionSilent.error("the election does not answer: the peer stops or is silenced");
        let (answer, answered) = oneshot::channel();
        let event = TaskEvent::Request { from, message, addresses, index, answer };
        self.events.try_send(event).map_err(|_| silent())?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(_)) | Err(_) => Err(silent()),
        }
    }
}

fn mismatch() -> jsonrpsee::types::ErrorObjectOwned {
    Code::Internal.error("the election gave an answer of another kind; please report it")
}

#[async_trait]
impl ElectionServer for ElectionHandlers {
    async fn pre_vote(
        &self,
        extensions: &Extensions,
        epoch: u64,
        round: u64,
        roster: Roster,
        sender: Sender,
    ) -> RpcResult<VoteAnswer> {
        let request = convert::vote_request_from_wire(epoch, round, &roster)?;
        match self.ask(extensions, Message::PreVote(request), Some(&sender), None).await? {
            Message::PreVoteAnswer(answer) => Ok(convert::vote_answer_to_wire(&answer)),
            _ => Err(mismatch()),
        }
    }

    async fn vote(
        &self,
        extensions: &Extensions,
        epoch: u64,
        round: u64,
        roster: Roster,
        sender: Sender,
    ) -> RpcResult<VoteAnswer> {
        let request = convert::vote_request_from_wire(epoch, round, &roster)?;
        match self.ask(extensions, Message::Vote(request), Some(&sender), None).await? {
            Message::VoteAnswer(answer) => Ok(convert::vote_answer_to_wire(&answer)),
            _ => Err(mismatch()),
        }
    }

    async fn heartbeat(
        &self,
        extensions: &Extensions,
        epoch: u64,
        round: u64,
        stamp: Stamp,
        sender: Sender,
        roster: Option<Roster>,
        index: Option<IndexSummary>,
        known: Option<IndexPosition>,
    ) -> RpcResult<WireReply> {
        let known = known.as_ref().map(convert::position_from_wire).transpose()?;
        let index = index.map(|summary| IndexTold { summary, known });
        let heartbeat = convert::heartbeat_from_wire(epoch, round, stamp, roster.as_ref())?;
        match self.ask(extensions, Message::Heartbeat(heartbeat), Some(&sender), index).await? {
            Message::HeartbeatReply(reply) => Ok(self.with_position(&reply)),
            _ => Err(mismatch()),
        }
    }

    async fn handover(
        &self,
        extensions: &Extensions,
        epoch: u64,
        successor: String,
    ) -> RpcResult<WireHandoverAnswer> {
        let handover = convert::handover_from_wire(epoch, &successor)?;
        match self.ask(extensions, Message::Handover(handover), None, None).await? {
            Message::HandoverAnswer(HandoverAnswer { epoch }) => {
                Ok(WireHandoverAnswer { epoch: epoch.number() })
            }
            _ => Err(mismatch()),
        }
    }
}

impl ElectionHandlers {
    fn with_position(&self, reply: &HeartbeatReply) -> WireReply {
        convert::heartbeat_reply_to_wire(reply, Some(*self.position.borrow()))
    }
}
