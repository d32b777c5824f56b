//! The election's messages as JSON-RPC calls: requests go out once over kept connections, answers come
//! back as events, and what others asked waits here until the election has answered.
//!
//! Absent on purpose: repetition. An election message that is late is worth nothing; the election asks
//! again by itself, with a new round.

use super::address_book::{AddressBook, Addresses};
use super::election_task::{IndexTold, TaskEvent};
use crate::base::{Epoch, PeerId};
use crate::engine::election::{Message, VoteRequest};
use crate::engine::index::IndexPosition;
use crate::net::peer_link::PeerLinks;
use crate::wire::convert;
use crate::wire::election::{ElectionClient, Sender};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A vote's answer waits for the other side's disk; after this nobody counts it any more.
const VOTE_DEADLINE: Duration = Duration::from_secs(2);
/// A heartbeat's reply is of use for three intervals (R8).
const HEARTBEAT_DEADLINE: Duration = Duration::from_millis(300);
/// How many requests of others wait at the most; the oldest is dropped, which reads as "no answer".
const MAX_PENDING: usize = 256;

/// Which answer belongs to which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tag {
    peer: PeerId,
    kind: Kind,
    epoch: Epoch,
    round: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    PreVote,
    Vote,
    Heartbeat,
    Handover,
}

/// What a message is, and whether it is an answer.
fn tag(peer: PeerId, message: &Message) -> (Tag, bool) {
    let (kind, epoch, round, is_answer) = match message {
        Message::PreVote(request) => (Kind::PreVote, request.epoch, request.round, false),
        Message::PreVoteAnswer(answer) => (Kind::PreVote, answer.epoch, answer.round, true),
        Message::Vote(request) => (Kind::Vote, request.epoch, request.round, false),
        Message::VoteAnswer(answer) => (Kind::Vote, answer.epoch, answer.round, true),
        // A reply carries the replier's epoch, which may be another: rounds tell heartbeats apart.
        Message::Heartbeat(heartbeat) => (Kind::Heartbeat, Epoch::ZERO, heartbeat.round, false),
        Message::HeartbeatReply(reply) => (Kind::Heartbeat, Epoch::ZERO, reply.round, true),
        Message::Handover(handover) => (Kind::Handover, handover.epoch, 0, false),
        Message::HandoverAnswer(answer) => (Kind::Handover, answer.epoch, 0, true),
    };
    (Tag { peer, kind, epoch, round }, is_answer)
}

/// Requests of others that wait for the election's answer.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    waiting: BTreeMap<Tag, Vec<oneshot::Sender<Message>>>,
    count: usize,
}

impl PendingAnswers {
    /// Keeps where the answer to `message` goes. Answers are dropped with whoever waited no longer.
    pub(super) fn wait(&mut self, from: PeerId, message: &Message, answer: oneshot::Sender<Message>) {
        if self.count >= MAX_PENDING {
            self.waiting.retain(|_, senders| {
                senders.retain(|sender| !sender.is_closed());
                !senders.is_empty()
            });
            self.count = self.waiting.values().map(Vec::len).sum();
        }
        if self.count < MAX_PENDING {
            self.waiting.entry(tag(from, message).0).or_default().push(answer);
            self.count += 1;
        }
    }

    /// Sends an answer to whoever waits for it. False if `message` is a request: that goes out as a call.
    pub(super) fn resolve(&mut self, to: PeerId, message: &Message) -> bool {
        let (tag, is_answer) = tag(to, message);
        if is_answer {
            for sender in self.waiting.remove(&tag).unwrap_or_default() {
                self.count -= 1;
                // The asker may have given up; then nobody reads it.
                drop(sender.send(message.clone()));
            }
        }
        is_answer
    }
}

/// Sends election messages over kept connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct ElectionCalls {
    links: PeerLinks,
    events: mpsc::Sender<TaskEvent>,
    sender: Sender,
}

impl ElectionCalls {
    pub(super) fn new(links: PeerLinks, events: mpsc::Sender<TaskEvent>, here: Addresses) -> Self {
        Self { links, events, sender: convert::sender_to_wire(here.uri, here.election_uri) }
    }

    /// Keeps links to exactly those who are in the book.
    pub(super) fn set_addresses(&self, book: &AddressBook) {
        for peer in self.links.peers().into_iter().filter(|peer| book.get(*peer).is_none()) {
            self.links.forget(peer);
        }
        for (peer, at) in book.iter() {
            self.links.set_address(peer, at.election_uri.address());
        }
    }

    pub(super) fn set_silent(&self, silent: bool) {
        self.links.set_silent(silent);
    }

    pub(super) fn cut_peer(&self, peer: PeerId, cut: bool) {
        self.links.cut_peer(peer, cut);
    }

    pub(super) fn is_connected(&self, peer: PeerId) -> bool {
        self.links.is_connected(peer)
    }

    /// Sends a request, if there is a connection. The answer, if one comes in time, is an event.
    pub(super) fn send(&self, to: PeerId, message: Message, index: Option<IndexTold>) {
        let Some(client) = self.links.client(to) else { return };
        let (events, sender) = (self.events.clone(), self.sender.clone());
        tokio::spawn(async move {
            let deadline = match message {
                Message::Heartbeat(_) => HEARTBEAT_DEADLINE,
                _ => VOTE_DEADLINE,
            };
            let answered =
                tokio::time::timeout(deadline, call(client.as_ref(), message, sender, index)).await;
            if let Ok(Some((message, position))) = answered {
                // The task is gone: the peer stops.
                drop(events.send(TaskEvent::Answer { from: to, message, position }).await);
            }
        });
    }
}

/// One call. `None` for an error or a malformed answer: no answer, never a grant (R5).
async fn call(
    client: &impl ElectionClient,
    message: Message,
    sender: Sender,
    index: Option<IndexTold>,
) -> Option<(Message, Option<IndexPosition>)> {
    let roster_of = |request: &VoteRequest| convert::roster_to_wire(&request.roster);
    match message {
        Message::PreVote(request) => {
            let roster = roster_of(&request);
            let answer = client.pre_vote(request.epoch.number(), request.round, roster, sender).await.ok()?;
            Some((Message::PreVoteAnswer(convert::vote_answer_from_wire(&answer).ok()?), None))
        }
        Message::Vote(request) => {
            let roster = roster_of(&request);
            let answer = client.vote(request.epoch.number(), request.round, roster, sender).await.ok()?;
            Some((Message::VoteAnswer(convert::vote_answer_from_wire(&answer).ok()?), None))
        }
        Message::Heartbeat(heartbeat) => {
            let roster = heartbeat.roster.as_ref().map(convert::roster_to_wire);
            let stamp = convert::stamp_to_wire(heartbeat.stamp);
            let (epoch, round) = (heartbeat.epoch.number(), heartbeat.round);
            let known = index.and_then(|index| index.known).map(convert::position_to_wire);
            let summary = index.map(|index| index.summary);
            let reply = client.heartbeat(epoch, round, stamp, sender, roster, summary, known).await.ok()?;
            let (reply, position) = convert::heartbeat_reply_from_wire(&reply).ok()?;
            Some((Message::HeartbeatReply(reply), position))
        }
        Message::Handover(handover) => {
            let successor = handover.successor.to_string();
            let answer = client.handover(handover.epoch.number(), successor).await.ok()?;
            Some((Message::HandoverAnswer(convert::handover_answer_from_wire(&answer).ok()?), None))
        }
        Message::PreVoteAnswer(_)
        | Message::VoteAnswer(_)
        | Message::HeartbeatReply(_)
        | Message::HandoverAnswer(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::address_book::test_addresses;
    use super::*;
    use crate::net::CallerLimits;
    use crate::net::{GroupKey, Identity, PeerKey};

    #[tokio::test]
    async fn who_is_in_the_book_no_more_is_not_dialled_any_more() {
        let identity =
            Identity::new(&GroupKey::random(), &PeerKey::generate().expect("a key")).expect("an identity");
        let links = PeerLinks::new(identity, CallerLimits::ELECTION);
        let (events, _received) = mpsc::channel(1);
        let calls = ElectionCalls::new(links.clone(), events, test_addresses(1));
        let [one, other] = [1, 2].map(|byte| PeerId::from_bytes([byte; 32]));
        let book_of = |peer| {
            let mut book = AddressBook::default();
            book.learn(peer, test_addresses(1));
            book
        };
        calls.set_addresses(&book_of(one));
        assert_eq!(links.peers(), [one]);
        calls.set_addresses(&book_of(other));
        assert_eq!(links.peers(), [other]);
    }
}
