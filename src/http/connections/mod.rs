//! Connections: each is served until it ends, or until the farewell.

mod farewell;
mod http_server;
mod poll_again;

pub use farewell::Farewell;
pub use http_server::HttpServer;
