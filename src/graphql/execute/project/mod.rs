//! Projection: a plan and its rosters become JSON directly, without a future, a value or a map for a field.

mod changes;
mod entities;
mod found_members;
mod groups;
mod member;
mod projector;
mod team;

pub(super) use changes::changed_members;
pub(super) use projector::{Projected, ProjectionOptions, project};
