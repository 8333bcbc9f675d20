//! `serve`: the service in front of the real Flowmatix, with the production profile.

use anyhow::Result;

use super::configuration::{ConfigArgs, announce};
use crate::app::{App, Signals};
use crate::config::Profile;
use crate::telemetry;

pub(super) fn run(arguments: &ConfigArgs) -> Result<()> {
    let config = arguments.load(Profile::Serve)?;
    telemetry::start_logs(&config.log)?;
    let signals = Signals::install()?;
    super::runtime::block_on(async {
        let app = App::start(&config, None).await?.with_source(arguments.source(Profile::Serve, Ok)?);
        announce(&config, &app);
        app.run(signals).await
    })
}
