//! The retry budget: at most so many retries on top of the calls of the last minute, so that retrying never makes an outage
//! worse. It starts with one, so that the first call of a quiet service may be retried too.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// The wait before a retry, at least and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(200));

pub(in crate::upstream) struct Retries {
    /// Retries for each call.
    share: f64,
    state: Mutex<RetryState>,
}

struct RetryState {
    random: fastrand::Rng,
    /// The retry that it starts with.
    spare: bool,
    /// First calls, and retries, of the last minute.
    calls: VecDeque<Instant>,
    retries: VecDeque<Instant>,
}

impl Retries {
    /// At most `share` retries for each call; none at all, not even the first, when it is 0.
    pub(in crate::upstream) fn new(share: f64, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let (calls, retries) = (VecDeque::new(), VecDeque::new());
        Self { share, state: Mutex::new(RetryState { random, spare: share > 0.0, calls, retries }) }
    }

    /// A first call was made.
    pub(in crate::upstream) fn called(&self, now: Instant) {
        let mut state = self.state.lock();
        state.forget(now);
        state.calls.push_back(now);
    }

    /// How long to wait before retrying; `None` when retrying is not allowed now. Takes the retry out of the budget.
    pub(in crate::upstream) fn take(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state.lock();
        state.forget(now);
        let allowed = state.calls.len() as f64 * self.share;
        if (state.retries.len() + 1) as f64 <= allowed {
            state.retries.push_back(now);
        } else if !std::mem::take(&mut state.spare) {
            return None;
        }
        Some(PAUSE.0 + (PAUSE.1 - PAUSE.0).mul_f64(state.random.f64()))
    }
}

impl RetryState {
    fn forget(&mut self, now: Instant) {
        for queue in [&mut self.calls, &mut self.retries] {
            while queue.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
                queue.pop_front();
            }
        }
    }
}
