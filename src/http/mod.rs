//! HTTP: bytes in, bytes out, and the only stage with status codes.
//!
//! The steps of a GraphQL request: name it (`request_id`) → negotiate a media type (`graphql/negotiate`) → check its head
//! (`graphql/guards`) → authenticate (`auth`) → rate limit, read the body, acquire a permit (`admission`) → execute (`graphql`)
//! → status, caching headers and bytes (`graphql/error`, `admission/response_deadline`).

mod admission;
mod cors;
mod explorer;
mod graphql;
mod health;
mod request_id;
mod routes;

pub use admission::{AdmissionControl, ConnectionLimiter};
pub use health::Health;
pub use routes::{AppState, admin, public};
