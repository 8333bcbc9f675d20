//! Why the tier cannot be used, and what the library's errors mean.

/// Why the tier cannot be used. The texts are for the operator, and quote no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TierError {
    /// It cannot be reached, or did not answer in time.
    #[error("it cannot be reached, or does not answer in time")]
    Away,
    /// It refuses the user name or the password.
    #[error("it refuses the user name or the password, or does not allow what the service needs")]
    Denied,
    /// It is in protected mode: it answers its own machine only.
    #[error(
        "it is in protected mode, and answers its own machine only; give it a password, or say `protected-mode no` where \
         nothing else reaches it"
    )]
    Protected,
    /// It is too old.
    #[error("its version is {0}: 7.0 or newer is needed")]
    TooOld(String),
    /// It drops data when memory is short.
    #[error(
        "its maxmemory-policy is `{0}`: a ledger that is evicted is a plan that is overrun; set it to `noeviction`"
    )]
    Evicts(String),
    /// It is one of the servers of a Redis Cluster.
    #[error(
        "it is a node of a cluster (`cluster-enabled yes`), which spreads keys over servers and is not spoken here; name one \
         server that has all keys, alone, with replicas, or behind Sentinels"
    )]
    Clustered,
    /// It is a copy of another one.
    #[error("it is a replica, which cannot be written to: name the primary")]
    Copy,
    /// It says what makes no sense.
    #[error("it answers what makes no sense")]
    Garbage,
    /// The settings name no tier that can be connected to.
    #[error("{0}")]
    Setting(&'static str),
}

/// Classifies an error of the library.
pub(super) fn classify(error: &redis::RedisError) -> TierError {
    match error.kind() {
        redis::ErrorKind::AuthenticationFailed => TierError::Denied,
        redis::ErrorKind::Io => TierError::Away,
        _ if matches!(error.code(), Some("NOAUTH" | "NOPERM" | "WRONGPASS")) => TierError::Denied,
        _ if matches!(error.code(), Some("READONLY")) => TierError::Copy,
        _ if matches!(error.code(), Some("LOADING" | "BUSY" | "MASTERDOWN" | "OOM" | "TRYAGAIN")) => TierError::Away,
        _ => TierError::Garbage,
    }
}
