//! Responses of every kind: media type and coding as negotiated, status by code, refusals in GraphQL's shape.

pub(super) mod accept_encoding;
pub(super) mod compression;
pub(super) mod error;
pub(super) mod negotiate;
pub(super) mod page_part;
mod quality;
pub(super) mod status;
