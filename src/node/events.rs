//! What happened to this peer, as records for people, and the counters. Records go over a bounded
//! channel to the view; when it is full they are counted as dropped rather than waited for: the timing
//! path never waits.

use super::lateness::Histogram;
use super::rhythm::Rhythm;
use crate::base::PeerId;
use crate::engine::election::{Event, Refusal, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, watch};

/// How many records wait for the view at the most: an election makes about twenty.
const MAX_WAITING: usize = 1024;

/// Something that happened, before names are put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) unix_millis: u64,
    pub(super) kind: &'static str,
    pub(super) epoch: Option<u64>,
    pub(super) peer: Option<PeerId>,
    pub(super) detail: Option<String>,
}

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// Numbers that only grow, for `status` and the window.
        #[derive(Debug, Default)]
        pub(super) struct Counters { $(pub(super) $name: AtomicU64,)* }

        impl Counters {
            /// Every counter by name.
            pub(super) fn all(&self) -> BTreeMap<String, u64> {
                BTreeMap::from([$((stringify!($name).to_owned(), self.$name.load(Ordering::Relaxed)),)*])
            }
        }
    };
}

counters! {
    timers_fired, pre_votes_refused, elections_started, needless_elections, heartbeats_late,
    heartbeats_sent, heartbeats_received, clock_jumps, records_dropped,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Where every task of the peer tells what happened. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct EventSink {
    records: mpsc::Sender<Occurrence>,
    pub(super) counters: Arc<Counters>,
    pub(super) lateness: Arc<Histogram>,
    pub(super) rhythm: Rhythm,
    pub(super) voting: watch::Sender<Voting>,
}

/// Whether this peer's votes are durable, without which it does not vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Voting {
    #[default]
    Works,
    /// The disk takes nothing: it is tried again.
    Waits,
    /// The disk failed, until the peer is started again.
    Ended,
}

impl Voting {
    /// As `status` says it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Waits => "waiting",
            Self::Ended => "ended",
        }
    }
}

impl EventSink {
    pub(super) fn new() -> (Self, mpsc::Receiver<Occurrence>) {
        let (records, receiver) = mpsc::channel(MAX_WAITING);
        let (lateness, rhythm) = (Arc::default(), Rhythm::default());
        let voting = watch::Sender::new(Voting::default());
        (Self { records, counters: Arc::default(), lateness, rhythm, voting }, receiver)
    }

    /// Tells that something happened. Never waits.
    pub(super) fn tell(
        &self,
        kind: &'static str,
        epoch: Option<u64>,
        peer: Option<PeerId>,
        detail: Option<String>,
    ) {
        let unix_millis = super::clock::unix_millis();
        tracing::debug!(target: "cardume::events", kind, epoch, peer = peer.map(tracing::field::display), detail);
        if self.records.try_send(Occurrence { unix_millis, kind, epoch, peer, detail }).is_err() {
            count(&self.counters.records_dropped);
        }
    }

    /// Tells and counts what the election says.
    pub(super) fn election(&self, event: &Event) {
        let counters = &self.counters;
        match event {
            Event::TimerExpired => count(&counters.timers_fired),
            Event::PreVoteRefused { .. } => count(&counters.pre_votes_refused),
            Event::ElectionStarted(_) => count(&counters.elections_started),
            Event::NeedlessElection(_) => count(&counters.needless_elections),
            _ => {}
        }
        self.tell_election(event);
    }

    fn tell_election(&self, event: &Event) {
        let plain = |kind| self.tell(kind, None, None, None);
        match event {
            Event::RoleChanged(role) => {
                self.tell("role_changed", None, None, Some(role_text(*role).to_owned()));
            }
            Event::EpochAdopted(epoch) => self.tell("epoch_adopted", Some(epoch.number()), None, None),
            Event::TimerExpired => plain("timer_expired"),
            Event::PreVoteStarted(epoch) => self.tell("pre_vote_started", Some(epoch.number()), None, None),
            Event::PreVoteRefused { by, refusal } => self.refused("pre_vote_refused", *by, *refusal),
            Event::ElectionStarted(epoch) => self.tell("election_started", Some(epoch.number()), None, None),
            Event::VoteGiven { to, epoch } => self.tell("vote_given", Some(epoch.number()), Some(*to), None),
            Event::VoteReceived { from, epoch } => {
                self.tell("vote_received", Some(epoch.number()), Some(*from), None);
            }
            Event::VoteRefused { by, refusal } => self.refused("vote_refused", *by, *refusal),
            Event::TrackerKnown { tracker, epoch } => {
                self.tell("tracker_elected", Some(epoch.number()), Some(*tracker), None);
            }
            Event::TrackerLost { tracker, epoch } => {
                self.tell("tracker_lost", Some(epoch.number()), Some(*tracker), None);
            }
            Event::SteppedDown(epoch) => self.tell("stepped_down", Some(epoch.number()), None, None),
            Event::NeedlessElection(epoch) => {
                self.tell("needless_election", Some(epoch.number()), None, None);
            }
            Event::TwoTrackers { epoch, other } => {
                tracing::error!(%epoch, ?other, "two trackers in one epoch: this must never happen, please report it");
                self.tell("two_trackers", Some(epoch.number()), Some(*other), None);
            }
            Event::AbsurdEpoch { from, epoch } => {
                self.tell("absurd_epoch", Some(epoch.number()), Some(*from), None);
            }
            Event::TwoGroups { peer } => self.tell("two_groups", None, Some(*peer), None),
            Event::RosterChanged(roster) => {
                let voters = roster.voters().count();
                let detail = format!("{voters}/{}", roster.members.len());
                self.tell("roster_changed", Some(roster.stamp.epoch.number()), None, Some(detail));
            }
            Event::VotingEnded => plain("voting_ended"),
            Event::HandingOver { successor } => self.tell("handing_over", None, Some(*successor), None),
        }
    }

    fn refused(&self, kind: &'static str, by: PeerId, refusal: Refusal) {
        self.tell(kind, None, Some(by), Some(crate::wire::convert::refusal_text(refusal).to_owned()));
    }
}

/// The role as `status` says it.
pub(super) fn role_text(role: Role) -> &'static str {
    match role {
        Role::Outside => "outside",
        Role::Follower => "follower",
        Role::PreCandidate => "pre-candidate",
        Role::Candidate => "candidate",
        Role::Tracker => "tracker",
    }
}
