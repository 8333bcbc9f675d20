//! The command line: parses the arguments, runs the command and turns its result into an exit code. Each command has a
//! file of its own.

use super::{check, configuration, demo, demo_upstream, health, keys, manual, plan, schema, serve, settings};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::telemetry::flush_logs;

/// The output of `--version`: the version, and what the binary was built from.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("BUILT_COMMIT"),
    ", ",
    env!("BUILT_PROFILE"),
    " build for ",
    env!("BUILT_TARGET"),
    ")"
);

/// A GraphQL service layer in front of the Flowmatix team-members endpoint.
///
/// Without a command it runs `demo`: a sample Flowmatix and the service in front of it.
#[derive(Parser)]
#[command(version, long_version = LONG_VERSION, after_help = "Settings: see `flowmatix-graphql settings`, or docs/configuration.md.")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service with a sample Flowmatix behind it: nothing to configure. With --upstream-url, in front of that one.
    Demo(configuration::ConfigArgs),
    /// Run the sample Flowmatix alone.
    DemoUpstream(configuration::ConfigArgs),
    /// Run the service in front of the real Flowmatix: the production profile.
    Serve(configuration::ConfigArgs),
    /// Validate the configuration and print what is in effect; with --live, make one upstream call and report the result.
    Check(check::CheckArgs),
    /// Print the GraphQL schema, check a copy of it, or tell what changed since an older one.
    Schema(schema::SchemaArgs),
    /// Tell what operations cost before they ship: cells, accounts, scopes and, with traffic, upstream calls and ages.
    Plan(plan::PlanArgs),
    /// Ask a running service's admin port whether it is ready; for container health checks.
    Health(configuration::ConfigArgs),
    /// Make API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Print every setting with its default and meaning, as Markdown.
    Settings,
    /// Print the manual page, in roff.
    Man,
    /// Print a shell's completions.
    Completions(manual::CompletionsArgs),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let result = match command.unwrap_or_else(|| Command::Demo(configuration::ConfigArgs::default())) {
        // They have several exit codes.
        Command::Check(arguments) => return check::run(&arguments),
        Command::Schema(arguments) => return schema::run(&arguments),
        Command::Plan(arguments) => return plan::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::DemoUpstream(arguments) => demo_upstream::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Keys(command) => keys::run(&command),
        Command::Settings => settings::run(),
        Command::Man => manual::man(Cli::command()),
        Command::Completions(arguments) => manual::completions(&arguments, Cli::command()),
    };
    flush_logs();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
