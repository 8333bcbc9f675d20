//! A Redis on a free port of the loopback, for replicas that share it; it ends with this, and so do its files.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

const LONG: Duration = Duration::from_secs(20);

pub struct Tier {
    child: Child,
    pub url: String,
    folder: PathBuf,
}

impl Tier {
    /// Starts Debian's `redis-server`.
    pub fn start() -> Result<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("flowmatix-live-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new("redis-server")
            .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server is needed: see tests/setup")?;
        let tier = Self { child, url: format!("redis://{address}"), folder };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(begun.elapsed() < LONG, "redis-server did not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(tier)
    }

    /// A new file of keys that this build of the service makes, for replicas that seal what they share.
    pub fn keys(&self, service: &Path) -> Result<String> {
        let made = Command::new(service).args(["keys", "cluster"]).output()?;
        ensure!(made.status.success(), "no keys: {}", String::from_utf8_lossy(&made.stderr));
        let file = self.folder.join("keys.toml");
        std::fs::write(&file, made.stdout)?;
        Ok(file.to_str().context("a path that is no text")?.to_owned())
    }
}

impl Drop for Tier {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
