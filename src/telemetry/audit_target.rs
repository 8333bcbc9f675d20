//! Where the audit log goes: an open file, or a descriptor of its own on a standard stream.
//!
//! A file is opened anew when another one, or none, is in its place, so that it can be moved away while the service runs.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::config::AuditTarget;
use crate::files;

/// The audit log cannot be written there.
#[derive(Debug, thiserror::Error)]
#[error("audit.target: {problem}")]
pub struct UnusableTarget {
    problem: String,
}

/// An open target.
#[derive(Debug)]
pub struct OpenTarget {
    target: AuditTarget,
    file: File,
    /// Of a file: which one it was.
    id: Option<FileId>,
}

/// Device and inode.
type FileId = (u64, u64);

impl OpenTarget {
    /// Opens a target, and makes the file where there is none.
    ///
    /// # Errors
    /// When it cannot be opened to be appended to.
    pub fn open(target: &AuditTarget) -> Result<Self, UnusableTarget> {
        // A descriptor of its own: the lock of a standard stream, held while its pipe is full, would hold up other writers.
        let file = match target {
            AuditTarget::Stdout => io::stdout().as_fd().try_clone_to_owned(),
            AuditTarget::Stderr => io::stderr().as_fd().try_clone_to_owned(),
            AuditTarget::File(path) => {
                let opened = append(path).and_then(|file| Ok((id(&file.metadata()?), file)));
                let (id, file) = opened.map_err(|error| unusable(path, &error))?;
                return Ok(Self { target: target.clone(), file, id: Some(id) });
            }
        };
        let file = file.map_err(|error| UnusableTarget { problem: format!("cannot be opened: {error}") })?;
        Ok(Self { target: target.clone(), file: file.into(), id: None })
    }

    /// Whether it can be opened, without making a file.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(target: &AuditTarget) -> Result<(), UnusableTarget> {
        let AuditTarget::File(path) = target else { return Self::open(target).map(drop) };
        let checked = if path.exists() { append(path).map(drop) } else { can_be_made(path) };
        checked.map_err(|error| unusable(path, &error))
    }

    /// Opens the file anew, where another one or none is in its place.
    pub(super) fn follow(&mut self) -> io::Result<()> {
        let (AuditTarget::File(path), Some(known)) = (&self.target, &mut self.id) else { return Ok(()) };
        if std::fs::metadata(path.as_path()).is_ok_and(|metadata| id(&metadata) == *known) {
            return Ok(());
        }
        let file = append(path)?;
        *known = id(&file.metadata()?);
        self.file = file;
        Ok(())
    }

    /// The configured target.
    pub(super) fn target(&self) -> &AuditTarget {
        &self.target
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    if std::fs::metadata(path).is_ok_and(|metadata| is_device(&metadata)) {
        return options.open(path);
    }
    // Opening a pipe would wait for its reader.
    files::open_regular(path, &mut options)
}

/// Such as `/dev/null`.
fn is_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_char_device()
}

/// Whether a file could be made, as far as that can be seen without making one.
fn can_be_made(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.file_name().is_none() || !std::fs::metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(())
}

fn id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

fn unusable(path: &Path, error: &io::Error) -> UnusableTarget {
    UnusableTarget { problem: format!("{} cannot be appended to: {error}", path.display()) }
}
