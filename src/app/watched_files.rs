//! The files that a reload waits for: the configuration's, and those that it is read with.

use std::path::{Path, PathBuf};

use crate::files::{Look, WatchedFile};

/// The files that a reload waits for.
pub(super) struct WatchedFiles {
    files: Vec<WatchedFile>,
    /// The maximum size of each, in bytes.
    limit: u64,
}

impl WatchedFiles {
    pub(super) fn new<'p>(paths: impl IntoIterator<Item = &'p Path>, limit: u64) -> Self {
        Self { files: paths.into_iter().map(|path| WatchedFile::new(path, limit)).collect(), limit }
    }

    /// Watches one more file.
    pub(super) fn add(&mut self, path: Option<PathBuf>) {
        let new = path.filter(|path| self.files.iter().all(|file| file.path() != path));
        self.files.extend(new.map(|path| WatchedFile::new(&path, self.limit)));
    }

    /// Whether one has changed since the last time, also to something that cannot be read, which reading it says why. One that is
    /// gone has not: it may be between two versions. That is logged once, because a restart would fail.
    pub(super) fn have_changed(&mut self) -> bool {
        self.files.iter_mut().any(|file| {
            let was_gone = file.is_gone();
            match file.look() {
                Look::Changed(_) | Look::Unreadable(_) => return true,
                Look::Gone => {
                    let file = file.path().display();
                    tracing::warn!(%file, "the file is not there any more; what was read of it last stays");
                }
                Look::Same if was_gone && !file.is_gone() => {
                    tracing::info!(file = %file.path().display(), "the file is there again");
                }
                Look::Same => {}
            }
            false
        })
    }
}
