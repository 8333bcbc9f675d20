//! The vendor guard on a paused clock over an in-memory upstream: budget, breaker, retries, refusals, and the life cycle of a
//! roster. Hours pass in milliseconds, and the time of every call is known.

mod accounts;
mod breaker;
mod budget;
mod feeds;
pub mod lab;
mod lifecycle;
mod lists;
mod pauses;
mod refusals;
mod retries;
mod shares;
mod simulation;
