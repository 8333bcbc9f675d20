//! Authentication and authorization: request headers become a caller, and a caller with an account becomes a grant.
//!
//! `authenticator` is the entry point and documents the steps. Arguments, headers and configuration only *select* an account;
//! whether the caller may read it is decided here, and no other module creates a grant.

mod account_headers;
mod accounts;
mod admin_secret;
mod admitted;
mod api_keys;
mod authenticator;
mod bearer;
mod certificates;
mod claims;
mod client_certificate;
mod error;
mod jwks;
mod jwt;
mod passthrough;
mod reloading_file;
mod request_authorizer;
mod router_secret;
mod scopes;
mod secret;
mod server_credential;
mod written_limits;

pub use admin_secret::AdminSecret;
pub use api_keys::{InvalidKey, NewKey};
pub use authenticator::Authenticator;
pub use client_certificate::ClientCertificate;
pub use error::AuthError;
pub use jwt::InvalidJwt;
pub use reloading_file::{ReloadingFile, Unusable};
pub use secret::Secret;
pub use server_credential::SERVER_CREDENTIAL;
