//! Processes under test: started, watched by what the system counts of them, and ended.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A contestant's process; it ends with this.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    /// Where the service's admin port is; that of another contestant is its only one.
    pub admin: SocketAddr,
    pub url: String,
    pipes: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

/// The service's settings: the upstream, and limits out of the way where a case needs it.
pub fn settings(upstream: &str) -> impl Iterator<Item = (&'static str, String)> {
    [
        ("auth.mode", "passthrough"),
        ("upstream.url", upstream.trim_end_matches('/')),
        ("upstream.allow_http", "true"),
        ("budget.calls_per_hour", "1000000000"),
        ("roster.fresh_for", "1h"),
        ("http.rate_limit", "0"),
        ("graphql.page_max", "10000"),
        ("graphql.aliases_limit", "200"),
        ("graphql.cost_limit", "10000000"),
        ("graphql.response_limit", "64MiB"),
        ("http.responses_limit", "1GiB"),
        ("log.level", "warn"),
    ]
    .map(|(path, value)| (path, value.to_owned()))
    .into_iter()
}

impl Process {
    /// Starts a contestant that prints its address. One that runs on Node.js runs in production mode.
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut url)?;
        let url = url.trim().to_owned();
        let address = url.trim_start_matches("http://").trim_end_matches('/').parse();
        let address = address.with_context(|| format!("{} did not start", program.display()))?;
        Ok(Self { child, address, admin: address, url, pipes: None })
    }

    /// Starts a contestant that is told its address, and waits until it takes a connection.
    pub fn listening(command: &mut Command, address: SocketAddr) -> Result<Self> {
        let mut child = command.stdin(Stdio::null()).spawn().context("cannot start it")?;
        await_listener(&mut child, address)?;
        Ok(Self { child, address, admin: address, url: format!("http://{address}/"), pipes: None })
    }

    /// Starts the service, or the build of it that counts, and says how long it took until it took a connection.
    pub fn service(program: &Path, upstream: &str, more: &[(&'static str, &str)]) -> Result<(Self, Duration)> {
        Self::service_with(program, upstream, more, &[])
    }

    /// The same, with these variables in its environment.
    pub fn service_with(
        program: &Path,
        upstream: &str,
        more: &[(&'static str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<(Self, Duration)> {
        let (address, admin) = (free_address()?, free_address()?);
        let listen = [("http.listen", address.to_string()), ("admin.listen", admin.to_string())];
        let settings =
            settings(upstream).chain(listen).chain(more.iter().map(|(path, value)| (*path, (*value).to_owned())));
        let mut command = Command::new(program);
        command.arg("serve").envs(environment.iter().copied());
        for (path, value) in settings {
            command.arg("--set").arg(format!("{path}={value}"));
        }
        if more.contains(&("log.level", "info")) {
            command.stderr(unnamed_file()?);
        }
        let started = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        await_listener(&mut child, address).context("the service")?;
        let took = started.elapsed();
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        Ok((Self { child, address, admin, url: format!("http://{address}/graphql"), pipes }, took))
    }

    /// Bytes and allocations since the start, as the counting build has them.
    pub fn allocated(&mut self) -> Result<(u64, u64)> {
        let (input, output) = self.pipes.as_mut().context("only the counting build counts")?;
        writeln!(input)?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let (bytes, allocations) = line.trim().split_once(' ').context("no counts")?;
        Ok((bytes.parse()?, allocations.parse()?))
    }

    /// The processor time that it has used.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in brackets, may hold anything; what follows is numbers, in hundredths of a second.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Has the most memory that it has had (`VmHWM`) counted from now on.
    pub fn reset_peak(&self) -> Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").context("the peak is not reset")
    }

    /// The memory that it has (`VmRSS`) or has had at most (`VmHWM`), in bytes.
    pub fn memory(&self, kind: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(kind)).context("no memory figure")?;
        let kibibytes: u64 = line.split_whitespace().nth(1).context("no memory figure")?.parse()?;
        Ok(kibibytes << 10)
    }
}

/// An address that nothing listens on.
pub fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())
}

fn await_listener(child: &mut Child, address: SocketAddr) -> Result<()> {
    while TcpStream::connect(address).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("did not start: {status}");
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(())
}

/// A file that is gone with those who have it open: a log of every request.
fn unnamed_file() -> std::io::Result<Stdio> {
    let path = std::env::temp_dir().join(format!("flowmatix-graphql-log-{}", std::process::id()));
    let file = std::fs::File::create(&path)?;
    std::fs::remove_file(path)?;
    Ok(file.into())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
