//! Builds the explorer's bundle into the binary, where `npm run build` has made one, and what it is built from. Without a bundle
//! the page says how to make it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// What the bundle's files are served as, each stored as brotli in a file whose name has `.br` behind it, and their media types.
const FILES: [(&str, &str); 2] =
    [("explorer.js", "text/javascript; charset=utf-8"), ("explorer.css", "text/css; charset=utf-8")];

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let dist = Path::new(&root).join("explorer/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let (mut list, mut count) = (String::new(), 0);
    // Half a bundle is none.
    let stored = FILES.map(|(name, media_type)| (name, media_type, dist.join(format!("{name}.br"))));
    if stored.iter().all(|(.., path)| path.is_file()) {
        for (name, media_type, path) in stored {
            println!("cargo::rerun-if-changed={}", path.display());
            count += 1;
            let _ = write!(list, "BuiltInFile::new({name:?}, {media_type:?}, include_bytes!({path:?})),");
        }
    }
    let code = format!("static FILES: [BuiltInFile; {count}] = [{list}];");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("explorer_files.rs"), code).expect("the build's own folder can be written");
    tell_build(&root);
}

/// The commit is given in `FLOWMATIX_COMMIT`, or asked of git. A debug build does not ask: it would be built anew with each commit.
fn tell_build(root: &str) {
    println!("cargo::rerun-if-env-changed=FLOWMATIX_COMMIT");
    let profile = std::env::var("PROFILE").expect("cargo sets it");
    let given = std::env::var("FLOWMATIX_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| (profile == "release").then(|| asked(root)).flatten());
    // Not with the prefix of settings: `cargo run` hands these to the program, which refuses settings that it does not know.
    println!("cargo::rustc-env=BUILT_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo::rustc-env=BUILT_PROFILE={profile}");
    println!("cargo::rustc-env=BUILT_TARGET={}", std::env::var("TARGET").expect("cargo sets it"));
}

fn asked(root: &str) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(["-C", root]).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let head = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={head}");
    git(&["rev-parse", "--short=12", "HEAD"])
}
