//! What a library is opened with beside its folder.

use super::NeverShared;
use std::time::Duration;

/// What a library is opened with; the defaults are what people get.
#[derive(Clone, Debug)]
pub struct LibraryOptions {
    /// What is never shared, beside the library's own folder.
    pub never: NeverShared,
    /// The most folders that are watched, whatever the system allows.
    pub max_watches: usize,
    /// The time between two walks of everything, which are made in case the system did not tell of a
    /// change. It is longer where a walk takes long, and shorter where folders are not watched.
    pub rescan_pause: Duration,
}

impl Default for LibraryOptions {
    fn default() -> Self {
        Self { never: NeverShared::default(), max_watches: usize::MAX, rescan_pause: Duration::from_mins(1) }
    }
}
