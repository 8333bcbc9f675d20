//! Who may ask.

use std::path::PathBuf;

section! {
    /// Who may ask, and with which credential the upstream is called. A credential itself is never a setting. Files are
    /// read again when they change.
    pub struct AuthConfig in "auth" {
        /// `passthrough`: the request's `Authorization: Bearer` is the upstream credential. `api-keys`: it is an API key of
        /// `auth.keys_file`, and the server holds the credential. `jwt`: it is a JWT (see `[jwt]`), and the server holds the
        /// credential. `server`: the server holds the credential, and whoever can connect may ask. `serve` has no default.
        pub mode: Option<AuthMode> = None,
        /// The name of the environment variable that holds the upstream access token (not in mode `passthrough`).
        pub credential_env: Option<String> = None,
        /// The file that holds the upstream access token (not in mode `passthrough`).
        pub credential_file: Option<PathBuf> = None,
        /// The TOML file that holds hashes of API keys, and says what each may read. `keys new` makes a key and its entry.
        pub keys_file: Option<PathBuf> = None,
        /// Whether mode `server` may serve on an address that is no loopback one: whoever reaches it reads every team that
        /// the credential opens.
        pub allow_anonymous: bool = false,
    }
}

names! {
    /// Who callers are, and where the upstream credential comes from.
    pub enum AuthMode {
        /// Whoever brings an upstream token.
        Passthrough = "passthrough",
        /// Whoever has an API key.
        ApiKeys = "api-keys",
        /// Whoever an issuer vouches for.
        Jwt = "jwt",
        /// Whoever can connect.
        Server = "server",
    }
}

impl AuthMode {
    /// Whether a request must carry a token that is checked.
    #[must_use]
    pub fn asks_for_a_token(self) -> bool {
        !matches!(self, Self::Server)
    }

    /// Whether the server holds the upstream credential.
    #[must_use]
    pub fn holds_the_credential(self) -> bool {
        !matches!(self, Self::Passthrough)
    }
}
