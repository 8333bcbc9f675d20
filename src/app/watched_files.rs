//! Files whose content is watched: a file counts as changed when its content is another one, however that came about.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use crate::auth::Stamp;

/// What was seen of some files the last time.
pub(super) struct WatchedFiles(Vec<Watched>);

struct Watched {
    path: PathBuf,
    /// Tells without reading that nothing has changed.
    stamp: Option<Stamp>,
    content: Option<[u8; 32]>,
}

impl WatchedFiles {
    pub(super) fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        Self(paths.into_iter().map(Watched::new).collect())
    }

    /// Watches one more file.
    pub(super) fn add(&mut self, path: Option<PathBuf>) {
        let new = path.filter(|path| self.0.iter().all(|file| file.path != *path));
        self.0.extend(new.as_deref().map(Watched::new));
    }

    /// Whether the content of one has changed since the last time. One that is gone has not: it may be between two versions.
    pub(super) fn have_changed(&mut self) -> bool {
        self.0.iter_mut().any(Watched::has_changed)
    }
}

impl Watched {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), stamp: Stamp::of_path(path), content: content(path) }
    }

    fn has_changed(&mut self) -> bool {
        let stamp = Stamp::of_path(&self.path);
        if stamp == self.stamp || stamp.is_none() {
            return false;
        }
        self.stamp = stamp;
        let content = content(&self.path);
        content.is_some() && std::mem::replace(&mut self.content, content) != content
    }
}

fn content(path: &Path) -> Option<[u8; 32]> {
    // A pipe or a device has no content that could change.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    digest(&SHA256, &std::fs::read(path).ok()?).as_ref().try_into().ok()
}
