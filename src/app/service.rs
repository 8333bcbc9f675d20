//! The service: builds every stage from a configuration, binds the listeners, and runs the life cycle.
//!
//! Stages: start → ready → reload, any number of times → drain → stop. A second signal ends the process at once.

use super::cache_tags;
use super::cluster::cluster;
use super::credential::held_token;
use super::freed_memory;
use super::prepared::{self, PreparedConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::SecretString;

use crate::auth::SERVER_CREDENTIAL;
use crate::cluster::Cluster;
use crate::compute::ComputePool;
use crate::config::AuthMode;
use crate::config::{Config, HttpConfig};
use crate::http::{Health, Latest, LogNames, Plans, SwappableRoutes};
use crate::model::{Clock, Credential, CredentialId, IdentityHash, TeamListener};
use crate::roster::{LookupWaits, Rosters};
use crate::telemetry::{AuditLog, Metrics, Traces};
use crate::upstream::Upstream;
use crate::upstream::{Budget, Client, GuardedUpstream, Inspection, check_live};

use super::generation::{Generation, Lasting, own_name};
use super::listener::HttpListener;
use super::reload::{ConfigSource, Reloader};
use super::signals::{Signal, Signals};
use super::status_source::Stages;

/// How long a stop waits for the audit log to be written.
const AUDIT_LIMIT: Duration = Duration::from_secs(2);

/// A running service.
pub struct App {
    public: HttpListener,
    admin: HttpListener,
    health: Arc<Health>,
    upstream: Arc<dyn Upstream>,
    reloader: Reloader,
    is_encrypted: bool,
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
        let compute = ComputePool::beside_the_network(config.graphql.compute_queue_limit);
        let (mut prepared, client) = PreparedConfig::with_client(config, token.clone(), clock, &metrics).await?;
        for warning in prepared::warnings(config) {
            tracing::warn!(warning, "the configuration is usable, and not safe");
        }
        let cluster = cluster(config, &metrics).map_err(prepared::problem)?;
        let traces = traces(config, &metrics);
        let upstream = guarded(config, client, cluster.clone(), clock, metrics.clone(), compute.clone());
        let upstream = Arc::new(upstream.map_err(prepared::problem)?.with_traces(traces.clone()));
        if let Some(cluster) = &cluster {
            cluster.start().await.map_err(|error| prepared::problem(error.into()))?;
        }
        let lasting = lasting(config, &mut prepared, (upstream.clone(), cluster, traces, compute), clock, metrics);
        let lasting = lasting.map_err(prepared::problem)?;
        Ok(Self::build(config, prepared, token, upstream, lasting).map_err(prepared::problem)?)
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
        let compute = ComputePool::beside_the_network(config.graphql.compute_queue_limit);
        let mut prepared = PreparedConfig::new(config, token.clone(), &metrics)?;
        let traces = traces(config, &metrics);
        let lasting = lasting(config, &mut prepared, (upstream.clone(), None, traces, compute), clock, metrics)?;
        Self::build(config, prepared, token, upstream, lasting)
    }

    fn build(
        config: &Config,
        prepared: PreparedConfig,
        token: Option<SecretString>,
        upstream: Arc<dyn Upstream>,
        lasting: Lasting,
    ) -> Result<Self> {
        let tls = prepared.tls.clone();
        let current = Generation::new(&lasting, config.clone(), prepared, None);
        let mut reloader = Reloader::new(lasting, current, token, tls.clone());
        let (health, metrics) = (reloader.lasting.health.clone(), reloader.lasting.metrics.clone());
        // What asks for health and metrics speaks to this listener itself.
        let admin_http = HttpConfig { proxy_protocol: false, ..config.http.clone() };
        let listener = |setting, address, routes: &SwappableRoutes, settings: &HttpConfig, metrics, tls| {
            HttpListener::start(setting, address, routes.clone(), settings, &reloader.lasting, metrics, tls)
        };
        let is_encrypted = tls.is_some();
        let public = listener("http.listen", config.http.listen, &reloader.public, &config.http, Some(metrics), tls)?;
        let admin = listener("admin.listen", config.admin.listen, &reloader.admin, &admin_http, None, None)?;
        reloader.limiters = Some([public.limiter(), admin.limiter()]);
        gather_entropy();
        let (drain_delay, grace_period) = (config.http.drain_delay, config.http.grace_period);
        Ok(Self { public, admin, is_encrypted, health, upstream, reloader, drain_delay, grace_period })
    }

    /// Reads the configuration again from there: on SIGHUP, and when its file or the manifest has changed.
    #[must_use]
    pub fn with_source(mut self, source: ConfigSource) -> Self {
        self.reloader.set_source(source);
        self
    }

    /// The address of the GraphQL listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where GraphQL is served, for people.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }

    /// The name of this machine, or of its container, by which others of its network may ask.
    #[must_use]
    pub fn own_name(&self) -> Option<String> {
        own_name()
    }

    /// The address of the admin listener.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Stops the service: it is not ready from now on, accepts connections for the drain delay, and then finishes open requests
    /// within the grace period. Returns how many were cut off at its end.
    pub async fn stop(self) -> usize {
        self.health.drain();
        tokio::time::sleep(self.drain_delay).await;
        self.health.close_streams();
        let streams = tokio::time::timeout(self.grace_period, self.health.streams_ended());
        // The listener does not know of connections that became WebSockets.
        let (cut, _) = tokio::join!(self.public.stop(self.grace_period), streams);
        self.admin.stop(Duration::ZERO).await;
        self.upstream.close().await;
        self.reloader.lasting.traces.stop().await;
        let audit_log = self.reloader.lasting.audit_log.clone();
        // It waits for a thread, which waits for a disk or for the reader of a pipe.
        let _ = tokio::task::spawn_blocking(move || audit_log.close(AUDIT_LIMIT)).await;
        cut
    }

    /// Serves until SIGTERM or SIGINT, then stops. Reads the configuration again in between, where it has a source.
    ///
    /// # Errors
    /// When requests were cut off.
    pub async fn run(mut self, signals: Signals) -> Result<()> {
        tokio::select! {
            () = self.until_told(signals) => {}
            never = freed_memory::give_back() => match never {},
        }
        tracing::info!("stopping");
        let cut = self.stop().await;
        anyhow::ensure!(cut == 0, "http.grace_period was over before {cut} of the requests under way were answered");
        Ok(())
    }

    /// Returns when it is told to stop.
    async fn until_told(&mut self, mut signals: Signals) {
        signals.watch(&self.health);
        loop {
            let interval = self.reloader.interval();
            let next = async {
                match interval {
                    Some(interval) => tokio::time::sleep(interval).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => return,
                    Signal::Reload => self.reloader.reload("SIGHUP").await,
                },
                () = next => self.reloader.look().await,
            }
        }
    }
}

/// The state that lives on from one configuration to the next, over this upstream.
///
/// # Errors
/// When there can be no client for the webhook of cache tags.
fn lasting(
    config: &Config,
    prepared: &mut PreparedConfig,
    (upstream, cluster, traces, compute): (Arc<dyn Upstream>, Option<Arc<Cluster>>, Traces, ComputePool),
    clock: Clock,
    metrics: Arc<Metrics>,
) -> Result<Lasting> {
    let tags = cache_tags::start(prepared.cache_tags.take(), config, clock, &metrics)?;
    let rosters = rosters(config, upstream.clone(), cluster.as_ref(), tags.listener, clock, &metrics);
    let log_names = LogNames::default();
    Ok(Lasting {
        compute,
        health: Arc::default(),
        traces,
        audit_log: AuditLog::new(metrics.clone()),
        plans: plans(&log_names, upstream.clone()),
        stages: Arc::new(Stages { rosters: rosters.clone(), upstream, cluster: cluster.clone() }),
        latest: Latest::default(),
        cache_tag_key: tags.key,
        rosters,
        cluster,
        metrics,
        log_names,
    })
}

/// Whose plans are spent, as far as the upstream tells it.
fn plans(names: &LogNames, upstream: Arc<dyn Upstream>) -> Plans {
    Plans::new(names.clone(), Box::new(move |caller| upstream.share(caller)))
}

/// Has the library of TLS gather the entropy of its random bytes, which takes tens of milliseconds of a processor, before the first
/// handshake waits for them on a worker.
fn gather_entropy() {
    tokio::task::spawn_blocking(|| aws_lc_rs::rand::fill(&mut [0]));
}

/// Traces as the environment says. What is wrong with them stops no service.
fn traces(config: &Config, metrics: &Arc<Metrics>) -> Traces {
    let (traces, problems) = Traces::start(config, metrics.clone());
    for problem in problems {
        tracing::warn!(problem, "a variable of OpenTelemetry cannot be used as it is");
    }
    traces
}

/// The configured upstream, with budget, breaker and retries.
///
/// # Errors
/// When the client cannot be built, or another process uses the ledger file.
pub async fn upstream(config: &Config, clock: Clock, metrics: Arc<Metrics>) -> Result<Arc<dyn Upstream>> {
    let client = prepared::client(config, clock).await?;
    let compute = ComputePool::beside_the_network(config.graphql.compute_queue_limit);
    Ok(Arc::new(guarded(config, client, None, clock, metrics, compute)?))
}

fn rosters(
    config: &Config,
    upstream: Arc<dyn Upstream>,
    cluster: Option<&Arc<Cluster>>,
    listener: Option<Arc<dyn TeamListener>>,
    clock: Clock,
    metrics: &Arc<Metrics>,
) -> Arc<Rosters> {
    let rosters = Rosters::new(&config.roster, upstream, clock, metrics.clone()).with_waits(LookupWaits::new(config));
    let rosters = match listener {
        Some(listener) => rosters.with_listener(listener),
        None => rosters,
    };
    Arc::new(match cluster {
        Some(cluster) => rosters.shared_by(cluster.clone()),
        None => rosters,
    })
}

fn guarded(
    config: &Config,
    client: Client,
    cluster: Option<Arc<Cluster>>,
    clock: Clock,
    metrics: Arc<Metrics>,
    compute: ComputePool,
) -> Result<GuardedUpstream> {
    let client = Arc::new(client.with_compute(compute.clone()));
    let budget = Budget::open(&config.budget, clock, metrics.clone())?;
    let budget = match cluster {
        Some(cluster) => budget.shared_by(cluster),
        None => budget,
    };
    let upstream = GuardedUpstream::new(client, &config.upstream, budget, fastrand::u64(..), clock, metrics);
    Ok(upstream.with_compute(compute))
}

/// Makes one upstream call for the default account with the server's credential, and reports the result. It is one of the
/// plan, and is written in the ledger file first.
///
/// # Errors
/// When there is no default account or no credential, or when the call may not be made.
pub async fn inspect(config: &Config) -> Result<Inspection> {
    let account = prepared::default_account(config)?
        .context("a live check reads the default account: set account.email and account.type")?;
    let token = held_token(&config.auth)?
        .context("a live check needs a token: set auth.credential_env or auth.credential_file")?;
    // In mode `passthrough` the ledger knows a token by its hash, whichever caller brings it.
    let holds = config.auth.mode.is_some_and(AuthMode::holds_the_credential);
    let id = if holds {
        CredentialId::Held(SERVER_CREDENTIAL.into())
    } else {
        CredentialId::Forwarded(IdentityHash([0; 32]))
    };
    let credential = Credential::new(id, SecretString::clone(&token.get()));
    let clock = Clock::start();
    let client = prepared::client(config, clock).await?;
    let budget = Budget::open(&config.budget, clock, Arc::default()).context(
        "a live check makes a call of the plan, which is written in budget.file: stop the service that uses it",
    )?;
    let budget = match cluster(config, &Arc::default())? {
        Some(cluster) => {
            cluster.start().await?;
            budget.shared_by(cluster)
        }
        None => budget,
    };
    let timeout = config.upstream.attempt_timeout;
    check_live(&client, &budget, clock, timeout, &account, &credential).await.context("no call was made")
}
