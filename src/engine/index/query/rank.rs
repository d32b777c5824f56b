//! How well names fit, and what is known of that before they are looked at.

/// How well a name fits; the lowest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// The words are the name, or all of it but its extension.
    Exact,
    /// The name begins with the words.
    Prefix,
    /// Every word stands at the beginning of a word of the name.
    WordStart,
    /// Every word occurs somewhere.
    Inside,
}

impl Rank {
    /// Of names that fit so, and there may be many, only the beginning of their number is known until they are
    /// looked at again.
    pub(in crate::engine::index) const fn is_name_short(self) -> bool {
        matches!(self, Self::WordStart | Self::Inside)
    }
}

/// What is known of a name before it is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine::index) struct Known {
    /// It has these words, by number.
    pub(in crate::engine::index) words: u32,
    /// These begin a word of it, or it does not fit better than [`Rank::Inside`].
    pub(in crate::engine::index) starts: u32,
    /// The first place where the rarest one begins.
    pub(in crate::engine::index) place: Option<usize>,
    /// It does not fit better than [`Rank::Inside`].
    pub(in crate::engine::index) is_inside: bool,
}

impl Known {
    pub(super) fn has(&self, word: u32) -> bool {
        self.words >> word & 1 != 0 || word == 0 && self.place.is_some()
    }
}
