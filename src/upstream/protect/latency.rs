//! The recent latency of the host: how long its answers took, so that no call is started that cannot finish in time.
//!
//! A source (credential and caller) is judged by its own answers once there are a few, and by everybody's before; a time-out
//! of one source says nothing to the others. Invariant: a bounded number of samples, none older than a minute.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// The source of a call: a hash of credential and caller.
pub(in crate::upstream) type SourceId = u64;

/// Samples kept, and for how long.
const SAMPLES: usize = 128;
const RECENT: Duration = Duration::from_secs(60);
/// From so many samples of its own on, a source is judged by them.
const ENOUGH: usize = 4;

pub(in crate::upstream) struct Latency {
    /// The latency that is assumed while none is known.
    assumed: Duration,
    samples: Mutex<VecDeque<Sample>>,
}

struct Sample {
    at: Instant,
    took: Duration,
    source: SourceId,
    /// Whether there was an answer.
    answered: bool,
}

impl Latency {
    /// Assumes half of `attempt_timeout` until there are answers.
    pub(in crate::upstream) fn new(attempt_timeout: Duration) -> Self {
        Self { assumed: attempt_timeout / 2, samples: Mutex::default() }
    }

    /// Records how long an answer took, or a time-out of full length.
    pub(in crate::upstream) fn record(&self, source: SourceId, took: Duration, answered: bool, at: Instant) {
        let mut samples = self.samples.lock();
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(Sample { at, took, source, answered });
    }

    /// How much time a call of this source needs: nine in ten of the recent ones took no longer.
    pub(in crate::upstream) fn needed(&self, source: SourceId, now: Instant) -> Duration {
        let samples = self.recent(now);
        let own = samples.iter().filter(|sample| sample.source == source);
        let own: Vec<Duration> = own.map(|sample| sample.took).collect();
        if own.len() >= ENOUGH {
            return quantile(own, 9).unwrap_or(self.assumed);
        }
        let answered = samples.iter().filter(|sample| sample.answered);
        quantile(answered.map(|sample| sample.took).collect(), 9).unwrap_or(self.assumed)
    }

    /// How long an answer of the host usually takes.
    pub(in crate::upstream) fn typical(&self, now: Instant) -> Duration {
        let samples = self.recent(now);
        let answered = samples.iter().filter(|sample| sample.answered);
        quantile(answered.map(|sample| sample.took).collect(), 5).unwrap_or(self.assumed)
    }

    /// The samples, without those that are old by now.
    fn recent(&self, now: Instant) -> MutexGuard<'_, VecDeque<Sample>> {
        let mut samples = self.samples.lock();
        while samples.front().is_some_and(|sample| now.duration_since(sample.at) >= RECENT) {
            samples.pop_front();
        }
        samples
    }
}

/// The value that so many tenths of all do not exceed.
fn quantile(mut values: Vec<Duration>, tenths: usize) -> Option<Duration> {
    if values.is_empty() {
        return None;
    }
    let nth = (values.len() * tenths).div_ceil(10) - 1;
    Some(*values.select_nth_unstable(nth).1)
}
