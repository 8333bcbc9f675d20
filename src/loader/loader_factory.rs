//! The loader factory: makes the loader of each request over the rosters of all.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::live_listener::LiveListener;
use super::request_loader::Loader;
use crate::config;
use crate::model::{Caller, Grant, Invalidation, InvalidationReport};
use crate::roster::{Feeds, Rosters};
use crate::telemetry::Metrics;

/// Makes the loaders of requests.
#[derive(Clone)]
pub struct LoaderFactory {
    rosters: Arc<Rosters>,
    feeds: Feeds,
    concurrency: usize,
    metrics: Arc<Metrics>,
}

impl LoaderFactory {
    /// A factory whose loaders load up to `concurrency` accounts in parallel.
    #[must_use]
    pub fn new(rosters: Arc<Rosters>, concurrency: usize, metrics: Arc<Metrics>) -> Self {
        let feeds = Feeds::new(rosters.clone(), &config::LiveConfig::default(), metrics.clone());
        Self { rosters, feeds, concurrency, metrics }
    }

    /// The same with these settings of live teams.
    #[must_use]
    pub fn with_live(self, settings: &config::LiveConfig) -> Self {
        let feeds = Feeds::new(self.rosters.clone(), settings, self.metrics.clone());
        Self { feeds, ..self }
    }

    /// Listens to the team that the grant opens; `interval` is how often the listener wants it to be read.
    #[must_use]
    pub fn listen(&self, grant: &Grant, interval: Option<Duration>) -> LiveListener {
        LiveListener(self.feeds.listen(grant, interval))
    }

    /// The loader of one request; `max_age` is the maximum age of a roster, if the request asks for one, `end` the instant by
    /// which the request must have ended.
    #[must_use]
    pub fn loader(&self, max_age: Option<Duration>, end: Option<Instant>) -> Loader {
        Loader::new(self.rosters.clone(), self.concurrency, max_age, end, self.metrics.clone())
    }

    /// Takes rosters back, unless reading them again may cost more calls than their plans have left.
    pub async fn invalidate(&self, invalidation: &Invalidation) -> InvalidationReport {
        self.rosters.invalidate(invalidation).await
    }

    /// Whether the upstream has accepted the caller's credential.
    #[must_use]
    pub fn has_accepted(&self, caller: &Caller) -> bool {
        self.rosters.has_accepted(caller)
    }
}
