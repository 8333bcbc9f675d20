//! A watched file: tells when its content is another one, however that came about.
//!
//! A look costs one `stat` where nothing has changed; no background task runs. A file that was only touched, or replaced by an
//! equal one, has not changed, and times that go backwards, links that are swapped and files that are gone for a while are
//! seen. One that is written where it lies is read when its writer has left it alone for a tenth of a second.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};

use super::bounded_read::{open, read_at_most};
use crate::model::Clock;

/// A file that is written where it lies may be half there until it was left alone for so long.
const SETTLED_AFTER: Duration = Duration::from_millis(100);

/// A file, and what was seen of it the last time.
pub struct WatchedFile {
    path: PathBuf,
    /// The maximum size, in bytes.
    limit: u64,
    /// `None` where there was none.
    stamp: Option<FileStamp>,
    /// The SHA-256 of the content that was read last.
    digest: Option<[u8; 32]>,
}

/// The result of a look at the file.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// The content is the same.
    Same,
    /// The content is this now.
    Changed(Vec<u8>),
    /// It is not there any more. It may be between two versions.
    Gone,
    /// It is another file, which cannot be read, for this reason.
    Unreadable(String),
}

/// A file's identity, size and times: changes with its content, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    created: Option<SystemTime>,
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl WatchedFile {
    /// Watches a file, and reads it.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than `limit` bytes.
    pub fn open(path: &Path, limit: u64) -> Result<(Self, Vec<u8>), String> {
        let (stamp, bytes) = read(path, limit)?;
        let digest = Some(sha256(&bytes));
        Ok((Self { path: path.to_owned(), limit, stamp, digest }, bytes))
    }

    /// Watches a file that may not be there yet.
    #[must_use]
    pub fn new(path: &Path, limit: u64) -> Self {
        let stamp = FileStamp::of_path(path);
        let opened = Self::open(path, limit).map(|(file, _)| file);
        opened.unwrap_or_else(|_| Self { path: path.to_owned(), limit, stamp, digest: None })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was not there the last time.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.stamp.is_none()
    }

    /// Whether a look would find the same, as far as that can be told without reading it.
    #[must_use]
    pub fn is_as_seen(&self) -> bool {
        FileStamp::of_path(&self.path) == self.stamp
    }

    /// Looks at it. What was found once is not found again; what is being written is found by a later look.
    pub fn look(&mut self) -> Look {
        let now = FileStamp::of_path(&self.path);
        let is_being_written = now.zip(self.stamp).is_some_and(|(now, seen)| now.is_same_file(&seen) && now.is_fresh());
        if now == self.stamp || is_being_written {
            return Look::Same;
        }
        self.stamp = now;
        if now.is_none() {
            return Look::Gone;
        }
        match read(&self.path, self.limit) {
            Ok((stamp, bytes)) => {
                self.stamp = stamp;
                let digest = Some(sha256(&bytes));
                let is_same = self.digest == digest;
                self.digest = digest;
                if is_same { Look::Same } else { Look::Changed(bytes) }
            }
            Err(problem) => Look::Unreadable(problem),
        }
    }
}

fn sha256(content: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, content).as_ref());
    hash
}

/// The content, and its stamp.
fn read(path: &Path, limit: u64) -> Result<(Option<FileStamp>, Vec<u8>), String> {
    let file = open(path)?;
    // Taken before the content is read, so that a concurrent write changes the next stamp.
    let stamp = file.metadata().ok().map(|metadata| FileStamp::of(&metadata));
    Ok((stamp, read_at_most(file, limit)?))
}

impl FileStamp {
    /// The stamp of the file at this path, through links; `None` where there is none.
    fn of_path(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// Whether it is the same file, whatever is in it. The number of a file that has gone may be another's.
    fn is_same_file(&self, other: &Self) -> bool {
        #[cfg(unix)]
        if (self.inode.0, self.inode.1) != (other.inode.0, other.inode.1) {
            return false;
        }
        self.created == other.created
    }

    /// Whether it was written to just now. A time that is yet to come is another machine's.
    fn is_fresh(&self) -> bool {
        let written = self.modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let age = written.and_then(|written| Clock::since_epoch().checked_sub(written));
        age.is_some_and(|age| age < SETTLED_AFTER)
    }

    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        Self {
            created: metadata.created().ok(),
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode,
        }
    }
}
