//! Identical requests: the same cache key about the same snapshots has the same data, whose bytes are used again.
//!
//! Everything that data depends on decides whether a cached response is used. The request's part is the cache key: the
//! document's full text, the operation, the coerced variables, the caller's scopes and credential, and the account that
//! is read where no argument names one. What the rosters say is compared with what they said then: for each account
//! read, in order, its roster key with the credential, the snapshot, and whether it counts as stale. Only `data` is
//! cached, which is the same in every media type; what is around it is written anew. Answers with errors are not
//! cached, nor is what was asked once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ahash::RandomState;
use async_graphql::Result;
use bytes::Bytes;
use moka::sync::Cache;

use super::answer_tags::AnswerTags;
use super::lookups::Resolved;
use crate::graphql::language::CoercedVariables;
use crate::graphql::schema::View;
use crate::model::{Account, CredentialId, Grants, RosterKey, Scopes, SnapshotId};

/// The size of an entry besides its counted parts, in bytes, approximately.
const OVERHEAD: usize = 512;
/// How many questions are remembered to have been asked.
const ASKED: usize = 4096;
/// The largest answer that is cached is this part of what all may take.
const SHARE: usize = 16;

/// Everything of a request that the data of its answer depends on.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CacheKey {
    hash: u64,
    text: Arc<str>,
    operation: Option<Box<str>>,
    variables: Vec<u8>,
    scopes: Scopes,
    credential: CredentialId,
    /// The account that is read where no argument names one.
    account: Option<Account>,
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// The data of an answer, and what it was made from.
pub(super) struct CachedResponse {
    pub(super) data: Bytes,
    /// The cost of making it, in cells.
    pub(super) cells: usize,
    /// How many members are in it.
    pub(super) rows: usize,
    /// The accounts that were read, as arguments name them.
    pub(super) accounts: Box<[Option<Account>]>,
    /// The answer's cache tags, where answers have any.
    pub(super) tags: Option<Arc<AnswerTags>>,
    rosters: Box<[Snapshot]>,
}

/// A roster, as an answer shows it.
#[derive(PartialEq, Eq)]
struct Snapshot {
    key: RosterKey,
    id: SnapshotId,
    stale: bool,
}

impl Snapshot {
    fn is(&self, view: &View) -> bool {
        self.id == view.roster.id() && self.stale == view.stale && self.key == *view.key()
    }
}

impl CachedResponse {
    /// Whether it is what these would be read for now.
    pub(super) fn is_of(&self, views: &[Result<Arc<View>>]) -> bool {
        let same =
            |(snapshot, view): (&Snapshot, &Result<Arc<View>>)| view.as_ref().is_ok_and(|view| snapshot.is(view));
        self.rosters.len() == views.len() && self.rosters.iter().zip(views).all(same)
    }
}

/// The data of answers, bounded in bytes.
pub(super) struct ResponseCache {
    /// `None` where nothing may be cached.
    cached: Option<Cache<CacheKey, Arc<CachedResponse>, RandomState>>,
    /// By hash, a part of the hash of who was there last.
    asked: Box<[AtomicU32]>,
    largest: usize,
    hasher: RandomState,
}

impl ResponseCache {
    pub(super) fn new(limit: u64) -> Self {
        let weigh = |cache_key: &CacheKey, cached: &Arc<CachedResponse>| {
            // The text is shared with the prepared operation, unless that has gone.
            let asked = cache_key.text.len() + cache_key.variables.len();
            let read = size_of_val(&*cached.accounts) + size_of_val(&*cached.rosters);
            let tags = cached.tags.as_ref().map_or(0, |tags| tags.size());
            u32::try_from(asked + read + tags + cached.data.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let largest = usize::try_from(limit).unwrap_or(usize::MAX) / SHARE;
        let hasher = RandomState::new();
        let build = || Cache::builder().max_capacity(limit).weigher(weigh).build_with_hasher(hasher.clone());
        let cached = (limit > 0).then(build);
        let asked = (0..if limit > 0 { ASKED } else { 0 }).map(|_| AtomicU32::new(0)).collect();
        Self { cached, asked, largest, hasher }
    }

    /// The key of a request; `None` where nothing may be cached.
    pub(super) fn cache_key(
        &self,
        text: &Arc<str>,
        operation: Option<&str>,
        variables: &CoercedVariables,
        grants: &dyn Grants,
    ) -> Option<CacheKey> {
        self.cached.as_ref()?;
        let scopes = grants.caller().scopes;
        let credential = grants.caller().credential.id().clone();
        let account = grants.own_account();
        let variables = variables.to_json();
        let hash = self.hasher.hash_one((text, operation, &variables, scopes, &credential, &account));
        let (text, operation) = (text.clone(), operation.map(Into::into));
        Some(CacheKey { hash, text, operation, variables, scopes, credential, account })
    }

    pub(super) fn get(&self, cache_key: &CacheKey) -> Option<Arc<CachedResponse>> {
        self.cached.as_ref()?.get(cache_key)
    }

    /// Drops everything now, where the cache would let it lie until something is kept next.
    pub(super) fn clear(&self) {
        if let Some(cached) = &self.cached {
            cached.invalidate_all();
            cached.run_pending_tasks();
        }
    }

    /// Keeps an answer's data, which costs so many cells and has so many members, if the same was asked for before.
    pub(super) fn keep(
        &self,
        mut cache_key: CacheKey,
        resolved: &Resolved,
        (cells, rows): (usize, usize),
        data: &[u8],
        tags: Option<Arc<AnswerTags>>,
    ) {
        let Some(cached) = &self.cached else { return };
        let mark = (cache_key.hash >> 32) as u32;
        let asked = &self.asked[cache_key.hash as usize % ASKED];
        if data.len() > self.largest || asked.swap(mark, Ordering::Relaxed) != mark {
            return;
        }
        let snapshot = |view: &Result<Arc<View>>| {
            let view = view.as_ref().ok()?;
            Some(Snapshot { key: view.key().clone(), id: view.roster.id(), stale: view.stale })
        };
        if let Some(rosters) = resolved.views.iter().map(snapshot).collect() {
            let accounts = resolved.accounts.as_slice().into();
            let cached_response =
                CachedResponse { data: Bytes::copy_from_slice(data), cells, rows, accounts, tags, rosters };
            cache_key.variables.shrink_to_fit();
            cached.insert(cache_key, Arc::new(cached_response));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cleared_is_gone_at_once() {
        let cache = ResponseCache::new(1 << 20);
        let cached = cache.cached.as_ref().unwrap();
        let data = Bytes::from_static(b"{}");
        for hash in 0..1000 {
            let (text, credential) = (Arc::from("{ __typename }"), CredentialId::Held("server".into()));
            let (operation, variables, account) = (None, Vec::new(), None);
            let key = CacheKey { hash, text, operation, variables, scopes: Scopes::ALL, credential, account };
            let (accounts, rosters) = (Box::default(), Box::default());
            let response = CachedResponse { data: data.clone(), cells: 0, rows: 0, accounts, tags: None, rosters };
            cached.insert(key, Arc::new(response));
        }
        cached.run_pending_tasks();
        assert!(cached.entry_count() > 500, "{}", cached.entry_count());
        cache.clear();
        assert_eq!(cached.entry_count(), 0);
    }
}
