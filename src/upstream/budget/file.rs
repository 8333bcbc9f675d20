//! The ledger file: the last hour's calls, so that a restart does not forget them. Replaced as a whole, so it is never half
//! written; locked, because two processes that count alone overrun the plan together.
//!
//! A line with the digest of the rest, then JSON: `{"version", "salt", "ledgers": [{"id", "calls": [[half-minute, count], …]}]}`,
//! and `unknownSince` where an earlier file could not be read. It holds no token: a forwarded one is named by a hash that is
//! keyed with the file's own salt.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::model::{Credential, CredentialId};

const VERSION: u32 = 1;
/// Calls are counted by the half minute, and taken for made at its end: a restart never forgets one too early.
const BUCKET_MILLIS: i64 = 30_000;

/// Why there can be no ledger file. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLedger {
    /// Another process has it.
    #[error("budget.file: another process is using {0}")]
    Locked(PathBuf),
    /// It cannot be read or written.
    #[error("budget.file: cannot use {0}: {1}")]
    Io(PathBuf, io::ErrorKind),
}

pub(in crate::upstream) struct LedgerFile {
    path: PathBuf,
    salt: String,
    key: hmac::Key,
    /// Reservation for as long as the process lives.
    _lock: File,
    /// When the last hour's calls were not known, because the file could not be read.
    unknown_since: Option<i64>,
    /// How many changes there were.
    changes: AtomicU64,
    written: Arc<tokio::sync::Mutex<WriteState>>,
}

/// What is on disk.
#[derive(Default)]
struct WriteState {
    changes: u64,
    failing: bool,
}

/// The calls of each ledger, by its name; in milliseconds since 1970, oldest first.
pub(in crate::upstream) type LedgerSnapshot = Vec<(Arc<str>, Vec<i64>)>;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    version: u32,
    salt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_since: Option<i64>,
    ledgers: Vec<FileEntry>,
}

#[derive(Serialize, Deserialize)]
struct FileEntry {
    id: String,
    calls: Vec<(i64, u32)>,
}

impl LedgerFile {
    /// Takes the file for this process, and reads what it remembers.
    pub(in crate::upstream) fn open(path: &Path, now: i64) -> Result<(Self, LedgerSnapshot), InvalidLedger> {
        let cannot = |error: io::Error| InvalidLedger::Io(path.to_owned(), error.kind());
        let lock = private().open(beside(path, ".lock")).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(InvalidLedger::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let content = match std::fs::read(path) {
            Ok(bytes) => read(&bytes).unwrap_or_else(|| {
                tracing::warn!("the ledger file cannot be read: half the plan counts as spent for an hour");
                Content { salt: fresh_salt(), unknown_since: Some(now), ..Content::default() }
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Content { salt: fresh_salt(), ..Content::default() }
            }
            Err(error) => return Err(cannot(error)),
        };
        let calls = |entry: FileEntry| {
            (entry.id.into(), entry.calls.into_iter().flat_map(|call| unbucket(call, now)).collect())
        };
        let remembered: LedgerSnapshot = content.ledgers.into_iter().map(calls).collect();
        let file = Self {
            path: path.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, content.salt.as_bytes()),
            salt: content.salt,
            _lock: lock,
            unknown_since: content.unknown_since,
            changes: AtomicU64::new(0),
            written: Arc::default(),
        };
        // Now, while somebody is there to be told, rather than at the first call.
        replace(path, &file.encode(&remembered)).map_err(cannot)?;
        Ok((file, remembered))
    }

    /// When the last hour's calls were not known.
    pub(in crate::upstream) fn unknown_since(&self) -> Option<i64> {
        self.unknown_since
    }

    /// What the file knows a credential by, in every process.
    pub(in crate::upstream) fn name(&self, credential: &Credential) -> String {
        match credential.id() {
            CredentialId::Held(name) => format!("held:{name}"),
            CredentialId::Forwarded(_) => {
                let tag = hmac::sign(&self.key, credential.token().expose_secret().as_bytes());
                format!("forwarded:{}", URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16]))
            }
        }
    }

    /// Writes what `snapshot` says, unless somebody else's write has it already.
    pub(in crate::upstream) async fn write(&self, snapshot: impl FnOnce() -> LedgerSnapshot) {
        let change = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        let mut written = self.written.clone().lock_owned().await;
        if written.changes >= change {
            return;
        }
        let changes = self.changes.load(Ordering::Acquire);
        let (path, bytes) = (self.path.clone(), self.encode(&snapshot()));
        // The lock goes along: a caller who leaves does not let a second write into this one.
        let write = move || match replace(&path, &bytes) {
            Ok(()) => *written = WriteState { changes, failing: false },
            // The plan still holds within this process; said once, not for every call.
            Err(error) if !std::mem::replace(&mut written.failing, true) => {
                tracing::error!(kind = ?error.kind(), "the ledger file cannot be written: a restart will forget calls");
            }
            Err(_) => {}
        };
        let _ = tokio::task::spawn_blocking(write).await;
    }

    fn encode(&self, ledgers: &LedgerSnapshot) -> Vec<u8> {
        let entry = |(id, calls): &(Arc<str>, Vec<i64>)| {
            let mut buckets = BTreeMap::<i64, u32>::new();
            for at in calls {
                *buckets.entry(at.div_euclid(BUCKET_MILLIS)).or_default() += 1;
            }
            FileEntry { id: id.to_string(), calls: buckets.into_iter().collect() }
        };
        let ledgers = ledgers.iter().map(entry).collect();
        let (salt, unknown_since) = (self.salt.clone(), self.unknown_since);
        let content = Content { version: VERSION, salt, unknown_since, ledgers };
        // Numbers and texts always are JSON.
        let json = serde_json::to_string(&content).unwrap_or_default();
        format!("{}\n{json}\n", checksum(json.as_bytes())).into_bytes()
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = private().truncate(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&new, path)
}

fn read(bytes: &[u8]) -> Option<Content> {
    let (line, json) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    let json = json.trim_end();
    let content: Content = serde_json::from_str(json).ok().filter(|_| line == checksum(json.as_bytes()))?;
    (content.version == VERSION).then_some(content)
}

/// The moments of a bucket's calls: its end, which may not lie ahead of a clock that was set back.
fn unbucket((bucket, count): (i64, u32), now: i64) -> impl Iterator<Item = i64> {
    let at = bucket.saturating_add(1).saturating_mul(BUCKET_MILLIS).min(now);
    std::iter::repeat_n(at, count as usize)
}

fn checksum(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

fn fresh_salt() -> String {
    let mut salt = [0; 32];
    // Without randomness the names are still one-way for tokens that cannot be guessed.
    let _ = rand::fill(&mut salt);
    URL_SAFE_NO_PAD.encode(salt)
}

/// A file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
