//! `check`: validates the configuration and, with `--live`, one answer of the upstream.
//!
//! Exit codes: 0 success · 1 invalid configuration · 2 no team from the upstream · 3 a team that is not as
//! documented.

use std::process::ExitCode;

use anyhow::Result;

use super::configuration;
use crate::app;
use crate::config::AuthMode;
use crate::config::{Config, Profile};
use crate::telemetry::TraceSettings;
use crate::upstream::{Findings, Inspection, Selects};

#[derive(clap::Args)]
#[group(id = "check")]
pub(super) struct CheckArgs {
    /// Make exactly one call to the upstream, for the default account, and report the result.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    configuration: configuration::ConfigArgs,
}

pub(super) fn run(arguments: &CheckArgs) -> ExitCode {
    match check(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn check(arguments: &CheckArgs) -> Result<u8> {
    let config = arguments.configuration.load(Profile::Serve)?;
    super::runtime::block_on(app::verify(&config))?;
    let tier = super::runtime::block_on(app::try_tier(&config))?;
    for warning in app::warnings(&config).into_iter().chain(TraceSettings::read(&config.otel).1) {
        eprintln!("warning: {warning}");
    }
    say!("the configuration is usable; in effect:");
    let defaults = Config::defaults(Profile::Serve).settings();
    for (setting, default) in config.settings().iter().zip(&defaults) {
        let value = if setting.value.is_empty() { "none" } else { &setting.value };
        let mark = if setting.value == default.value { "" } else { "   (set)" };
        say!("  {} = {value}{mark}", setting.path);
    }
    let holds = config.auth.mode.is_some_and(AuthMode::holds_the_credential);
    let traced = TraceSettings::read(&config.otel).0.is_some();
    say!(
        "  traces: {}",
        if traced { "sent, as OpenTelemetry's variables say" } else { "none: no endpoint is configured" }
    );
    say!("  the upstream credential: {}", if holds { "[REDACTED]" } else { "comes with each request" });
    if let Some(Err(away)) = &tier {
        eprintln!("warning: {away}: until it can be, no new call is made");
    }
    if let Some(Ok((tier, latency))) = tier {
        let policy = if tier.policy.is_empty() { "unknown" } else { &tier.policy };
        let sealed = if config.cluster.plaintext { "in the clear" } else { "sealed" };
        say!(
            "  the cluster's tier: version {}, eviction policy {policy}, {} replicas, a round trip of {:.1} ms; records are {sealed}",
            tier.version,
            tier.copies,
            latency.as_secs_f64() * 1000.0
        );
    }
    if !arguments.live {
        return Ok(0);
    }
    let inspection = super::runtime::block_on(app::inspect(&config))?;
    say!("\none call to {}{}:", config.upstream.url.as_str(), config.upstream.path);
    Ok(tell(&inspection))
}

/// Reports the result and returns its exit code.
fn tell(inspection: &Inspection) -> u8 {
    let millis = inspection.elapsed.as_millis();
    match inspection.status {
        Some(status) => say!("  it answered {status} in {millis} ms"),
        None => say!("  it did not answer ({millis} ms)"),
    }
    if inspection.rate_limit.is_empty() {
        say!("  no rate-limit headers came");
    }
    for (name, value) in &inspection.rate_limit {
        say!("  {name}: {value}");
    }
    match &inspection.result {
        Err(error) => {
            say!("  no team: {error}");
            2
        }
        Ok(findings) => {
            describe(findings);
            if findings.drifted() { 3 } else { 0 }
        }
    }
}

fn describe(findings: &Findings) {
    say!("  members: {}", findings.members);
    say!(
        "  email and type seem to select {}",
        match findings.selects {
            Selects::Team => "the account whose team is listed (more than one person came)",
            Selects::OneUser => "one user: the only person who came has that address",
            Selects::Unclear => "a list that is too short to tell",
        }
    );
    let list = |fields: &[&str]| if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    say!("  documented fields that are missing: {}", list(&findings.missing));
    say!("  newer fields that are missing: {}", list(&findings.missing_newer));
    let unknown: Vec<&str> = findings.unknown.iter().map(String::as_str).collect();
    say!("  unknown fields: {}", list(&unknown));
    for (field, count) in &findings.unreadable {
        say!("  unreadable values of {field}: {count}");
    }
    if findings.skipped_rows > 0 {
        say!("  rows that could not be read at all: {}", findings.skipped_rows);
    }
}
