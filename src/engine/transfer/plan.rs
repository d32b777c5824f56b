//! Which piece is asked of whom.
//!
//! **A piece is in exactly one of have, in flight, wanted.** The last piece comes first and alone: it is
//! what proves the claimed length (a manifest of another length has the same chaining values). When
//! nothing is wanted any more, an idle source races for a piece that another one has in flight, at most
//! two for one piece, so that a slow source does not hold up the end.
//!
//! Absent on purpose: clocks (rates come from the caller), bytes, and the check of a piece.

use super::have::PieceSet;
use super::source::{Fault, Source, SourceState};
use crate::base::{ByteRate, PeerId, PieceIndex, PieceLayout};
use std::collections::BTreeMap;

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

/// A piece in flight: from whom, and when it was first asked for (a count of requests, not a clock).
#[derive(Clone, Debug)]
struct Flight {
    from: Vec<PeerId>,
    asked: u64,
}

/// The plan of one download.
#[derive(Clone, Debug)]
pub struct Plan {
    layout: PieceLayout,
    have: PieceSet,
    wanted: PieceSet,
    in_flight: BTreeMap<PieceIndex, Flight>,
    sources: BTreeMap<PeerId, Source>,
    asked: u64,
}

impl Plan {
    /// The most sources that have one piece in flight at once.
    const MAX_RACERS: usize = 2;

    /// Everything is wanted; nobody is there to ask.
    #[must_use]
    pub fn new(layout: PieceLayout) -> Self {
        Self {
            layout,
            have: PieceSet::empty(layout),
            wanted: PieceSet::full(layout),
            in_flight: BTreeMap::new(),
            sources: BTreeMap::new(),
            asked: 0,
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
                SourceState::Active => return Standing::Running,
                SourceState::Resting(_) => resting += 1,
                SourceState::Dropped(_) => dropped += 1,
            }
        }
        Standing::NoSource { resting, dropped }
    }

    /// A source is there (again). Says whether it may be asked: one dropped for good may not.
    pub fn add_source(&mut self, peer: PeerId) -> bool {
        let source = self.sources.entry(peer).or_insert_with(Source::new);
        if matches!(source.state, SourceState::Resting(_)) {
            source.state = SourceState::Active;
        }
        source.state == SourceState::Active
    }

    /// How fast a source is.
    pub fn set_rate(&mut self, peer: PeerId, rate: ByteRate) {
        if let Some(source) = self.sources.get_mut(&peer) {
            source.rate = rate;
        }
    }

    /// A source fails: what it has in flight is wanted again. It rests, or is dropped for good.
    pub fn fail_source(&mut self, peer: PeerId, fault: Fault) {
        let source = self.sources.entry(peer).or_insert_with(Source::new);
        source.state = match source.state {
            SourceState::Dropped(first) => SourceState::Dropped(first),
            _ if fault.is_for_good() => SourceState::Dropped(fault),
            _ => SourceState::Resting(fault),
        };
        for piece in std::mem::take(&mut source.in_flight) {
            self.ground(peer, piece);
        }
    }

    /// The next pieces for a source, at most `most` in a row; `None` if there is nothing for it now.
    pub fn take(&mut self, peer: PeerId, most: u32) -> Option<Run> {
        let source = self.sources.get(&peer).filter(|source| source.state == SourceState::Active)?;
        let room = source.room(self.layout).min(most);
        if room == 0 {
            return None;
        }
        let run = if !self.is_length_proven() {
            let last = self.layout.last();
            self.wanted.contains(last).then_some(Run { first: last, count: 1 })?
        } else if let Some(first) = self.wanted.next_from(0) {
            Run { first, count: self.wanted_in_a_row(first, room.min(self.fair_share())) }
        } else {
            Run { first: self.race(peer)?, count: 1 }
        };
        self.launch(peer, run);
        Some(run)
    }

    /// A piece is there, verified and written. Says whether it is new.
    pub fn arrived(&mut self, peer: PeerId, piece: PieceIndex) -> bool {
        if let Some(flight) = self.in_flight.remove(&piece) {
            for from in flight.from {
                if let Some(source) = self.sources.get_mut(&from) {
                    source.in_flight.remove(&piece);
                }
            }
        } else if !self.wanted.remove(piece) {
            return false;
        }
        self.have.insert(piece);
        let range = self.layout.range(piece);
        if let Some(source) = self.sources.get_mut(&peer) {
            source.bytes += range.end - range.start;
        }
        true
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

    /// One holder less; without any the piece is wanted again.
    fn ground(&mut self, peer: PeerId, piece: PieceIndex) {
        let Some(flight) = self.in_flight.get_mut(&piece) else { return };
        flight.from.retain(|from| *from != peer);
        if flight.from.is_empty() {
            self.in_flight.remove(&piece);
            self.wanted.insert(piece);
        }
    }

    fn launch(&mut self, peer: PeerId, run: Run) {
        self.asked += 1;
        for piece in run.pieces(self.layout) {
            self.wanted.remove(piece);
            let flight =
                self.in_flight.entry(piece).or_insert(Flight { from: Vec::new(), asked: self.asked });
            flight.from.push(peer);
            if let Some(source) = self.sources.get_mut(&peer) {
                source.in_flight.insert(piece);
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
        let active = self.sources.values().filter(|source| source.state == SourceState::Active).count();
        let split = u32::try_from(2 * active.max(1)).unwrap_or(u32::MAX);
        (self.wanted.len() / split).max(1)
    }

    /// The piece that is the longest in flight with somebody else only, for a source that has nothing to
    /// do.
    fn race(&self, peer: PeerId) -> Option<PieceIndex> {
        if !self.sources.get(&peer)?.in_flight.is_empty() {
            return None;
        }
        let open = self
            .in_flight
            .iter()
            .filter(|(_, flight)| flight.from.len() < Self::MAX_RACERS && !flight.from.contains(&peer));
        open.min_by_key(|(piece, flight)| (flight.asked, **piece)).map(|(piece, _)| *piece)
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
