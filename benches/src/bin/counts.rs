//! Compares how many instructions the service's paths take with the committed figures, which, unlike times, are the same on a busy
//! machine. `--update WHY` commits new ones; `--take PATH` takes a path, for callgrind.

use anyhow::{Result, bail};
use flowmatix_graphql_benches::counts::callgrind::{CALLGRIND, TAKE, instructions};
use flowmatix_graphql_benches::counts::committed::{Committed, Counts};
use flowmatix_graphql_benches::counts::paths::{CountedPath, PATHS};

// As the service's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [TAKE, name] => CountedPath::named(name)?.take(),
        ["--update", why] => {
            let (committed, counts) = (Committed::read()?, count()?);
            println!("{}", committed.compare(&counts).table);
            committed.update(counts, why)
        }
        [] => check(),
        _ => bail!("there is --take PATH and --update WHY"),
    }
}

fn count() -> Result<Counts> {
    PATHS.iter().map(|path| Ok((path.name.to_owned(), instructions(path)?))).collect()
}

fn check() -> Result<()> {
    let comparison = Committed::read()?.compare(&count()?);
    println!("{}", comparison.table);
    let problems = comparison.problems.join(".\n");
    match comparison.other_tools {
        _ if problems.is_empty() => Ok(()),
        // Figures of other tools tell nothing of the code.
        Some(tools) => {
            println!("{problems}.\nThat is no failure: {tools}.");
            Ok(())
        }
        None => bail!(
            "{problems}.\nWhere the instructions are: {} {} {TAKE} PATH, then callgrind_annotate.\nWhat is meant is committed with a \
             reason: make counts WHY=\"…\"",
            CALLGRIND.join(" "),
            std::env::current_exe()?.display(),
        ),
    }
}
