//! The section `tokens`: the mutation that issues permanent tokens of the upstream.

section! {
    /// Permanent tokens: `Mutation.issuePermanentToken` has Flowmatix issue one for an account. A permanent token opens the
    /// account to all who have it, without this service.
    pub struct TokensConfig in "tokens" {
        /// Whether the mutation is served. While it is off, the schema has no mutations. Callers need the scope
        /// `team:token:issue`; in mode `passthrough` Flowmatix decides.
        pub enabled: bool = false,
        /// The path of the endpoint that issues permanent tokens, at `upstream.url`.
        pub path: String = "/ext/get-user-token".to_owned(),
    }
}
