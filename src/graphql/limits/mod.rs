//! Limits: what is refused before it costs anything, each check cheaper than what it protects.
//!
//! The steps: `variables` measures the variables' text; `measure` counts over the parsed document, before it is validated;
//! `arguments` measures the values of a plan's arguments, `mentions` what literals make of variables, and `cost` estimates the work;
//! `checks` holds them against the limits.
//! (The pre-check of the document's text is `language::scan`.) Invariant: the work is linear in the request's bytes, whatever it
//! says.

mod arguments;
mod checks;
mod cost;
mod measure;
mod mentions;
mod repetition;
mod variables;

pub(super) use arguments::{
    ArgumentId, ArgumentKind, ArgumentSize, ArgumentSizes, Given, OperationArgument, OperationArguments, SizeLimits,
};
pub(super) use checks::{
    RequestTotals, check_arguments, check_cells, check_cost, check_mentions, filter_texts, written_cells,
};
pub(super) use cost::{Estimate, FieldCost, OperationCost, PageWork, RosterSize, Rows, SelectionCost, leaf_cells};
pub(super) use measure::{IntrospectionSwitches, Measured, is_introspection};
pub(super) use repetition::repetition;
pub(super) use variables::VariablesSize;
