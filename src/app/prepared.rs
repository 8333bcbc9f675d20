//! Everything that is made of a configuration before anything is bound or locked: the callers, the documents and the
//! upstream client.
//!
//! `serve` and `check` both come through here, so they refuse the same configurations with the same words, and name every
//! mistake at once.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use secrecy::SecretString;

use super::cache_tags::CacheTags;
use super::cluster::cluster;
use super::credential::{self, held_token};
use super::open_files;
use crate::auth::{AdminSecret, Authenticator, Secret};
use crate::config;
use crate::config::{AuthMode, Config, FILE_LIMIT, Problems};
use crate::files;
use crate::graphql::Manifest;
use crate::http::ServerTls;
use crate::model::{Account, Clock, EmailAddress};
use crate::telemetry::{Metrics, OpenTarget, TraceSettings};
use crate::upstream::{Budget, Client};

/// The largest file of certificates, in bytes.
const CERTIFICATES_LIMIT: u64 = 1 << 20;

/// How callers are authenticated, and which documents are trusted.
pub(super) struct PreparedConfig {
    pub(super) auth: Authenticator,
    pub(super) manifest: Manifest,
    /// TLS on the public listener, where it is configured.
    pub(super) tls: Option<Arc<ServerTls>>,
    /// The secret of invalidations, if they are served.
    pub(super) admin_secret: Option<AdminSecret>,
    /// Where the audit log is written, where there is one; open once the configuration is to be used.
    pub(super) audit_target: Option<OpenTarget>,
    /// The key of accounts' names in it.
    pub(super) audit_key: Option<SecretString>,
    /// The key and secret of cache tags, if answers have any.
    pub(super) cache_tags: Option<CacheTags>,
}

impl PreparedConfig {
    /// `token` overrides the configured upstream credential of the server.
    ///
    /// # Errors
    /// Every mistake.
    pub(super) fn new(config: &Config, token: Option<SecretString>, metrics: &Arc<Metrics>) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let prepared = Self::collect(config, token, metrics, &mut problems);
        prepared.ok_or_else(|| Problems::from(problems))?.opened(config)
    }

    /// Opens what only a configuration that is used may open.
    fn opened(self, config: &Config) -> Result<Self, Problems> {
        let target = config.audit.target.as_ref().map(OpenTarget::open).transpose();
        Ok(Self { audit_target: target.map_err(|error| problem(error.into()))?, ..self })
    }

    /// With a client of the upstream.
    ///
    /// # Errors
    /// Every mistake.
    pub(super) async fn with_client(
        config: &Config,
        token: Option<SecretString>,
        clock: Clock,
        metrics: &Arc<Metrics>,
    ) -> Result<(Self, Client), Problems> {
        let mut problems = Vec::new();
        let client = kept(client(config, clock).await, &mut problems);
        let prepared = Self::collect(config, token, metrics, &mut problems);
        let (prepared, client) = prepared.zip(client).ok_or_else(|| Problems::from(problems))?;
        Ok((prepared.opened(config)?, client))
    }

    fn collect(
        config: &Config,
        token: Option<SecretString>,
        metrics: &Arc<Metrics>,
        problems: &mut Vec<String>,
    ) -> Option<Self> {
        let auth = kept(auth(config, token, metrics), problems);
        let manifest = kept(manifest(&config.documents), problems);
        let secret = kept(credential::admin_secret(&config.admin), problems);
        let tls = kept(tls(config, metrics), problems);
        let audit_key = kept(credential::audit_key(&config.audit), problems);
        let target = config.audit.target.as_ref().map_or(Ok(()), OpenTarget::check);
        kept(target.map_err(Into::into), problems)?;
        let traces = kept(TraceSettings::check(&config.otel).map_err(|problem| anyhow!(problem)), problems);
        let cache_tags = kept(CacheTags::new(config), problems);
        traces?;
        Some(Self {
            auth: auth?,
            manifest: manifest?,
            tls: tls?,
            admin_secret: secret?.map(AdminSecret::new),
            audit_target: None,
            audit_key: audit_key?,
            cache_tags: cache_tags?,
        })
    }
}

/// Whether `serve` would start with this configuration: everything but the sockets and the ledger file is made, and those are
/// tried. Another process may have them, such as the service that the configuration is for.
///
/// # Errors
/// Every mistake. No message quotes a secret.
pub async fn verify(config: &Config) -> Result<()> {
    let mut problems = Vec::new();
    kept(client(config, Clock::start()).await, &mut problems);
    PreparedConfig::collect(config, None, &Arc::default(), &mut problems);
    kept(cluster(config, &Arc::default()), &mut problems);
    if let Some(path) = &config.budget.file {
        kept(Budget::try_file(path).map_err(Into::into), &mut problems);
    }
    for (setting, address) in [("http.listen", config.http.listen), ("admin.listen", config.admin.listen)] {
        match TcpListener::bind(address) {
            Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
                problems.push(format!("{setting}: cannot listen on {address}: {error}"));
            }
            _ => {}
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problems::from(problems).into()) }
}

/// The one problem that was found where `verify` names all of them, in the same words.
pub(super) fn problem(error: anyhow::Error) -> Problems {
    vec![format!("{error:#}")].into()
}

/// Warnings about a configuration that is usable: files of secrets that every user of this machine can write.
#[must_use]
pub fn warnings(config: &Config) -> Vec<String> {
    let files: [(&str, Option<&Path>); 17] = [
        ("admin.invalidate_secret_file", config.admin.invalidate_secret_file.as_deref()),
        ("audit.key_file", config.audit.key_file.as_deref()),
        ("auth.credential_file", config.auth.credential_file.as_deref()),
        ("auth.keys_file", config.auth.keys_file.as_deref()),
        ("auth.certificates_file", config.auth.certificates_file.as_deref()),
        ("http.tls.certificate_file", config.http_tls.certificate_file.as_deref()),
        ("http.tls.key_file", config.http_tls.key_file.as_deref()),
        ("http.tls.client_ca_file", config.http_tls.client_ca_file.as_deref()),
        ("federation.secret_file", config.federation.secret_file.as_deref()),
        ("cache_tags.secret_file", config.cache_tags.secret_file.as_deref()),
        ("cache_tags.webhook_secret_file", config.cache_tags.webhook_secret_file.as_deref()),
        ("jwt.jwks_file", config.jwt.jwks_file.as_deref()),
        ("jwt.accounts_file", config.jwt.accounts_file.as_deref()),
        ("upstream.ca_file", config.upstream.ca_file.as_deref()),
        ("cluster.key_file", config.cluster.key_file.as_deref()),
        ("cluster.password_file", config.cluster.password_file.as_deref()),
        ("cluster.ca_file", config.cluster.ca_file.as_deref()),
    ];
    let open = files.into_iter().filter_map(|(setting, path)| Some((setting, open_files::weakness(path?)?)));
    open.map(|(setting, weakness)| format!("{setting}: {weakness}")).collect()
}

pub(super) async fn client(config: &Config, clock: Clock) -> Result<Client> {
    let ca_pem = match &config.upstream.ca_file {
        Some(path) => {
            let cannot = |problem| anyhow!("upstream.ca_file: {}: {problem}", path.display());
            Some(files::read(path, CERTIFICATES_LIMIT).map_err(cannot)?)
        }
        None => None,
    };
    Ok(Client::new(&config.upstream, &config.tokens.path, ca_pem.as_deref(), clock)?)
}

fn auth(config: &Config, token: Option<SecretString>, metrics: &Arc<Metrics>) -> Result<Authenticator> {
    let default = default_account(config)?;
    let mode = config.auth.mode.context("auth.mode must be chosen")?;
    let held = match token {
        Some(token) => Some(Secret::from(token)),
        // Tried in mode `passthrough`, too, where only a live check uses it.
        None => held_token(&config.auth)?,
    };
    let held = || held.with_context(|| format!("auth.mode: `{}` needs a token", mode.name()));
    let auth = match mode {
        AuthMode::Passthrough => Authenticator::passthrough(&config.account, default),
        AuthMode::ApiKeys => {
            let keys = config.auth.keys_file.as_deref().context("auth.keys_file: mode `api-keys` needs it")?;
            Authenticator::api_keys(keys, held()?, &config.account, default)?
        }
        AuthMode::Jwt => Authenticator::jwt(&config.jwt, held()?, &config.account, default, metrics.clone())?,
        AuthMode::Mtls => {
            let file =
                config.auth.certificates_file.as_deref().context("auth.certificates_file: mode `mtls` needs it")?;
            Authenticator::certificates(file, held()?, &config.account, default)?
        }
        AuthMode::Server => Authenticator::server(held()?, &config.account, default),
    };
    Ok(match credential::router_secret(&config.federation)? {
        Some(secret) => auth.with_router_secret(secret),
        None => auth,
    })
}

fn tls(config: &Config, metrics: &Arc<Metrics>) -> Result<Option<Arc<ServerTls>>> {
    let optional = config.auth.mode == Some(AuthMode::Mtls);
    let tls = ServerTls::open(&config.http_tls, optional, metrics.clone())?;
    if let Some(warning) = tls.as_ref().and_then(ServerTls::warning) {
        tracing::warn!(setting = "http.tls.certificate_file", warning, "clients will refuse the certificate");
    }
    Ok(tls.map(Arc::new))
}

fn manifest(settings: &config::DocumentsConfig) -> Result<Manifest> {
    let Some(path) = &settings.manifest else { return Ok(Manifest::default()) };
    let cannot = |problem| anyhow!("documents.manifest: {}: {problem}", path.display());
    let bytes = files::read(path, FILE_LIMIT).map_err(cannot)?;
    let text = String::from_utf8(bytes).map_err(|_| cannot("it is no text".to_owned()))?;
    Manifest::read(&text).with_context(|| format!("documents.manifest: {}", path.display()))
}

pub(super) fn default_account(config: &Config) -> Result<Option<Account>> {
    let (Some(email), Some(user_type)) = (&config.account.email, config.account.user_type) else {
        return Ok(None);
    };
    let email = EmailAddress::parse(email).context("account.email")?;
    Ok(Some(Account { email, user_type }))
}

/// The value, or its absence and one problem more.
fn kept<T>(made: Result<T>, problems: &mut Vec<String>) -> Option<T> {
    made.map_err(|error| problems.push(format!("{error:#}"))).ok()
}
