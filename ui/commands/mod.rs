//! What each command does. One file per concern; each gives an [`Outcome`], and the exit code comes from
//! it in one place.

mod asking;
mod completions;
mod demo;
mod drill;
mod events;
mod failure;
mod get;
mod group;
mod lifeline;
mod names;
mod output;
mod search;
mod share;
mod status;
mod transfers;

use crate::args::{Cli, Command};
use clap::CommandFactory as _;
pub(crate) use failure::{Failure, Outcome};
pub(crate) use names::NamesCommand;
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
        Some(Command::Status) => status::run(&global),
        Some(Command::Search { words, limit }) => search::search(&global, &words, limit),
        Some(Command::Sources { content }) => search::sources(&global, &content),
        Some(Command::Get(args)) => get::run(&global, args),
        Some(Command::Share { folder: Some(folder) }) => share::share(&global, &folder),
        Some(Command::Share { folder: None }) => share::list(&global),
        Some(Command::Unshare { folder }) => share::unshare(&global, &folder),
        Some(Command::Transfers { cancel }) => transfers::run(&global, cancel),
        Some(Command::Group(command)) => group::run(&global, command),
        Some(Command::Join { link, replace }) => group::join(&global, &link, replace),
        Some(Command::Crash(args)) => drill::crash(&global, &args),
        Some(Command::Stop) => drill::stop(&global),
        Some(Command::Events { follow }) => events::run(&global, follow),
        Some(Command::Names(command)) => names::run(&global, command),
        Some(Command::Completions { shell }) => completions::run(shell, &mut Cli::command()),
        Some(Command::Demo(args)) => demo::run(&global, &args),
        Some(Command::Peer(_)) | None => Err(Failure::failed("comes later")),
    }
}
