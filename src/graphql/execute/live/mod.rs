//! Live operations: a subscription's selection, written once for each state of its team, and shared by all who ask the same.
//!
//! `start` is the entry point: prepare → admit (the transport) → listen → events.

mod event;
mod newest;
mod row_changes;
mod selection;
mod shared;
mod start;
mod subscription;

pub use event::EventSummary;
pub(super) use shared::SharedSelections;
pub use start::{LiveRequest, Started};
pub use subscription::{Delivery, LiveSubscription};
