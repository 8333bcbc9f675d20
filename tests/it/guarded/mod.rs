//! What guards the upstream, on a paused clock over an upstream in memory: the plan, the breaker, retries, and the life of a
//! roster. Hours pass in milliseconds, and every call's moment is known.

mod breaker;
mod budget;
mod lab;
mod lifecycle;
mod retries;
mod shares;
