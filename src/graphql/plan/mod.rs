//! Planning: a validated document becomes a plan, once for each operation and combination of conditions.

pub(super) mod collect;
mod document_size;
pub(super) mod operation_cache;
pub(super) mod personal_data;
pub(super) mod plan;
mod planner;
mod reach;
mod weigh;
