//! GraphQL over HTTP: requests are read, checked and answered in the negotiated media type.

pub(super) mod compression;
pub(super) mod error;
mod guards;
pub(super) mod handler;
mod negotiate;
