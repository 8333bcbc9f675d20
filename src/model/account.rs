//! The account: the e-mail address and user type that the upstream requires, which together select one list.

use std::fmt;
use std::sync::Arc;

use super::names::UserType;

/// An e-mail address, trimmed and ASCII-lower-cased once, so that one account has one spelling. Debug hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(Arc<str>);

/// The text is not an e-mail address. The text itself is personal data and stays out of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid e-mail address")]
pub struct InvalidEmail;

impl EmailAddress {
    /// Checks by the rule of HTML's e-mail input (RFC 5322's dot-atom without quoting, at most 254 characters).
    ///
    /// # Errors
    /// [`InvalidEmail`] when the text is none.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.len() > 254 {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b));
        if !local_ok || !domain.split('.').all(is_label) {
            return Err(InvalidEmail);
        }
        // Most are in lower case already.
        let is_lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        Ok(Self(if is_lower { text.into() } else { text.to_ascii_lowercase().into() }))
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// The account whose team is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// The upstream's `email` parameter.
    pub email: EmailAddress,
    /// The upstream's `type` parameter.
    pub user_type: UserType,
}
