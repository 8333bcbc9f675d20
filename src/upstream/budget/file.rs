//! The ledger file: the calls of the last window, so that a restart does not forget them.
//!
//! A call that cannot be written down is not made. The file is replaced as a whole and synchronised together with its
//! folder, on a blocking thread, one write at a time; calls that start together share a write. It is locked, because two
//! processes that count alone overrun the plan together. The lock lies beside the real file, whatever its path is written like.
//! Where the lock was removed and another process wrote the file meanwhile, its calls are taken over before the next write.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::file_format::{Content, LedgerSnapshot, WrittenAt};
use crate::files;
use crate::model::{Credential, CredentialId};
use crate::telemetry::Metrics;

/// How often it is looked at whether the file is still there, at most.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The most symbolic links that are followed to a file that does not exist yet.
const LINKS_LIMIT: usize = 40;

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

/// The call could not be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) struct NotRecorded;

/// The ledgers that the file keeps.
pub(super) trait LedgerSource: Send + Sync + 'static {
    /// The wall clock's milliseconds, and every call that counts.
    fn snapshot(&self) -> (i64, LedgerSnapshot);

    /// Takes over what another process wrote. `shared` says that it began with a file of ours, so that its calls include those
    /// that this process had written down by then.
    fn merge(&self, calls: LedgerSnapshot, shared: bool);
}

pub(super) struct LedgerFile {
    salt: String,
    key: hmac::Key,
    /// When the last window's calls were not known, because the file could not be read.
    unknown_since: Option<i64>,
    /// How many changes there were.
    changes: AtomicU64,
    disk: Arc<tokio::sync::Mutex<Disk>>,
    checked: Mutex<Option<Instant>>,
}

/// The file as this process left it. A write holds its lock, so there is one at a time.
struct Disk {
    path: PathBuf,
    /// Held for as long as the process lives; `None` where the disk has not allowed it yet.
    lock: Option<File>,
    /// The changes that the last write was to bring to disk, and whether it did.
    attempted: u64,
    outcome: Result<(), NotRecorded>,
    /// Whether the operator knows that it cannot be written.
    failing: bool,
    /// Tells the written file from another one.
    stamp: Option<BudgetFileStamp>,
    metrics: Arc<Metrics>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct BudgetFileStamp(u64, u64, u64, i64, i64);

impl LedgerFile {
    /// Takes the file for this process, and reads what it remembers. A disk that is full or read-only is no reason not to
    /// start: rosters can still be served, once there are any, and no call is made until it can be written down.
    pub(super) fn open(path: &Path, now: i64, metrics: Arc<Metrics>) -> Result<(Self, LedgerSnapshot), InvalidLedger> {
        let cannot = |error: io::Error| InvalidLedger::Io(path.to_owned(), error.kind());
        let real = real_path(path).map_err(cannot)?;
        let mut disk =
            Disk { path: real, lock: None, attempted: 0, outcome: Ok(()), failing: false, stamp: None, metrics };
        match disk.ensure_lock() {
            Ok(_) => {}
            Err(LockError::Taken) => return Err(InvalidLedger::Locked(path.to_owned())),
            Err(LockError::Io(error)) if may_pass(&error) => {}
            Err(LockError::Io(error)) => return Err(cannot(error)),
        }
        let content = match read(&disk.path) {
            Ok(bytes) => Content::read(&bytes).unwrap_or_else(|| {
                tracing::warn!("the ledger file cannot be read: half the plan counts as spent for a whole window");
                Content::new(Some(now))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::new(None),
            Err(error) => return Err(cannot(error)),
        };
        let written = WrittenAt::now(now);
        let remembered = content.remembered(now, written.as_ref());
        // Now, while the operator is there to be told, rather than at the first call.
        let bytes = Content::encode(&content.salt, content.unknown_since, written, &remembered);
        match disk.replace(&bytes) {
            Err(error) if !may_pass(&error) => return Err(cannot(error)),
            written => disk.settle(0, written),
        }
        let file = Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, content.salt.as_bytes()),
            salt: content.salt,
            unknown_since: content.unknown_since,
            changes: AtomicU64::new(0),
            disk: Arc::new(tokio::sync::Mutex::new(disk)),
            checked: Mutex::new(None),
        };
        Ok((file, remembered))
    }

    /// Whether the file can be used, as far as can be told beside the process that has it.
    pub(super) fn check(path: &Path) -> Result<(), InvalidLedger> {
        let cannot = |error: io::Error| InvalidLedger::Io(path.to_owned(), error.kind());
        let real = real_path(path).map_err(cannot)?;
        if let Err(error) = read(&real)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(cannot(error));
        }
        let trial = beside(&real, &format!(".{}", std::process::id()));
        match private().open(&trial) {
            Ok(_) => std::fs::remove_file(&trial).map_err(cannot),
            Err(error) if may_pass(&error) => Ok(()),
            Err(error) => Err(cannot(error)),
        }
    }

    /// When the last window's calls were not known.
    pub(super) fn unknown_since(&self) -> Option<i64> {
        self.unknown_since
    }

    /// The name of a credential in the file, the same in every process.
    pub(super) fn name(&self, credential: &Credential) -> String {
        match credential.id() {
            CredentialId::Held(name) => format!("held:{name}"),
            CredentialId::Forwarded(_) => {
                let tag = hmac::sign(&self.key, credential.token().expose_secret().as_bytes());
                format!("forwarded:{}", URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16]))
            }
        }
    }

    /// Brings the ledgers to disk, on a blocking thread, unless another call's write has done it already.
    ///
    /// # Errors
    /// [`NotRecorded`] when the disk did not take them, or another process's calls had to be taken over: then the plan may
    /// have no room for the calls that were about to be made.
    pub(super) async fn write(&self, ledgers: Arc<impl LedgerSource>) -> Result<(), NotRecorded> {
        let change = self.changes.fetch_add(1, Ordering::AcqRel) + 1;
        let mut disk = self.disk.clone().lock_owned().await;
        if disk.attempted >= change {
            return disk.outcome;
        }
        // Whatever was recorded before this is in the snapshot, which is taken after it.
        let changes = self.changes.load(Ordering::Acquire);
        let (salt, unknown_since) = (self.salt.clone(), self.unknown_since);
        // The lock goes along: a caller who leaves does not let a second write into this one.
        let write = move || {
            let taken_over = disk.take_over(&salt, &*ledgers);
            let (now, snapshot) = ledgers.snapshot();
            let bytes = Content::encode(&salt, unknown_since, WrittenAt::now(now), &snapshot);
            let written = taken_over.and_then(|taken_over| disk.replace(&bytes).map(|()| taken_over));
            let taken_over = *written.as_ref().unwrap_or(&false);
            disk.settle(changes, written.map(drop));
            if taken_over {
                disk.outcome = Err(NotRecorded);
            }
            disk.outcome
        };
        tokio::task::spawn_blocking(write).await.unwrap_or(Err(NotRecorded))
    }

    /// Whether it is time to look at the file.
    pub(super) fn is_check_due(&self, now: Instant) -> bool {
        let mut checked = self.checked.lock();
        let due = checked.is_none_or(|checked| now.duration_since(checked) >= CHECK_INTERVAL);
        if due {
            *checked = Some(now);
        }
        due
    }

    /// Whether the file was removed or replaced since it was written here.
    pub(super) async fn is_lost(&self) -> bool {
        // A write that is under way answers the question.
        let Ok(disk) = self.disk.clone().try_lock_owned() else { return false };
        let look = move || disk.stamp.is_some() && disk.stamp != stamp(&disk.path);
        tokio::task::spawn_blocking(look).await.unwrap_or(false)
    }
}

/// Why the lock is not ours.
enum LockError {
    Taken,
    Io(io::Error),
}

impl From<LockError> for io::Error {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Taken => io::ErrorKind::ResourceBusy.into(),
            LockError::Io(error) => error,
        }
    }
}

impl Disk {
    /// Sees to it that this process holds the lock, also when the lock's file was removed; returns whether it had to be taken.
    fn ensure_lock(&mut self) -> Result<bool, LockError> {
        let path = beside(&self.path, ".lock");
        if let Some(lock) = &self.lock
            && let (Ok(ours), Ok(there)) = (lock.metadata(), std::fs::metadata(&path))
            && (ours.dev(), ours.ino()) == (there.dev(), there.ino())
        {
            return Ok(false);
        }
        // A file system that is read-only now may have been writable when the lock was made: it can be locked all the same.
        let lock = files::open_regular(&path, &mut private())
            .or_else(|error| if may_pass(&error) { readable(&path).map_err(|_| error) } else { Err(error) });
        let lock = lock.map_err(LockError::Io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Taken),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        self.lock = Some(lock);
        Ok(true)
    }

    /// Takes over the calls of a process that wrote the file while this one did not hold the lock, or that took no notice of
    /// it; returns whether there were any.
    fn take_over(&mut self, salt: &str, ledgers: &impl LedgerSource) -> io::Result<bool> {
        let locked = self.ensure_lock().map_err(io::Error::from)?;
        let there = stamp(&self.path);
        if there.is_none() || there == self.stamp || (!locked && self.stamp.is_none()) {
            return Ok(false);
        }
        // What is no ledger file was not written by a process that calls the vendor.
        let Some(content) = read(&self.path).ok().and_then(|bytes| Content::read(&bytes)) else {
            return Ok(false);
        };
        let (now, _) = ledgers.snapshot();
        ledgers.merge(content.remembered(now, WrittenAt::now(now).as_ref()), content.salt == salt);
        tracing::warn!("another process has written the ledger file: its calls are taken over");
        Ok(true)
    }

    /// Replaces the file, so that it is whole and on disk when this returns.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.ensure_lock().map_err(io::Error::from)?;
        let new = beside(&self.path, ".new");
        let mut file = private().truncate(true).open(&new)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        let written = file.metadata()?;
        std::fs::rename(&new, &self.path)?;
        // The name is data of the folder: without this a power cut may bring the old file back.
        File::open(parent(&self.path))?.sync_all()?;
        self.stamp = Some(BudgetFileStamp::of(&written));
        Ok(())
    }

    /// Keeps what became of a write, and tells the operator once when that changes.
    fn settle(&mut self, changes: u64, written: io::Result<()>) {
        self.attempted = changes;
        self.metrics.ledger_written(written.is_ok());
        match written {
            Ok(()) => {
                self.outcome = Ok(());
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the ledger file can be written again: calls are made again");
                }
            }
            Err(error) => {
                self.outcome = Err(NotRecorded);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(
                        kind = ?error.kind(),
                        "the ledger file cannot be written: no upstream call is made until it can be; rosters are served on"
                    );
                }
            }
        }
    }
}

impl BudgetFileStamp {
    fn of(file: &Metadata) -> Self {
        Self(file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec())
    }
}

fn stamp(path: &Path) -> Option<BudgetFileStamp> {
    std::fs::metadata(path).ok().map(|file| BudgetFileStamp::of(&file))
}

/// Whether this is a state of the disk, which may pass, rather than a wrong setting.
fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | ReadOnlyFilesystem | QuotaExceeded)
}

/// The path without symbolic links, so that every spelling of it leads to the same lock; the file itself may not exist yet.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_LIMIT {
        match std::fs::canonicalize(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            real => return real,
        }
        match std::fs::read_link(&path) {
            // A link to a file that does not exist yet.
            Ok(target) => path = parent(&path).join(target),
            Err(_) => {
                let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
                return Ok(std::fs::canonicalize(parent(&path))?.join(name));
            }
        }
    }
    Err(io::ErrorKind::InvalidInput.into())
}

/// The content of a regular file: reading a pipe would wait for its writer.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    readable(path)?.read_to_end(&mut content)?;
    Ok(content)
}

fn readable(path: &Path) -> io::Result<File> {
    files::open_regular(path, OpenOptions::new().read(true))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
