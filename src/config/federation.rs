//! Being a part of a larger graph.

use std::path::PathBuf;

section! {
    /// Being a part of a larger graph.
    pub struct FederationConfig in "federation" {
        /// Whether the service is a subgraph: whether there are `_entities` and `_service`.
        pub enabled: bool = true,
        /// Whether `_service { sdl }` is answered. A composer can also be given the file that `schema --federation` prints.
        pub service: bool = false,
        /// The name of the environment variable that holds a secret which routers send in `x-flowmatix-router-secret`.
        /// With a secret, `_service` is answered to those who know it and to nobody else.
        pub secret_env: Option<String> = None,
        /// The file that holds that secret.
        pub secret_file: Option<PathBuf> = None,
    }
}
