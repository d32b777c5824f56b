//! What the election does, recorded where it happens: a ring of records that the election task owns.
//!
//! Invariant: recording is a few stores into memory that is there already - no lock, no channel, no
//! allocation. Whoever wants the records asks ([`super::trace_task`]); nobody does while no window shows
//! them. Absent on purpose: contents of messages.

use super::clock::unix_micros;
use crate::base::Epoch;
use crate::base::PeerId;
use crate::engine::election::{Event, Message};
use crate::engine::trace::{FaultKind, Mail, Record, What};
use crate::wire::election::IndexSummary;
use std::collections::VecDeque;
use std::time::Duration;

/// How many records are kept: a tracker of five makes about a hundred a second.
const MAX_RECORDS: usize = 4_096;

/// The records of this peer's election.
#[derive(Debug)]
pub(super) struct Recorder {
    records: VecDeque<Record>,
    next: u64,
}

impl Recorder {
    /// Empty. Numbers begin with the time, so that they grow over a restart too.
    pub(super) fn new() -> Self {
        Self { records: VecDeque::with_capacity(MAX_RECORDS), next: unix_micros() }
    }

    /// Records something now.
    pub(super) fn note(&mut self, what: What) {
        if self.records.len() >= MAX_RECORDS {
            self.records.pop_front();
        }
        self.next += 1;
        self.records.push_back(Record { seq: self.next, at_micros: unix_micros(), what });
    }

    /// The random timer was set.
    pub(super) fn timer_set(&mut self, after: Duration) {
        let after_micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.note(What::TimerSet { after_micros });
    }

    /// A message came in.
    pub(super) fn received(&mut self, from: PeerId, message: &Message) {
        self.note(What::Received(Mail::of(from, message)));
    }

    /// A message went out, or had no connection to go out on.
    pub(super) fn sent(&mut self, to: PeerId, message: &Message, connected: bool) {
        let mail = Mail::of(to, message);
        self.note(if connected { What::Sent(mail) } else { What::Unsent(mail) });
    }

    /// The tracker's index stands so.
    pub(super) fn index(&mut self, epoch: Epoch, summary: IndexSummary) {
        let IndexSummary { files, have, of, .. } = summary;
        self.note(What::Index { epoch, files, have, of });
    }

    /// A fault drill begins or ends.
    pub(super) fn fault(&mut self, kind: FaultKind, begins: bool) {
        self.note(if begins { What::FaultBegan(kind) } else { What::FaultEnded(kind) });
    }

    /// What the election tells people, as far as it is not a message or a timer.
    pub(super) fn told(&mut self, event: &Event) {
        match event {
            Event::RoleChanged(role) => self.note(What::Role(*role)),
            Event::EpochAdopted(epoch) => self.note(What::Epoch(*epoch)),
            Event::TrackerKnown { tracker, epoch } => {
                self.note(What::Tracker { tracker: Some(*tracker), epoch: *epoch });
            }
            Event::TrackerLost { epoch, .. } => self.note(What::Tracker { tracker: None, epoch: *epoch }),
            _ => {}
        }
    }

    /// The records after a number, oldest first.
    pub(super) fn after(&self, seq: u64) -> Vec<Record> {
        let place = self.records.partition_point(|record| record.seq <= seq);
        self.records.range(place..).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_without_growing() {
        let mut recorder = Recorder::new();
        let room = recorder.records.capacity();
        for _ in 0..3 * MAX_RECORDS {
            recorder.note(What::TimerExpired);
        }
        assert_eq!(recorder.records.capacity(), room, "nothing was allocated");
        let all = recorder.after(0);
        assert_eq!(all.len(), MAX_RECORDS);
        let last = all.last().expect("a record");
        assert_eq!(recorder.after(last.seq), []);
        assert_eq!(recorder.after(last.seq - 1), [*last]);
        assert!(all.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "no number is missing");
    }
}
