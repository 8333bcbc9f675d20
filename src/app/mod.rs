//! The composition root: builds every stage from a configuration, binds the listeners, and runs the service's life cycle.
//!
//! The only module that knows all stages. `cli` and the tests call it.

mod credential;
mod gate;
mod listener;
mod open_files;
mod prepared;
mod service;
mod signals;

pub use prepared::{verify, warnings};
pub use service::{App, inspect, upstream};
pub use signals::Signals;
