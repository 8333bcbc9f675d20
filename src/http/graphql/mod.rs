//! GraphQL over HTTP: requests are read, checked and answered in the negotiated media type.

mod coding;
mod guards;
pub(super) mod handler;
mod json;
mod methods;
mod parameters;
mod respond;
