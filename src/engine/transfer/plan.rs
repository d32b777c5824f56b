//! Which piece is asked of whom.
//!
//! **A piece is in exactly one of have, in flight, wanted.** The last piece comes first and alone: it is
//! what proves the claimed length (a manifest of another length has the same chaining values). A source
//! asks for work when it has room, so a fast one gets more. A piece that a source holds up is asked of
//! another one as well ([`Plan::take`] says when); whoever is first wins, and the others are named so that
//! their requests can be ended.
//!
//! Absent on purpose: clocks (times and rates come from the caller), bytes, and the check of a piece.

use super::have::PieceSet;
use super::source::{Fault, Source, SourceState};
use crate::base::{ByteRate, PeerId, PieceIndex, PieceLayout};
use std::collections::BTreeMap;
use std::time::Duration;

/// Pieces in a row, to be asked in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first one.
    pub first: PieceIndex,
    /// How many; at least one.
    pub count: u32,
}

impl Run {
    /// Its pieces, in order.
    pub fn pieces(self, layout: PieceLayout) -> impl Iterator<Item = PieceIndex> {
        let first = self.first.number();
        (first..first.saturating_add(self.count)).filter_map(move |number| layout.piece(number))
    }
}

/// How a download stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every piece is there.
    Complete,
    /// There is somebody to ask.
    Running,
    /// Pieces are missing and there is nobody to ask: `resting` sources may be asked again later,
    /// `dropped` ones never.
    NoSource {
        /// Sources that are left alone for a while.
        resting: usize,
        /// Sources that are never asked again.
        dropped: usize,
    },
}

/// A piece in flight: of whom it was asked, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Flight {
    pub(super) from: Vec<(PeerId, Duration)>,
}

impl Flight {
    pub(super) fn is_from(&self, peer: PeerId) -> bool {
        self.from.iter().any(|(from, _)| *from == peer)
    }
}

/// What an arrived piece changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Whether the piece is new.
    pub is_new: bool,
    /// Other sources that still send it, in vain.
    pub losers: Vec<PeerId>,
}

/// When a piece is asked of another source as well: after the time in which that one would bring so many
/// pieces, and after a pause that no healthy source makes.
#[derive(Clone, Copy, Debug)]
struct Patience {
    pieces: u32,
    least: Duration,
}

/// The plan of one download.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) layout: PieceLayout,
    pub(super) have: PieceSet,
    pub(super) wanted: PieceSet,
    pub(super) in_flight: BTreeMap<PieceIndex, Flight>,
    pub(super) sources: BTreeMap<PeerId, Source>,
    /// Who brought each piece, by [`Source::number`].
    pub(super) brought_by: Vec<u8>,
    explored_at: Duration,
}

impl Plan {
    /// The most sources that are asked at once: more do not make a download faster, only smaller in its
    /// parts.
    pub const MAX_ACTIVE: usize = 16;
    /// How often the slowest source makes room for one that was never asked.
    pub const EXPLORE_EVERY: Duration = Duration::from_secs(5);
    /// The most sources that have one piece in flight at once.
    const MAX_RACERS: usize = 3;
    /// While pieces are wanted, another source takes over from one that is ten times slower.
    const TAKE_OVER: Patience = Patience { pieces: 10, least: Duration::from_millis(500) };
    /// When nothing is left to hand out, from one that is three times slower.
    const TAKE_OVER_AT_END: Patience = Patience { pieces: 3, least: Duration::from_millis(100) };

    /// Everything is wanted; nobody is there to ask.
    #[must_use]
    pub fn new(layout: PieceLayout) -> Self {
        Self {
            layout,
            have: PieceSet::empty(layout),
            wanted: PieceSet::full(layout),
            in_flight: BTreeMap::new(),
            sources: BTreeMap::new(),
            brought_by: vec![Source::NOBODY; layout.count() as usize],
            explored_at: Duration::ZERO,
        }
    }

    /// The layout of the content.
    #[must_use]
    pub const fn layout(&self) -> PieceLayout {
        self.layout
    }

    /// The pieces that are there, verified and written.
    #[must_use]
    pub const fn have(&self) -> &PieceSet {
        &self.have
    }

    /// Whether the claimed length is proven: the last piece is there.
    #[must_use]
    pub fn is_length_proven(&self) -> bool {
        self.have.contains(self.layout.last())
    }

    /// The sources, by id.
    pub fn sources(&self) -> impl Iterator<Item = (PeerId, &Source)> {
        self.sources.iter().map(|(peer, source)| (*peer, source))
    }

    /// A source, if it is known.
    #[must_use]
    pub fn source(&self, peer: PeerId) -> Option<&Source> {
        self.sources.get(&peer)
    }

    /// How the download stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.have.is_full() {
            return Standing::Complete;
        }
        let (mut resting, mut dropped) = (0, 0);
        for source in self.sources.values() {
            match source.state {
                SourceState::Active | SourceState::Spare => return Standing::Running,
                SourceState::New | SourceState::Resting(_) => resting += 1,
                SourceState::Dropped(_) => dropped += 1,
            }
        }
        Standing::NoSource { resting, dropped }
    }

    /// A source is there (again). Says whether it may be asked, now or in its turn: one dropped for good
    /// may not.
    pub fn add_source(&mut self, peer: PeerId) -> bool {
        let state = if self.active() < Self::MAX_ACTIVE { SourceState::Active } else { SourceState::Spare };
        let source = self.source_entry(peer);
        if matches!(source.state, SourceState::Resting(_) | SourceState::New) {
            source.state = state;
        }
        matches!(source.state, SourceState::Active | SourceState::Spare)
    }

    /// How fast a source is.
    pub fn set_rate(&mut self, peer: PeerId, rate: ByteRate) {
        if let Some(source) = self.sources.get_mut(&peer) {
            source.rate = rate;
        }
    }

    /// A source fails: what it has in flight is wanted again. It rests, or is dropped for good; a spare one
    /// takes its place.
    pub fn fail_source(&mut self, peer: PeerId, fault: Fault) {
        let source = self.source_entry(peer);
        source.state = match source.state {
            SourceState::Dropped(first) => SourceState::Dropped(first),
            _ if fault.is_for_good() => SourceState::Dropped(fault),
            _ => SourceState::Resting(fault),
        };
        for piece in std::mem::take(&mut source.in_flight) {
            self.ground(peer, piece);
        }
        if self.active() < Self::MAX_ACTIVE
            && let Some(spare) = self.best_spare()
        {
            self.set_state(spare, SourceState::Active);
        }
    }

    /// Lets a source that was never asked (or one that was twice as fast) take the place of the slowest
    /// one, from time to time, where there are more sources than are asked at once.
    pub fn explore(&mut self, now: Duration) {
        if now < self.explored_at + Self::EXPLORE_EVERY {
            return;
        }
        self.explored_at = now;
        let Some(spare) = self.best_spare() else { return };
        let active = self.sources.iter().filter(|(_, source)| source.state == SourceState::Active);
        let Some((slowest, rate)) = active.map(|(peer, it)| (*peer, it.rate)).min_by_key(|(_, rate)| *rate)
        else {
            return;
        };
        let candidate = &self.sources[&spare];
        let faster = candidate.rate.bytes_per_second() / 2 > rate.bytes_per_second();
        if !candidate.is_tried || faster {
            self.set_state(slowest, SourceState::Spare);
            self.set_state(spare, SourceState::Active);
        }
    }

    /// The next pieces for a source, at most `most` in a row; `None` if there is nothing for it now.
    ///
    /// First a piece that another source holds up for longer than this one would take for ten, then what
    /// is wanted, and when nothing is wanted any more a piece held up for longer than three, or, for a
    /// source that has nothing to do, the one that was asked for first.
    pub fn take(&mut self, peer: PeerId, most: u32, now: Duration) -> Option<Run> {
        let source = self.sources.get(&peer).filter(|source| source.state == SourceState::Active)?;
        let room = source.room(self.layout).min(most);
        if room == 0 {
            return None;
        }
        let one = |first| Run { first, count: 1 };
        let run = if !self.is_length_proven() {
            let last = self.layout.last();
            one(self.wanted.contains(last).then_some(last)?)
        } else if let Some(piece) = self.held_up(peer, Self::TAKE_OVER, now) {
            one(piece)
        } else if let Some(first) = self.wanted.next_from(0) {
            Run { first, count: self.wanted_in_a_row(first, room.min(self.fair_share())) }
        } else {
            let held_up = self.held_up(peer, Self::TAKE_OVER_AT_END, now);
            one(held_up.or_else(|| self.race(peer))?)
        };
        self.launch(peer, run, now);
        Some(run)
    }

    /// A piece is there, verified and written.
    pub fn arrived(&mut self, peer: PeerId, piece: PieceIndex, now: Duration) -> Arrived {
        let mut losers = Vec::new();
        if let Some(flight) = self.in_flight.remove(&piece) {
            for (from, _) in flight.from {
                if let Some(source) = self.sources.get_mut(&from) {
                    source.in_flight.remove(&piece);
                }
                if from != peer {
                    losers.push(from);
                }
            }
        } else if !self.wanted.remove(piece) {
            return Arrived::default();
        }
        self.have.insert(piece);
        let range = self.layout.range(piece);
        if let Some(source) = self.sources.get_mut(&peer) {
            source.bytes += range.end - range.start;
            source.progress_at = now;
            self.brought_by[piece.number() as usize] = source.number;
        }
        Arrived { is_new: true, losers }
    }

    /// A piece was found on this disk already, verified.
    pub fn found(&mut self, piece: PieceIndex) {
        if self.wanted.remove(piece) {
            self.have.insert(piece);
        }
    }

    /// A source does not send a piece after all, without being at fault.
    pub fn give_back(&mut self, peer: PeerId, piece: PieceIndex) {
        let held = self.sources.get_mut(&peer).is_some_and(|source| source.in_flight.remove(&piece));
        if held {
            self.ground(peer, piece);
        }
    }

    fn source_entry(&mut self, peer: PeerId) -> &mut Source {
        let number = u8::try_from(self.sources.len()).unwrap_or(Source::NOBODY);
        self.sources.entry(peer).or_insert_with(|| Source::new(number))
    }

    fn set_state(&mut self, peer: PeerId, state: SourceState) {
        if let Some(source) = self.sources.get_mut(&peer) {
            source.state = state;
        }
    }

    fn active(&self) -> usize {
        self.sources.values().filter(|source| source.state == SourceState::Active).count()
    }

    /// The spare source to ask next: one that was never asked, else the fastest.
    fn best_spare(&self) -> Option<PeerId> {
        let spare = self.sources.iter().filter(|(_, source)| source.state == SourceState::Spare);
        spare.max_by_key(|(_, source)| (!source.is_tried, source.rate)).map(|(peer, _)| *peer)
    }

    /// One holder less; without any the piece is wanted again.
    fn ground(&mut self, peer: PeerId, piece: PieceIndex) {
        let Some(flight) = self.in_flight.get_mut(&piece) else { return };
        flight.from.retain(|(from, _)| *from != peer);
        if flight.from.is_empty() {
            self.in_flight.remove(&piece);
            self.wanted.insert(piece);
        }
    }

    fn launch(&mut self, peer: PeerId, run: Run, now: Duration) {
        for piece in run.pieces(self.layout) {
            self.wanted.remove(piece);
            self.in_flight.entry(piece).or_default().from.push((peer, now));
            if let Some(source) = self.sources.get_mut(&peer) {
                source.in_flight.insert(piece);
                source.is_tried = true;
            }
        }
    }

    fn wanted_in_a_row(&self, first: PieceIndex, most: u32) -> u32 {
        let following = (first.number() + 1..first.number().saturating_add(most))
            .filter_map(|number| self.layout.piece(number))
            .take_while(|piece| self.wanted.contains(*piece))
            .count();
        1 + u32::try_from(following).unwrap_or(0)
    }

    /// Half of what an even split gives each source: near the end runs become short, so that all finish
    /// together.
    fn fair_share(&self) -> u32 {
        let split = u32::try_from(2 * self.active().max(1)).unwrap_or(u32::MAX);
        (self.wanted.len() / split).max(1)
    }

    /// The pieces that others have in flight and this source may be asked for as well.
    fn open_flights(&self, peer: PeerId, most: usize) -> impl Iterator<Item = (PieceIndex, &Flight)> {
        let open = move |flight: &Flight| flight.from.len() < most && !flight.is_from(peer);
        self.in_flight.iter().filter(move |(_, flight)| open(flight)).map(|(piece, flight)| (*piece, flight))
    }

    /// The piece whose holders made no progress for the longest time, if that is longer than this source
    /// would take for some pieces. A source whose rate is not known takes nothing over.
    fn held_up(&self, peer: PeerId, patience: Patience, now: Duration) -> Option<PieceIndex> {
        let rate = self.sources.get(&peer)?.rate.bytes_per_second();
        let micros = u64::from(self.layout.piece_size()).saturating_mul(1_000_000).checked_div(rate)?;
        let limit = Duration::from_micros(micros.saturating_mul(u64::from(patience.pieces)));
        let limit = limit.max(patience.least);
        let quiet_since = |flight: &Flight| {
            let progress = |peer: &PeerId| self.sources.get(peer).map_or(Duration::ZERO, |it| it.progress_at);
            flight.from.iter().map(|(peer, since)| progress(peer).max(*since)).max().unwrap_or_default()
        };
        let flights = self.open_flights(peer, Self::MAX_RACERS);
        let (since, piece) = flights.map(|(piece, flight)| (quiet_since(flight), piece)).min()?;
        (now.saturating_sub(since) >= limit).then_some(piece)
    }

    /// The piece that is the longest in flight with one other source only, for a source that has nothing to
    /// do.
    fn race(&self, peer: PeerId) -> Option<PieceIndex> {
        if !self.sources.get(&peer)?.in_flight.is_empty() {
            return None;
        }
        let asked = |flight: &Flight| flight.from.first().map(|(_, since)| *since);
        let open = self.open_flights(peer, 2);
        open.min_by_key(|(piece, flight)| (asked(flight), *piece)).map(|(piece, _)| piece)
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
