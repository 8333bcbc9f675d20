//! The limits of a caller as an entry of a file, or a claim, has them.

use serde::Deserialize;

use crate::model::CallerLimits;

/// More than this is no limit that was meant.
const MOST: u32 = 1_000_000;

/// `rate_limit`, `rate_burst` and `concurrency`, each where it differs from the settings.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLimits {
    rate_limit: Option<u32>,
    rate_burst: Option<u32>,
    concurrency: Option<u32>,
}

impl WrittenLimits {
    pub(super) fn new(rate_limit: Option<u32>, rate_burst: Option<u32>, concurrency: Option<u32>) -> Self {
        Self { rate_limit, rate_burst, concurrency }
    }

    /// The limits; `None` where they make no sense.
    pub(super) fn read(self) -> Option<CallerLimits> {
        let fits = |limit: Option<u32>, least: u32| limit.is_none_or(|limit| (least..=MOST).contains(&limit));
        let fit = fits(self.rate_limit, 0) && fits(self.rate_burst, 1) && fits(self.concurrency, 1);
        fit.then(|| CallerLimits {
            rate: self.rate_limit,
            burst: self.rate_burst,
            concurrency: self.concurrency.and_then(|limit| usize::try_from(limit).ok()),
        })
    }
}
