//! Counting: this program once more, under callgrind, taking one path.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::paths::CountedPath;

/// The argument that the program takes a path with.
pub const TAKE: &str = "--take";
/// How callgrind is started, for this and for a look by hand at where the instructions are.
pub const CALLGRIND: [&str; 3] = ["valgrind", "--tool=callgrind", "--toggle-collect=flowmatix_counted"];

/// How many instructions a path takes, each time.
pub fn instructions(path: &CountedPath) -> Result<u64> {
    let mut command = Command::new(CALLGRIND[0]);
    command.args(&CALLGRIND[1..]).arg("--callgrind-out-file=/dev/null");
    let output = command.arg(std::env::current_exe()?).args([TAKE, path.name]).output();
    let output = output.context("valgrind does not start: is it installed?")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} under callgrind: {}\n{said}", path.name, output.status);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, collected) = collected.with_context(|| format!("callgrind has counted nothing:\n{said}"))?;
    let collected: u64 = collected.trim().parse()?;
    ensure!(collected > 0, "callgrind has not seen the function that it is to count");
    Ok(collected / path.times as u64)
}
