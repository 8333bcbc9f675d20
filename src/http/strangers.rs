//! Strangers: tokens that nobody has accepted, and how many different ones an address may try in a minute.
//!
//! A token that is accepted is never refused here, and is not counted any more; so a shared address is not locked out by
//! those of its users who come with something else.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tokio::time::Instant;

use super::error::Refusal;
use super::peer::network;
use crate::graphql::Code;

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const PEERS_LIMIT: usize = 10_000;

pub(super) struct Strangers {
    limit: usize,
    hasher: RandomState,
    peers: Mutex<HashMap<Option<IpAddr>, Tried>>,
}

/// What came from an address in a minute.
struct Tried {
    since: Instant,
    tokens: HashSet<u64>,
}

/// A token as it is counted: whose, and a hash of it.
#[derive(Clone, Copy)]
pub(super) struct Stranger {
    peer: Option<IpAddr>,
    token: u64,
}

impl Strangers {
    /// `limit` is how many different tokens; 0 for as many as they like.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, hasher: RandomState::new(), peers: Mutex::default() }
    }

    /// Who comes with this request.
    pub(super) fn of(&self, parts: &Parts, peer: Option<IpAddr>) -> Stranger {
        let token = parts.headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        Stranger { peer: peer.map(network), token: self.hasher.hash_one(token) }
    }

    /// Counts a token that nobody has accepted.
    pub(super) fn count(&self, stranger: Stranger) -> Result<(), Refusal> {
        if self.limit == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let mut peers = self.peers();
        if peers.len() >= PEERS_LIMIT && !peers.contains_key(&stranger.peer) {
            peers.retain(|_, tried| now - tried.since < WINDOW);
            let some = peers.keys().next().copied().filter(|_| peers.len() >= PEERS_LIMIT);
            some.map(|some| peers.remove(&some));
        }
        let fresh = || Tried { since: now, tokens: HashSet::new() };
        let tried = peers.entry(stranger.peer).or_insert_with(fresh);
        if now - tried.since >= WINDOW {
            *tried = fresh();
        }
        if !tried.tokens.contains(&stranger.token) && tried.tokens.len() >= self.limit {
            let wait = WINDOW.saturating_sub(now - tried.since);
            return Err(Refusal {
                retry_after: Some(wait.as_secs() + 1),
                ..Refusal::new(Code::RequestRateLimited, "too many tokens that are not accepted came from this address")
            });
        }
        tried.tokens.insert(stranger.token);
        Ok(())
    }

    /// The token was accepted after all.
    pub(super) fn forget(&self, stranger: Stranger) {
        if let Some(tried) = self.peers().get_mut(&stranger.peer) {
            tried.tokens.remove(&stranger.token);
        }
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Tried>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
