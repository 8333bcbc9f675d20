//! `schema`: prints the schema, checks that a file is it, or tells what changed since an older one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::schema_compare::{FailOn, Format, compare};
use crate::graphql::{api_sdl, federation_sdl};

#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// The schema as a subgraph shows it to a composer, with its federation directives.
    #[arg(long)]
    federation: bool,
    /// Leave out what is served only with `tokens.enabled`.
    #[arg(long)]
    without_tokens: bool,
    /// Tell what has changed since the schema in this file, and whether it breaks clients. The exit code says so, too.
    #[arg(long, value_name = "OLD", conflicts_with = "check")]
    compare: Option<PathBuf>,
    /// With --compare: which changes make the exit code 1.
    #[arg(long, value_enum, default_value = "breaking", requires = "compare")]
    fail_on: FailOn,
    /// With --compare: how the changes are printed.
    #[arg(long, value_enum, default_value = "text", requires = "compare")]
    format: Format,
    /// Compare with this file instead of printing; fails where they differ.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

pub(super) fn run(arguments: &SchemaArgs) -> ExitCode {
    if let Some(old) = &arguments.compare {
        return compare(old, &sdl(arguments), arguments.format, arguments.fail_on);
    }
    match print_or_check(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn sdl(arguments: &SchemaArgs) -> String {
    let tokens = !arguments.without_tokens;
    if arguments.federation { federation_sdl(tokens) } else { api_sdl(tokens) }
}

fn print_or_check(arguments: &SchemaArgs) -> Result<()> {
    let sdl = sdl(arguments);
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
