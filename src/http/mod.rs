//! HTTP: bytes in, bytes out, and the only stage with status codes.
//!
//! The steps of a GraphQL request: name it (`request_id`) → check its framing (`framing`) → negotiate coding and media type
//! (`response`) → check its head (`graphql/guards`) → authenticate (`auth`) → rate limit, read the body, acquire a permit
//! (`admission`) → read its parameters (`graphql/parameters`) → execute (`graphql`) → status, caching headers and bytes
//! (`graphql/respond`, `response`, `admission/response_deadline`).

mod admission;
mod app_state;
mod audit;
mod connections;
mod cors;
mod explorer;
mod framing;
mod graphql;
mod health;
mod invalidation;
mod known_names;
mod log_names;
mod request_id;
mod request_origin;
mod response;
mod routes;
mod status;
mod streams;
mod swappable_routes;
mod tls;

pub use admission::{AdmissionControl, Attempt, ConnectionLimiter, FailedAuthLimiter, Throttled};
pub use app_state::{AppState, Latest};
pub use audit::Auditor;
pub use connections::{Farewell, HttpServer};
pub use health::Health;
pub use invalidation::InvalidationEndpoint;
pub use log_names::LogNames;
pub use routes::{admin, public};
pub use status::{Plans, StatusSource};
pub use streams::LiveStreams;
pub use swappable_routes::{Answer, Routes, SwappableRoutes};
pub use tls::{InvalidTls, ServerTls};
