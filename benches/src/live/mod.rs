//! What `make live` is made of.

pub mod changing_vendor;
pub mod crowd;
pub mod fleet;
pub mod plan;
pub mod report;
pub mod subscribers;
pub mod tier;
