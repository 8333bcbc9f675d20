//! The limiter of failed authentication: how many different unaccepted tokens an address may try in any minute, and how often
//! it is told that one is not accepted.
//!
//! A token that is accepted is never refused or slowed here, and is not counted any more. So a shared address is not locked
//! out by those of its users who come with something else. Refusals past the rate wait for their turn, which costs the client
//! its time and this service a timer; when too many wait, the connection is closed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use ahash::RandomState;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

use super::client_ip::network;
use crate::graphql::Code;
use crate::http::response::error::HttpError;
use crate::model::Clock;

/// The sliding window in which tokens are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const PEERS_LIMIT: usize = 10_000;
/// The refusals of so many seconds come at once, and as many more wait: for so long at most.
const BURST_SECONDS: u32 = 2;

/// Counts failed authentication by address.
pub struct FailedAuthLimiter {
    limit: usize,
    /// Refusals of an address in a second.
    rate: u32,
    hasher: RandomState,
    peers: Mutex<HashMap<Option<IpAddr>, Window, RandomState>>,
}

/// The attempts of an address in the last minute.
struct Window {
    /// The tokens that were not accepted, oldest first, and when each was first seen.
    tokens: VecDeque<(Instant, u64)>,
    known: HashSet<u64>,
    /// When the next refusal would have its turn, were there no burst.
    next_refusal: Instant,
}

/// A token as it is counted: whose, and a hash of it.
#[derive(Clone, Copy)]
pub struct Attempt {
    peer: Option<IpAddr>,
    token: u64,
}

impl FailedAuthLimiter {
    /// `limit` is how many different tokens, `rate` how many refusals in a second; 0 = unlimited.
    #[must_use]
    pub fn new(limit: usize, rate: u32) -> Self {
        Self { limit, rate, hasher: RandomState::new(), peers: Mutex::default() }
    }

    /// The attempt of a request of this peer, by its `Authorization`.
    #[must_use]
    pub fn attempt(&self, authorization: Option<&[u8]>, peer: Option<IpAddr>) -> Attempt {
        Attempt { peer: peer.map(network), token: self.hasher.hash_one(authorization) }
    }

    /// Counts a token that has not been accepted.
    ///
    /// # Errors
    /// When there were too many others in the last minute.
    pub fn count(&self, attempt: Attempt) -> Result<(), Throttled> {
        if self.limit == 0 {
            return Ok(());
        }
        let now = Clock::instant();
        let mut peers = self.peers();
        let window = open(&mut peers, attempt.peer, now);
        window.expire(now);
        if window.known.contains(&attempt.token) {
            return Ok(());
        }
        if window.tokens.len() >= self.limit {
            let oldest = window.tokens.front().map_or(now, |(at, _)| *at);
            let wait = WINDOW.saturating_sub(now - oldest);
            return Err(Throttled::Tokens { retry_after: wait.as_secs() + 1 });
        }
        window.tokens.push_back((now, attempt.token));
        window.known.insert(attempt.token);
        Ok(())
    }

    /// Waits until a refusal of this address has its turn.
    ///
    /// # Errors
    /// When too many wait. The connection is to be closed.
    pub async fn pace(&self, attempt: Attempt) -> Result<(), Throttled> {
        let Some(interval) = Duration::from_secs(1).checked_div(self.rate) else { return Ok(()) };
        let turn = {
            let now = Clock::instant();
            let mut peers = self.peers();
            let window = open(&mut peers, attempt.peer, now);
            let turn = window.next_refusal.max(now);
            // A burst is a turn that lies behind.
            let burst = interval * self.rate.saturating_mul(BURST_SECONDS);
            let due = (turn + interval).checked_sub(burst).unwrap_or(now).max(now);
            if due - now > burst {
                return Err(Throttled::Refusals { retry_after: u64::from(BURST_SECONDS) });
            }
            window.next_refusal = turn + interval;
            due
        };
        sleep_until(turn).await;
        Ok(())
    }

    /// The token was accepted after all.
    pub fn forget(&self, attempt: Attempt) {
        if let Some(window) = self.peers().get_mut(&attempt.peer)
            && window.known.remove(&attempt.token)
        {
            window.tokens.retain(|(_, token)| *token != attempt.token);
        }
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Window, RandomState>> {
        self.peers.lock()
    }
}

/// The window of an address. Where there are too many, those that are empty again make room, or one does.
fn open(peers: &mut HashMap<Option<IpAddr>, Window, RandomState>, peer: Option<IpAddr>, now: Instant) -> &mut Window {
    if peers.len() >= PEERS_LIMIT && !peers.contains_key(&peer) {
        peers.retain(|_, window| window.is_in_use(now));
        let some = peers.keys().next().copied().filter(|_| peers.len() >= PEERS_LIMIT);
        some.map(|some| peers.remove(&some));
    }
    let fresh = || Window { tokens: VecDeque::new(), known: HashSet::new(), next_refusal: now };
    peers.entry(peer).or_insert_with(fresh)
}

impl Window {
    fn expire(&mut self, now: Instant) {
        while let Some((at, token)) = self.tokens.front().copied()
            && now - at >= WINDOW
        {
            self.tokens.pop_front();
            self.known.remove(&token);
        }
    }

    fn is_in_use(&self, now: Instant) -> bool {
        self.next_refusal > now || self.tokens.back().is_some_and(|(at, _)| now - *at < WINDOW)
    }
}

/// The limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// Different tokens in the last minute.
    Tokens {
        /// When the next one may come, in seconds.
        retry_after: u64,
    },
    /// Refused requests that wait to be told so. The connection is to be closed.
    Refusals {
        /// When fewer will wait, in seconds.
        retry_after: u64,
    },
}

impl From<Throttled> for HttpError {
    fn from(throttled: Throttled) -> Self {
        let (retry_after, close, message) = match throttled {
            Throttled::Tokens { retry_after } => {
                (retry_after, false, "too many tokens that are not accepted came from this address")
            }
            Throttled::Refusals { retry_after } => {
                (retry_after, true, "too many refused requests come from this address")
            }
        };
        Self { retry_after: Some(retry_after), close, ..Self::new(Code::RequestRateLimited, message) }
    }
}
