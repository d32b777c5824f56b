//! How commands fail: a sentence on standard error and an exit code.

use cardume::node::CommandError;
use cardume::node::config::HomeError;
use cardume::wire::codes::Code;
use cardume::wire::index::Complete;
use std::process::ExitCode;

/// How a command ends.
pub(crate) type Outcome = Result<(), Failure>;

/// Why a command failed, with the exit code that programs see.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    const FAILED: u8 = 1;
    const USAGE: u8 = 2;
    const NO_PEER: u8 = 3;
    const NOT_FOUND: u8 = 4;
    const NO_TRACKER: u8 = 5;
    const FILLING: u8 = 6;

    /// It did not work.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { code: Self::FAILED, error: anyhow::Error::msg(message.into()) }
    }

    /// It was asked for in a wrong way.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: Self::USAGE, error: anyhow::Error::msg(message.into()) }
    }

    /// No peer runs that could do it.
    pub(crate) fn no_peer(message: impl Into<String>) -> Self {
        Self { code: Self::NO_PEER, error: anyhow::Error::msg(message.into()) }
    }

    /// There is no tracker at the moment.
    pub(crate) fn no_tracker(message: impl Into<String>) -> Self {
        Self { code: Self::NO_TRACKER, error: anyhow::Error::msg(message.into()) }
    }

    /// What was asked for does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { code: Self::NOT_FOUND, error: anyhow::Error::msg(message.into()) }
    }

    /// What was asked for is not in an index that lacks the lists of some peers: it may be there in a moment.
    pub(crate) fn filling(Complete { have, of }: Complete) -> Self {
        let message = format!("the index is still filling ({have} of {of} lists); try again in a moment");
        Self { code: Self::FILLING, error: anyhow::Error::msg(message) }
    }

    /// Tells the person and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("cardume: {:#}", self.error);
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { code: Self::FAILED, error }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { code: Self::FAILED, error: error.into() }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self { code: Self::FAILED, error: error.into() }
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let code = if matches!(error, HomeError::BadProfile(_)) { Self::USAGE } else { Self::FAILED };
        Self { code, error: error.into() }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        const NOT_FOUND: [i32; 3] =
            [Code::NotFound as i32, Code::UnknownContent as i32, Code::UnknownName as i32];
        let code = match error.code {
            code if NOT_FOUND.contains(&code) => Self::NOT_FOUND,
            code if code == Code::NoTracker as i32 => Self::NO_TRACKER,
            code if code == Code::BadParameter as i32 => Self::USAGE,
            _ => Self::FAILED,
        };
        Self { code, error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_index_lacks_that_is_still_filling_is_not_said_to_be_missing() {
        let filling = Failure::filling(Complete { have: 3, of: 5 });
        assert_eq!(
            filling.error.to_string(),
            "the index is still filling (3 of 5 lists); try again in a moment"
        );
        assert_eq!(filling.code, 6);
        assert_eq!(Failure::not_found("x").code, 4);
    }
}
