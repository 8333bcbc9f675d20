//! Parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowmatix_graphql::cli::main()
}
