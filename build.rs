//! Builds the explorer's bundle into the binary, where `npm run build` has made one. Without it the page says how.

use std::fmt::Write as _;
use std::path::Path;

/// The bundle's files, and the media type that each is served with.
const FILES: [(&str, &str); 2] =
    [("explorer.js", "text/javascript; charset=utf-8"), ("explorer.css", "text/css; charset=utf-8")];

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let dist = Path::new(&root).join("explorer/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut list = String::new();
    // Half a bundle is none.
    if FILES.iter().all(|(name, _)| dist.join(name).is_file()) {
        for (name, media_type) in FILES {
            let path = dist.join(name);
            println!("cargo::rerun-if-changed={}", path.display());
            let _ = write!(list, "({name:?}, {media_type:?}, include_bytes!({path:?}) as &[u8]),");
        }
    }
    let code = format!("&[{list}]");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("explorer_files.rs"), code).expect("the build's own folder can be written");
}
