//! The command line: thin. Arguments in, one call per command, output to the writers it is given.

mod agent;
mod arguments;
mod capacity;
mod check;
mod choices;
mod command_line;
mod compare;
mod doctor;
mod endpoint;
pub mod exit;
mod experiment;
mod export;
mod faults;
mod found;
mod generate;
mod import;
mod init;
mod interrupt;
mod load_chart;
mod output;
mod progress;
mod quiet;
mod report;
mod retention;
mod run;
mod runs;
mod saved;
mod selftest;
mod signoff;
mod store;
mod testbed;
mod trend;
mod tryout;
mod ui;
mod verify;
mod viewers;
mod world;

use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Command};
use self::exit::Exit;

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            output::say(&output::error_text(&error));
            Exit::of(&error).into()
        }
    }
}

fn dispatch(arguments: Arguments) -> anyhow::Result<Exit> {
    let store = arguments.store;
    match arguments.command {
        Command::Check(command) => check::check(&command),
        Command::Try(command) => tryout::try_out(&command, &store),
        Command::Run(command) => run::run(&command, &store),
        Command::Experiment(command) => experiment::experiment(&command, &store),
        Command::Capacity(command) => capacity::capacity(&command, &store),
        Command::Agent(command) => agent::agent(&command),
        Command::Http(command) => endpoint::http(&command, &store),
        Command::Grpc(command) => endpoint::grpc(&command, &store),
        Command::Compare(command) => compare::compare(&command, &store),
        Command::Report(command) => report::report(&command, &store),
        Command::Runs(command) => runs::runs(&command, &store),
        Command::Import(command) => import::import(&command, &store),
        Command::Export(command) => export::export(&command, &store),
        Command::Trend(command) => trend::trend(&command, &store),
        Command::Ui(command) => ui::ui(&command, &store),
        Command::Store(command) => store::store(&command, &store),
        Command::Init(command) => init::init(&command),
        Command::Doctor => doctor::doctor(&store),
        Command::Generate(command) => generate::generate(&command),
        Command::SignOff(command) => signoff::signoff(&command, &store),
        Command::Verify(command) => verify::verify(&command, &store),
        Command::Baseline(command) => saved::baseline(&command, &store),
        Command::SelfTest(command) => selftest::selftest(&command, &store),
    }
}

/// A reader such as `head` that has seen enough is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |kind| kind == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| is_pipe(e.kind()))
            || cause
                .downcast_ref::<serde_json::Error>()
                .and_then(serde_json::Error::io_error_kind)
                .is_some_and(is_pipe)
    })
}
