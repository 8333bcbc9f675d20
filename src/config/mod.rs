//! Configuration: plain data, one file for each section. Sources, weakest first: defaults, a TOML file, the environment, flags.
//!
//! A leaf: it imports only the model's names, and how files are read. Invariant: an invalid configuration starts nothing, and every mistake in it is reported
//! at once.

// Textual macros: they must come before the sections.
#[macro_use]
mod section;

mod account;
mod admin;
mod audit;
mod auth;
mod budget;
mod cache_tags;
mod changes;
mod check;
mod cluster;
mod demo;
mod documents;
mod federation;
mod forms;
mod graphql;
mod http;
mod http_tls;
mod jwt;
mod live;
mod loader;
mod log;
mod lower_bounds;
mod otel;
mod reference;
mod reload;
mod renamed;
mod root;
mod roster;
mod sources;
mod tokens;
mod traces;
mod upstream;
mod value;

pub use account::{AccountConfig, AccountSource};
pub use admin::AdminConfig;
pub use audit::{AuditAccounts, AuditConfig, AuditTarget};
pub use auth::{AuthConfig, AuthMode};
pub use budget::{BudgetConfig, BudgetScope};
pub use cache_tags::CacheTagsConfig;
pub use cluster::{ClusterConfig, TierUrl};
pub use demo::DemoConfig;
pub use documents::{DocumentsConfig, Safelist};
pub use federation::{FederationConfig, FederationKeys};
pub use graphql::GraphQlConfig;
pub use http::{ForwardedHeader, HttpConfig, Statuses};
pub use http_tls::{HttpTlsConfig, TlsVersion};
pub use jwt::JwtConfig;
pub use live::LiveConfig;
pub use loader::LoaderConfig;
pub use log::{LogConfig, LogFormat};
pub use otel::OtelVariables;
pub use reload::ReloadConfig;
pub use root::{Config, Profile};
pub use roster::RosterConfig;
pub use section::Setting;
pub use sources::{FILE_LIMIT, Flag, Problems, Sources};
pub use tokens::TokensConfig;
pub use traces::{IncomingTrace, TracesConfig};
pub use upstream::UpstreamConfig;
pub use value::{HttpUrl, Size};
