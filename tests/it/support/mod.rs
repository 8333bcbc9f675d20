//! What the tests stand on: a running service with a vendor behind it, a client, and made-up teams.

mod answer;
mod app;
pub mod service;
mod team;

pub use answer::Answer;
pub use app::{TestApp, demo_settings, settings};
pub use team::{account, member, row};
