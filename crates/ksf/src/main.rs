//! `ksf`: the operator's command. This file is wiring.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ksf::outcome::CommandError;
use ksf::{verify, weave};

/// What an operator of the system asks from a shell.
///
/// Exit codes: 0 yes, 1 no, 2 for a question that could not be answered.
#[derive(Parser)]
#[command(name = "ksf", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(verify::Arguments),
    Weave(weave::Arguments),
}

fn main() -> ExitCode {
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    let ended = match Arguments::parse().command {
        Command::Verify(arguments) => verify::run(arguments, input, output),
        Command::Weave(arguments) => weave::run(&arguments, input, output, io::stderr().lock()),
    };
    match ended {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(CommandError::EXIT_CODE)
        }
    }
}
