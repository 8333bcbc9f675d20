//! The sender: posts what waits, one batch at a time, and tries a receiver that fails again within a budget.
//!
//! The steps: wait for something → wait for the budget, where the receiver fails → take a batch, without what is of no use any
//! more → post it → count it, or put it back. While the receiver fails, changes gather and are posted together.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::pending::Pending;
use super::post::{PostError, WebhookReceiver};
use super::retry_budget::RetryBudget;
use crate::model::Clock;
use crate::telemetry::Metrics;

/// The most names in a post.
const BATCH: usize = 200;
/// How often the log says that a receiver fails.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// The queue between the listener and the sender.
pub(super) struct Queue {
    pub(super) pending: Mutex<Pending>,
    pub(super) filled: Notify,
}

pub(super) struct WebhookSender {
    queue: Arc<Queue>,
    receiver: WebhookReceiver,
    budget: RetryBudget,
    clock: Clock,
    metrics: Arc<Metrics>,
    warned: Option<Instant>,
}

impl WebhookSender {
    pub(super) fn new(
        queue: Arc<Queue>,
        receiver: WebhookReceiver,
        retries: u32,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let budget = RetryBudget::new(retries, clock.now());
        Self { queue, receiver, budget, clock, metrics, warned: None }
    }

    /// Posts for as long as the service runs.
    pub(super) async fn run(mut self) {
        let mut pause = None;
        loop {
            if self.queue.pending.lock().is_empty() {
                self.queue.filled.notified().await;
                continue;
            }
            let wait = self.budget.next(self.clock.now()).max(pause.take().unwrap_or_default());
            if !wait.is_zero() {
                sleep(wait).await;
            }
            pause = self.step().await;
        }
    }

    /// Posts a batch, and says what pause the receiver asks for.
    async fn step(&mut self) -> Option<Duration> {
        let metrics = self.metrics.clone();
        let (batch, late) = self.queue.pending.lock().take(BATCH, self.clock.now());
        metrics.cache_tags().dropped("late", late);
        if batch.is_empty() {
            metrics.cache_tags().set_pending(0);
            return None;
        }
        let posted = self.receiver.post(&batch).await;
        let pause = match posted {
            Ok(()) => {
                self.budget.succeeded();
                metrics.cache_tags().posted("ok", batch.len());
                None
            }
            Err(PostError::Refused(status)) => {
                self.budget.failed();
                metrics.cache_tags().posted("refused", 0);
                metrics.cache_tags().dropped("refused", batch.len());
                self.warn(status.canonical_reason().unwrap_or("it refuses"));
                None
            }
            Err(PostError::Passing(reason, pause)) => {
                self.budget.failed();
                metrics.cache_tags().posted("failed", 0);
                let dropped = self.queue.pending.lock().put_back(batch);
                metrics.cache_tags().dropped("full", dropped);
                self.warn(reason);
                pause
            }
        };
        metrics.cache_tags().set_pending(self.queue.pending.lock().len());
        pause
    }

    fn warn(&mut self, reason: &'static str) {
        let now = self.clock.now();
        if self.warned.is_none_or(|warned| now - warned >= WARN_INTERVAL) {
            self.warned = Some(now);
            tracing::warn!(
                reason,
                "cache_tags.webhook_url does not take changes: caches keep old answers until they expire"
            );
        }
    }
}
