//! The arguments of every command that runs a server, and the line that it logs at start.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::app::{App, ConfigSource};
use crate::config::{AuthMode, Flag, Problems, Sources};
use crate::config::{Config, Profile};
use crate::telemetry::flush_logs;

/// Settings: defaults, then the file, then FLOWMATIX_… variables, then these flags.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct ConfigArgs {
    /// A TOML file of settings.
    #[arg(long, value_name = "FILE", env = "FLOWMATIX_CONFIG")]
    config: Option<PathBuf>,
    /// Where GraphQL is served (http.listen).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where health and metrics are served (admin.listen).
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// The address of Flowmatix (upstream.url).
    #[arg(long, value_name = "URL")]
    upstream_url: Option<String>,
    /// The authentication mode: passthrough, api-keys, jwt, mtls or server (auth.mode).
    #[arg(long, value_name = "MODE")]
    auth_mode: Option<String>,
    /// Any setting, such as `--set roster.fresh_for=30s`. Can be given again.
    #[arg(long, value_name = "SETTING=VALUE")]
    set: Vec<String>,
}

impl ConfigArgs {
    /// For a command that runs nothing: a file, and settings as `--set` takes them.
    pub(super) fn of(config: Option<PathBuf>, set: Vec<String>) -> Self {
        Self { config, set, ..Self::default() }
    }

    pub(super) fn load(&self, profile: Profile) -> Result<Config> {
        Ok(Config::load(profile, &self.sources()?)?)
    }

    /// The configuration, for what needs no callers: any authentication mode will do.
    pub(super) fn load_without_callers(&self, profile: Profile) -> Result<Config> {
        let mut sources = self.sources()?;
        let flag = Flag { flag: String::new(), path: "auth.mode".to_owned(), value: "passthrough".to_owned() };
        sources.flags.push(flag);
        Ok(Config::load(profile, &sources)?)
    }

    /// The admin address.
    pub(super) fn admin_address(&self, profile: Profile) -> Result<SocketAddr> {
        Ok(self.load_without_callers(profile)?.admin.listen)
    }

    /// Where the configuration is read again; `adapt` changes it as the running one was changed.
    pub(super) fn source(
        &self,
        profile: Profile,
        adapt: impl Fn(Config) -> Result<Config, Problems> + Send + Sync + 'static,
    ) -> Result<ConfigSource> {
        let sources = Sources { regular_file_only: true, ..self.sources()? };
        let load = move || Config::load(profile, &sources).and_then(&adapt);
        Ok(ConfigSource { load: Box::new(load), file: self.config.clone() })
    }

    fn sources(&self) -> Result<Sources> {
        let named = [
            ("--listen", "http.listen", &self.listen),
            ("--admin-listen", "admin.listen", &self.admin_listen),
            ("--upstream-url", "upstream.url", &self.upstream_url),
            ("--auth-mode", "auth.mode", &self.auth_mode),
        ];
        let mut flags: Vec<Flag> = named
            .into_iter()
            .filter_map(|(flag, path, value)| {
                let value = value.clone()?;
                Some(Flag { flag: flag.to_owned(), path: path.to_owned(), value })
            })
            .collect();
        for pair in &self.set {
            let (path, value) =
                pair.split_once('=').context("--set needs SETTING=VALUE, such as `--set roster.fresh_for=30s`")?;
            flags.push(Flag { flag: "--set".to_owned(), path: path.to_owned(), value: value.to_owned() });
        }
        // clap handles the variable of the file's name; it is not a setting.
        let environment = std::env::vars().filter(|(name, _)| name != "FLOWMATIX_CONFIG").collect();
        Ok(Sources { file: self.config.clone(), environment, flags, regular_file_only: false })
    }
}

/// Logs one line with the addresses and the main settings.
pub(super) fn announce(config: &Config, app: &App) {
    tracing::info!(
        graphql = %format_args!("{}://{}/graphql", app.scheme(), app.address()),
        admin = %format_args!("http://{}", app.admin_address()),
        upstream = config.upstream.url.as_str(),
        auth = config.auth.mode.map_or("none", AuthMode::name),
        default_account = config.account.email.is_some(),
        introspection = config.graphql.introspection,
        federation = config.federation.enabled,
        fresh = %humantime::format_duration(config.roster.fresh_for),
        stale = %humantime::format_duration(config.roster.stale_for),
        plan = config.budget.calls_per_hour,
        // Without a ledger file, a restart forgets the calls of the last window.
        ledger_file = config.budget.file.is_some(),
        "listening"
    );
    // What is printed next comes after it.
    flush_logs();
}
