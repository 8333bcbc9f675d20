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
    samples: Mutex<Samples>,
}

/// Each sample twice: in the order of their time, to forget the oldest, and of their duration. Every call asks several times
/// for a duration that most do not exceed, and recording it moves one sample only.
#[derive(Default)]
struct Samples {
    by_time: VecDeque<(Instant, Sample)>,
    by_duration: Vec<Sample>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sample {
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
        if samples.by_time.len() == SAMPLES {
            samples.forget_oldest();
        }
        samples.insert(at, Sample { took, source, answered });
    }

    /// How much time a call of this source needs: nine in ten of the recent ones took no longer.
    pub(in crate::upstream) fn needed(&self, source: SourceId, now: Instant) -> Duration {
        let samples = self.recent(now);
        let own = |sample: &&Sample| sample.source == source;
        let needed = samples.quantile(own, ENOUGH, 9).or_else(|| samples.quantile(is_answered, 1, 9));
        needed.unwrap_or(self.assumed)
    }

    /// How long an answer of the host usually takes.
    pub(in crate::upstream) fn typical(&self, now: Instant) -> Duration {
        self.recent(now).quantile(is_answered, 1, 5).unwrap_or(self.assumed)
    }

    /// The samples, without those that are old by now.
    fn recent(&self, now: Instant) -> MutexGuard<'_, Samples> {
        let mut samples = self.samples.lock();
        while samples.by_time.front().is_some_and(|(at, _)| now.duration_since(*at) >= RECENT) {
            samples.forget_oldest();
        }
        samples
    }
}

impl Samples {
    fn insert(&mut self, at: Instant, sample: Sample) {
        self.by_time.push_back((at, sample));
        let index = self.by_duration.partition_point(|other| *other < sample);
        self.by_duration.insert(index, sample);
    }

    fn forget_oldest(&mut self) {
        let oldest = self.by_time.pop_front();
        // Of equal ones any is the one.
        if let Some(index) = oldest.and_then(|(_, sample)| self.by_duration.binary_search(&sample).ok()) {
            self.by_duration.remove(index);
        }
    }

    /// The duration that so many tenths of these samples do not exceed, where there are at least so many of them.
    fn quantile(&self, of: impl Fn(&&Sample) -> bool, least: usize, tenths: usize) -> Option<Duration> {
        let count = self.by_duration.iter().filter(&of).count();
        // From the longest on: there are fewer of those.
        let longer = count - (count * tenths).div_ceil(10);
        let mut longest_first = self.by_duration.iter().rev().filter(of);
        (count >= least).then(|| longest_first.nth(longer))?.map(|sample| sample.took)
    }
}

fn is_answered(sample: &&Sample) -> bool {
    sample.answered
}
