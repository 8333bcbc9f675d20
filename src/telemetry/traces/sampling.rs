//! Sampling: whether a trace is recorded, decided from its number and its parent alone, before anything of it exists.

use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample as _};

/// How many traces are recorded.
#[derive(Clone, Debug)]
pub(super) struct Sampling {
    /// Whether a parent's decision is heeded.
    pub(super) parent_based: bool,
    /// Decides where there is no parent, or none that is heeded.
    pub(super) root: Sampler,
}

impl Sampling {
    /// `parent` is the parent's decision.
    pub(super) fn decide(&self, parent: Option<bool>, trace: TraceId) -> bool {
        parent.filter(|_| self.parent_based).unwrap_or_else(|| {
            let result = self.root.should_sample(None, trace, "", &SpanKind::Server, &[], &[]);
            result.decision == SamplingDecision::RecordAndSample
        })
    }
}
