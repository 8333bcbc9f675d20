//! A file that is reloaded when its content changes, so that secrets and keys can be replaced without a restart.
//!
//! Each access looks at the file first (`files`). Invalid new content is logged once, and the last valid content stays in effect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::files::{Look, WatchedFile};

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
    parse: Parse<T>,
    seen: RwLock<Seen<T>>,
}

struct Seen<T> {
    file: WatchedFile,
    /// The last valid content.
    value: Arc<T>,
}

impl<T> ReloadingFile<T> {
    /// Reads the file that a setting names.
    ///
    /// # Errors
    /// When it cannot be read, or its content is not valid. The content is in no message.
    pub fn open(setting: &'static str, path: &Path, parse: Parse<T>) -> Result<Self, Unusable> {
        let unusable = |problem| Unusable { setting, path: path.to_owned(), problem };
        let (file, bytes) = WatchedFile::open(path, LENGTH_LIMIT).map_err(unusable)?;
        let value = Arc::new(text(bytes).and_then(|text| parse(&text)).map_err(unusable)?);
        Ok(Self { setting, parse, seen: RwLock::new(Seen { file, value }) })
    }

    /// The last valid content. An unchanged value is the same allocation.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        {
            let seen = self.seen.read();
            if seen.file.is_as_seen() {
                return seen.value.clone();
            }
        }
        let mut seen = self.seen.write();
        let was_gone = seen.file.is_gone();
        let look = seen.file.look();
        if was_gone && !seen.file.is_gone() {
            tracing::info!(setting = self.setting, "the file is there again");
        }
        match look {
            Look::Same => {}
            Look::Gone => {
                tracing::warn!(setting = self.setting, "the file is not there any more; its last content stays")
            }
            Look::Unreadable(problem) => self.warn(&problem),
            Look::Changed(bytes) => match text(bytes).and_then(|text| (self.parse)(&text)) {
                Ok(value) => {
                    tracing::info!(setting = self.setting, "read again");
                    seen.value = Arc::new(value);
                }
                Err(problem) => self.warn(&problem),
            },
        }
        seen.value.clone()
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

fn text(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    // Some editors put a byte order mark in front.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
