//! A file that is reloaded when its content changes, so that secrets and keys can be replaced without a restart.
//!
//! Each access checks the file first (one `stat`); no background task runs. A file that was only touched, or replaced by an equal
//! one, has not changed. Invalid new content is logged once, and the last valid content stays in effect.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use parking_lot::RwLock;

/// The maximum size of a file, in bytes.
const LENGTH_LIMIT: u64 = 4 << 20;

/// Parses a file's text. The error message must not quote it.
pub(super) type Parse<T> = fn(&str) -> Result<T, String>;

/// A file cannot be read or is invalid.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {}: {problem}", shown(path))]
pub struct Unusable {
    setting: &'static str,
    path: PathBuf,
    problem: String,
}

/// The parsed content of a file.
pub struct ReloadingFile<T> {
    setting: &'static str,
    path: PathBuf,
    parse: Parse<T>,
    seen: RwLock<Seen<T>>,
}

struct Seen<T> {
    stamp: Option<Stamp>,
    /// Of the content that was read last, valid or not.
    digest: Digest,
    value: Arc<T>,
    /// Whether the file was not there the last time.
    gone: bool,
}

/// A file's identity, size and time: changes with its content, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl<T> ReloadingFile<T> {
    /// Reads the file that a setting names.
    ///
    /// # Errors
    /// When it cannot be read, or its content is not valid. The content is in no message.
    pub fn open(setting: &'static str, path: &Path, parse: Parse<T>) -> Result<Self, Unusable> {
        let unusable = |problem| Unusable { setting, path: path.to_owned(), problem };
        let (stamp, text) = read(path).map_err(unusable)?;
        let value = Arc::new(parse(&text).map_err(unusable)?);
        let seen = RwLock::new(Seen { stamp, digest: digest(&SHA256, text.as_bytes()), value, gone: false });
        Ok(Self { setting, path: path.to_owned(), parse, seen })
    }

    /// The last valid content. An unchanged value is the same allocation.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        let now = Stamp::of_path(&self.path);
        {
            let seen = self.seen.read();
            if (now.is_none() && seen.gone) || (seen.stamp == now && !seen.gone) {
                return seen.value.clone();
            }
        }
        let mut seen = self.seen.write();
        if now.is_none() {
            if !std::mem::replace(&mut seen.gone, true) {
                tracing::warn!(setting = self.setting, "the file is not there any more; its last content stays");
            }
            return seen.value.clone();
        }
        if std::mem::replace(&mut seen.gone, false) {
            tracing::info!(setting = self.setting, "the file is there again");
        }
        if seen.stamp == now {
            return seen.value.clone();
        }
        match read(&self.path) {
            Ok((stamp, text)) => self.take(&mut seen, stamp, &text),
            Err(problem) => {
                self.warn(&problem);
                seen.stamp = now;
            }
        }
        seen.value.clone()
    }

    /// Takes new content over, where it is new and valid.
    fn take(&self, seen: &mut Seen<T>, stamp: Option<Stamp>, text: &str) {
        let digest = digest(&SHA256, text.as_bytes());
        seen.stamp = stamp;
        if std::mem::replace(&mut seen.digest, digest).as_ref() == digest.as_ref() {
            return;
        }
        match (self.parse)(text) {
            Ok(value) => {
                tracing::info!(setting = self.setting, "read again");
                seen.value = Arc::new(value);
            }
            Err(problem) => self.warn(&problem),
        }
    }

    fn warn(&self, problem: &str) {
        tracing::warn!(setting = self.setting, problem, "the changed file cannot be used; the last content stays");
    }
}

/// The path, unless there is no such place: a secret that was typed in place of a path must not be shown.
fn shown(path: &Path) -> String {
    let exists = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if exists(path) || folder.is_some_and(exists) { path.display().to_string() } else { "(no such place)".to_owned() }
}

/// The text, and its stamp.
fn read(path: &Path) -> Result<(Option<Stamp>, String), String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // Opening a pipe would wait for its writer, and reading a device may never end.
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(cannot)?;
    // Taken before the content is read, so that a concurrent write changes the next stamp.
    let stamp = file.metadata().ok().map(|metadata| Stamp::of(&metadata));
    let mut bytes = Vec::new();
    file.take(LENGTH_LIMIT + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > LENGTH_LIMIT {
        return Err("it is longer than 4 MiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    // Some editors put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok((stamp, text))
}

impl Stamp {
    /// The stamp of the file at this path, through links; `None` where there is none.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode,
        }
    }
}
