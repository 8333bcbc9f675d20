//! Connections: each is served until it ends, or until the farewell.

mod farewell;
mod http_server;

pub use farewell::Farewell;
pub use http_server::HttpServer;
