//! Names of peers and the one special name of the name service.

use super::Epoch;
use std::fmt;

/// What a tracker registers as: this prefix and its epoch in decimal.
pub const TRACKER_NAME_PREFIX: &str = "Tracker_Epoca_";

/// `Tracker_Epoca_x` for epoch x.
#[must_use]
pub fn tracker_name(epoch: Epoch) -> String {
    format!("{TRACKER_NAME_PREFIX}{epoch}")
}

/// The epoch in a name of the form `Tracker_Epoca_x`; `None` for every other text, also for malformed
/// forms as `Tracker_Epoca_007`, `Tracker_Epoca_+7` or digits of other scripts.
#[must_use]
pub fn tracker_epoch(name: &str) -> Option<Epoch> {
    let digits = name.strip_prefix(TRACKER_NAME_PREFIX)?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number = digits.parse().ok().filter(|_| canonical)?;
    Epoch::new(number)
}

/// The name that a person gives to a peer, as `peer-1`: 1 to 64 bytes of letters, digits, space, `-`,
/// `_` and `.`, no space or dot at either end. It is a label; [`super::PeerId`] is the identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerName(String);

impl PeerName {
    /// The most bytes in a name: it must fit a table's column.
    pub const MAX_BYTES: usize = 64;

    /// The name with this text; `None` if it is not one (or imitates `Tracker_Epoca_`).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_BYTES;
        let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.'));
        let trimmed = text.trim_matches([' ', '.']) == text;
        let folded = text.to_lowercase();
        let imitates = folded.starts_with(&TRACKER_NAME_PREFIX.to_lowercase());
        (fits && plain && trimmed && !imitates).then(|| Self(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
