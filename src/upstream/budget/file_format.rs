//! The format of the ledger file: a line with the digest of the rest, then JSON.
//!
//! `{"version", "salt", "written", "ledgers": [{"id", "calls": [[half-minute, count], …]}]}`, and `unknownSince` where an
//! earlier file could not be read. It holds no token: a forwarded one is named by a hash that is keyed with the file's salt.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;
/// Calls are counted by the half minute, and taken for made at its end: a restart never forgets one too early.
const BUCKET_MILLIS: i64 = 30_000;
/// Differences between the clocks up to this are rounding.
const JITTER_MILLIS: i64 = 2_000;

/// The calls of each ledger, by its name; each call by when its window begins, in milliseconds since 1970.
pub(super) type LedgerSnapshot = Vec<(Arc<str>, Vec<i64>)>;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    version: u32,
    pub(super) salt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unknown_since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written: Option<WrittenAt>,
    ledgers: Vec<LedgerEntry>,
}

/// When the file was written, by the wall clock and by one that cannot be set. Together they tell, at the next start, by how
/// much the wall clock was changed since.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenAt {
    wall: i64,
    boot: String,
    uptime: i64,
}

#[derive(Serialize, Deserialize)]
struct LedgerEntry {
    id: String,
    calls: Vec<(i64, u32)>,
}

impl Content {
    /// A ledger file without a call.
    pub(super) fn new(unknown_since: Option<i64>) -> Self {
        Self { salt: fresh_salt(), unknown_since, ..Self::default() }
    }

    /// Reads a file; `None` when it is damaged.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (line, json) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        let json = json.trim_end();
        let content: Self = serde_json::from_str(json).ok().filter(|_| line == checksum(json.as_bytes()))?;
        (content.version == VERSION).then_some(content)
    }

    /// The calls, by the wall clock of today: `written_now` is what would be written now.
    pub(super) fn remembered(&self, now: i64, written_now: Option<&WrittenAt>) -> LedgerSnapshot {
        let shift = match (&self.written, written_now) {
            (Some(before), Some(now)) => now.shift_since(before),
            _ => 0,
        };
        // No call can lie ahead, except in the half minute that is not over. A clock that was set back says otherwise.
        let latest = now.saturating_add(BUCKET_MILLIS);
        let unbucket = |(bucket, count): &(i64, u32)| {
            let at = bucket.saturating_add(1).saturating_mul(BUCKET_MILLIS).saturating_add(shift).min(latest);
            std::iter::repeat_n(at, *count as usize)
        };
        self.ledgers
            .iter()
            .map(|entry| (entry.id.as_str().into(), entry.calls.iter().flat_map(unbucket).collect()))
            .collect()
    }

    /// The bytes of a file with these calls.
    pub(super) fn encode(
        salt: &str,
        unknown_since: Option<i64>,
        written: Option<WrittenAt>,
        ledgers: &LedgerSnapshot,
    ) -> Vec<u8> {
        let entry = |(id, calls): &(Arc<str>, Vec<i64>)| {
            let mut buckets = BTreeMap::<i64, u32>::new();
            for at in calls {
                *buckets.entry(at.div_euclid(BUCKET_MILLIS)).or_default() += 1;
            }
            LedgerEntry { id: id.to_string(), calls: buckets.into_iter().collect() }
        };
        let ledgers = ledgers.iter().map(entry).collect();
        let content = Self { version: VERSION, salt: salt.to_owned(), unknown_since, written, ledgers };
        // Numbers and texts always are JSON.
        let json = serde_json::to_string(&content).unwrap_or_default();
        format!("{}\n{json}\n", checksum(json.as_bytes())).into_bytes()
    }
}

impl WrittenAt {
    /// Now: the wall clock as given, and how long this machine has been up. `None` where the system does not say.
    pub(super) fn now(wall: i64) -> Option<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        Some(Self { wall, boot, uptime: (seconds * 1000.0) as i64 })
    }

    /// By how much the wall clock was changed between `before` and now; 0 where that cannot be told.
    fn shift_since(&self, before: &Self) -> i64 {
        let elapsed = self.uptime.saturating_sub(before.uptime);
        if self.boot != before.boot || elapsed < 0 {
            return 0;
        }
        let shift = self.wall.saturating_sub(elapsed).saturating_sub(before.wall);
        if shift.abs() <= JITTER_MILLIS { 0 } else { shift }
    }
}

fn checksum(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

fn fresh_salt() -> String {
    let mut salt = [0; 32];
    // Without randomness the names are still one-way for tokens that cannot be guessed.
    let _ = getrandom::fill(&mut salt);
    URL_SAFE_NO_PAD.encode(salt)
}
