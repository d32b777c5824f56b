//! What each command does. One file per concern; each gives an [`Outcome`], and the exit code comes from
//! it in one place.

mod completions;
mod failure;

use crate::args::{Cli, Command};
use clap::CommandFactory as _;
pub(crate) use failure::{Failure, Outcome};
use std::process::ExitCode;

/// Runs the command and says how it ended.
pub(crate) fn run(cli: Cli) -> ExitCode {
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(cli: Cli) -> Outcome {
    let global = cli.global;
    match cli.command {
        Some(Command::Completions { shell }) => completions::run(shell, &mut Cli::command()),
        _ => Err(Failure::failed(format!("{global:?} comes later"))),
    }
}
