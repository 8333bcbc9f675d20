//! Who may ask.

use std::path::PathBuf;

section! {
    /// Who may ask, and with which credential the upstream is called. A credential itself is never a setting.
    pub struct Auth in "auth" {
        /// `passthrough`: the request's `Authorization: Bearer` is the upstream credential. `server`: the server holds the
        /// credential, and whoever can connect may ask, so only on a loopback address. `serve` has no default.
        pub mode: Option<AuthMode> = None,
        /// The name of the environment variable that holds the upstream access token (mode `server`).
        pub credential_env: Option<String> = None,
        /// The file that holds the upstream access token (mode `server`).
        pub credential_file: Option<PathBuf> = None,
    }
}

names! {
    /// Where the upstream credential comes from.
    pub enum AuthMode {
        /// From the request.
        Passthrough = "passthrough",
        /// From the server's environment or a file.
        Server = "server",
    }
}
