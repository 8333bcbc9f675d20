//! The command `demo-upstream`: serves the sample Flowmatix alone, for a service that is configured by hand.

use anyhow::{Context, Result};

use super::configuration::ConfigArgs;
use crate::app::Signals;
use crate::config::Profile;
use crate::demo::Demo;
use crate::telemetry;

pub(super) fn run(arguments: &ConfigArgs) -> Result<()> {
    let config = arguments.load(Profile::Demo)?;
    telemetry::start_logs(&config.log)?;
    // The first process of a container is ended by no signal that it does not ask for.
    let mut signals = Signals::install()?;
    super::runtime::block_on(async {
        let listen = config.demo.listen;
        let demo = Demo::start(&config.demo).with_context(|| format!("demo.listen: cannot listen on {listen}"))?;
        say!("sample Flowmatix at {} (open it for accounts, tokens and switches)", demo.url());
        tokio::select! {
            () = demo.run() => Ok(()),
            () = signals.stopping() => Ok(()),
        }
    })
}
