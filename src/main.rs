//! The loadproof program: arguments in, one call, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadproof::cli::main()
}
