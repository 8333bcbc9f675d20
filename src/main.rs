//! The program: its allocator, and the command line, whose exit code is its own.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    flowmatix_graphql::cli::main()
}
