//! Watching the group for a window that shows it: while somebody watches, the members' records are asked
//! for a few times a second and passed on in chunks. While nobody does, nobody is asked.
//!
//! Watching is a lease: a window that is hidden, or gone, does not renew it.

use super::clock::{unix_micros, unix_millis};
use super::group_state::GroupState;
use super::trace_task::Tracer;
use crate::base::PeerId;
use crate::engine::trace::Part;
use crate::net::peer_link::PeerLinks;
use crate::wire::control::MemberNote;
use crate::wire::convert::trace::{MAX_TRACE, record_from_wire, role_of};
use crate::wire::group::{GroupClient, Trace};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often the members are asked.
const POLL: Duration = Duration::from_millis(200);
/// How long one answer may take: later it is of no use for a moving picture.
const DEADLINE: Duration = Duration::from_millis(400);
/// The longest lease.
const MAX_LEASE: Duration = Duration::from_secs(30);
/// How many chunks are kept: a window takes them ten times a second.
const MAX_CHUNKS: usize = 50;
/// Stamps further ahead than this are not honest.
const AHEAD: u64 = 2_000_000;

/// What all peers told in one round of asking.
#[derive(Debug, PartialEq, Eq)]
pub struct TraceChunk {
    /// Its number, growing by one.
    pub number: u64,
    /// What each told.
    pub parts: Vec<Part>,
}

/// The records of the group, as they are being watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFeed {
    /// The newest chunks, oldest first.
    pub chunks: VecDeque<Arc<TraceChunk>>,
    /// What the other members said of themselves last.
    pub notes: BTreeMap<PeerId, MemberNote>,
    /// When each answered last, in milliseconds since 1970.
    pub answered: BTreeMap<PeerId, u64>,
}

/// What the task works with.
pub(super) struct Watching {
    pub(super) tracer: Tracer,
    pub(super) links: PeerLinks,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
}

/// The way to the watching task: leases in, chunks out. Cheap to clone.
#[derive(Clone)]
pub(super) struct Watcher {
    leases: mpsc::Sender<Duration>,
    feed: watch::Receiver<Arc<TraceFeed>>,
}

impl Watcher {
    pub(super) fn spawn(watching: Watching) -> Self {
        // A lease that waits behind another one says the same.
        let (leases, receiver) = mpsc::channel(4);
        let (sender, feed) = watch::channel(Arc::default());
        tokio::spawn(watch_task(watching, receiver, sender));
        Self { leases, feed }
    }

    /// Watches for so long from now; zero: not any more.
    pub(super) fn watch(&self, lease: Duration) {
        // A full queue holds leases that say the same.
        self.leases.try_send(lease.min(MAX_LEASE)).ok();
    }

    pub(super) fn feed(&self) -> watch::Receiver<Arc<TraceFeed>> {
        self.feed.clone()
    }
}

/// How far each peer was read, and how its clock goes.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    after: Option<u64>,
    /// What is added to its stamps to make them this peer's, and the round trip that it was measured in.
    clock: Option<(i64, u64)>,
}

async fn watch_task(
    watching: Watching,
    mut leases: mpsc::Receiver<Duration>,
    sender: watch::Sender<Arc<TraceFeed>>,
) {
    let mut cursors: BTreeMap<PeerId, Cursor> = BTreeMap::new();
    let mut number = 0;
    while let Some(lease) = leases.recv().await {
        let mut until = Instant::now() + lease;
        let mut poll = tokio::time::interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while Instant::now() < until {
            tokio::select! {
                lease = leases.recv() => match lease {
                    Some(lease) => until = Instant::now() + lease,
                    None => return,
                },
                _ = poll.tick() => {
                    let (parts, notes) = watching.round(&mut cursors).await;
                    number += 1;
                    sender.send_modify(|feed| {
                        let feed = Arc::make_mut(feed);
                        feed.chunks.push_back(Arc::new(TraceChunk { number, parts }));
                        if feed.chunks.len() > MAX_CHUNKS {
                            feed.chunks.pop_front();
                        }
                        let now = unix_millis();
                        feed.answered.extend(notes.keys().map(|peer| (*peer, now)));
                        feed.notes.extend(notes);
                    });
                }
            }
        }
    }
}

/// A member's answer and when it was asked and answered.
struct Answered {
    peer: PeerId,
    trace: Trace,
    asked: u64,
    back: u64,
}

impl Watching {
    /// Asks everybody once, this peer too.
    async fn round(
        &self,
        cursors: &mut BTreeMap<PeerId, Cursor>,
    ) -> (Vec<Part>, BTreeMap<PeerId, MemberNote>) {
        let group = self.group.borrow().clone();
        cursors.retain(|peer, _| *peer == group.me || group.members.contains_key(peer));
        let mut asking = JoinSet::new();
        for peer in group.members.keys().filter(|peer| **peer != group.me) {
            let Some(client) = self.links.client(*peer) else { continue };
            let (peer, after) = (*peer, cursors.get(peer).and_then(|cursor| cursor.after));
            asking.spawn(async move {
                let asked = unix_micros();
                let trace = tokio::time::timeout(DEADLINE, client.trace(after)).await.ok()?.ok()?;
                Some(Answered { peer, trace, asked, back: unix_micros() })
            });
        }
        let (mut parts, mut notes) = (Vec::new(), BTreeMap::new());
        let mine = cursors.entry(group.me).or_default();
        if let Some(part) = self.tracer.part(mine.after).await {
            mine.after = part.records.last().map(|record| record.seq).or(mine.after);
            parts.push(part);
        }
        while let Some(done) = asking.join_next().await {
            let Ok(Some(answered)) = done else { continue };
            let peer = answered.peer;
            notes.insert(peer, note(&answered.trace));
            parts.push(part(answered, cursors.entry(peer).or_default()));
        }
        (parts, notes)
    }
}

/// The longest version that is shown.
const MAX_VERSION: usize = 32;

fn note(trace: &Trace) -> MemberNote {
    MemberNote {
        role: role_of(&trace.role).map_or("outside", super::events::role_text).to_owned(),
        epoch: trace.epoch,
        files: trace.files,
        version: trace.version.chars().filter(|c| !c.is_control()).take(MAX_VERSION).collect(),
    }
}

/// An answer with its stamps by this peer's clock.
fn part(answered: Answered, cursor: &mut Cursor) -> Part {
    let Answered { peer, trace, asked, back } = answered;
    let round_trip = back.saturating_sub(asked);
    let offset = offset_of(trace.now_unix_micros, asked, round_trip);
    // The quickest answer says it best, until one of the clocks is set: then both cannot be right.
    let is_better = |(known, best): (i64, u64)| {
        round_trip <= best || offset.abs_diff(known) > round_trip.saturating_add(best)
    };
    if cursor.clock.is_none_or(is_better) {
        cursor.clock = Some((offset, round_trip));
    }
    let (offset, _) = cursor.clock.unwrap_or_default();
    let latest = back.saturating_add(AHEAD);
    let records: Vec<_> = trace
        .records
        .iter()
        .take(MAX_TRACE)
        .filter_map(record_from_wire)
        .map(|mut record| {
            record.at_micros = record.at_micros.saturating_add_signed(offset);
            record
        })
        .filter(|record| record.at_micros <= latest)
        .collect();
    cursor.after = records.last().map(|record| record.seq).or(cursor.after);
    let until_micros = trace.now_unix_micros.saturating_add_signed(offset).min(latest);
    let epoch = crate::base::Epoch::new(trace.epoch);
    Part { peer, until_micros, records, role: role_of(&trace.role), epoch }
}

/// What makes the other clock's reading this one's, if it was read in the middle of the round trip. Within
/// the round trip nothing is known: clocks that agree so far are taken for the same.
fn offset_of(theirs: u64, asked: u64, round_trip: u64) -> i64 {
    let middle = asked.saturating_add(round_trip / 2);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let offset = signed(middle).saturating_sub(signed(theirs));
    if offset.unsigned_abs() <= round_trip { 0 } else { offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_agree_within_the_round_trip_are_the_same() {
        assert_eq!(offset_of(1_000_100, 1_000_000, 300), 0);
        assert_eq!(offset_of(1_000_000, 1_000_000, 300), 0);
        assert_eq!(offset_of(500_000, 1_000_000, 200), 500_100);
        assert_eq!(offset_of(2_000_000, 1_000_000, 200), -999_900);
        assert_eq!(offset_of(u64::MAX, 0, 0), -i64::MAX);
    }

    #[test]
    fn a_clock_that_is_set_is_followed_also_by_slower_answers() {
        let mut cursor = Cursor::default();
        let mut known = |theirs, asked, back| {
            let (role, version) = ("follower".to_owned(), "0.1.0".to_owned());
            let trace =
                Trace { now_unix_micros: theirs, role, epoch: 7, files: 1, version, records: Vec::new() };
            part(Answered { peer: PeerId::from_bytes([3; 32]), trace, asked, back }, &mut cursor);
            cursor.clock
        };
        assert_eq!(known(9_000_050, 1_000_000, 1_000_100), Some((-8_000_000, 100)));
        // A slower answer says less exactly the same.
        assert_eq!(known(10_000_400, 2_000_000, 2_000_600), Some((-8_000_000, 100)));
        // This one's clock was set back by five seconds.
        assert_eq!(known(11_000_300, 7_000_000, 7_000_600), Some((-4_000_000, 600)));
    }

    #[test]
    fn stamps_of_another_clock_are_moved_and_those_of_the_future_left_out() {
        let record = |seq, unix_micros| crate::wire::group::TraceRecord {
            seq,
            unix_micros,
            kind: "timer_expired".to_owned(),
            ..Default::default()
        };
        let trace = Trace {
            now_unix_micros: 9_000_000,
            role: "follower".to_owned(),
            epoch: 7,
            files: 1,
            version: "0.1.0".to_owned(),
            records: vec![record(1, 8_000_000), record(2, 99_000_000)],
        };
        let mut cursor = Cursor::default();
        let peer = PeerId::from_bytes([3; 32]);
        let part = part(Answered { peer, trace, asked: 1_000_000, back: 1_000_200 }, &mut cursor);
        assert_eq!(part.until_micros, 1_000_100);
        assert_eq!(part.records.iter().map(|it| (it.seq, it.at_micros)).collect::<Vec<_>>(), [(1, 100)]);
        assert_eq!(cursor.after, Some(1));
    }
}
