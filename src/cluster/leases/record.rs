//! The record of one replica in a ledger, as others remember it, and how it is written.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::Instant;

/// Parts of a text that are read at most: the tier may send anything.
const PARTS_LIMIT: usize = 20_000;

/// The calls that another replica has spent and holds, by this process's clock.
#[derive(Clone, Debug)]
pub(super) struct ReplicaRecord {
    pub(super) id: String,
    pub(super) seq: u64,
    pub(super) certainty: Certainty,
    pub(super) unused: (u32, Instant),
    pub(super) offline: (u32, Instant),
    pub(super) ends: Vec<(Instant, u32)>,
    pub(super) payers: Vec<(u64, u32)>,
}

/// Whether a record is the last of its replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// It is.
    Last,
    /// It may have been read before the last.
    Outdated,
    /// The replica was not known to be gone.
    Unsure,
}

/// Tells the tier's times by this process's clock.
#[derive(Clone, Copy)]
pub(super) struct TierTime {
    /// A time of the tier's, and when it was heard.
    pub(super) tier: u64,
    pub(super) here: Instant,
}

impl TierTime {
    fn instant(self, at: u64) -> Instant {
        if at >= self.tier {
            self.here + Duration::from_millis((at - self.tier).min(u64::from(u32::MAX)))
        } else {
            let age = Duration::from_millis(self.tier - at);
            self.here.checked_sub(age).unwrap_or(self.here)
        }
    }
}

impl ReplicaRecord {
    /// A replica of which there is no record.
    pub(super) fn empty(id: &str, now: Instant) -> Self {
        let (ends, payers) = (Vec::new(), Vec::new());
        let certainty = Certainty::Unsure;
        Self { id: id.to_owned(), seq: 0, certainty, unused: (0, now), offline: (0, now), ends, payers }
    }

    /// Reads `id|seq|flag|unused,until|offline,until|end:calls,…|payer:calls,…`.
    pub(super) fn read(text: &str, time: TierTime) -> Option<Self> {
        let mut parts = text.split('|');
        let id = parts.next().filter(|id| is_id(id))?.to_owned();
        let seq = parts.next()?.parse().ok()?;
        let certainty = match parts.next()? {
            "u" => Certainty::Unsure,
            "w" => Certainty::Outdated,
            _ => Certainty::Last,
        };
        let held = |text: &str| -> Option<(u32, Instant)> {
            let (calls, until) = text.split_once(',')?;
            Some((calls.parse().ok()?, time.instant(until.parse().ok()?)))
        };
        let (unused, offline) = (held(parts.next()?)?, held(parts.next()?)?);
        let pairs = |text: &str, radix: u32| -> Option<Vec<(u64, u32)>> {
            let pair = |pair: &str| {
                let (key, calls) = pair.split_once(':')?;
                Some((u64::from_str_radix(key, radix).ok()?, calls.parse().ok()?))
            };
            text.split(',').filter(|pair| !pair.is_empty()).take(PARTS_LIMIT).map(pair).collect()
        };
        let ends = pairs(parts.next()?, 10)?.into_iter().map(|(at, calls)| (time.instant(at), calls)).collect();
        let payers = pairs(parts.next()?, 16)?;
        Some(Self { id, seq, certainty, unused, offline, ends, payers })
    }

    /// Writes it as another replica puts it back: with distances from `now` in the place of times.
    pub(super) fn write(&self, into: &mut String, now: Instant) {
        let flag = match self.certainty {
            Certainty::Last => 'f',
            Certainty::Outdated => 'w',
            Certainty::Unsure => 'u',
        };
        let (k, till) = self.unused;
        let (ok, otill) = self.offline;
        let (left, oleft) = (until(till, now), until(otill, now));
        let _ = write!(into, "{}|{}|{flag}|{k},{left}|{ok},{oleft}|", self.id, self.seq);
        write_ends(into, self.ends.iter().copied(), now, Duration::ZERO);
        into.push('|');
        write_payers(into, &self.payers);
        into.push('/');
    }

    /// How many calls count at `now`, and the earliest instant at which one of them no longer does.
    pub(super) fn counted(&self, now: Instant, window: Duration, late: Duration) -> (u32, Option<Instant>) {
        let mut counted = (0, None);
        let held = [self.unused, self.offline].into_iter().map(|(calls, until)| (until + late, calls));
        for (end, calls) in held.chain(self.ends.iter().copied()) {
            let expires = end + window;
            if calls > 0 && expires > now {
                counted.0 += calls;
                counted.1 = Some(counted.1.map_or(expires, |first: Instant| first.min(expires)));
            }
        }
        counted
    }
}

/// Writes ends as `distance:calls,…`, each a little later rather than earlier; equal ones are put together.
pub(super) fn write_ends(
    into: &mut String,
    ends: impl Iterator<Item = (Instant, u32)>,
    now: Instant,
    bucket: Duration,
) {
    let step = i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut open: Option<(i64, u32)> = None;
    let mut flush = |open: &mut Option<(i64, u32)>| {
        if let Some((distance, calls)) = open.take() {
            let _ = write!(into, "{distance}:{calls},");
        }
    };
    for (end, calls) in ends {
        let ahead = millis(end.saturating_duration_since(now));
        let age = i64::try_from(now.saturating_duration_since(end).as_millis()).unwrap_or(i64::MAX);
        let distance = if ahead > 0 { ahead } else { -(age / step * step) };
        match &mut open {
            Some((same, sum)) if *same == distance => *sum += calls,
            _ => {
                flush(&mut open);
                open = Some((distance, calls));
            }
        }
    }
    flush(&mut open);
}

pub(super) fn write_payers(into: &mut String, payers: &[(u64, u32)]) {
    for (payer, calls) in payers {
        let _ = write!(into, "{payer:x}:{calls},");
    }
}

/// The milliseconds until `at`, rounded up.
pub(super) fn until(at: Instant, now: Instant) -> i64 {
    millis(at.saturating_duration_since(now))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(i64::MAX)
}

/// Whether a text can be the name of a replica.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
