//! `schema`: prints the schema, or compares a file with it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::graphql::{api_sdl, federation_sdl};

#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// The schema as a subgraph shows it to a composer, with its federation directives.
    #[arg(long)]
    federation: bool,
    /// Leave out what is served only with `tokens.enabled`.
    #[arg(long)]
    without_tokens: bool,
    /// Compare with this file instead of printing; fails where they differ.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

pub(super) fn run(arguments: &SchemaArgs) -> Result<()> {
    let tokens = !arguments.without_tokens;
    let sdl = if arguments.federation { federation_sdl(tokens) } else { api_sdl(tokens) };
    let Some(path) = &arguments.check else {
        return super::output::print(&sdl);
    };
    let file = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file == sdl {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&file, &sdl);
    let name = path.display().to_string();
    super::output::print(&diff.unified_diff().context_radius(3).header(&name, "the code").to_string())?;
    let federation = if arguments.federation { " --federation" } else { "" };
    let without = if arguments.without_tokens { " --without-tokens" } else { "" };
    bail!(
        "{name} is not the schema of this version; print it anew with `flowmatix-graphql schema{federation}{without} > {name}`"
    );
}
