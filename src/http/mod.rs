//! HTTP: bytes in, bytes out, and the only place with status codes.
//!
//! The steps of a GraphQL request: name it (`request_id`) → agree on a media type (`negotiate`) → look at its head (`guards`)
//! → who asks (`auth`) → not too often, read it, a place for it (`overload`) → execute (`graphql`) → status, caching headers,
//! bytes (`error`, `deliveries`).

mod compression;
mod connections;
mod cors;
mod deliveries;
mod error;
mod explorer;
mod graphql_over_http;
mod guards;
mod health;
mod negotiate;
mod overload;
mod peer;
mod request_id;
mod routes;
mod strangers;

pub use connections::Connections;
pub use health::Health;
pub use overload::Overload;
pub use routes::{Public, admin, public};
