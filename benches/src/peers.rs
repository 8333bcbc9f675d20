//! Peers that are told their port instead of printing their address: Hive Gateway and Tailcall; and the versions of all peers.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::machine;
use crate::process::{Process, free_address};

/// Hive Gateway with the supergraph that Mesh composes of the upstream (`benches/hive`).
pub fn hive(benches: &Path, upstream: &str) -> Result<Process> {
    let address = free_address()?;
    let mut command = Command::new("node");
    command
        .current_dir(benches.join("hive"))
        .args(["node_modules/@graphql-hive/gateway/dist/bin.js", "supergraph", "supergraph.graphql"])
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
        .envs([("UPSTREAM", upstream), ("NODE_ENV", "production")])
        .stdout(Stdio::null());
    Process::listening(&mut command, address).context("are npm ci and npm run compose done in benches/hive?")
}

/// Tailcall (`benches/tailcall`), with its cache or without; `None` where npm has no build of it that runs on this system.
pub fn tailcall(benches: &Path, upstream: &str, caches: bool) -> Result<Option<Process>> {
    let folder = benches.join("tailcall");
    let program = folder.join("tailcall");
    if !Command::new(&program).arg("--version").stdout(Stdio::null()).status()?.success() {
        return Ok(None);
    }
    let address = free_address()?;
    let config = std::fs::read_to_string(folder.join("team.graphql"))?
        .replace("port: PORT", &format!("port: {}", address.port()))
        .replace("UPSTREAM/", upstream);
    let config = if caches { config } else { config.replace("@cache(maxAge: 3600000)", "") };
    let name = format!("flowmatix-graphql-tailcall-{}-{}.graphql", std::process::id(), address.port());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, config)?;
    let mut command = Command::new(program);
    // Otherwise it writes a line for each call of the upstream.
    command.arg("start").arg(&file).env("TAILCALL_LOG_LEVEL", "error").stdout(Stdio::null());
    let process = Process::listening(&mut command, address);
    std::fs::remove_file(file)?;
    process.map(Some).context("Tailcall did not start")
}

/// The versions of the peers that are installed.
pub fn versions(benches: &Path) -> String {
    let package = |folder: &str, package: &str| -> Option<String> {
        let file = benches.join(folder).join("node_modules").join(package).join("package.json");
        let package: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        package["version"].as_str().map(str::to_owned)
    };
    let tailcall = machine::version(&benches.join("tailcall/tailcall").to_string_lossy(), "--version");
    let versions = [
        ("Apollo Server", package("apollo", "@apollo/server")),
        ("Hive Gateway", package("hive", "@graphql-hive/gateway")),
        ("Tailcall", tailcall.strip_prefix("tailcall v").map(str::to_owned)),
    ];
    let versions = versions.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_ref()?)));
    versions.collect::<Vec<_>>().join(", ")
}
