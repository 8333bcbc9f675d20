//! Limits: what is refused before it costs anything.
//!
//! Invariant: the work is linear in the document's bytes, whatever it says. `limits` documents the steps.

mod cost;
mod limits;
mod measure;

pub(super) use cost::{Cost, RosterSize};
pub(super) use limits::{
    CostBounds, IntrospectionSwitches, RequestTotals, check_cost, check_document, check_text, check_tokens, cost,
};
pub(super) use measure::Measured;
