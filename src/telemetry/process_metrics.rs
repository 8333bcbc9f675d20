//! The metrics of the process: what it was built from, and which configuration is in effect.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::build::Build;
use super::labels::ResultLabels;
use super::log_buffer::DROPPED;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    commit: &'static str,
    profile: &'static str,
}

/// The metrics of the process.
pub struct ProcessMetrics {
    generation: Gauge,
    reloads: Family<ResultLabels, Counter>,
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        let metrics = Self { generation: Gauge::default(), reloads: Family::default() };
        metrics.generation.set(1);
        // From the start, so that an alert on the first failure sees it rise from 0.
        for result in ["ok", "failed"] {
            let _ = metrics.reloads.get_or_create(&ResultLabels { result });
        }
        metrics
    }
}

impl ProcessMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let build = Family::<BuildLabels, Gauge>::default();
        let labels = BuildLabels { version: Build::VERSION, commit: Build::COMMIT, profile: Build::PROFILE };
        build.get_or_create(&labels).set(1);
        registry.register("build_info", "The version and commit of the binary", build);
        registry.register(
            "config_generation",
            "How many configurations have been in effect since the start",
            self.generation.clone(),
        );
        registry.register(
            "config_reloads",
            "Configurations that were read again, by result: ok or failed",
            self.reloads.clone(),
        );
        registry.register(
            "log_lines_dropped",
            "Lines of the log that were dropped: standard error took them too slowly, or not at all",
            DROPPED.clone(),
        );
    }

    /// A configuration was read again; with a number where it is in effect now.
    pub fn reloaded(&self, generation: Option<u64>) {
        let result = if generation.is_some() { "ok" } else { "failed" };
        self.reloads.get_or_create(&ResultLabels { result }).inc();
        if let Some(number) = generation {
            self.generation.set(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }
}
