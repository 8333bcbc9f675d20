//! The errors of the upstream: one cheap-to-clone error that travels unchanged from here to the GraphQL answer.
//!
//! It holds nothing secret or personal: no URL, no credential, no raw answer.

use std::sync::Arc;
use std::time::Duration;

use super::vendor_message;

/// Why an account's team could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamError {
    kind: ErrorKind,
    message: Option<Arc<str>>,
    retry: Retry,
    fault: Fault,
    retry_after: Option<Duration>,
}

/// The party that a failure is attributed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host: it cannot be reached, is unavailable, or takes longer than a call may.
    Host,
    /// The account: its list cannot be read, or the host fails for it.
    Account,
    /// Ourselves: a limit or a deadline of ours. It says nothing about the host.
    Local,
}

/// Whether the same call may succeed when it is made again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may not.
    Never,
    /// It may, once.
    Once,
    /// It may, once, where there is time enough left for another like it.
    OnceInTime,
}

/// The kinds of failure, one per error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Not reachable, or it answered 408, 425 or 5xx.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// An answer that cannot be read as a team.
    BadResponse(Malformed),
    /// It answered with another 4xx; the status.
    Rejected(u16),
    /// 401: the credential is not accepted.
    Unauthenticated,
    /// 403: the credential may not read this account.
    Forbidden,
    /// 429, or the plan is spent: come back after this long.
    RateLimited(Duration),
    /// The call could not be written into the ledger file, so it was not made.
    NotRecorded,
    /// Our own fault: a load that panicked.
    Internal,
}

/// The reason why an answer is unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[allow(missing_docs)]
pub enum Malformed {
    #[error("it is empty")]
    Empty,
    #[error("it is not HTTP")]
    NotHttp,
    #[error("it is not JSON")]
    NotJson,
    #[error("it ends too early")]
    Truncated,
    #[error("its content encoding cannot be undone")]
    BadEncoding,
    #[error("it is larger than allowed")]
    TooLarge,
    #[error("it has more rows than allowed")]
    TooManyRows,
    #[error("it has not the documented shape")]
    WrongShape,
    #[error("it reports a failure without a usable code")]
    FailureWithoutCode,
    #[error("its status is not one of the documented ones")]
    UnexpectedStatus,
    #[error("it is a redirect")]
    Redirect,
    #[error("it has more pages than allowed")]
    TooManyPages,
}

impl ErrorKind {
    /// The kind's name in metrics and logs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::BadResponse(_) => "bad_response",
            Self::Rejected(_) => "rejected",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::RateLimited(_) => "rate_limited",
            Self::NotRecorded => "not_recorded",
            Self::Internal => "internal",
        }
    }
}

impl UpstreamError {
    /// The kind of error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// When asking again makes sense, where the upstream said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            ErrorKind::RateLimited(after) => Some(after),
            _ => self.retry_after,
        }
    }

    /// Whether to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The party that the failure is attributed to.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The same failure with another one to blame.
    #[must_use]
    pub fn blaming(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    /// The same failure, with the time after which trying again makes sense.
    #[must_use]
    pub fn with_retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// The same failure, of a kind that may pass at once.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self { retry: Retry::Once, ..self }
    }

    /// The upstream's own words, where it answered and they are safe to pass on.
    #[must_use]
    pub fn upstream_message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Adds the upstream's own message, where it is safe to pass on.
    #[must_use]
    pub fn with_message(mut self, message: Option<&str>) -> Self {
        if matches!(self.kind, ErrorKind::Rejected(_)) {
            self.message = message.filter(|message| vendor_message::is_safe(message)).map(Arc::from);
        }
        self
    }
}

impl From<ErrorKind> for UpstreamError {
    fn from(kind: ErrorKind) -> Self {
        let retry = match kind {
            ErrorKind::Timeout => Retry::OnceInTime,
            ErrorKind::BadResponse(Malformed::Truncated) => Retry::Once,
            _ => Retry::Never,
        };
        let fault = match kind {
            ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::BadResponse(Malformed::NotHttp | Malformed::Truncated) => Fault::Host,
            ErrorKind::NotRecorded | ErrorKind::Internal => Fault::Local,
            _ => Fault::Account,
        };
        Self { kind, message: None, retry, fault, retry_after: None }
    }
}

impl From<Malformed> for UpstreamError {
    fn from(malformed: Malformed) -> Self {
        ErrorKind::BadResponse(malformed).into()
    }
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            ErrorKind::Unavailable => f.write_str("the upstream is unavailable"),
            ErrorKind::Timeout => f.write_str("the upstream did not answer in time"),
            ErrorKind::BadResponse(malformed) => {
                write!(f, "the upstream's answer could not be read: {malformed}")
            }
            ErrorKind::Rejected(status) => write!(f, "the upstream refused the request ({status})"),
            ErrorKind::Unauthenticated => f.write_str("the upstream did not accept the credential"),
            ErrorKind::Forbidden => f.write_str("the upstream does not allow reading this account"),
            ErrorKind::RateLimited(_) => f.write_str("the upstream's rate limit is reached"),
            ErrorKind::NotRecorded => f.write_str("the upstream call could not be recorded and was not made"),
            ErrorKind::Internal => f.write_str("internal server error"),
        }?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UpstreamError {}
