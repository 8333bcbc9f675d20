//! The binary: its allocator, and the command line, whose exit code is its own. Everything else is in the library, so that
//! tests can call it.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    flowmatix_graphql::cli::main()
}
