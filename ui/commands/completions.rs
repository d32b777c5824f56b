//! `cardume completions`.

use super::Outcome;

/// Writes the completions to standard output.
pub(crate) fn run(shell: clap_complete::Shell, command: &mut clap::Command) -> Outcome {
    clap_complete::generate(shell, command, "cardume", &mut std::io::stdout());
    Ok(())
}
