//! The folder dialog, and what a folder is chosen for.

/// What a folder is chosen for. The dialog is the system's and covers nothing: what it was opened for may be over when it
/// is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be shared.
    Share,
    /// To download to what the person was asked about.
    Target,
    /// To be the download folder.
    Downloads,
}
