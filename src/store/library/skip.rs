//! Why something in a shared folder is not shared.

use std::path::PathBuf;

/// The kinds of reasons, as the protocol names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipKind {
    /// A name that begins with a dot.
    Hidden,
    /// A link.
    Link,
    /// No regular file: a pipe, a socket, a device.
    Special,
    /// It cannot be read.
    Unreadable,
    /// Its name is refused.
    Name,
    /// It is larger than any content can be.
    TooLarge,
    /// It lies too deep.
    TooDeep,
    /// There are too many files.
    TooMany,
    /// It belongs to this program: keys, profiles.
    Own,
    /// A pattern says so: a person's or a built-in one.
    Ignored,
    /// An ignore file of which not everything holds.
    Pattern,
}

impl SkipKind {
    /// The kind as one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Link => "link",
            Self::Special => "special",
            Self::Unreadable => "unreadable",
            Self::Name => "name",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::TooMany => "too_many",
            Self::Own => "own",
            Self::Ignored => "ignored",
            Self::Pattern => "pattern",
        }
    }
}

/// A kind with the sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) kind: SkipKind,
    pub(super) text: String,
}

impl Reason {
    pub(super) fn new(kind: SkipKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Something in a shared folder that is not shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What.
    pub path: PathBuf,
    /// Why, as a kind.
    pub kind: SkipKind,
    /// Why, for a person.
    pub reason: String,
}
