//! The epoch: the number of an election, growing with every tracker elected.

use std::fmt;

/// The number of an election (Raft's *term*). It only grows; epoch 0 is "before the first election".
///
/// At most 2^53 - 1, so that every JSON implementation carries it exactly (RFC 8259, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Before the first election.
    pub const ZERO: Self = Self(0);
    /// The highest epoch that JSON carries exactly.
    pub const MAX: Self = Self((1 << 53) - 1);
    /// An epoch more than this above the highest known one is refused and reported (R12): a single
    /// damaged or hostile message cannot use up the number space.
    pub const MAX_JUMP: u64 = 1_000_000;

    /// The epoch with this number; `None` above [`Epoch::MAX`].
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The epoch after this one. At [`Epoch::MAX`] it stays there.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 < Self::MAX.0 { Self(self.0 + 1) } else { self }
    }

    /// Whether `self` is further above `known` than anything honest can be (R12).
    #[must_use]
    pub const fn is_absurd_after(self, known: Self) -> bool {
        self.0 > known.0.saturating_add(Self::MAX_JUMP)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
