//! The times of the lease protocol, derived from the window in which the vendor counts.

use std::time::Duration;

/// How often a replica tells the tier that it is there.
pub(in crate::cluster) const BEAT: Duration = Duration::from_secs(1);

/// The times that all replicas agree on, because they follow from the same settings.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How often a replica tells the tier that it is there.
    pub beat: Duration,
    /// A replica that is silent for so long is taken for gone, until it speaks again.
    pub silence: Duration,
    /// How long a lease may be used.
    pub lease: Duration,
    /// How long calls may be held that are kept for when the tier is away, or else a lease.
    pub longest: Duration,
    /// How long after its start a call may still be counted by the vendor.
    pub late: Duration,
    /// How long a call counts from its end: the vendor's window, and what clocks may differ by.
    pub window: Duration,
    /// Calls are counted by the bucket, and taken for ended at its end.
    pub bucket: Duration,
    /// By how much the tier's time goes on between two steps at most, while replicas are there.
    pub advance: Duration,
}

impl Timing {
    /// The times for a vendor that counts in `window`, leases of length `lease`, and calls that take at most `late`; `offline` says
    /// whether calls are kept for when the tier is away.
    #[must_use]
    pub fn new(window: Duration, lease: Duration, late: Duration, offline: bool) -> Self {
        let beat = BEAT.min(lease / 4).max(Duration::from_millis(50));
        let advance = beat + beat / 2;
        // A thousandth for clocks that run differently fast, and the rest for a clock that is set.
        let counted = window + window / 1000 + 2 * advance;
        Self {
            beat,
            silence: 5 * beat,
            lease,
            longest: if offline { counted } else { lease },
            late,
            window: counted,
            bucket: (window / 120).max(Duration::from_millis(1)),
            advance,
        }
    }
}
