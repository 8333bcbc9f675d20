//! The service: builds every stage from a configuration, binds the listeners, and runs the life cycle.
//!
//! Stages: start → ready → drain → stop. A second signal ends the process at once.

use super::credential::{self, held_token};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::SecretString;

use crate::auth::{Authenticator, SERVER_CREDENTIAL, Secret};
use crate::compute::ComputePool;
use crate::config;
use crate::config::AuthMode;
use crate::config::Config;
use crate::graphql::{Engine, Manifest, Settings};
use crate::http;
use crate::http::{AdmissionControl, AppState, Health};
use crate::loader::LoaderFactory;
use crate::model::{Account, Clock, Credential, CredentialId, EmailAddress};
use crate::roster::{LookupWaits, Rosters};
use crate::telemetry::Metrics;
use crate::upstream::Upstream;
use crate::upstream::{Budget, Client, GuardedUpstream, Inspection, check_live};

use super::listener::Listener;

/// A running service.
pub struct App {
    public: Listener,
    admin: Listener,
    health: Arc<Health>,
    upstream: Arc<dyn Upstream>,
    drain_delay: Duration,
    grace_period: Duration,
}

impl App {
    /// Builds the service, binds its listeners and starts serving. `token` overrides the configured upstream credential
    /// of the server.
    ///
    /// # Errors
    /// When the upstream client cannot be built, another process uses the ledger file, or an address cannot be bound.
    pub async fn start(config: &Config, token: Option<SecretString>) -> Result<Self> {
        let clock = Clock::start();
        let metrics = Arc::new(Metrics::default());
        let compute = ComputePool::of_all_cores(config.graphql.compute_queue_limit);
        let upstream = guarded(config, clock, metrics.clone()).await?.with_compute(compute.clone());
        Self::build(config, token, Arc::new(upstream), clock, metrics, compute)
    }

    /// Starts the service over any upstream.
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
        let compute = ComputePool::of_all_cores(config.graphql.compute_queue_limit);
        Self::build(config, token, upstream, clock, metrics, compute)
    }

    fn build(
        config: &Config,
        token: Option<SecretString>,
        upstream: Arc<dyn Upstream>,
        clock: Clock,
        metrics: Arc<Metrics>,
        compute: ComputePool,
    ) -> Result<Self> {
        let rosters = Arc::new(
            Rosters::new(&config.roster, upstream.clone(), clock, metrics.clone()).with_waits(LookupWaits::new(config)),
        );
        let loaders = LoaderFactory::new(rosters, config.loader.concurrency, metrics.clone());
        let settings = Settings {
            graphql: config.graphql.clone(),
            documents: config.documents.clone(),
            manifest: manifest(&config.documents)?,
            federation: config.federation.clone(),
        };
        let health = Arc::new(Health::default());
        let public = http::public(AppState {
            engine: Engine::new(settings, loaders, metrics.clone()).with_compute(compute),
            auth: auth(config, token, &metrics)?,
            settings: config.http.clone(),
            admission: AdmissionControl::new(&config.http),
            health: health.clone(),
            metrics: metrics.clone(),
        });
        let admin = http::admin(health.clone(), metrics.clone());
        let listener = |setting, address, routes, metrics| {
            Listener::start(setting, address, routes, &config.http, health.clone(), metrics)
        };
        Ok(Self {
            public: listener("http.listen", config.http.listen, public, Some(metrics))?,
            admin: listener("admin.listen", config.admin.listen, admin, None)?,
            health,
            upstream,
            drain_delay: config.http.drain_delay,
            grace_period: config.http.grace_period,
        })
    }

    /// The address of the GraphQL listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.public.address()
    }

    /// The address of the admin listener.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Stops the service: it is not ready from now on, accepts requests for the drain delay, and then finishes open requests within the
    /// grace period.
    pub async fn stop(self) {
        self.health.drain();
        tokio::time::sleep(self.drain_delay).await;
        self.public.stop(self.grace_period).await;
        self.admin.stop(Duration::ZERO).await;
        self.upstream.close().await;
    }

    /// Serves until SIGTERM or SIGINT, then stops. A second signal ends it at once.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub async fn run(self) -> Result<()> {
        signal().await?;
        tracing::info!("stopping");
        tokio::select! {
            () = self.stop() => Ok(()),
            again = signal() => again,
        }
    }
}

/// The configured upstream, with budget, breaker and retries.
///
/// # Errors
/// When the client cannot be built, or another process uses the ledger file.
pub async fn upstream(config: &Config, clock: Clock, metrics: Arc<Metrics>) -> Result<Arc<dyn Upstream>> {
    Ok(Arc::new(guarded(config, clock, metrics).await?))
}

async fn guarded(config: &Config, clock: Clock, metrics: Arc<Metrics>) -> Result<GuardedUpstream> {
    let client = Arc::new(client(config, clock).await?);
    let budget = Budget::open(&config.budget, clock, metrics.clone())?;
    Ok(GuardedUpstream::new(client, &config.upstream, budget, fastrand::u64(..), clock, metrics))
}

/// Makes one upstream call for the default account with the server's credential, and reports the result. It is one of the
/// plan, and is written in the ledger file first.
///
/// # Errors
/// When there is no default account or no credential, or when the call may not be made.
pub async fn inspect(config: &Config) -> Result<Inspection> {
    let account = default_account(config)?
        .context("a live check reads the default account: set account.email and account.type")?;
    let token = held_token(&config.auth)?
        .context("a live check needs a token: set auth.credential_env or auth.credential_file")?;
    // In mode `passthrough` the ledger knows a token by its hash, whichever caller brings it.
    let holds = config.auth.mode.is_some_and(AuthMode::holds_the_credential);
    let id = if holds { CredentialId::Held(SERVER_CREDENTIAL.into()) } else { CredentialId::Forwarded([0; 32]) };
    let credential = Credential::new(id, SecretString::clone(&token.get()));
    let clock = Clock::start();
    let client = client(config, clock).await?;
    let budget = Budget::open(&config.budget, clock, Arc::default()).context(
        "a live check makes a call of the plan, which is written in budget.file: stop the service that uses it",
    )?;
    let timeout = config.upstream.attempt_timeout;
    check_live(&client, &budget, clock, timeout, &account, &credential).await.context("no call was made")
}

/// Checks that the files of the authentication settings can be used: keys, tokens and accounts.
///
/// # Errors
/// The first file that is invalid. The message does not quote it.
pub async fn try_callers(config: &Config) -> Result<()> {
    auth(config, None, &Arc::default()).map(drop)
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

/// Waits for SIGTERM or SIGINT.
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

fn auth(config: &Config, token: Option<SecretString>, metrics: &Arc<Metrics>) -> Result<Authenticator> {
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
        AuthMode::Jwt => Authenticator::jwt(&config.jwt, held()?, &config.account, default, metrics.clone())?,
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
    Ok(Some(Account { email, user_type }))
}
