//! The group page: the merged records of the peers, where in them the ring stands, and what happened as
//! rows.

use cardume::base::PeerId;
use cardume::engine::election::{Refusal, Role};
use cardume::engine::trace::{FaultKind, History, Mail, MailKind, What};
use cardume::wire::control::EventRecord;
use std::collections::BTreeSet;
use std::time::Duration;

/// The ring shows what was recorded so long ago: the records of all peers are here by then.
pub(crate) const DELAY: u64 = 500_000;
/// How long a message is on its way on the screen: long enough to be followed by the eye.
pub(crate) const TRAVEL: u64 = 300_000;
/// The lease of watching the group, and when it is renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(6);
/// See [`LEASE`].
pub(crate) const RENEWAL: Duration = Duration::from_secs(2);
/// The shortest time between two frames of the moving ring: 30 a second.
pub(crate) const FRAME: Duration = Duration::from_millis(33);
/// The longest: slower would not be a motion.
pub(crate) const SLOWEST_FRAME: Duration = Duration::from_millis(250);
/// How many times the cost of a frame passes between two: the ring takes an eighth of a core at the most,
/// so that five windows on two cores leave room for the elections that they show.
const COST: u32 = 8;
/// The most rows of the time line.
const MAX_ROWS: usize = 2_000;

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Speed {
    /// As it happened.
    #[default]
    Real,
    /// Ten times slower.
    Tenth,
    /// A hundred times slower: every message of an election is seen.
    Hundredth,
}

impl Speed {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Real, Self::Tenth, Self::Hundredth];

    /// What the time on the screen is divided by.
    pub(crate) const fn divisor(self) -> u64 {
        match self {
            Self::Real => 1,
            Self::Tenth => 10,
            Self::Hundredth => 100,
        }
    }
}

/// Which moment the ring shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Playback {
    /// What happens now.
    #[default]
    Live,
    /// This moment, in microseconds since 1970.
    Still(u64),
    /// Playing from a moment on.
    Playing {
        /// The moment.
        from: u64,
        /// When it was shown, by the window's clock.
        since: Duration,
    },
}

/// The group page.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupPage {
    /// What the peers recorded.
    pub history: History,
    /// The number of the last chunk of records that was taken.
    pub taken: u64,
    /// What happened, oldest first.
    pub rows: Vec<Happening>,
    /// Which moment the ring shows.
    pub playback: Playback,
    /// How fast a recording is played.
    pub speed: Speed,
    /// When the lease of watching is renewed; `None` while the page is not watched.
    pub renew_at: Option<Duration>,
    /// What a frame costs, as measured.
    pub frame_cost: Duration,
}

impl GroupPage {
    /// The moment that the ring shows.
    pub(crate) fn moment(&self, now: Duration, unix_micros: u64) -> u64 {
        let live = unix_micros.saturating_sub(DELAY);
        match self.playback {
            Playback::Live => live,
            Playback::Still(at) => at,
            Playback::Playing { from, since } => {
                let played = now.saturating_sub(since).as_micros() / u128::from(self.speed.divisor());
                from.saturating_add(u64::try_from(played).unwrap_or(u64::MAX)).min(live)
            }
        }
    }

    /// For how long of the recorded time a message is on its way.
    pub(crate) fn travel(&self) -> u64 {
        let speed = if self.playback == Playback::Live { Speed::Real } else { self.speed };
        TRAVEL / speed.divisor()
    }

    /// The time between two frames, by what one costs.
    pub(crate) fn frame(&self) -> Duration {
        (self.frame_cost * COST).clamp(FRAME, SLOWEST_FRAME)
    }

    /// Makes the rows of the time line anew.
    pub(crate) fn rebuild_rows(&mut self, events: &[EventRecord], me: Option<PeerId>) {
        let mut rows = recorded(&self.history);
        let from = rows.first().map_or(u64::MAX, |row| row.at_micros);
        let told = events.iter().filter(|event| event.unix_millis * 1_000 < from || !is_recorded(event));
        rows.extend(told.map(|event| Happening {
            at_micros: event.unix_millis * 1_000,
            peer: me,
            what: HappeningKind::Told(event.clone()),
        }));
        rows.sort_by_key(|row| row.at_micros);
        let surplus = rows.len().saturating_sub(MAX_ROWS);
        rows.drain(..surplus);
        self.rows = rows;
    }
}

/// A row of the time line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Happening {
    /// When, in microseconds since 1970.
    pub at_micros: u64,
    /// At whom.
    pub peer: Option<PeerId>,
    /// What.
    pub what: HappeningKind,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HappeningKind {
    /// Something that this peer told.
    Told(EventRecord),
    /// The timer ran out.
    TimerExpired,
    /// The peer asks for votes, or whether it would get them.
    Asks(MailKind, u64),
    /// An answer to that reached the peer.
    Answered {
        /// Of whom.
        by: PeerId,
        /// To what.
        kind: MailKind,
        /// In which epoch.
        epoch: u64,
        /// Why not, if it is a refusal.
        refusal: Option<Refusal>,
    },
    /// The peer became tracker of this epoch.
    Tracker(u64),
    /// The peer was tracker and is not any more.
    SteppedDown,
    /// The peer heard of a tracker.
    Follows(PeerId, u64),
    /// The tracker's index is complete: files and peers.
    IndexComplete(u64, u32),
    /// A fault drill began or ended.
    Fault(FaultKind, bool),
}

/// The rows of the records. Heartbeats and restarts of timers are what the ring shows.
fn recorded(history: &History) -> Vec<Happening> {
    let mut rows = Vec::new();
    let mut asked = BTreeSet::new();
    let mut trackers = BTreeSet::new();
    let mut followed = BTreeSet::new();
    let mut complete = BTreeSet::new();
    for (peer, record) in history.records() {
        let what = match record.what {
            What::TimerExpired => HappeningKind::TimerExpired,
            What::Sent(mail) if matches!(mail.kind, MailKind::PreVote | MailKind::Vote) => {
                if !asked.insert((*peer, mail.kind, mail.epoch, mail.round)) {
                    continue;
                }
                HappeningKind::Asks(mail.kind, mail.epoch.number())
            }
            What::Received(mail) if matches!(mail.kind, MailKind::PreVoteAnswer | MailKind::VoteAnswer) => {
                let Mail { peer: by, kind, refusal, .. } = mail;
                HappeningKind::Answered { by, kind, epoch: mail.epoch.number(), refusal }
            }
            What::Role(Role::Tracker) => {
                trackers.insert(*peer);
                continue;
            }
            What::Role(_) if trackers.remove(peer) => HappeningKind::SteppedDown,
            What::Tracker { tracker: Some(tracker), epoch } if tracker == *peer => {
                HappeningKind::Tracker(epoch.number())
            }
            What::Tracker { tracker: Some(tracker), epoch } => {
                if !followed.insert((*peer, tracker, epoch)) {
                    continue;
                }
                HappeningKind::Follows(tracker, epoch.number())
            }
            What::Index { epoch, files, have, of } if have == of && of > 0 => {
                if !complete.insert((*peer, epoch, of)) {
                    continue;
                }
                HappeningKind::IndexComplete(files, of)
            }
            What::FaultBegan(kind) => HappeningKind::Fault(kind, true),
            What::FaultEnded(kind) => HappeningKind::Fault(kind, false),
            _ => continue,
        };
        rows.push(Happening { at_micros: record.at_micros, peer: Some(*peer), what });
    }
    rows
}

/// Whether the records say the same as this event.
fn is_recorded(event: &EventRecord) -> bool {
    matches!(
        event.kind.as_str(),
        "role_changed"
            | "epoch_adopted"
            | "timer_expired"
            | "pre_vote_started"
            | "pre_vote_refused"
            | "election_started"
            | "vote_received"
            | "vote_refused"
            | "tracker_elected"
            | "tracker_lost"
            | "drill_started"
            | "drill_ended"
            | "pause_started"
            | "pause_ended"
            | "link_cut"
            | "link_mended"
    )
}

/// The stopwatch: from a simulated failure to the new tracker and its whole index, by the peers' records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stopwatch {
    /// Who failed.
    pub crashed: String,
    /// Its id.
    pub peer: Option<PeerId>,
    /// Whether that is this peer, which then hears of nothing until it is back.
    pub own: bool,
    /// The epoch of then.
    pub epoch: u64,
    /// The last event of then.
    pub after_seq: u64,
    /// When it was asked for, by the window's clock.
    pub asked: Duration,
    /// The same in microseconds since 1970.
    pub asked_unix_micros: u64,
    /// When the order was answered, in milliseconds since 1970: the failure's time until the one that
    /// failed tells it itself.
    pub crashed_at_unix_millis: Option<u64>,
}

/// What the stopwatch read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The new tracker.
    pub tracker: String,
    /// Its epoch.
    pub epoch: u64,
    /// From the failure to its election.
    pub millis: u64,
    /// From the failure to its index being complete, once that is known.
    pub complete_millis: Option<u64>,
    /// Whether the new tracker recorded it; else it is when this peer heard of it.
    pub recorded: bool,
}

/// The stopwatch of the group page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drill {
    /// Nothing failed yet.
    Idle,
    /// A failure was asked for.
    Running(Stopwatch),
    /// There is a new tracker. Records that come later make the reading more exact.
    Done(Stopwatch, Reading),
}
