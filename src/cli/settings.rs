//! `settings`: prints the configuration reference.

use anyhow::Result;

use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// One table, one line a setting.
    #[arg(long)]
    summary: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    super::print(&if arguments.summary { Config::summary() } else { Config::reference() })
}
