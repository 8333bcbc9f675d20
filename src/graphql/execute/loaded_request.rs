//! The loaded request: what a request is answered from, once its rosters are there.

use std::sync::Arc;

use super::lookups::Resolved;
use super::response_cache::{CacheKey, CachedResponse};
use super::validated_request::ValidatedRequest;
use crate::graphql::schema::Session;

/// A request with what it is answered from.
pub(super) struct LoadedRequest {
    pub(super) request: Box<ValidatedRequest>,
    pub(super) session: Arc<Session>,
    pub(super) data: LoadedData,
    /// Its cost, in cells.
    pub(super) cells: usize,
}

#[expect(clippy::large_enum_variant, reason = "one is made for a request, and moved once")]
pub(super) enum LoadedData {
    /// The response to an identical request about the same rosters.
    Cached(Arc<CachedResponse>),
    /// The rosters; where the response may be cached; whether the projection writes it.
    Resolved(Resolved, Option<CacheKey>, bool),
    Panicked,
}
