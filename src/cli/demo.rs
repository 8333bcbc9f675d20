//! `demo`: the service as one tries it out, in front of a sample Flowmatix, or of another one that is named.
//!
//! Configured values are honoured or refused: a mode, files of keys, an account, an upstream.

use std::io::ErrorKind;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;

use super::configuration::{ConfigArgs, announce};
use super::demo_callers::DemoCallers;
use crate::app::{App, Signals};
use crate::config::{AuthMode, Flag};
use crate::config::{Config, Profile};
use crate::demo::Demo;
use crate::demo::{ACCOUNTS, AGENCY_TOKEN};
use crate::telemetry;

pub(super) fn run(arguments: &ConfigArgs) -> Result<()> {
    let config = arguments.load(Profile::Demo)?;
    telemetry::start_logs(&config.log)?;
    let signals = Signals::install()?;
    super::runtime::block_on(async {
        if config.is_given("upstream.url") {
            in_front(config, arguments, signals).await
        } else {
            with_sample(config, arguments, signals).await
        }
    })
}

/// In front of an upstream that is configured. It is asked with what is configured, and callers are those of the production
/// profile: nothing is known of whose people these are.
async fn in_front(mut config: Config, arguments: &ConfigArgs, signals: Signals) -> Result<()> {
    ensure!(
        !config.is_given("demo"),
        "the settings of [demo] are for the sample Flowmatix, which is not started when upstream.url is given"
    );
    if !config.is_given("upstream.allow_http") {
        config.upstream.allow_http = config.upstream.url.is_local();
    }
    config.check(Profile::Serve)?;
    let allow_http = config.upstream.allow_http;
    let source = arguments.source(Profile::Demo, move |mut config| {
        config.upstream.allow_http = allow_http;
        config.check(Profile::Serve).map(|()| config)
    })?;
    let app = App::start(&config, None).await?.with_source(source);
    announce(&config, &app);
    addresses(&app);
    say!("  Flowmatix        {}", config.upstream.url.as_str());
    say!("");
    app.run(signals).await
}

/// In front of a sample, which is started besides.
async fn with_sample(mut config: Config, arguments: &ConfigArgs, signals: Signals) -> Result<()> {
    let demo = start_sample(&mut config)?;
    let mode = *config.auth.mode.get_or_insert(AuthMode::Server);
    let mut flags = vec![("upstream.url", demo.url())];
    if !config.is_given("account") {
        flags.push(("account.email", ACCOUNTS[0].email.to_owned()));
        flags.push(("account.type", ACCOUNTS[0].user_type.to_owned()));
    }
    let flag = |(path, value): (&str, String)| Flag { flag: "demo".into(), path: path.into(), value };
    config.follow(&flags.into_iter().map(flag).collect::<Vec<_>>())?;
    let callers = DemoCallers::make(&mut config, mode)?;
    config.check(Profile::Demo)?;
    let own_credential = config.auth.credential_env.is_some() || config.auth.credential_file.is_some();
    let token = (mode.holds_the_credential() && !own_credential).then(|| SecretString::from(AGENCY_TOKEN));
    // Address, callers and upstream are those of the run, whatever the file says of them later.
    let running = config.clone();
    let source = arguments.source(Profile::Demo, move |mut config| {
        let ours =
            |path: &String| ["auth.", "jwt.", "account.", "upstream.", "demo."].iter().any(|own| path.starts_with(own));
        let paths: Vec<String> = config.changes(&running).into_iter().filter(ours).collect();
        config.keep(&paths, &running);
        config.check(Profile::Demo).map(|()| config)
    })?;
    let app = App::start(&config, token).await?.with_source(source);
    announce(&config, &app);
    greet(&config, &app, &demo, mode, callers.as_ref());
    app.run(signals).await
}

/// The sample, on its usual port, or on any free one where that is taken and was not asked for: only what is printed names it.
fn start_sample(config: &mut Config) -> Result<Demo> {
    let listen = config.demo.listen;
    let started = match Demo::start(&config.demo) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && !config.is_given("demo.listen") => {
            config.demo.listen.set_port(0);
            Demo::start(&config.demo)
        }
        started => started,
    };
    started.with_context(|| format!("demo.listen: cannot listen on {listen}"))
}

/// Where a browser of this machine finds an address: an unspecified one cannot be opened.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

fn addresses(app: &App) {
    let address = reachable(app.address());
    say!("");
    let scheme = app.scheme();
    say!("  explorer         {scheme}://{address}/ (in a browser)");
    say!("  GraphQL          {scheme}://{address}/graphql");
    if let Some(name) = app.own_name().filter(|_| app.address().ip().is_unspecified()) {
        say!("                   {scheme}://{name}:{}/graphql (from another container)", app.address().port());
    }
    say!("  admin            http://{}/health/ready and /metrics", reachable(app.admin_address()));
}

fn greet(config: &Config, app: &App, demo: &Demo, mode: AuthMode, callers: Option<&DemoCallers>) {
    addresses(app);
    say!("  sample Flowmatix {} (accounts, tokens, switches)", demo.url());
    say!("");
    let tokens = match mode {
        AuthMode::Server => {
            say!(
                "  The service holds the agency token, which opens every account; a request that names none reads the first."
            );
            "Flowmatix token"
        }
        AuthMode::Passthrough => {
            say!("  Each request brings a Flowmatix token, as `Authorization: Bearer …`.");
            "Flowmatix token"
        }
        AuthMode::ApiKeys if callers.is_some() => {
            say!("  Each request brings an API key, as `Authorization: Bearer …`. These are good for this run:");
            "API key"
        }
        AuthMode::Jwt if callers.is_some() => {
            say!("  Each request brings a JWT, as `Authorization: Bearer …`. These are good for this run:");
            "JWT"
        }
        AuthMode::Mtls => {
            say!("  Each connection shows a client certificate of auth.certificates_file. The sample's accounts:");
            "Flowmatix token"
        }
        AuthMode::ApiKeys => {
            say!(
                "  Each request brings an API key of auth.keys_file, as `Authorization: Bearer …`. The sample's accounts:"
            );
            "Flowmatix token"
        }
        AuthMode::Jwt => {
            say!(
                "  Each request brings a JWT of the configured issuer, as `Authorization: Bearer …`. The sample's accounts:"
            );
            "Flowmatix token"
        }
    };
    if mode.asks_for_a_token() {
        say!("  In the explorer it goes under Headers: {{ \"Authorization\": \"Bearer …\" }}");
    }
    say!("");
    say!("  {:<28} {:<12} {:>7}  {tokens}", "account", "type", "members");
    for (n, account) in ACCOUNTS.iter().enumerate() {
        let token = callers.map_or(account.token, |callers| &callers.tokens[n]);
        say!("  {:<28} {:<12} {:>7}  {token}", account.email, account.user_type, account.members);
    }
    let all = callers.map_or(AGENCY_TOKEN, |callers| &callers.all);
    say!("  {:<28} {:<12} {:>7}  {all}", "(all of them)", "", "");
    say!("");
    let address = reachable(app.address());
    let bearer = callers.map(|callers| format!(" -H 'authorization: Bearer {}'", callers.tokens[0]));
    let scheme = app.scheme();
    say!("  curl -s {scheme}://{address}/graphql -H 'content-type: application/json'{} \\", bearer.unwrap_or_default());
    say!("    -d '{{\"query\":\"{{ teamMembers {{ nodes {{ name role {{ id }} }} }} }}\"}}'");
    say!("");
    if mode == AuthMode::Server && !config.http.listen.ip().is_loopback() {
        say!(
            "  Everybody who can reach port {} of this machine can read this (invented) data.\n",
            app.address().port()
        );
    }
}
