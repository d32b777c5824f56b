//! State of the transfers page.

/// The transfers page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transfers {
    /// The selected transfer, by its number.
    pub selected: Option<u64>,
    /// Whether the limits are shown.
    pub limits_open: bool,
}
