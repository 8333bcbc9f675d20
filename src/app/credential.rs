//! Where the secrets that the server holds are. A secret is never a setting.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use secrecy::{ExposeSecret as _, SecretString};

use crate::auth::Secret;
use crate::config;

/// The shortest secret that names are made with: a shorter one can be found by trying.
pub(super) const SHORTEST_KEY: usize = 16;

/// The secret that routers share; `None` where the configuration names no place for one.
///
/// # Errors
/// When the place cannot be read, or holds no secret. The secret is in no message.
pub(super) fn router_secret(settings: &config::FederationConfig) -> Result<Option<Secret>> {
    let names = ("federation.secret_env", "federation.secret_file");
    find(names, settings.secret_env.as_deref(), settings.secret_file.as_deref())
}

/// The secret of the admin port; `None` where the configuration names no file of one.
///
/// # Errors
/// When the file cannot be read, or holds no secret. The secret is in no message.
pub(super) fn admin_secret(settings: &config::AdminConfig) -> Result<Option<Secret>> {
    find(("", "admin.invalidate_secret_file"), None, settings.invalidate_secret_file.as_deref())
}

/// The key of accounts' names in the audit log; `None` where the configuration names no file of one.
///
/// # Errors
/// When the file cannot be read, or holds no key. The key is in no message.
pub(super) fn audit_key(settings: &config::AuditConfig) -> Result<Option<SecretString>> {
    let Some(path) = &settings.key_file else { return Ok(None) };
    let key = SecretString::clone(&Secret::file("audit.key_file", path)?.get());
    let length = key.expose_secret().len();
    anyhow::ensure!(length >= SHORTEST_KEY, "audit.key_file: expected a key of at least {SHORTEST_KEY} characters");
    Ok(Some(key))
}

/// The upstream access token that the server holds; `None` where the configuration names no place for one.
///
/// # Errors
/// When the place cannot be read, or holds no token. The token is in no message.
pub(super) fn held_token(settings: &config::AuthConfig) -> Result<Option<Secret>> {
    let names = ("auth.credential_env", "auth.credential_file");
    find(names, settings.credential_env.as_deref(), settings.credential_file.as_deref())
}

/// The secret in the environment variable that one setting names, or in the file that the other does.
pub(super) fn find(
    (variable, file): (&'static str, &'static str),
    name: Option<&str>,
    path: Option<&Path>,
) -> Result<Option<Secret>> {
    match (name, path) {
        (Some(name), _) => {
            // The name is not shown: it can be the secret itself, put in the wrong place.
            let text = std::env::var(name).ok();
            let text =
                text.with_context(|| format!("{variable}: the environment variable that it names is not set"))?;
            Secret::fixed(&text).map(Some).map_err(|problem| anyhow!("{variable}: {problem}"))
        }
        (None, Some(path)) => Ok(Some(Secret::file(file, path)?)),
        (None, None) => Ok(None),
    }
}
