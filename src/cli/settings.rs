//! `settings`: prints the configuration reference.

use anyhow::Result;

use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct SettingsArgs {
    /// Print one table with one line for each setting.
    #[arg(long)]
    summary: bool,
}

pub(super) fn run(arguments: &SettingsArgs) -> Result<()> {
    super::output::print(&if arguments.summary { Config::summary() } else { Config::reference() })
}
