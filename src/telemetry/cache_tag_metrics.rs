//! The metrics of cache tags: what was told to caches in front of the service, and what could not be.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{ReasonLabels, ResultLabels};

/// The metrics of cache tags.
pub struct CacheTagMetrics {
    posts: Family<ResultLabels, Counter>,
    posted: Counter,
    dropped: Family<ReasonLabels, Counter>,
    pending: Gauge,
    uncacheable: Counter,
}

impl Default for CacheTagMetrics {
    fn default() -> Self {
        let metrics = Self {
            posts: Family::default(),
            posted: Counter::default(),
            dropped: Family::default(),
            pending: Gauge::default(),
            uncacheable: Counter::default(),
        };
        // From the start, so that what rises is seen to rise from 0.
        for result in ["ok", "failed", "refused"] {
            let _ = metrics.posts.get_or_create(&ResultLabels { result });
        }
        for reason in ["full", "late", "refused"] {
            let _ = metrics.dropped.get_or_create(&ReasonLabels { reason });
        }
        metrics
    }
}

impl CacheTagMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cache_tag_posts",
            "Posts to the webhook of cache tags, by result: ok, failed or refused",
            self.posts.clone(),
        );
        registry.register("cache_tags_posted", "Cache tags that the webhook has taken", self.posted.clone());
        registry.register(
            "cache_tags_dropped",
            "Cache tags that were not posted, by reason: full, late or refused",
            self.dropped.clone(),
        );
        registry.register("cache_tags_pending", "Cache tags that wait to be posted", self.pending.clone());
        registry.register(
            "cache_tags_uncacheable",
            "Answers that no cache may keep, because they have more cache tags than allowed",
            self.uncacheable.clone(),
        );
    }

    /// Counts a post by its result (`ok`, `failed`, `refused`), and the names that it brought.
    pub fn posted(&self, result: &'static str, tags: usize) {
        self.posts.get_or_create(&ResultLabels { result }).inc();
        self.posted.inc_by(tags as u64);
    }

    /// Counts names that are not posted any more, by reason (`full`, `late`, `refused`).
    pub fn dropped(&self, reason: &'static str, tags: usize) {
        if tags > 0 {
            self.dropped.get_or_create(&ReasonLabels { reason }).inc_by(tags as u64);
        }
    }

    /// Sets how many names wait.
    pub fn set_pending(&self, tags: usize) {
        self.pending.set(i64::try_from(tags).unwrap_or(i64::MAX));
    }

    /// Counts an answer that has too many names.
    pub fn uncacheable(&self) {
        self.uncacheable.inc();
    }
}
