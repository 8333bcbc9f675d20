//! The state that replicas share, made from the configuration: reads the files that it names.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::credential::find;
use crate::cluster::{Cluster, ClusterSecrets, InvalidCluster, TierError, TierInfo};
use crate::config::Config;
use crate::files;
use crate::graphql::SharedDocuments;
use crate::telemetry::Metrics;

/// How long after its time-out a call may still be counted by the vendor.
const LATE: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a registered document is kept after it was registered last.
const DOCUMENTS: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// The largest file of keys or certificates.
const FILE_LIMIT: u64 = 1 << 20;

/// The shared state that the configuration asks for; `None` where it has none.
///
/// # Errors
/// When a file cannot be read, or something in it or in the address cannot be used.
pub(super) fn cluster(config: &Config, metrics: &Arc<Metrics>) -> Result<Option<Arc<Cluster>>> {
    let settings = &config.cluster;
    if settings.url.is_none() {
        return Ok(None);
    }
    let names = ("cluster.password_env", "cluster.password_file");
    let password = find(names, settings.password_env.as_deref(), settings.password_file.as_deref())?;
    let read = |setting: &str, path: &Path| {
        files::read(path, FILE_LIMIT).map_err(|problem| anyhow!("{setting}: {}: {problem}", path.display()))
    };
    let keys = match &settings.key_file {
        Some(path) => {
            let text = String::from_utf8(read("cluster.key_file", path)?);
            Some(SecretString::from(text.ok().context("cluster.key_file: expected text")?))
        }
        None => None,
    };
    let ca_pem = match &settings.ca_file {
        Some(path) => Some(read("cluster.ca_file", path)?),
        None => None,
    };
    let password = password.map(|password| SecretString::clone(&password.get()));
    let secrets = ClusterSecrets { password, keys, ca_pem };
    let late = config.upstream.attempt_timeout + LATE;
    Ok(Cluster::new(settings, &secrets, config.budget.window, late, metrics)?.map(Arc::new))
}

/// Registered documents, kept in the tier for all replicas.
pub(super) struct TierDocuments(pub(super) Arc<Cluster>);

impl SharedDocuments for TierDocuments {
    fn get<'a>(&'a self, hash: &'a str) -> BoxFuture<'a, Option<String>> {
        async move {
            let values = &self.0.values;
            let read = values.read(&values.names().of("document", &[hash.as_bytes()]), &[]).await.ok()?;
            String::from_utf8(read.value?.0).ok()
        }
        .boxed()
    }

    fn put(&self, hash: String, text: Arc<str>) {
        let values = self.0.values.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "one for a document that is new, and it ends with the tier's timeout"
        )]
        tokio::spawn(async move {
            let name = values.names().of("document", &[hash.as_bytes()]);
            // Where the tier is away, clients send the text again.
            let _ = values.write(&name, text.as_bytes(), DOCUMENTS, None).await;
        });
    }
}

/// The tier's information about itself, and the duration of a round trip; `None` where the configuration names none,
/// and an error inside where it is away, which a service that starts waits for.
///
/// # Errors
/// When it is there and cannot be used.
pub async fn try_tier(config: &Config) -> Result<Option<Result<(TierInfo, std::time::Duration), InvalidCluster>>> {
    let Some(cluster) = cluster(config, &Arc::default())? else { return Ok(None) };
    match cluster.probe().await {
        Err(away @ InvalidCluster::Tier(TierError::Away)) => Ok(Some(Err(away))),
        Err(error) => Err(error.into()),
        Ok(info) => Ok(Some(Ok(info))),
    }
}
