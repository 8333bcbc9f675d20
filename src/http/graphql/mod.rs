//! GraphQL over HTTP: requests are read, checked and answered in the negotiated media type.

pub(super) mod callers;
pub(super) mod coding;
mod guards;
pub(super) mod handler;
pub(super) mod json;
mod methods;
pub(super) mod parameters;
mod progress;
mod respond;
pub(super) mod span;
