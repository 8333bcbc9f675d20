//! Cache tags, from the configuration: the key that names are made with, and the webhook that tells of changes.

use std::sync::Arc;

use anyhow::{Result, ensure};
use secrecy::ExposeSecret;

use super::credential::{SHORTEST_KEY, find};
use crate::auth::Secret;
use crate::config::Config;
use crate::model::{CacheTagKey, Clock, TeamListener};
use crate::telemetry::Metrics;
use crate::webhook::Webhook;

/// The key and the webhook secret of cache tags.
pub(super) struct CacheTags {
    /// Makes the names.
    pub(super) key: Arc<CacheTagKey>,
    /// The router's key, where changes are posted.
    webhook_secret: Option<Secret>,
}

impl CacheTags {
    /// Reads the secrets; `None` where the configuration has no use for tags.
    ///
    /// # Errors
    /// When a secret cannot be read, or is too short. It is in no message.
    pub(super) fn new(config: &Config) -> Result<Option<Self>> {
        let settings = &config.cache_tags;
        let names = ("cache_tags.secret_env", "cache_tags.secret_file");
        let secret = find(names, settings.secret_env.as_deref(), settings.secret_file.as_deref())?;
        let names = ("cache_tags.webhook_secret_env", "cache_tags.webhook_secret_file");
        let (name, path) = (settings.webhook_secret_env.as_deref(), settings.webhook_secret_file.as_deref());
        let webhook_secret = find(names, name, path)?;
        let is_used = settings.extensions || settings.header || settings.webhook_url.is_some();
        let Some(secret) = secret.filter(|_| is_used) else { return Ok(None) };
        let secret = secret.get();
        let secret = secret.expose_secret().as_bytes();
        ensure!(
            secret.len() >= SHORTEST_KEY,
            "cache_tags.secret_env and cache_tags.secret_file: expected at least {SHORTEST_KEY} characters"
        );
        Ok(Some(Self { key: Arc::new(CacheTagKey::new(secret)), webhook_secret }))
    }
}

/// Cache tags at work.
#[derive(Default)]
pub(super) struct StartedCacheTags {
    /// Makes the names, where answers have any.
    pub(super) key: Option<Arc<CacheTagKey>>,
    /// Posts changes, where there is somewhere to post them.
    pub(super) listener: Option<Arc<dyn TeamListener>>,
}

/// Starts the webhook, where the configuration has one.
///
/// # Errors
/// When there can be no client for it.
pub(super) fn start(
    tags: Option<CacheTags>,
    config: &Config,
    clock: Clock,
    metrics: &Arc<Metrics>,
) -> Result<StartedCacheTags> {
    let Some(CacheTags { key, webhook_secret }) = tags else { return Ok(StartedCacheTags::default()) };
    let settings = &config.cache_tags;
    let listener: Option<Arc<dyn TeamListener>> = match (&settings.webhook_url, webhook_secret) {
        (Some(url), Some(secret)) => {
            let secret = Box::new(move || secret.get());
            // No answer may be kept for longer than its team is fresh.
            let useful_for = config.roster.fresh_for;
            let (key, metrics) = (key.clone(), metrics.clone());
            Some(Arc::new(Webhook::start(settings, url, key, secret, useful_for, clock, metrics)?))
        }
        _ => None,
    };
    Ok(StartedCacheTags { key: Some(key), listener })
}
