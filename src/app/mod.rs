//! The composition root: builds every stage from a configuration, binds the listeners, and runs the service's life cycle.
//!
//! The only module that knows all stages. `cli` and the tests call it.

mod cache_tags;
mod cluster;
mod credential;
mod freed_memory;
mod gate;
mod generation;
mod listener;
mod open_files;
mod prepared;
mod reload;
mod service;
mod signals;
mod status_source;
mod watched_files;

pub use cluster::try_tier;
pub use prepared::{verify, warnings};
pub use reload::ConfigSource;
pub use service::{App, inspect, upstream};
pub use signals::Signals;
