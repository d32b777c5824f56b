//! What each command does. One file per concern; each gives an [`Outcome`], and the exit code comes from
//! it in one place.

mod asking;
mod browse;
mod check;
mod completions;
mod demo;
mod drill;
mod events;
mod failure;
mod get;
mod group;
mod lifeline;
mod names;
mod open;
mod output;
mod patience;
mod peer;
mod search;
mod share;
mod status;
mod transfers;

use crate::args::{Cli, Command, PeerArgs};
use cardume::node::Page;
use clap::CommandFactory as _;
pub(crate) use failure::{Failure, Outcome};
pub(crate) use names::NamesCommand;
pub(crate) use open::with_command;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Runs the command and says how it ended.
pub(crate) fn run(cli: Cli) -> ExitCode {
    start_log(&cli);
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The log goes to standard error; `CARDUME_LOG` says what (as `info,cardume::node=debug`). What runs for
/// long tells more than what answers at once.
fn start_log(cli: &Cli) {
    let runs_long = matches!(
        cli.command,
        None | Some(Command::Peer(_) | Command::Open { .. } | Command::Names(NamesCommand::Serve { .. }))
    );
    let usual = if runs_long { "info" } else { "error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("CARDUME_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let terminal = std::io::stderr().is_terminal();
    let to_terminal =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal).with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(to_terminal);
    #[cfg(feature = "window")]
    let subscriber = subscriber.with(opens_window(cli).then(crate::window::log_layer));
    subscriber.init();
}

/// Whether somebody will look at the log in a window.
#[cfg(feature = "window")]
fn opens_window(cli: &Cli) -> bool {
    match &cli.command {
        None => true,
        Some(Command::Peer(args)) => !args.headless,
        Some(_) => false,
    }
}

fn dispatch(cli: Cli) -> Outcome {
    let global = cli.global;
    match cli.command {
        Some(Command::Status) => status::run(&global),
        Some(Command::Search { words, limit, offset, sort }) => {
            search::search(&global, &words, Page { offset, limit, sort })
        }
        Some(Command::Sources { content }) => search::sources(&global, &content),
        Some(Command::Browse(args)) => browse::run(&global, &args),
        Some(Command::Get(args)) => get::run(&global, args),
        Some(Command::Share(args)) => share::run(&global, &args),
        Some(Command::Unshare { folder }) => share::unshare(&global, &folder),
        Some(Command::Check) => check::run(&global),
        Some(Command::Name { name }) => check::rename(&global, &name),
        Some(Command::Transfers(args)) => transfers::run(&global, &args),
        Some(Command::Limits(args)) => transfers::limits(&global, &args),
        Some(Command::Group(command)) => group::run(&global, command),
        Some(Command::Join { link, replace }) => group::join(&global, &link, replace),
        Some(Command::Open { link }) => open::run(&global, &link),
        Some(Command::Crash(args)) => drill::crash(&global, &args),
        Some(Command::Drill(command)) => drill::drill(&global, &command),
        Some(Command::Stop) => drill::stop(&global),
        Some(Command::Events { follow }) => events::run(&global, follow),
        Some(Command::Names(command)) => {
            if global.stop_with_stdin {
                lifeline::exit_with_stdin()?;
            }
            names::run(&global, command)
        }
        Some(Command::Completions { shell }) => completions::run(shell, &mut Cli::command()),
        Some(Command::Demo(args)) => demo::run(&global, &args),
        Some(Command::Peer(args)) => peer::run(&global, &args),
        None => peer::run(&global, &PeerArgs::default()),
    }
}
