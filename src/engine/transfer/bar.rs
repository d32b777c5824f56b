//! What a bar of pieces shows: which parts are here and who brought them, which are on the way.

use super::plan::Plan;
use crate::base::PeerId;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a part of a bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BarPart {
    /// Not here.
    Missing,
    /// On the way from this peer.
    InFlight(PeerId),
    /// Here: brought by this peer, or found on the disk.
    Here(Option<PeerId>),
}

impl Plan {
    /// The most parts of a bar: more than the pixels that it gets.
    pub const MAX_BAR_PARTS: u32 = 512;

    /// The pieces in order as parts of the same width, equal neighbours counted together: how many parts, and
    /// what they show. The counts add up to the smaller of the number of pieces and
    /// [`Plan::MAX_BAR_PARTS`].
    #[must_use]
    pub fn bar(&self) -> Vec<(u32, BarPart)> {
        let count = self.layout.count();
        let parts = count.min(Self::MAX_BAR_PARTS);
        let peers: BTreeMap<u8, PeerId> =
            self.sources.iter().map(|(peer, source)| (source.number, *peer)).collect();
        let border = |part: u32| u32::try_from(u64::from(part) * u64::from(count) / u64::from(parts));
        let mut bar: Vec<(u32, BarPart)> = Vec::new();
        for part in 0..parts {
            let pieces = border(part).unwrap_or(0)..border(part + 1).unwrap_or(count);
            let shown = self.part(pieces, &peers);
            match bar.last_mut() {
                Some((length, last)) if *last == shown => *length += 1,
                _ => bar.push((1, shown)),
            }
        }
        bar
    }

    /// What most of these pieces are; where that is nothing, what is on the way.
    fn part(&self, pieces: Range<u32>, peers: &BTreeMap<u8, PeerId>) -> BarPart {
        let half = (pieces.end - pieces.start).div_ceil(2);
        let mut brought: BTreeMap<Option<PeerId>, u32> = BTreeMap::new();
        let mut in_flight = None;
        for piece in pieces.filter_map(|number| self.layout.piece(number)) {
            if self.have.contains(piece) {
                let by = peers.get(&self.brought_by[piece.number() as usize]).copied();
                *brought.entry(by).or_default() += 1;
            } else if let Some(flight) = self.in_flight.get(&piece) {
                in_flight = in_flight.or(flight.from.first().map(|(peer, _)| *peer));
            }
        }
        if brought.values().sum::<u32>() >= half {
            let most = brought.into_iter().max_by_key(|(_, count)| *count);
            return BarPart::Here(most.and_then(|(by, _)| by));
        }
        in_flight.map_or(BarPart::Missing, BarPart::InFlight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PieceLayout;
    use std::time::Duration;

    const PEER: PeerId = PeerId::from_bytes([1; 32]);

    fn plan(pieces: u32) -> Plan {
        let size = u64::from(pieces) * u64::from(PieceLayout::MIN_PIECE_BYTES);
        Plan::new(PieceLayout::new(size, PieceLayout::MIN_PIECE_BYTES).expect("valid"))
    }

    #[test]
    fn a_bar_shows_every_piece_of_a_small_content() {
        let mut plan = plan(6);
        let piece = |number| plan.layout().piece(number).expect("in range");
        let (last, second) = (piece(5), piece(1));
        plan.found(last);
        plan.add_source(PEER);
        assert!(plan.take(PEER, 1, Duration::ZERO).is_some() && plan.take(PEER, 1, Duration::ZERO).is_some());
        plan.arrived(PEER, second, Duration::ZERO);
        let expected = [
            (1, BarPart::InFlight(PEER)),
            (1, BarPart::Here(Some(PEER))),
            (3, BarPart::Missing),
            (1, BarPart::Here(None)),
        ];
        assert_eq!(plan.bar(), expected);
    }

    #[test]
    fn a_bar_has_at_most_512_parts_and_no_gap() {
        for pieces in [1, 2, 511, 512, 513, 1_024, 100_001] {
            let mut plan = plan(pieces);
            for number in (0..pieces).step_by(3) {
                let piece = plan.layout().piece(number).expect("in range");
                plan.found(piece);
            }
            let parts: u32 = plan.bar().iter().map(|(length, _)| length).sum();
            assert_eq!(parts, pieces.min(Plan::MAX_BAR_PARTS));
            let all: Vec<_> = plan.layout().pieces().collect();
            for piece in all {
                plan.found(piece);
            }
            assert_eq!(plan.bar(), [(parts, BarPart::Here(None))]);
        }
    }
}
