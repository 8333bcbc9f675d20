//! Parse, run, exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(unix)]
    give_memory_back_at_once();
    flowmatix_graphql::cli::main()
}

/// Starts this program anew with the allocator's option that gives freed memory back at once, unless the environment says
/// something else. By default it keeps it for a second, in which answers that are made and dropped add up to several times of
/// what the settings allow. The allocator reads its options before `main` begins, and only from the environment.
#[cfg(unix)]
fn give_memory_back_at_once() {
    use std::os::unix::process::CommandExt;

    const OPTION: &str = "MIMALLOC_PURGE_DELAY";
    let mut arguments = std::env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), std::env::current_exe()) else { return };
    if std::env::var_os(OPTION).is_none() {
        // It comes back only where that is not possible; then the allocator's own default has to do.
        let _ = std::process::Command::new(program).arg0(name).args(arguments).env(OPTION, "0").exec();
    }
}
