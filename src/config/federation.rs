//! Apollo Federation.

use std::path::PathBuf;

section! {
    /// The service as a subgraph (Apollo Federation 2).
    pub struct FederationConfig in "federation" {
        /// Whether the service is a subgraph, with `_entities` and `_service`.
        pub enabled: bool = true,
        /// Whether `_service { sdl }` is answered. Composition can also use the file that `schema --federation` prints.
        pub service: bool = false,
        /// The name of the environment variable with the secret that routers send in `x-flowmatix-router-secret`.
        /// With a secret, `_service` is answered only to requests that carry it.
        pub secret_env: Option<String> = None,
        /// The file that holds that secret.
        pub secret_file: Option<PathBuf> = None,
    }
}
