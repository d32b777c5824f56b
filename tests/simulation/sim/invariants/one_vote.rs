//! A peer votes for one candidate per epoch, also across restarts.

use super::{Invariant, Step};
use cardume::base::{Epoch, PeerId};
use cardume::engine::election::{Command, Event, Message};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct OneVote(BTreeMap<(PeerId, Epoch), PeerId>);

impl Invariant for OneVote {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        for command in step.commands {
            let vote = match command {
                Command::Send { to, message: Message::VoteAnswer(answer) } if answer.refusal.is_none() => {
                    (*to, answer.epoch)
                }
                Command::Send { message: Message::Vote(request), .. } => (step.peer, request.epoch),
                Command::Tell(Event::VoteGiven { to, epoch }) => (*to, *epoch),
                _ => continue,
            };
            let (to, epoch) = vote;
            let first = *self.0.entry((step.peer, epoch)).or_insert(to);
            if first != to {
                return Err(format!(
                    "one vote: {:?} voted for {first:?} and {to:?} in epoch {epoch}",
                    step.peer
                ));
            }
        }
        Ok(())
    }
}
