//! `settings`: prints the configuration reference.

use anyhow::Result;

use crate::config::Config;

pub(super) fn run() -> Result<()> {
    super::output::print(&Config::reference())
}
