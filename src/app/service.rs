//! The composition root: builds every hop from a configuration, binds the listeners and sees the service through its life.
//!
//! The only module that knows all hops. `cli` and the tests call it.

use super::credential::{self, held_token};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::SecretString;

use crate::auth::Authenticator;
use crate::auth::Secret;
use crate::config;
use crate::config::AuthMode;
use crate::config::Config;
use crate::graphql::{Engine, Manifest, Settings};
use crate::http;
use crate::http::{AdmissionControl, AppState, Health};
use crate::model::{Account, Clock, Credential, CredentialId, EmailAddress, UserType};
use crate::roster::Rosters;
use crate::telemetry::Metrics;
use crate::upstream::Upstream;
use crate::upstream::{Budget, Client, GuardedUpstream, Inspection};

use super::listener::Listener;

/// A running service.
pub struct App {
    public: Listener,
    admin: Listener,
    health: Arc<Health>,
    drain_delay: Duration,
    grace_period: Duration,
}

impl App {
    /// Builds the service, binds its listeners and starts to serve. `token` is the upstream credential, where the server
    /// holds it and the configuration does not say where it is.
    ///
    /// # Errors
    /// When the upstream's settings make no client, another process has the ledger file, or an address cannot be bound.
    pub async fn start(config: &Config, token: Option<SecretString>) -> Result<Self> {
        let clock = Clock::start();
        let metrics = Arc::new(Metrics::default());
        let upstream = upstream(config, clock, metrics.clone()).await?;
        Self::start_over(config, token, upstream, clock, metrics)
    }

    /// The same, over any upstream.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub fn start_over(
        config: &Config,
        token: Option<SecretString>,
        upstream: Arc<dyn Upstream>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let rosters = Arc::new(Rosters::new(&config.roster, upstream, clock, metrics.clone()));
        let settings = Settings {
            graphql: config.graphql.clone(),
            documents: config.documents.clone(),
            manifest: manifest(&config.documents)?,
            federation: config.federation.clone(),
            loader_concurrency: config.loader.concurrency,
            rows_limit: config.upstream.rows_limit,
        };
        let health = Arc::new(Health::default());
        let public = http::public(AppState {
            engine: Engine::new(settings, rosters, metrics.clone()),
            auth: auth(config, token)?,
            settings: config.http.clone(),
            admission: AdmissionControl::new(&config.http),
            health: health.clone(),
            metrics: metrics.clone(),
        });
        let admin = http::admin(health.clone(), metrics);
        Ok(Self {
            public: Listener::start("http.listen", config.http.listen, public, &config.http, health.clone())?,
            admin: Listener::start("admin.listen", config.admin.listen, admin, &config.http, health.clone())?,
            health,
            drain_delay: config.http.drain_delay,
            grace_period: config.http.grace_period,
        })
    }

    /// Where GraphQL is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where health and metrics are served.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Stops: not ready at once, the listener stays open for the drain delay, then what is under way may finish within the
    /// grace period.
    pub async fn stop(self) {
        self.health.drain();
        tokio::time::sleep(self.drain_delay).await;
        self.public.stop(self.grace_period).await;
        self.admin.stop(Duration::ZERO).await;
    }

    /// Serves until the process is told to stop (SIGTERM or SIGINT), then stops. A second signal ends it at once.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub async fn run(self) -> Result<()> {
        signal().await?;
        tracing::info!("stopping");
        tokio::select! {
            () = self.stop() => Ok(()),
            again = signal() => again,
        }
    }
}

/// The configured endpoint, guarded.
///
/// # Errors
/// When the upstream's settings make no client, or another process has the ledger file.
pub async fn upstream(config: &Config, clock: Clock, metrics: Arc<Metrics>) -> Result<Arc<dyn Upstream>> {
    let client = Arc::new(client(config, clock).await?);
    let budget = Budget::open(&config.budget, clock)?;
    Ok(Arc::new(GuardedUpstream::new(client, &config.upstream, budget, fastrand::u64(..), clock, metrics)))
}

/// Makes one upstream call for the configured account, with the token that the server holds, and tells what came back.
///
/// # Errors
/// When the configuration names no account or no token.
pub async fn inspect(config: &Config) -> Result<Inspection> {
    let account = default_account(config)?
        .context("a live check reads the default account: set account.email and account.type")?;
    let token = held_token(&config.auth)?
        .context("a live check needs a token: set auth.credential_env or auth.credential_file")?;
    let credential = Credential::new(CredentialId::Held("check".into()), SecretString::clone(&token.get()));
    let client = client(config, Clock::start()).await?;
    Ok(client.inspect(&account, &credential).await)
}

/// Whether what the configuration says of callers can be used: keys, tokens and accounts that are in files.
///
/// # Errors
/// What cannot be read, without repeating any of it.
pub async fn try_callers(config: &Config) -> Result<()> {
    auth(config, None).map(drop)
}

async fn client(config: &Config, clock: Clock) -> Result<Client> {
    let ca_pem = match &config.upstream.ca_file {
        Some(path) => {
            let pem = tokio::fs::read(path).await;
            Some(pem.with_context(|| format!("upstream.ca_file: cannot read {}", path.display()))?)
        }
        None => None,
    };
    Ok(Client::new(&config.upstream, ca_pem.as_deref(), clock)?)
}

/// Waits until the process is told to stop.
async fn signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn auth(config: &Config, token: Option<SecretString>) -> Result<Authenticator> {
    let default = default_account(config)?;
    let mode = config.auth.mode.context("auth.mode must be chosen")?;
    let held = || match token {
        Some(token) => Ok(Secret::from(token)),
        None => held_token(&config.auth)?.with_context(|| format!("auth.mode: `{}` needs a token", mode.name())),
    };
    let auth = match mode {
        AuthMode::Passthrough => Authenticator::passthrough(&config.account, default),
        AuthMode::ApiKeys => {
            let keys = config.auth.keys_file.as_deref().context("auth.keys_file: mode `api-keys` needs it")?;
            Authenticator::api_keys(keys, held()?, &config.account, default)?
        }
        AuthMode::Jwt => Authenticator::jwt(&config.jwt, held()?, &config.account, default)?,
        AuthMode::Server => Authenticator::server(held()?, &config.account, default),
    };
    Ok(match credential::router_secret(&config.federation)? {
        Some(secret) => auth.with_router_secret(secret),
        None => auth,
    })
}

fn manifest(settings: &config::DocumentsConfig) -> Result<Manifest> {
    let Some(path) = &settings.manifest else { return Ok(Manifest::default()) };
    let cannot = || format!("documents.manifest: {}", path.display());
    let text = std::fs::read_to_string(path).with_context(cannot)?;
    Manifest::read(&text).with_context(cannot)
}

fn default_account(config: &Config) -> Result<Option<Account>> {
    let (Some(email), Some(user_type)) = (&config.account.email, config.account.user_type) else {
        return Ok(None);
    };
    let email = EmailAddress::parse(email).context("account.email")?;
    let user_type = UserType::from_name(user_type.name()).context("account.type")?;
    Ok(Some(Account { email, user_type }))
}
