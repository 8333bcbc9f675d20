//! Statuses: the table from error codes to HTTP status codes.
//!
//! Under `application/json` the response to a well-formed GraphQL request is 200, because clients and gateways of that media
//! type drop the body of any other status. Refusals that do not depend on the GraphQL request (authentication, size, rate,
//! overload, media types, methods) have the same status in both media types.

use axum::http::StatusCode;

use super::negotiate::MediaType;
use crate::config::Statuses;
use crate::graphql::Code;

/// The status of a request that is refused with this code.
pub(in crate::http) fn refused(code: Code, media_type: MediaType, statuses: Statuses) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::Csrf => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::InvalidAccept => StatusCode::NOT_ACCEPTABLE,
        Code::InvalidContentType | Code::InvalidContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
        Code::RequestRateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::RequestConcurrencyLimited | Code::AuthenticationUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RequestTimeout => StatusCode::GATEWAY_TIMEOUT,
        // The request is no GraphQL request.
        Code::BadRequest | Code::BatchingNotEnabled => match (media_type, statuses) {
            (MediaType::GraphQlResponse, Statuses::Edition2026) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        },
        _ if media_type == MediaType::Json => StatusCode::OK,
        Code::PersistedQueryNotFound => match statuses {
            // As Apollo Server has it: the client is expected to send the text next.
            Statuses::Audits => StatusCode::OK,
            Statuses::Edition2026 => StatusCode::NOT_FOUND,
        },
        Code::ParseFailed => StatusCode::BAD_REQUEST,
        _ => match statuses {
            Statuses::Audits => StatusCode::BAD_REQUEST,
            Statuses::Edition2026 => StatusCode::UNPROCESSABLE_ENTITY,
        },
    }
}

/// The GraphQL over HTTP edition's own number for data with errors beside it.
pub(in crate::http) const PARTIAL_SUCCESS: StatusCode = match StatusCode::from_u16(294) {
    Ok(status) => status,
    Err(_) => StatusCode::OK,
};

/// The status of a request that was executed.
pub(in crate::http) fn executed(has_errors: bool, media_type: MediaType, statuses: Statuses) -> StatusCode {
    match (has_errors, media_type, statuses) {
        (true, MediaType::GraphQlResponse, Statuses::Edition2026) => PARTIAL_SUCCESS,
        _ => StatusCode::OK,
    }
}
