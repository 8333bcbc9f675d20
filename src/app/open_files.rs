//! Files that others may change: what the permissions of a file with secrets or keys let every user of the machine do.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Everybody may write.
const OTHERS_WRITE: u32 = 0o002;
/// Only owners of files may remove or rename them.
const STICKY: u32 = 0o1000;

/// The weakness in a file's permissions, if there is one.
pub(super) fn weakness(path: &Path) -> Option<&'static str> {
    let mode = |path: &Path| std::fs::metadata(path).ok().map(|metadata| metadata.mode());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if mode(path)? & OTHERS_WRITE != 0 {
        return Some("every user of this machine can write the file");
    }
    let folder = mode(folder)?;
    (folder & OTHERS_WRITE != 0 && folder & STICKY == 0)
        .then_some("every user of this machine can replace the file, because its folder can be written by all")
}
