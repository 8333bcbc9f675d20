//! The status page of the admin port: how the service is, for people and as JSON.

mod page;
mod plans;
mod report;
mod stages;

pub(super) use page::{page, script, status, style};
pub use plans::Plans;
pub(super) use report::StatusState;
pub use stages::StatusSource;
