//! Reading within a bound, and only what ends: opening a pipe would wait for its writer, and reading a device may never end.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The content of a regular file of at most `limit` bytes.
///
/// # Errors
/// In words, without the path and the content.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    read_at_most(open(path)?, limit)
}

/// Opens a regular file.
pub(super) fn open(path: &Path) -> Result<File, String> {
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    File::open(path).map_err(cannot)
}

/// What comes, of at most `limit` bytes.
///
/// # Errors
/// In words.
pub fn read_at_most(source: impl Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > limit { Err(format!("it is longer than {} MiB", limit >> 20)) } else { Ok(bytes) }
}

fn cannot(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}
