//! The account headers: both present, each once and valid, or both absent. An invalid pair never falls through to another account.

use axum::http::{HeaderMap, HeaderName};

use crate::model::{AccessError, Account, EmailAddress, UserType};

/// Names the account's e-mail address.
static EMAIL: HeaderName = HeaderName::from_static("x-flowmatix-email");
/// Names the account's user type.
static TYPE: HeaderName = HeaderName::from_static("x-flowmatix-type");

pub(super) fn from_headers(headers: &HeaderMap) -> Result<Option<Account>, AccessError> {
    let email = one(headers, &EMAIL).ok_or(AccessError::BadInput("send x-flowmatix-email once, as text"))?;
    let user_type = one(headers, &TYPE).ok_or(AccessError::BadInput("send x-flowmatix-type once, as text"))?;
    match (email, user_type) {
        (None, None) => Ok(None),
        (Some(email), Some(user_type)) => Ok(Some(Account {
            email: EmailAddress::parse(email)
                .map_err(|_| AccessError::BadInput("x-flowmatix-email is not a valid e-mail address"))?,
            user_type: UserType::from_name(user_type.trim())
                .ok_or(AccessError::BadInput("x-flowmatix-type is not AGENT, CUSTOM_USER or CUSTOMER"))?,
        })),
        _ => Err(AccessError::BadInput("send x-flowmatix-email and x-flowmatix-type together")),
    }
}

/// The header's value, if present; `None` when it occurs more than once or is not text.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => value.to_str().ok().map(Some),
        (Some(_), Some(_)) => None,
    }
}
