//! Nothing leaves a peer before what it depends on is durable.

use super::{Invariant, Step};
use cardume::base::Epoch;
use cardume::engine::election::{Command, Message, RosterStamp};

pub(crate) struct NothingUnsaved;

impl Invariant for NothingUnsaved {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        let sent = step.commands.iter().filter_map(|command| match command {
            Command::Send { to, message } => Some((*to, message)),
            _ => None,
        });
        for (to, message) in sent {
            let voted = |epoch: Epoch, to| {
                let durable = step.durable;
                durable.epoch > epoch || (durable.epoch == epoch && durable.voted_for == Some(to))
            };
            let is_saved = match message {
                Message::Vote(request) => voted(request.epoch, step.peer),
                Message::VoteAnswer(answer) => {
                    (answer.refusal.is_some() || voted(answer.epoch, to))
                        && knows(step, answer.current_epoch, answer.stamp)
                }
                Message::PreVoteAnswer(answer) => knows(step, answer.current_epoch, answer.stamp),
                Message::Heartbeat(heartbeat) => knows(step, heartbeat.epoch, Some(heartbeat.stamp)),
                Message::HeartbeatReply(reply) => knows(step, reply.epoch, reply.stamp),
                Message::Handover(handover) => knows(step, handover.epoch, None),
                Message::HandoverAnswer(answer) => knows(step, answer.epoch, None),
                Message::PreVote(request) => knows(step, Epoch::ZERO, Some(request.roster.stamp)),
            };
            if !is_saved {
                let durable = step.durable;
                return Err(format!(
                    "nothing unsaved: {:?} sent {message:?}, durable {durable:?}",
                    step.peer
                ));
            }
        }
        Ok(())
    }
}

fn knows(step: &Step<'_>, epoch: Epoch, stamp: Option<RosterStamp>) -> bool {
    let durable = step.durable.roster.as_ref().map(|roster| roster.stamp);
    epoch <= step.durable.epoch && stamp <= durable
}
