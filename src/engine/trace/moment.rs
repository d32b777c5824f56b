//! How a group stood at one moment of its history.

use super::{FaultKind, History, Letter, MailKind};
use crate::base::{Epoch, PeerId};
use crate::engine::election::Role;

/// Records are fetched a few times a second: a peer whose records end so long before the moment is silent.
const UNHEARD_AFTER: u64 = 400_000;
/// For how long an elected tracker shows the votes that made it one.
const SHOW_VOTES: u64 = 1_500_000;
/// How far back the votes of a round are looked for: rounds are shorter than this.
const ROUND: u64 = 3_000_000;

/// Whether a peer was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Nothing is known of it at that moment.
    Unheard,
    /// It was running.
    Present,
    /// Silent by a fault drill.
    Crashed,
    /// Standing still by a fault drill.
    Paused,
}

/// A running timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerMoment {
    /// How long it was set for.
    pub length_micros: u64,
    /// How much of it was left.
    pub left_micros: u64,
}

/// A peer at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerMoment {
    /// Who.
    pub peer: PeerId,
    /// Whether it was there.
    pub condition: Condition,
    /// What it was, as far as recorded.
    pub role: Option<Role>,
    /// Its epoch, as far as recorded.
    pub epoch: Option<Epoch>,
    /// Its random timer, if it ran.
    pub timer: Option<TimerMoment>,
    /// The votes (or, while it only asks, the promises of a vote) that it had in its round, its own
    /// included; `None` outside of a round.
    pub votes: Option<usize>,
    /// The peers to which its link was cut.
    pub cut: Vec<PeerId>,
}

/// A message on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// The message.
    pub letter: Letter,
    /// How far along it is drawn, from 0 to 1.
    pub progress: f32,
    /// Whether its receiver recorded it.
    pub arrives: bool,
}

/// A group at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The peers, in the order of their ids.
    pub peers: Vec<PeerMoment>,
    /// The messages on their way.
    pub dots: Vec<Dot>,
}

impl History {
    /// How things stood at `at`. A message is on its way for `travel` microseconds from its sending, which
    /// is longer than it really took: long enough to be seen.
    #[must_use]
    pub fn at(&self, at: u64, travel: u64) -> Moment {
        let peers = self.lanes.keys().map(|peer| self.peer_at(*peer, at)).collect();
        Moment { peers, dots: self.dots_at(at, travel) }
    }

    /// How one peer stood.
    #[must_use]
    pub fn peer_at(&self, peer: PeerId, at: u64) -> PeerMoment {
        let nothing = PeerMoment {
            peer,
            condition: Condition::Unheard,
            role: None,
            epoch: None,
            timer: None,
            votes: None,
            cut: Vec::new(),
        };
        let Some(lane) = self.lanes.get(&peer) else { return nothing };
        let (drill, cut) = self.faults_at(peer, at);
        let condition = match drill {
            Some(FaultKind::Crash) => Condition::Crashed,
            Some(FaultKind::Pause) => Condition::Paused,
            _ if at > lane.known_until.saturating_add(UNHEARD_AFTER) => Condition::Unheard,
            _ if at < lane.known_from => Condition::Unheard,
            _ => Condition::Present,
        };
        let role = lane.roles.at(at);
        let timer = lane.timers.at(at).filter(|_| condition == Condition::Present);
        let timer = timer.and_then(|(since, length)| {
            let length_micros = length?;
            let left_micros = since.saturating_add(length_micros).saturating_sub(at);
            Some(TimerMoment { length_micros, left_micros })
        });
        let epoch = lane.epochs.at(at).map(|(_, epoch)| epoch);
        let votes = role.and_then(|(since, role)| self.votes_at(peer, role, since, at));
        PeerMoment { condition, role: role.map(|(_, role)| role), epoch, timer, votes, cut, ..nothing }
    }

    /// The drill that a peer was in, and the links that were cut.
    fn faults_at(&self, peer: PeerId, at: u64) -> (Option<FaultKind>, Vec<PeerId>) {
        let (mut drill, mut cut) = (None, Vec::new());
        let Some(lane) = self.lanes.get(&peer) else { return (drill, cut) };
        for (_, fault) in lane.faults.from(0).take_while(|(since, _)| *since <= at) {
            match (fault.kind, fault.began) {
                (FaultKind::Cut(other), true) => cut.push(other),
                (FaultKind::Cut(other), false) => cut.retain(|known| *known != other),
                (kind, true) => drill = Some(kind),
                (_, false) => drill = None,
            }
        }
        cut.sort_unstable();
        cut.dedup();
        (drill, cut)
    }

    fn votes_at(&self, peer: PeerId, role: Role, since: u64, at: u64) -> Option<usize> {
        let kind = match role {
            Role::PreCandidate => MailKind::PreVoteAnswer,
            Role::Candidate => MailKind::VoteAnswer,
            Role::Tracker if at < since.saturating_add(SHOW_VOTES) => MailKind::VoteAnswer,
            _ => return None,
        };
        let received = |letter: &&Letter| {
            letter.to == peer
                && letter.mail.kind == kind
                && letter.mail.refusal.is_none()
                && letter.received.is_some_and(|received| received <= at)
        };
        let answers: Vec<&Letter> = self.letters(at.saturating_sub(ROUND), at).filter(received).collect();
        // Of the last round only, and each peer once.
        let round = answers.iter().map(|letter| (letter.mail.epoch, letter.mail.round)).max();
        let mut voters: Vec<PeerId> = answers
            .iter()
            .filter(|letter| Some((letter.mail.epoch, letter.mail.round)) == round)
            .filter(|letter| role == Role::Tracker || letter.received >= Some(since))
            .map(|letter| letter.from)
            .collect();
        voters.sort_unstable();
        voters.dedup();
        Some(voters.len() + 1)
    }

    fn dots_at(&self, at: u64, travel: u64) -> Vec<Dot> {
        let travel = travel.max(1);
        let dot = |letter: &Letter| {
            let since = at.checked_sub(letter.sent?)?;
            let progress = fraction(since, travel)?;
            Some(Dot { letter: *letter, progress, arrives: letter.received.is_some() })
        };
        self.all_letters(at.saturating_sub(travel), at).filter_map(dot).collect()
    }
}

/// `part` of `whole`; `None` once it is all.
fn fraction(part: u64, whole: u64) -> Option<f32> {
    if part >= whole {
        return None;
    }
    let thousandths = u128::from(part) * 1_000 / u128::from(whole);
    u16::try_from(thousandths).ok().map(|thousandths| f32::from(thousandths) / 1_000.0)
}
