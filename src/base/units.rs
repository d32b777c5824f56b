//! Quantities with their units.

use std::time::Duration;

/// Bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRate(u64);

impl ByteRate {
    /// So many bytes per second.
    #[must_use]
    pub const fn per_second(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The average over `elapsed`; zero for no time at all.
    #[must_use]
    pub fn average(bytes: u64, elapsed: Duration) -> Self {
        let micros = elapsed.as_micros();
        if micros == 0 {
            return Self(0);
        }
        Self(u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX))
    }

    /// Bytes in one second.
    #[must_use]
    pub const fn bytes_per_second(self) -> u64 {
        self.0
    }
}

/// Bytes for a person, decimal units as file managers show them: `64.0 MB`, `812 B`.
#[must_use]
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    for (unit, scale) in UNITS {
        if bytes >= scale {
            let tenths = u128::from(bytes) * 10 / u128::from(scale);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}
