//! `demo`: the sample Flowmatix and the service in front of it, with nothing to configure.

use anyhow::{Context, Result};
use secrecy::SecretString;

use super::configuration::{ConfigArgs, announce};
use crate::app::App;
use crate::config::{AuthMode, Flag};
use crate::config::{Config, Profile};
use crate::demo::Demo;
use crate::demo::{ACCOUNTS, AGENCY_TOKEN};
use crate::telemetry;

pub(super) fn run(arguments: &ConfigArgs) -> Result<()> {
    let mut config = arguments.load(Profile::Demo)?;
    telemetry::start_logs(&config.log)?;
    super::runtime::block_on(async {
        let listen = config.demo.listen;
        let demo = Demo::start(&config.demo).with_context(|| format!("demo.listen: cannot listen on {listen}"))?;
        config.auth.mode = Some(AuthMode::Server);
        config.follow(&demo_flags(&demo))?;
        let app = App::start(&config, Some(SecretString::from(AGENCY_TOKEN))).await?;
        announce(&config, &app);
        greet(&config, &app, &demo);
        app.run().await
    })
}

/// The settings with which the service uses the sample.
fn demo_flags(demo: &Demo) -> Vec<Flag> {
    let set = |path: &str, value: &str| Flag { flag: "demo".into(), path: path.into(), value: value.into() };
    vec![
        set("upstream.url", &demo.url()),
        set("account.email", ACCOUNTS[0].email),
        set("account.type", ACCOUNTS[0].user_type),
    ]
}

fn greet(config: &Config, app: &App, demo: &Demo) {
    let address = app.address();
    say!("");
    say!("  explorer         http://{address}/ (in a browser)");
    say!("  GraphQL          http://{address}/graphql");
    say!("  admin            http://{}/health/ready and /metrics", app.admin_address());
    say!("  sample Flowmatix {} (accounts, tokens, switches)", demo.url());
    say!("");
    say!("  The service holds the agency token, which opens every account; a request that names none reads the first.");
    say!("");
    say!("  {:<28} {:<12} {:>7}  token", "account", "type", "members");
    for account in ACCOUNTS {
        say!("  {:<28} {:<12} {:>7}  {}", account.email, account.user_type, account.members, account.token);
    }
    say!("  {:<28} {:<12} {:>7}  {AGENCY_TOKEN}", "(all of them)", "", "");
    say!("");
    say!("  curl -s http://{address}/graphql -H 'content-type: application/json' \\");
    say!("    -d '{{\"query\":\"{{ teamMembers {{ nodes {{ name role {{ id }} }} }} }}\"}}'");
    say!("");
    if !config.http.listen.ip().is_loopback() {
        say!("  Everybody who can reach {address} can read this (invented) data.\n");
    }
}
