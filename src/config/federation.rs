//! The section `federation`: the service as a subgraph of Apollo Federation, its keys and its traces.

use std::path::PathBuf;

section! {
    /// The service as a subgraph (Apollo Federation 2).
    pub struct FederationConfig in "federation" {
        /// Whether the service is a subgraph, with `_entities` and `_service`.
        pub enabled: bool = true,
        /// Whether `_service { sdl }` is answered. Composition can also use the file that `schema --federation` prints.
        pub service: bool = false,
        /// By which keys other subgraphs may refer to members and roles: what `schema --federation` and `_service` print. With
        /// both, every planner tried chooses `id`; a graph over several accounts needs `account`.
        pub keys: FederationKeys = FederationKeys::Both,
        /// Whether that schema has `@requiresScopes` on contact data, for routers that check scopes themselves. A gateway that
        /// cannot, such as `@apollo/gateway`, refuses to start with it. The service checks scopes either way.
        pub requires_scopes: bool = false,
        /// The maximum number of nodes of a trace, which a router asks for with `apollo-federation-include-trace: ftv1`;
        /// 0 = there are no traces. With a secret, only requests that carry it get one.
        pub trace_nodes_limit: usize = 10_000,
        /// The name of the environment variable with the secret that routers send in `x-flowmatix-router-secret`.
        /// With a secret, `_service` is answered only to requests that carry it.
        pub secret_env: Option<String> = None,
        /// The file that holds that secret.
        pub secret_file: Option<PathBuf> = None,
    }
}

names! {
    /// The keys of members and roles in the subgraph's schema.
    pub enum FederationKeys {
        /// The identifier alone. It is looked up in the account of the request.
        Id = "id",
        /// The identifier with its account.
        Account = "account",
        /// Either.
        Both = "both",
    }
}
