//! The section `jwt`: the keys that verify JWTs, and the claims that are read.

use std::path::PathBuf;
use std::time::Duration;

use super::HttpUrl;

section! {
    /// JWT verification (`auth.mode = jwt`): the issuer, its keys, and the meaning of claims.
    pub struct JwtConfig in "jwt" {
        /// Where the issuer publishes its keys (a JWKS): https, or http on this machine. It is asked again when a token
        /// names an unknown key, and now and then while its keys are used.
        pub jwks_url: Option<HttpUrl> = None,
        /// A file with those keys instead; it is reloaded when it changes.
        pub jwks_file: Option<PathBuf> = None,
        /// The shortest time between two fetches of the keys, however many unknown ones are named. After twenty times as long
        /// they are fetched again beside a request that uses them.
        pub fetch_interval: Duration = Duration::from_secs(30),
        /// How old the keys of a URL may be at most. Where every fetch fails for so long no token is accepted any more: a key
        /// that the issuer has withdrawn must not live on.
        pub keys_max_age: Duration = Duration::from_secs(24 * 3600),
        /// The required value of `iss`.
        pub issuer: Option<String> = None,
        /// The value that `aud` must be or contain.
        pub audience: Option<String> = None,
        /// The tolerated clock skew.
        pub leeway: Duration = Duration::from_secs(30),
        /// The maximum remaining lifetime (`exp`).
        pub lifetime_limit: Duration = Duration::from_secs(24 * 3600),
        /// The claim that says what the caller may read: a text of names with spaces between them, or a list of names,
        /// `team:read` and `team:contact:read` among them.
        pub scope_claim: String = "scope".to_owned(),
        /// The claim that names the caller's accounts: an object of `email` and `type`, or a list of such. A token without
        /// it is for the default account.
        pub account_claim: String = "account".to_owned(),
        /// The claim that holds the caller's own limits, in place of `http.rate_limit`, `http.rate_burst` and
        /// `http.caller_concurrency`: an object with any of `rate_limit`, `rate_burst` and `concurrency`.
        pub limits_claim: Option<String> = None,
        /// A TOML file that says which accounts the claim's texts stand for: under `[accounts]`, a list of `email` and
        /// `type` for each text. With it the claim is a text, or a list of texts. It is read again when it changes.
        pub accounts_file: Option<PathBuf> = None,
    }
}
