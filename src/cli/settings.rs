//! The command `settings`: prints the reference of all settings, as docs/configuration.md has it.

use anyhow::Result;

use crate::config::Config;

pub(super) fn run() -> Result<()> {
    super::output::print(&Config::reference())
}
