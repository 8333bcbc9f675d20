//! The line that the request log has of a subscription that has ended, whatever carried it.

use tokio::time::Instant;

use super::stream_outcome::StreamOutcome;
use crate::http::log_names::Logged;
use crate::model::Clock;
use crate::telemetry::TaskContext;

/// Where streams are asked for.
pub(super) const PATH: &str = "/graphql";

/// The line of a subscription's end.
pub(in crate::http) struct SubscriptionLine {
    /// The context of the request that it came with.
    context: TaskContext,
    started: Instant,
    logged: Logged,
}

impl SubscriptionLine {
    /// Of the request that the current task works for; `None` where no such lines are written.
    pub(in crate::http) fn begin(started: Instant, logged: Logged) -> Option<Self> {
        tracing::enabled!(tracing::Level::INFO).then(|| Self { context: TaskContext::current(), started, logged })
    }

    /// It has ended, and has come to this.
    pub(super) fn write(self, transport: &'static str, outcome: &StreamOutcome, reason: &'static str) {
        let Self { context, started, logged: Logged { operations, accounts } } = self;
        let (operations, accounts, millis) = (operations.as_deref(), accounts.as_deref(), millis(started));
        let StreamOutcome { events, rows, codes, .. } = outcome;
        let (code, outcome) = (codes.first().copied(), outcome.word(reason));
        context.within(|| {
            tracing::info!(
                transport,
                path = PATH,
                outcome,
                code,
                reason,
                events,
                rows,
                millis,
                operations,
                accounts,
                "ended"
            );
        });
    }
}

pub(super) fn millis(started: Instant) -> f64 {
    Clock::elapsed_since(started).as_secs_f64() * 1000.0
}
