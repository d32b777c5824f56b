//! `cardume completions`.

use super::Outcome;
use std::io::Write as _;

/// Writes the completions to standard output.
pub(crate) fn run(shell: clap_complete::Shell, command: &mut clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "cardume", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}
