//! Big teams in a process of its own, with the service's allocator: the figures as JSON.

use flowmatix_graphql_benches::big_teams;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let figures = big_teams::measure()?;
    // Without the page around it, for a look at these figures alone.
    if std::env::args().any(|argument| argument == "--table") {
        println!("{}", big_teams::section(&figures));
    } else {
        println!("{}", serde_json::to_string(&figures)?);
    }
    Ok(())
}
