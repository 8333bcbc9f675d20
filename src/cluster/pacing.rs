//! Pacing: what all replicas together do at a certain rate. The tier gives out places in a line, each a gap after the one before,
//! so that no window has more of them than fit into it.
//!
//! Every replica remembers how far it has seen the line go, and says so when it asks again: a tier that has lost the line goes on
//! from there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::tier::{Tier, TierError};
use crate::model::Clock;

/// Takes the key and arguments of [`Pacing::next`]; answers how long to wait, in microseconds.
pub const PACING_SCRIPT: &str = include_str!("pacing.lua");
/// Lines whose ends are remembered: with so many, those that are past are forgotten, and then all.
const LINES: usize = 10_000;
/// As long as a window can be.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Asks for places.
pub struct Pacing {
    tier: Arc<Tier>,
    script: redis::Script,
    /// Up to when each line goes, as far as is known here.
    ends: Mutex<HashMap<String, Instant>>,
}

impl Pacing {
    pub(super) fn new(tier: Arc<Tier>) -> Self {
        Self { tier, script: redis::Script::new(PACING_SCRIPT), ends: Mutex::default() }
    }

    /// The next place in the line of this name, given to this caller alone; no other one is nearer than `gap` after it.
    ///
    /// # Errors
    /// When the tier is away.
    pub async fn next(&self, name: &str, gap: Duration) -> Result<Instant, TierError> {
        let asked = Clock::instant();
        let seen = self.ends.lock().get(name).map_or(Duration::ZERO, |end| end.saturating_duration_since(asked));
        let arguments = [seen, gap].map(|span| span.min(LONGEST).as_micros().to_string());
        let (value, _) = self.tier.run(&self.script, PACING_SCRIPT, &[name], &arguments, 0).await?;
        let [wait]: [u64; 1] = redis::from_redis_value(value).map_err(|_| TierError::Garbage)?;
        // From when the answer is here, which is later than when it was made.
        let place = Clock::instant() + Duration::from_micros(wait).min(LONGEST);
        self.remember(name, place + gap.min(LONGEST));
        Ok(place)
    }

    fn remember(&self, name: &str, end: Instant) {
        let mut ends = self.ends.lock();
        if ends.len() >= LINES {
            let now = Clock::instant();
            ends.retain(|_, end| *end > now);
            if ends.len() >= LINES {
                ends.clear();
            }
        }
        ends.insert(name.to_owned(), end);
    }
}
