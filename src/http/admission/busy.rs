//! The refusal of what there is no room for now.

use crate::graphql::Code;
use crate::http::response::error::HttpError;

/// Come back in a second.
pub(in crate::http) fn busy(message: &str) -> HttpError {
    HttpError { retry_after: Some(1), ..HttpError::new(Code::RequestConcurrencyLimited, message) }
}
