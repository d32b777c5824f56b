//! A peer that a content is taken from: what it may have in flight, and why it is not asked any more.

use crate::base::{ByteRate, PieceIndex, PieceLayout};
use std::collections::BTreeSet;
use std::time::Duration;

/// Why a source is not asked. Some faults are for good, others only for a while: [`Fault::is_for_good`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Fault {
    /// A piece from it had not the hash that the manifest says.
    #[error("sent a wrong piece")]
    BadPiece,
    /// Its manifest does not make up the content, or is malformed.
    #[error("sent a wrong manifest")]
    BadManifest,
    /// It sent fewer or more bytes than asked for, or claims another length.
    #[error("lied about the length")]
    WrongLength,
    /// It answered with something that the protocol does not have.
    #[error("sent an answer that makes no sense")]
    Nonsense,
    /// It does not share the content (any more).
    #[error("does not share the file any more")]
    NotShared,
    /// Its file changed since it was hashed.
    #[error("its file changed")]
    Changed,
    /// It is busy or could not read its file.
    #[error("could not send for now")]
    Busy,
    /// No connection to it.
    #[error("cannot be reached")]
    Unreachable,
    /// The connection ended in the middle.
    #[error("closed the connection")]
    Closed,
    /// No byte came for too long.
    #[error("is silent")]
    Silent,
}

impl Fault {
    /// The code for programs and translations.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadPiece => "bad_piece",
            Self::BadManifest => "bad_manifest",
            Self::WrongLength => "wrong_length",
            Self::Nonsense => "nonsense",
            Self::NotShared => "not_shared",
            Self::Changed => "changed",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::Silent => "silent",
        }
    }

    /// Whether a source with this fault is never asked again for this content: what is wrong by its own
    /// doing does not become right by asking again.
    #[must_use]
    pub const fn is_for_good(self) -> bool {
        matches!(self, Self::BadPiece | Self::BadManifest | Self::WrongLength | Self::Nonsense)
    }
}

/// What a source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Known by its fault only, or not used yet.
    New,
    /// Asked for pieces.
    Active,
    /// Would be asked if others were not: there are enough.
    Spare,
    /// Left alone for a while; [`super::plan::Plan::add_source`] wakes it.
    Resting(Fault),
    /// Never asked again.
    Dropped(Fault),
}

/// A source of one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub(super) number: u8,
    pub(super) state: SourceState,
    pub(super) rate: ByteRate,
    /// When its last piece arrived.
    pub(super) progress_at: Duration,
    /// Whether it was ever asked.
    pub(super) is_tried: bool,
    pub(super) bytes: u64,
    pub(super) in_flight: BTreeSet<PieceIndex>,
}

impl Source {
    /// The least pieces a source has in flight: while one is checked and written, the next one travels.
    pub const MIN_WINDOW: u64 = 2;
    /// The most bytes a source has in flight: what goes back when it dies.
    pub const MAX_WINDOW_BYTES: u64 = 16 * 1024 * 1024;

    /// The number of no source: of pieces that were there already, and of sources beyond the 255th.
    pub(super) const NOBODY: u8 = u8::MAX;

    pub(super) fn new(number: u8) -> Self {
        Self {
            number,
            state: SourceState::New,
            rate: ByteRate::default(),
            progress_at: Duration::ZERO,
            is_tried: false,
            bytes: 0,
            in_flight: BTreeSet::new(),
        }
    }

    /// Whether it has this piece in flight.
    #[must_use]
    pub fn has_in_flight(&self, piece: PieceIndex) -> bool {
        self.in_flight.contains(&piece)
    }

    /// What it is doing.
    #[must_use]
    pub const fn state(&self) -> SourceState {
        self.state
    }

    /// Verified bytes that came from it.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many pieces it may have in flight: two, or one second of its rate, within the limit.
    #[must_use]
    pub fn window(&self, layout: PieceLayout) -> u32 {
        let bytes = self.rate.bytes_per_second().min(Self::MAX_WINDOW_BYTES);
        let pieces = (bytes / u64::from(layout.piece_size())).max(Self::MIN_WINDOW);
        u32::try_from(pieces).unwrap_or(u32::MAX)
    }

    pub(super) fn room(&self, layout: PieceLayout) -> u32 {
        let used = u32::try_from(self.in_flight.len()).unwrap_or(u32::MAX);
        self.window(layout).saturating_sub(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_two_pieces_or_a_second() {
        let layout = PieceLayout::new(1 << 30, 1 << 20).expect("valid");
        let table = [(0, 2), (1 << 20, 2), (5 << 20, 5), (16 << 20, 16), (1 << 40, 16)];
        for (rate, expected) in table {
            let source = Source { rate: ByteRate::per_second(rate), ..Source::new(0) };
            assert_eq!(source.window(layout), expected, "{rate} bytes/s");
        }
    }
}
