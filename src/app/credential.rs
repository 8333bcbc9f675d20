//! Reads the upstream credential that the server holds, from where the configuration says it is. It is never a setting.

use anyhow::{Context, Result, bail};
use secrecy::SecretString;

use crate::config;

/// The upstream access token that the server holds; `None` where the configuration names no place for one.
///
/// # Errors
/// When the place cannot be read, or holds no token. The token is in no message.
pub fn held_token(settings: &config::Auth) -> Result<Option<SecretString>> {
    let (source, text) = match (&settings.credential_env, &settings.credential_file) {
        (Some(name), _) => {
            let text = std::env::var(name).ok();
            (
                format!("the environment variable {name}"),
                text.context(format!("auth.credential_env: {name} is not set")),
            )
        }
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path);
            (path.display().to_string(), text.context(format!("auth.credential_file: cannot read {}", path.display())))
        }
        (None, None) => return Ok(None),
    };
    let text = text?;
    let token = text.trim();
    let fits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        bail!("{source} holds no access token: one line of printable characters without spaces");
    }
    Ok(Some(SecretString::from(token)))
}
