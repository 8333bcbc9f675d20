//! Reading within a bound, and only what ends: opening a pipe would wait for its writer, and reading a device may never end.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// In words, without the path and the content.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    read_at_most(open(path)?, limit)
}

/// Opens a regular file to be read.
pub(super) fn open(path: &Path) -> Result<File, String> {
    open_regular(path, OpenOptions::new().read(true)).map_err(|problem| format!("{CANNOT}{problem}"))
}

/// Opens a regular file as `options` say, without a wait, whatever is at its path.
///
/// # Errors
/// It cannot be opened, or is something else.
pub fn open_regular(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    // Opening a device can do something already.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(not_regular());
    }
    // It may be another by now: a pipe is opened without a wait for its other side.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

/// Reads at most `limit` bytes.
///
/// # Errors
/// In words.
pub fn read_at_most(source: impl Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(|error| format!("{CANNOT}{error}"))?;
    if bytes.len() as u64 > limit { Err(format!("it is longer than {} MiB", limit >> 20)) } else { Ok(bytes) }
}

const CANNOT: &str = "cannot be read: ";

fn not_regular() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file")
}
