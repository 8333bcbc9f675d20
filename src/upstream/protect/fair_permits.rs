//! Fair permits: how many calls are under way at once, shared by source (credential and caller).
//!
//! A free permit goes to the waiting source that has the fewest, first come first served within a source, so a source that
//! asks for many slow calls delays itself. Nothing waits that cannot start in time: such a call is refused at once, and a
//! waiting one as soon as that is clear. Invariant: at most `capacity` permits, and a bounded queue.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::latency::{Latency, SourceId};
use crate::model::Clock;

/// The longest queue, all sources together.
const QUEUE_LIMIT: usize = 4096;

pub(in crate::upstream) struct FairPermits {
    capacity: usize,
    latency: Arc<Latency>,
    clock: Clock,
    state: Mutex<PermitsState>,
}

#[derive(Default)]
struct PermitsState {
    in_use: usize,
    waiting: usize,
    /// The number of the next waiting call.
    next: u64,
    sources: HashMap<SourceId, SourceQueue>,
    /// The time that an answer usually took when the queue was last checked.
    checked_with: Duration,
}

#[derive(Default)]
struct SourceQueue {
    in_use: usize,
    limit: usize,
    queue: VecDeque<WaitingCall>,
}

struct WaitingCall {
    number: u64,
    deadline: Instant,
    permit: oneshot::Sender<FairPermit>,
}

/// The right to make one call. Dropped, it goes to the next.
pub(in crate::upstream) struct FairPermit {
    permits: Arc<FairPermits>,
    source: SourceId,
}

/// The call could not start in time.
#[derive(Clone, Copy, Debug)]
pub(in crate::upstream) struct NoTime {
    /// When it could have started, from now, as far as that can be estimated.
    pub(in crate::upstream) retry_after: Duration,
}

impl FairPermits {
    pub(in crate::upstream) fn new(capacity: usize, latency: Arc<Latency>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { capacity, latency, clock, state: Mutex::default() })
    }

    /// How many calls are under way, and how many wait.
    pub(in crate::upstream) fn load(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.in_use, state.waiting)
    }

    /// A permit for a call of `source`, which has `limit` permits at most, that has to end by `deadline`.
    pub(in crate::upstream) async fn acquire(
        self: &Arc<Self>,
        source: SourceId,
        limit: usize,
        deadline: Instant,
    ) -> Result<FairPermit, NoTime> {
        let now = self.clock.now();
        let needed = self.latency.needed(source, now);
        let receiver = {
            let mut state = self.state.lock();
            if now + needed > deadline {
                return Err(NoTime { retry_after: self.latency.typical(now) });
            }
            let free = state.in_use < self.capacity;
            let asking = state.sources.entry(source).or_default();
            asking.limit = limit;
            if free && asking.in_use < limit && asking.queue.is_empty() {
                asking.in_use += 1;
                state.in_use += 1;
                return Ok(FairPermit { permits: self.clone(), source });
            }
            let position = asking.queue.len();
            let wait = self.wait(&state, source, position, now);
            if now + wait + needed > deadline || state.waiting >= QUEUE_LIMIT {
                state.tidy(source);
                return Err(NoTime { retry_after: wait });
            }
            let (permit, receiver) = oneshot::channel();
            let number = state.next;
            state.next += 1;
            state.waiting += 1;
            state.sources.entry(source).or_default().queue.push_back(WaitingCall { number, deadline, permit });
            receiver
        };
        let too_late = || NoTime { retry_after: self.latency.typical(self.clock.now()) };
        tokio::select! {
            permit = receiver => permit.map_err(|_| too_late()),
            () = sleep_until(deadline - needed) => Err(too_late()),
        }
    }

    /// How long the call at this position of a source's queue will wait, at the recent pace of the host. Sources take turns,
    /// so at most as many calls of another source come before it as of its own.
    fn wait(&self, state: &PermitsState, source: SourceId, position: usize, now: Instant) -> Duration {
        let ahead: usize = state.sources.values().map(|other| other.queue.len().min(position + 1)).sum();
        let limit = state.sources.get(&source).map_or(self.capacity, |own| own.limit.min(self.capacity));
        let rounds = (ahead as f64 / self.capacity as f64).max((position + 1) as f64 / limit.max(1) as f64);
        self.latency.typical(now).mul_f64(rounds)
    }

    /// Gives free permits to waiting calls.
    fn grant(self: &Arc<Self>) {
        let mut granted = Vec::new();
        {
            let now = self.clock.now();
            let typical = self.latency.typical(now);
            let mut state = self.state.lock();
            if typical > state.checked_with.mul_f64(1.1) {
                self.refuse_late(&mut state, typical, now);
                state.checked_with = typical;
            } else if typical < state.checked_with {
                state.checked_with = typical;
            }
            while state.in_use < self.capacity {
                let eligible = |(_, source): &(&SourceId, &SourceQueue)| source.in_use < source.limit;
                let queued = state.sources.iter().filter(eligible);
                let first = queued.filter_map(|(id, source)| Some((source.in_use, source.queue.front()?.number, *id)));
                let Some((.., id)) = first.min() else { break };
                let Some(source) = state.sources.get_mut(&id) else { break };
                let Some(waiting) = source.queue.pop_front() else { break };
                let in_time = !waiting.permit.is_closed() && now + self.latency.needed(id, now) <= waiting.deadline;
                source.in_use += usize::from(in_time);
                state.waiting -= 1;
                if in_time {
                    state.in_use += 1;
                    granted.push((waiting.permit, id));
                }
                state.tidy(id);
            }
        }
        for (waiting, source) in granted {
            // A permit that is not taken comes back when it is dropped.
            let _ = waiting.send(FairPermit { permits: self.clone(), source });
        }
    }

    /// Refuses the waiting calls that can no longer start in time, now that calls take longer.
    fn refuse_late(&self, state: &mut PermitsState, typical: Duration, now: Instant) {
        let mut late = Vec::new();
        for (id, source) in state.sources.iter().filter(|(_, source)| !source.queue.is_empty()) {
            let needed = self.latency.needed(*id, now);
            for (position, waiting) in source.queue.iter().enumerate() {
                let wait = self.wait(state, *id, position, now).saturating_sub(typical);
                if waiting.permit.is_closed() || now + wait + needed > waiting.deadline {
                    late.push((*id, waiting.number));
                }
            }
        }
        for (id, number) in late {
            if let Some(source) = state.sources.get_mut(&id) {
                source.queue.retain(|waiting| waiting.number != number);
                state.waiting -= 1;
            }
            state.tidy(id);
        }
    }
}

impl PermitsState {
    /// Forgets a source that has and wants nothing.
    fn tidy(&mut self, id: SourceId) {
        if self.sources.get(&id).is_some_and(|source| source.in_use == 0 && source.queue.is_empty()) {
            self.sources.remove(&id);
        }
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        {
            let mut state = self.permits.state.lock();
            state.in_use -= 1;
            if let Some(source) = state.sources.get_mut(&self.source) {
                source.in_use -= 1;
            }
            state.tidy(self.source);
        }
        self.permits.grant();
    }
}
