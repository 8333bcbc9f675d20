//! Error codes: the one list of what `extensions.code` can be, and the one place that turns a failure into a GraphQL error.

use crate::model::{ErrorKind, UpstreamError};
use async_graphql::{Error, ErrorExtensions as _};

use crate::model::AccessError;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// Why a request, or a part of it, was not answered: `extensions.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as clients see it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

codes! {
    /// The document is not GraphQL.
    ParseFailed = "GRAPHQL_PARSE_FAILED",
    /// The document does not fit the schema.
    ValidationFailed = "GRAPHQL_VALIDATION_FAILED",
    /// An argument, variable or header makes no sense.
    BadUserInput = "BAD_USER_INPUT",
    /// The HTTP request is not a GraphQL request.
    BadRequest = "BAD_REQUEST",
    /// No document is known by this hash: the client sends the text.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
    /// The hash is not that of the text.
    PersistedQueryHashMismatch = "PERSISTED_QUERY_HASH_MISMATCH",
    /// The document is not on the list of trusted ones.
    QueryNotInSafelist = "QUERY_NOT_IN_SAFELIST",
    /// Persisted queries are not served: the client sends the text.
    PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED",
    /// The document has not the operation asked for.
    OperationResolutionFailure = "OPERATION_RESOLUTION_FAILURE",
    /// The HTTP method is not served here.
    MethodNotAllowed = "METHOD_NOT_ALLOWED",
    /// There is nothing at this path.
    NotFound = "NOT_FOUND",
    /// The body's media type is not JSON.
    InvalidContentType = "INVALID_CONTENT_TYPE_HEADER",
    /// The body's content coding is not known.
    InvalidContentEncoding = "INVALID_CONTENT_ENCODING_HEADER",
    /// No media type or coding that is acceptable can be produced.
    InvalidAccept = "INVALID_ACCEPT_HEADER",
    /// The request might have been sent by another site's page.
    Csrf = "CSRF_ERROR",
    /// The Host header names somebody else.
    MisdirectedRequest = "MISDIRECTED_REQUEST",
    /// Body, document or URI are larger than allowed.
    RequestTooLarge = "REQUEST_TOO_LARGE",
    /// The answer would be larger than allowed.
    ResponseTooLarge = "RESPONSE_TOO_LARGE",
    /// The answer was not ready by the deadline.
    RequestTimeout = "REQUEST_TIMEOUT",
    /// Several requests in one body.
    BatchingNotEnabled = "BATCHING_NOT_ENABLED",
    /// Introspection is switched off.
    IntrospectionDisabled = "INTROSPECTION_DISABLED",
    /// Selections nest too deeply.
    MaxDepth = "MAX_DEPTH_LIMIT",
    /// Too many aliases.
    MaxAliases = "MAX_ALIASES_LIMIT",
    /// Too many fields of the root.
    MaxRootFields = "MAX_ROOT_FIELDS_LIMIT",
    /// Too many directives.
    MaxDirectives = "MAX_DIRECTIVES_LIMIT",
    /// Too many tokens.
    MaxTokens = "MAX_TOKENS_LIMIT",
    /// Too many selections once fragments are spread.
    MaxSelections = "MAX_SELECTIONS_LIMIT",
    /// Brackets nest too deeply.
    MaxRecursion = "MAX_RECURSION_LIMIT",
    /// The answer could have too many cells.
    CostTooHigh = "COST_ESTIMATED_TOO_EXPENSIVE",
    /// Too many conditions in filters.
    MaxFilterTerms = "MAX_FILTER_TERMS_LIMIT",
    /// A filter's conditions nest too deeply.
    MaxFilterDepth = "MAX_FILTER_DEPTH_LIMIT",
    /// Too many items in a list that is an argument, or part of one.
    MaxListItems = "MAX_LIST_ITEMS_LIMIT",
    /// Too many values in variables.
    MaxVariableNodes = "MAX_VARIABLE_NODES_LIMIT",
    /// Too many representations.
    MaxRepresentations = "MAX_REPRESENTATIONS_LIMIT",
    /// The caller has exceeded its rate limit.
    RequestRateLimited = "REQUEST_RATE_LIMITED",
    /// Too many requests are under way.
    RequestConcurrencyLimited = "REQUEST_CONCURRENCY_LIMITED",
    /// No credential, or one that is not accepted.
    Unauthenticated = "UNAUTHENTICATED",
    /// Tokens cannot be checked for now.
    AuthenticationUnavailable = "AUTHENTICATION_UNAVAILABLE",
    /// The caller may not.
    Forbidden = "FORBIDDEN",
    /// Nothing names an account.
    AccountRequired = "ACCOUNT_REQUIRED",
    /// The upstream cannot be reached.
    UpstreamUnavailable = "UPSTREAM_UNAVAILABLE",
    /// The upstream did not answer in time.
    UpstreamTimeout = "UPSTREAM_TIMEOUT",
    /// The upstream's answer cannot be read.
    UpstreamBadResponse = "UPSTREAM_BAD_RESPONSE",
    /// The upstream refused the request.
    UpstreamRejected = "UPSTREAM_REJECTED",
    /// The upstream does not accept the credential.
    UpstreamUnauthenticated = "UPSTREAM_UNAUTHENTICATED",
    /// The upstream does not allow this account.
    UpstreamForbidden = "UPSTREAM_FORBIDDEN",
    /// The upstream's rate limit is reached.
    UpstreamRateLimited = "UPSTREAM_RATE_LIMITED",
    /// Reading rosters again may cost more calls than the plan has left, so they are not taken back.
    InvalidationTooExpensive = "INVALIDATION_TOO_EXPENSIVE",
    /// A fault of ours.
    Internal = "INTERNAL_SERVER_ERROR",
}

/// A GraphQL error with this code.
pub(super) fn fault(code: Code, message: impl std::fmt::Display) -> Error {
    Error::new(message.to_string()).extend_with(|_, extensions| extensions.set("code", code.name()))
}

pub(super) fn refused(refusal: &AccessError) -> Error {
    fault(access_code(refusal), refusal)
}

/// The code of a refused account.
pub(super) fn access_code(refusal: &AccessError) -> Code {
    match refusal {
        AccessError::AccountRequired => Code::AccountRequired,
        AccessError::Forbidden(_) => Code::Forbidden,
        AccessError::BadInput(_) => Code::BadUserInput,
    }
}

/// The refusal for a caller without the scope for contact data. A `contact` that is selected has it once in an answer, at the
/// first member that is written, however many members follow: the response path, list indices aside, counts. It says nothing
/// of whether the upstream has any contact data.
pub(super) fn contact_forbidden() -> Error {
    fault(Code::Forbidden, "contact data needs the scope team:contact:read")
}

/// The refusal for a caller who may not have permanent tokens issued.
pub(super) fn token_forbidden() -> Error {
    fault(Code::Forbidden, "issuing a token needs the scope team:token:issue")
}

pub(super) fn upstream(error: &UpstreamError) -> Error {
    let code = match error.kind() {
        ErrorKind::Unavailable | ErrorKind::NotRecorded => Code::UpstreamUnavailable,
        ErrorKind::Timeout => Code::UpstreamTimeout,
        ErrorKind::BadResponse(_) => Code::UpstreamBadResponse,
        ErrorKind::Rejected(_) => Code::UpstreamRejected,
        ErrorKind::Unauthenticated => Code::UpstreamUnauthenticated,
        ErrorKind::Forbidden => Code::UpstreamForbidden,
        ErrorKind::RateLimited(_) => Code::UpstreamRateLimited,
        ErrorKind::Internal => Code::Internal,
    };
    let fault = fault(code, error);
    match error.retry_after() {
        Some(after) => fault.extend_with(|_, extensions| {
            extensions.set("retryAfterSeconds", after.as_secs_f64().ceil() as u64);
        }),
        None => fault,
    }
}
