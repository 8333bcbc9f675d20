//! The connection to Valkey or Redis: how it is made (`connector`, `sentinel`, `dial`), used (`link`, `allowance`) and kept (`tier`).

mod allowance;
mod connector;
mod dial;
mod error;
mod link;
mod sentinel;
mod tier;

pub use connector::TierInfo;
pub use error::TierError;
pub use tier::Tier;
