//! Reload: the whole configuration is read again, checked, and takes effect in one step; a bad one changes nothing.
//!
//! The steps: read → name what needs a restart, and keep its running value → check what comes of that → make callers, documents
//! and certificates → make the next generation → swap the routes. Rosters, ledgers, breakers, connections and subscriptions
//! go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::generation::{Generation, Lasting};
use super::prepared::{self, PreparedConfig};
use super::watched_files::WatchedFiles;
use crate::config::{Config, FILE_LIMIT, HttpConfig, Problems};
use crate::http::{ConnectionLimiter, ServerTls, SwappableRoutes};
use crate::model::Clock;
use crate::telemetry;

/// Where a configuration is read again.
pub struct ConfigSource {
    /// Reads it.
    pub load: Box<dyn Fn() -> Result<Config, Problems> + Send + Sync>,
    /// Its file, where it has one.
    pub file: Option<PathBuf>,
}

pub(super) struct Reloader {
    pub(super) lasting: Lasting,
    pub(super) current: Generation,
    pub(super) public: SwappableRoutes,
    pub(super) admin: SwappableRoutes,
    /// Of the public listener and of the admin port.
    pub(super) limiters: Option<[ConnectionLimiter; 2]>,
    pub(super) tls: Option<Arc<ServerTls>>,
    /// The upstream credential of the server, where it is not configured.
    pub(super) token: Option<SecretString>,
    source: Option<ConfigSource>,
    watched: WatchedFiles,
}

impl Reloader {
    pub(super) fn new(
        lasting: Lasting,
        current: Generation,
        token: Option<SecretString>,
        tls: Option<Arc<ServerTls>>,
    ) -> Self {
        lasting.latest.set(&current.state);
        let (public, admin) =
            (SwappableRoutes::new(current.public.clone()), SwappableRoutes::new(current.admin.clone()));
        let watched = WatchedFiles::new([], FILE_LIMIT);
        Self { lasting, current, public, admin, limiters: None, tls, token, source: None, watched }
    }

    /// From now on there is something to read again.
    pub(super) fn set_source(&mut self, source: ConfigSource) {
        self.source = Some(source);
        self.watch();
    }

    /// Watches the files of the configuration that is in effect.
    fn watch(&mut self) {
        let file = self.source.as_ref().and_then(|source| source.file.as_deref());
        let manifest = self.current.config.documents.manifest.as_deref();
        self.watched = WatchedFiles::new(file.into_iter().chain(manifest), FILE_LIMIT);
    }

    /// How often files are looked at; `None` where they are not.
    pub(super) fn interval(&self) -> Option<Duration> {
        Some(self.current.config.reload.interval).filter(|interval| !interval.is_zero() && self.source.is_some())
    }

    /// Looks at the files, and reloads where one has changed.
    pub(super) async fn look(&mut self) {
        if let Some(tls) = &self.tls {
            tls.refresh();
        }
        if self.watched.have_changed() {
            self.reload("a file has changed").await;
        }
    }

    /// Reads the configuration again.
    pub(super) async fn reload(&mut self, reason: &'static str) {
        let Some(source) = &self.source else { return };
        if let Some(tls) = &self.tls {
            tls.refresh();
        }
        // Seen before they are read, so that a change that comes meanwhile is one.
        let manifest = |config: &Config| config.documents.manifest.clone();
        let mut watched = WatchedFiles::new(source.file.as_deref(), FILE_LIMIT);
        watched.add(manifest(&self.current.config));
        let next = match (source.load)() {
            Ok(config) => {
                watched.add(manifest(&config));
                self.next(config).await
            }
            Err(problems) => Err(problems),
        };
        self.watched = watched;
        match next {
            Ok(next) => self.take(next, reason),
            Err(problems) => {
                self.lasting.metrics.process().reloaded(None);
                tracing::error!(reason, %problems, "the configuration was read again, and is not used; the former one stays");
            }
        }
    }

    /// The generation of a configuration, with the running values of what needs a restart.
    async fn next(&self, mut config: Config) -> Result<Generation, Problems> {
        let running = &self.current.config;
        let changes = config.changes(running);
        // Also of what is not used before a restart: it would not start then.
        let clock = Clock::start();
        let whole = PreparedConfig::with_client(&config, self.token.clone(), clock, &Arc::default()).await?;
        let (waiting, changed): (Vec<_>, Vec<_>) = changes.into_iter().partition(|path| Config::needs_restart(path));
        if !waiting.is_empty() {
            tracing::warn!(settings = waiting.join(", "), "these settings have changed, and need a restart");
        }
        config.keep(&waiting, running);
        let prepared = if waiting.is_empty() {
            whole.0
        } else {
            config.check(config.profile())?;
            PreparedConfig::new(&config, self.token.clone(), &self.lasting.metrics)?
        };
        tracing::info!(settings = changed.join(", "), "the configuration was read again");
        Ok(Generation::new(&self.lasting, config, prepared, Some(&self.current)))
    }

    fn take(&mut self, next: Generation, reason: &'static str) {
        for warning in prepared::warnings(&next.config) {
            tracing::warn!(warning, "the configuration is usable, and not safe");
        }
        telemetry::set_log_level(&next.config.log.level);
        self.public.set(next.public.clone());
        self.admin.set(next.admin.clone());
        self.lasting.latest.set(&next.state);
        if let Some([public, admin]) = &self.limiters {
            public.set(&next.config.http);
            admin.set(&HttpConfig { proxy_protocol: false, ..next.config.http.clone() });
        }
        let former = std::mem::replace(&mut self.current, next);
        // Streams that began with it may hold it for hours.
        former.state.engine.retire();
        self.lasting.metrics.process().reloaded(Some(self.current.number));
        tracing::info!(reason, generation = self.current.number, "the configuration is in effect");
    }
}
