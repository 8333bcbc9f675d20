//! The composition root: builds every stage from a configuration, binds the listeners, and runs the service's life cycle.
//!
//! The only module that knows all stages. `cli` and the tests call it.

mod credential;
mod listener;
mod service;

pub use credential::held_token;
pub use service::{App, inspect, try_callers, upstream};
