//! `schema`: prints the schema, checks that a file is it, or tells what changed since an older one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::configuration::ConfigArgs;
use super::schema_compare::{FailOn, Format, compare};
use crate::config::Profile;
use crate::graphql::{api_sdl, federation_sdl};

#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// The schema as a subgraph shows it to a composer, with its federation directives.
    #[arg(long)]
    federation: bool,
    /// With --federation: a TOML file of settings; those of `federation` decide what is printed.
    #[arg(long, value_name = "FILE", env = "FLOWMATIX_CONFIG")]
    config: Option<PathBuf>,
    /// With --federation: a setting, such as `--set federation.keys=account`. Can be given again.
    #[arg(long, value_name = "SETTING=VALUE", requires = "federation")]
    set: Vec<String>,
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
    let sdl = match sdl(arguments) {
        Ok(sdl) => sdl,
        Err(error) => {
            eprintln!("error: {error:#}");
            // The comparison has a code for what it cannot compare.
            return if arguments.compare.is_some() { ExitCode::from(2) } else { ExitCode::FAILURE };
        }
    };
    if let Some(old) = &arguments.compare {
        return compare(old, &sdl, arguments.format, arguments.fail_on);
    }
    match print_or_check(arguments, &sdl) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn sdl(arguments: &SchemaArgs) -> Result<String> {
    let tokens = !arguments.without_tokens;
    if !arguments.federation {
        return Ok(api_sdl(tokens));
    }
    let configuration = ConfigArgs::of(arguments.config.clone(), arguments.set.clone());
    let settings = configuration.load_without_callers(Profile::Serve)?.federation;
    Ok(federation_sdl(&settings, tokens))
}

fn print_or_check(arguments: &SchemaArgs, sdl: &str) -> Result<()> {
    let Some(path) = &arguments.check else {
        return super::output::print(sdl);
    };
    let file = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file == sdl {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(file.as_str(), sdl);
    let name = path.display().to_string();
    super::output::print(&diff.unified_diff().context_radius(3).header(&name, "the code").to_string())?;
    let federation = if arguments.federation { " --federation" } else { "" };
    let without = if arguments.without_tokens { " --without-tokens" } else { "" };
    bail!(
        "{name} is not the schema of this version; print it anew with `flowmatix-graphql schema{federation}{without} > {name}`"
    );
}
