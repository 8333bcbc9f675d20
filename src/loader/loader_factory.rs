//! The loader factory: makes the loader of each request over the rosters of all.

use std::sync::Arc;
use std::time::Duration;

use super::request_loader::Loader;
use crate::model::Caller;
use crate::roster::Rosters;
use crate::telemetry::Metrics;

/// Makes the loaders of requests.
#[derive(Clone)]
pub struct LoaderFactory {
    rosters: Arc<Rosters>,
    concurrency: usize,
    metrics: Arc<Metrics>,
}

impl LoaderFactory {
    /// A factory whose loaders load up to `concurrency` accounts in parallel.
    #[must_use]
    pub fn new(rosters: Arc<Rosters>, concurrency: usize, metrics: Arc<Metrics>) -> Self {
        Self { rosters, concurrency, metrics }
    }

    /// The loader of one request; `max_age` is the maximum age of a roster, if the request asks for one.
    #[must_use]
    pub fn loader(&self, max_age: Option<Duration>) -> Loader {
        Loader::new(self.rosters.clone(), self.concurrency, max_age, self.metrics.clone())
    }

    /// Whether the upstream has accepted the caller's credential.
    #[must_use]
    pub fn has_accepted(&self, caller: &Caller) -> bool {
        self.rosters.has_accepted(caller)
    }
}
