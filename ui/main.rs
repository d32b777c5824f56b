//! `cardume`: the window, the command line, the name service and the demonstration in one program.

mod args;
mod commands;
mod local_time;
#[cfg(feature = "window")]
mod window;

use args::Cli;
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    local_time::start();
    let arguments = commands::with_command(std::env::args_os().collect());
    commands::run(Cli::parse_from(arguments))
}
