//! Reads the secrets that the server holds, from where the configuration says they are. A secret is never a setting.

use std::path::Path;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;

use crate::config;

/// The secret that routers share; `None` where the configuration names no place for one.
///
/// # Errors
/// When the place cannot be read, or holds no secret. The secret is in no message.
pub(super) fn router_secret(settings: &config::Federation) -> Result<Option<SecretString>> {
    read("federation.secret", settings.secret_env.as_deref(), settings.secret_file.as_deref())
}

/// The upstream access token that the server holds; `None` where the configuration names no place for one.
///
/// # Errors
/// When the place cannot be read, or holds no token. The token is in no message.
pub fn held_token(settings: &config::Auth) -> Result<Option<SecretString>> {
    read("auth.credential", settings.credential_env.as_deref(), settings.credential_file.as_deref())
}

/// The secret in the environment variable that `…_env` names, or in the file that `…_file` does.
fn read(setting: &str, variable: Option<&str>, file: Option<&Path>) -> Result<Option<SecretString>> {
    let (source, text) = match (variable, file) {
        (Some(name), _) => {
            let text = std::env::var(name).ok();
            (format!("{setting}_env"), text.with_context(|| format!("{setting}_env: {name} is not set"))?)
        }
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path);
            let cannot = || format!("{setting}_file: cannot read {}", path.display());
            (format!("{setting}_file"), text.with_context(cannot)?)
        }
        (None, None) => return Ok(None),
    };
    let secret = text.trim();
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        bail!("{source}: there is no secret, which is one line of printable characters without spaces");
    }
    Ok(Some(SecretString::from(secret)))
}
