//! The forecast: how many upstream calls traffic will cost, and how old answers will be, by the rules that the service follows.
//!
//! A leaf: plain arithmetic over plain data. `arrivals` says how often a team is read that clients poll, `polls` how often one
//! with subscribers is read, `prediction` what follows for calls and ages on a plan. Simulations of the service itself are
//! the judge of all three (a test).

mod arrivals;
mod polls;
mod prediction;
mod traffic;

pub use prediction::{Prediction, Rules, predict};
pub use traffic::{ClientGroup, SubscriberGroup, Traffic};
