//! A generation: what one configuration makes of the parts that live as long as the process. A reload makes the next one.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::cluster::TierDocuments;
use super::prepared::PreparedConfig;
use crate::cluster::Cluster;
use crate::compute::ComputePool;
use crate::config::{AuditAccounts, AuditConfig, Config};
use crate::graphql::{Engine, Settings};
use crate::http;
use crate::http::{
    AdmissionControl, AppState, Auditor, Health, InvalidationEndpoint, Latest, LiveStreams, LogNames, Plans, Routes,
    StatusSource,
};
use crate::loader::LoaderFactory;
use crate::model::CacheTagKey;
use crate::roster::Rosters;
use crate::telemetry::{AuditLog, Metrics, OpenTarget, Traces};

/// State that outlives a configuration: rosters and everything behind them, counts, names.
pub(super) struct Lasting {
    pub(super) rosters: Arc<Rosters>,
    /// The state shared with other replicas, if there are any.
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) compute: ComputePool,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) traces: Traces,
    pub(super) log_names: LogNames,
    pub(super) audit_log: AuditLog,
    pub(super) plans: Plans,
    /// The source of the status page.
    pub(super) stages: Arc<dyn StatusSource>,
    pub(super) latest: Latest,
    /// Makes the cache tags of answers, where they have any.
    pub(super) cache_tag_key: Option<Arc<CacheTagKey>>,
}

impl Lasting {
    /// Writes the audit log, from now on to this target.
    fn auditor(&self, settings: &AuditConfig, target: OpenTarget, key: Option<SecretString>) -> Arc<Auditor> {
        let limit = usize::try_from(settings.queue_limit.as_u64()).unwrap_or(usize::MAX);
        if let Err(problem) = self.audit_log.set(target, limit) {
            tracing::error!(%problem, "the audit log cannot go to its new target: records go on to the former one, where there is one");
        }
        let names =
            key.map_or_else(|| self.log_names.clone(), |key| LogNames::with_key(key.expose_secret().as_bytes()));
        let in_clear = settings.accounts == AuditAccounts::Clear;
        Auditor::new(self.audit_log.clone(), in_clear, names, self.log_names.clone())
    }
}

/// One configuration at work.
pub(super) struct Generation {
    /// How many there have been, with this one.
    pub(super) number: u64,
    pub(super) config: Config,
    pub(super) state: Arc<AppState>,
    pub(super) public: Routes,
    pub(super) admin: Routes,
}

impl Generation {
    /// Takes over the state of `former`, where there is one: known callers, counts and permits stay.
    pub(super) fn new(lasting: &Lasting, config: Config, prepared: PreparedConfig, former: Option<&Self>) -> Self {
        let metrics = &lasting.metrics;
        let loaders = LoaderFactory::new(lasting.rosters.clone(), config.loader.concurrency, metrics.clone());
        let loaders = loaders.with_live(&config.live);
        let settings = Settings {
            graphql: config.graphql.clone(),
            documents: config.documents.clone(),
            manifest: prepared.manifest,
            federation: config.federation.clone(),
            tokens: config.tokens.clone(),
        };
        let engine = Engine::new(settings, loaders, metrics.clone()).with_compute(lasting.compute.clone());
        let (engine, auth) = match &lasting.cluster {
            Some(cluster) => (
                engine.with_shared_documents(Arc::new(TierDocuments(cluster.clone()))),
                prepared.auth.sharing_identities(&cluster.values.names().secret("identity")),
            ),
            None => (engine, prepared.auth),
        };
        let audit = prepared.audit_target.map(|target| lasting.auditor(&config.audit, target, prepared.audit_key));
        let engine = if audit.is_some() { engine.with_audit() } else { engine };
        let engine = match &lasting.cache_tag_key {
            Some(key) => engine.with_cache_tags(key.clone(), config.cache_tags.clone()),
            None => engine,
        };
        let mut http = config.http.clone();
        // By its own name, which containers of one network know, a machine is asked as by its address.
        http.allowed_hosts.extend(own_name());
        let same_limits = former.filter(|former| AdmissionControl::is_same(&former.config.http, &config.http));
        let state = Arc::new(AppState {
            engine: former.map(|former| &former.state.engine).into_iter().fold(engine, Engine::succeeding),
            auth: match former {
                Some(former) => auth.succeeding(&former.state.auth),
                None => auth,
            },
            admission: match same_limits {
                Some(former) => former.state.admission.clone(),
                None => Arc::new(AdmissionControl::new(&config.http)),
            },
            live: match former {
                Some(former) => former.state.live.with_settings(&config.live),
                None => LiveStreams::new(&config.live),
            },
            settings: http,
            health: lasting.health.clone(),
            metrics: metrics.clone(),
            traces: lasting.traces.clone(),
            // To be tried with a sample on this machine: a token of Flowmatix's own opens an account for good.
            shows_tokens: config.tokens.enabled && config.upstream.url.is_local(),
            log_names: lasting.log_names.clone(),
            audit,
            plans: lasting.plans.clone(),
            latest: lasting.latest.clone(),
        });
        let invalidations =
            prepared.admin_secret.map(|secret| InvalidationEndpoint::new(state.clone(), secret, &config.admin));
        let names = state.auth.is_open().then(|| state.settings.allowed_hosts.clone());
        let status = (lasting.plans.clone(), lasting.stages.clone());
        let admin = http::admin(lasting.health.clone(), metrics.clone(), status, names, invalidations);
        let number = former.map_or(1, |former| former.number + 1);
        Self { number, config, public: http::public(state.clone()), admin, state }
    }
}

/// The machine's own name, or its container's.
pub(super) fn own_name() -> Option<String> {
    let name =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let name = name.ok().or_else(|| std::env::var("HOSTNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
