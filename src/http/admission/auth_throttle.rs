//! The limiter of failed authentication: how many different unaccepted tokens an address may try in a minute.
//!
//! A token that is accepted is never refused here, and is not counted any more; so a shared address is not locked out by
//! those of its users who come with something else.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::client_ip::network;
use crate::graphql::Code;
use crate::http::response::error::HttpError;
use crate::model::Clock;

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const PEERS_LIMIT: usize = 10_000;

pub(in crate::http) struct FailedAuthLimiter {
    limit: usize,
    hasher: RandomState,
    peers: Mutex<HashMap<Option<IpAddr>, Window>>,
}

/// What came from an address in a minute.
struct Window {
    since: Instant,
    tokens: HashSet<u64>,
}

/// A token as it is counted: whose, and a hash of it.
#[derive(Clone, Copy)]
pub(in crate::http) struct Attempt {
    peer: Option<IpAddr>,
    token: u64,
}

impl FailedAuthLimiter {
    /// `limit` is how many different tokens; 0 for as many as they like.
    pub(in crate::http) fn new(limit: usize) -> Self {
        Self { limit, hasher: RandomState::new(), peers: Mutex::default() }
    }

    /// Who comes with this request.
    pub(in crate::http) fn of(&self, parts: &Parts, peer: Option<IpAddr>) -> Attempt {
        let token = parts.headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        Attempt { peer: peer.map(network), token: self.hasher.hash_one(token) }
    }

    /// Counts a token that has not been accepted.
    pub(in crate::http) fn count(&self, attempt: Attempt) -> Result<(), HttpError> {
        if self.limit == 0 {
            return Ok(());
        }
        let now = Clock::instant();
        let mut peers = self.peers();
        if peers.len() >= PEERS_LIMIT && !peers.contains_key(&attempt.peer) {
            peers.retain(|_, window| now - window.since < WINDOW);
            let some = peers.keys().next().copied().filter(|_| peers.len() >= PEERS_LIMIT);
            some.map(|some| peers.remove(&some));
        }
        let fresh = || Window { since: now, tokens: HashSet::new() };
        let window = peers.entry(attempt.peer).or_insert_with(fresh);
        if now - window.since >= WINDOW {
            *window = fresh();
        }
        if !window.tokens.contains(&attempt.token) && window.tokens.len() >= self.limit {
            let wait = WINDOW.saturating_sub(now - window.since);
            return Err(HttpError {
                retry_after: Some(wait.as_secs() + 1),
                ..HttpError::new(
                    Code::RequestRateLimited,
                    "too many tokens that are not accepted came from this address",
                )
            });
        }
        window.tokens.insert(attempt.token);
        Ok(())
    }

    /// The token was accepted after all.
    pub(in crate::http) fn forget(&self, attempt: Attempt) {
        if let Some(window) = self.peers().get_mut(&attempt.peer) {
            window.tokens.remove(&attempt.token);
        }
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Window>> {
        self.peers.lock()
    }
}
