//! The memory of the service alone, without the rest of `make bench`: prints its section of the page.

use std::path::PathBuf;

use anyhow::Context;
use flowmatix_graphql_benches::load::Numbers;
use flowmatix_graphql_benches::process::Process;
use flowmatix_graphql_benches::resident;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let binaries = std::env::current_exe()?.parent().context("no folder")?.to_owned();
    let service = std::env::args().nth(1).map_or_else(|| binaries.join("flowmatix-graphql"), PathBuf::from);
    let upstream = Process::start(&binaries.join("upstream"), &[])?;
    let resident = resident::measure(&service, &upstream.url, &Numbers::default()).await?;
    for goal in resident.goals() {
        println!("{}: {} ({})", goal.text, goal.figure, if goal.is_reached { "yes" } else { "no" });
    }
    println!("\n{}", resident.section());
    Ok(())
}
