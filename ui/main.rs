//! `cardume`: the window, the command line, the name service and the demonstration in one program.

mod args;
mod commands;
#[cfg(feature = "window")]
#[expect(dead_code, reason = "opened by the command without arguments, which comes next")]
mod window;

use args::Cli;
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(Cli::parse())
}
