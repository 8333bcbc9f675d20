//! The bearer token of a request (RFC 6750, section 2.1): exactly one, in the `Authorization` header.

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::error::AuthError;

/// The maximum length of a token, in bytes.
const TOKEN_LIMIT: usize = 8 << 10;
/// Query parameters that clients put tokens into by mistake.
const IN_URL: [&str; 4] = ["access_token", "api_key", "authorization", "token"];

/// The token; `missing` is the error message for a request without one.
pub(super) fn bearer<'p>(parts: &'p Parts, missing: &'static str) -> Result<&'p str, AuthError> {
    let names = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    if names.into_iter().any(|name| IN_URL.iter().any(|known| name.eq_ignore_ascii_case(known))) {
        return Err(AuthError::Unauthenticated(
            "a token in the URL ends up in logs: send it in the Authorization header, and replace this one",
        ));
    }
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(AuthError::Unauthenticated(missing)),
        (Some(_), Some(_)) => {
            return Err(AuthError::Unauthenticated("send one Authorization header, not several"));
        }
        (Some(value), None) => value,
    };
    let malformed = AuthError::Unauthenticated("the Authorization header is not `Bearer` and a token");
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(malformed.clone())?;
    let token = token.trim_matches(' ');
    let fits = !token.is_empty()
        && token.len() <= TOKEN_LIMIT
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
    if scheme.eq_ignore_ascii_case("bearer") && fits { Ok(token) } else { Err(malformed) }
}
