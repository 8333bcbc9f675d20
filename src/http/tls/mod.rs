//! TLS on the public listener: its files, and the streams of its connections.

mod server_tls;
mod transport;

pub use server_tls::{InvalidTls, ServerTls};
pub(in crate::http) use transport::Transport;
