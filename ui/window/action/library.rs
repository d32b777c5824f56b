//! What a person does with shared folders.

/// What a person does with shared folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LibraryAction {
    /// Share the folder of the warning all the same.
    ShareAllTheSame,
    /// Share another folder than that of the warning.
    ChooseAnother,
    /// Share neither.
    DropWarning,
    /// Look at everything in this shared folder again.
    Rescan(String),
    /// Hold its hashing.
    Pause(String),
    /// Let it go on.
    Resume(String),
    /// List what of it is not shared, or not any more.
    ToggleSkipped(String),
}
