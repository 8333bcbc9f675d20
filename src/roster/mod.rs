//! Rosters: one immutable snapshot of each account's team, cached, refreshed and shared by concurrent requests.
//!
//! `rosters` is the entry point of the stage and documents the steps of a look-up.

mod credential_gate;
mod feed;
mod feed_board;
mod generations;
mod invalidate;
mod invalidations;
mod listening;
mod loads;
mod negative_cache;
mod polling_share;
mod rosters;
mod second_level;
mod shared;
mod shared_invalidation;
mod shared_polls;
mod single_flight;
mod status;
mod store;
mod token_issue;

pub use feed::{Feeds, Listener, Watcher};
pub use rosters::{LookupError, LookupWaits, Rosters};
pub use token_issue::IssuedToken;
