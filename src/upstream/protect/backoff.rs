//! The probe schedule: how soon something that fails is tried again. Often at first, because most outages are short; then
//! ever more rarely. Jittered, so that what failed together does not come back together.

use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The wait between two tries of something that has failed for `outage`: 0.8 s within the first minute, 5 s until five
/// minutes, then 30 s; each longer or shorter by up to a fifth.
#[must_use]
pub fn probe_backoff(outage: Duration, random: &mut fastrand::Rng) -> Duration {
    let probe_backoff = if outage < MINUTE {
        Duration::from_millis(800)
    } else if outage < 5 * MINUTE {
        Duration::from_secs(5)
    } else {
        Duration::from_secs(30)
    };
    probe_backoff.mul_f64(0.8 + 0.4 * random.f64())
}
