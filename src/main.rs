//! Parse, run, exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(unix)]
    give_memory_back_soon();
    flowmatix_graphql::cli::main()
}

/// Starts this program anew with the allocator's option that gives freed memory back within a tenth of a second, unless the
/// environment says something else. By default it keeps it for a second, in which answers that are made and dropped add up. At
/// once would be too soon: a long answer would then be written into memory that the system hands out anew each time. The allocator
/// reads its options before `main` begins, and only from the environment.
#[cfg(unix)]
fn give_memory_back_soon() {
    use std::os::unix::process::CommandExt;

    const OPTION: &str = "MIMALLOC_PURGE_DELAY";
    /// In milliseconds.
    const DELAY: &str = "100";
    let mut arguments = std::env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), std::env::current_exe()) else { return };
    if std::env::var_os(OPTION).is_none() {
        // It comes back only where that is not possible; then the allocator's own default has to do.
        let _ = std::process::Command::new(program).arg0(name).args(arguments).env(OPTION, DELAY).exec();
    }
}
