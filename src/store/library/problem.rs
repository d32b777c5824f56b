//! Why a shared folder as a whole is not up to date.

use std::io::{Error, ErrorKind};

/// The kinds of problems, as the protocol names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The folder is not there.
    Gone,
    /// Nobody may read it with the rights of this account.
    Denied,
    /// It cannot be read for another reason.
    Unreadable,
    /// It is read, but what changed cannot be saved.
    Unsaved,
}

impl ProblemKind {
    /// The kind as one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Denied => "denied",
            Self::Unreadable => "unreadable",
            Self::Unsaved => "unsaved",
        }
    }
}

/// A kind with the sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub kind: ProblemKind,
    /// With what the system says.
    pub text: String,
}

impl Problem {
    /// Why a folder cannot be read.
    pub(super) fn of_folder(error: &Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => ProblemKind::Gone,
            ErrorKind::PermissionDenied => ProblemKind::Denied,
            _ => ProblemKind::Unreadable,
        };
        Self { kind, text: format!("the folder cannot be read: {error}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_says_what_can_be_done() {
        let cases = [
            (ErrorKind::NotFound, "gone"),
            (ErrorKind::NotADirectory, "gone"),
            (ErrorKind::PermissionDenied, "denied"),
            (ErrorKind::TimedOut, "unreadable"),
        ];
        for (kind, word) in cases {
            let problem = Problem::of_folder(&Error::from(kind));
            assert_eq!(problem.kind.word(), word);
            assert!(problem.text.starts_with("the folder cannot be read: "), "{}", problem.text);
        }
    }
}
