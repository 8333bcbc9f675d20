//! The section `auth`: the mode in which callers are authenticated, and the credential for the upstream.

use std::path::PathBuf;

section! {
    /// How callers are authenticated, and where the upstream credential comes from. A credential is never a setting. Files are
    /// reloaded when they change.
    pub struct AuthConfig in "auth" {
        /// `passthrough`: the request's `Authorization: Bearer` is the upstream credential. `api-keys`: it is an API key of
        /// `auth.keys_file`, and the server holds the credential. `jwt`: it is a JWT (see `[jwt]`), and the server holds the
        /// credential. `mtls`: the client certificate of the connection is one of `auth.certificates_file`, and the server
        /// holds the credential. `server`: the server holds the credential, and callers are not authenticated. `serve` has no
        /// default.
        pub mode: Option<AuthMode> = None,
        /// The name of the environment variable that holds the upstream access token (not in mode `passthrough`).
        pub credential_env: Option<String> = None,
        /// The file that holds the upstream access token (not in mode `passthrough`).
        pub credential_file: Option<PathBuf> = None,
        /// The TOML file with the hashes of API keys, their accounts and scopes. `keys new` makes a key and its entry.
        pub keys_file: Option<PathBuf> = None,
        /// The TOML file that names callers by their client certificates (a fingerprint or a subject alternative name), with their
        /// accounts and scopes.
        pub certificates_file: Option<PathBuf> = None,
        /// Whether mode `server` may listen on an address other than loopback: everyone who reaches it can read every team that
        /// the credential can read.
        pub allow_anonymous: bool = false,
    }
}

names! {
    /// How callers are authenticated.
    pub enum AuthMode {
        /// By an upstream token.
        Passthrough = "passthrough",
        /// By an API key.
        ApiKeys = "api-keys",
        /// By a JWT.
        Jwt = "jwt",
        /// By the client certificate of the connection.
        Mtls = "mtls",
        /// Not at all.
        Server = "server",
    }
}

impl AuthMode {
    /// Whether a request must carry a token that is checked. A certificate is none: browsers show it of themselves.
    #[must_use]
    pub fn asks_for_a_token(self) -> bool {
        !matches!(self, Self::Server | Self::Mtls)
    }

    /// Whether the server holds the upstream credential.
    #[must_use]
    pub fn holds_the_credential(self) -> bool {
        !matches!(self, Self::Passthrough)
    }
}
