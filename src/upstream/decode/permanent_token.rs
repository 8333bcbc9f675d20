//! Reads a permanent token from the body of the endpoint that issues one.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::model::{Malformed, PermanentToken};

/// The longest token, in bytes.
const TOKEN_LIMIT: usize = 8 << 10;
/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

#[derive(Deserialize)]
struct Body {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    permanent_token: Issued,
}

#[derive(Deserialize)]
struct Issued {
    key: String,
    /// A value of another type must not cost the token.
    #[serde(default)]
    active: Value,
}

/// The token in a body whose envelope reports success.
pub(in crate::upstream) fn permanent_token(body: &[u8]) -> Result<PermanentToken, Malformed> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let Body { data: Data { permanent_token: Issued { key, active } } } =
        serde_json::from_slice(body).map_err(|_| Malformed::WrongShape)?;
    let key = SecretString::from(key);
    let text = key.expose_secret();
    if text.is_empty() || text.len() > TOKEN_LIMIT || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Malformed::WrongShape);
    }
    Ok(PermanentToken { key, active: active.as_bool() })
}
