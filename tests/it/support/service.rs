//! The real binary, started as a user or a container would.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

pub struct Service {
    child: Child,
    address: String,
    admin: String,
    stderr: BufReader<Box<dyn Read + Send>>,
    /// What it has written so far.
    log: String,
    /// The rest of its standard output, where some of it was read.
    out: Option<Box<dyn Read + Send>>,
}

/// The binary with nothing of this environment's settings.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowmatix-graphql"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLOWMATIX_") || name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command().args(arguments).envs(environment.iter().copied()).output().unwrap()
}

/// Starts `demo` or `serve` on free ports with these settings, and waits until it says where it listens.
pub fn start(name: &str, settings: &[String], environment: &[(&str, &str)]) -> Service {
    start_as(command(), name, settings, environment)
}

/// The same, with its system calls of these names written to a file.
#[cfg(target_os = "linux")]
pub fn start_traced(
    name: &str,
    settings: &[String],
    environment: &[(&str, &str)],
    calls: &str,
    trace: &std::path::Path,
) -> Service {
    let service = command();
    let mut command = Command::new("strace");
    // The tracer is a process beside the service, not its parent: signals go to the service.
    command.args(["-D", "-f", "-qq", "-y", "-s", "200", "-e", &format!("trace={calls}"), "-o"]).arg(trace);
    command.arg(service.get_program());
    for (name, _) in service.get_envs() {
        command.env_remove(name);
    }
    start_as(command, name, settings, environment)
}

fn start_as(mut command: Command, name: &str, settings: &[String], environment: &[(&str, &str)]) -> Service {
    command.arg(name).args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--set", "log.format=json"]);
    // The sample has an address, and people who stay as they are, where there is one.
    if !settings.iter().any(|setting| setting.starts_with("upstream.url=")) {
        command.args(["--set", "demo.listen=127.0.0.1:0", "--set", "demo.activity=0s"]);
    }
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(Box::new(child.stderr.take().unwrap()) as Box<dyn Read + Send>);
    let mut log = String::new();
    let said = loop {
        let start = log.len();
        stderr.read_line(&mut log).unwrap();
        let said: serde_json::Value = serde_json::from_str(&log[start..]).unwrap_or_else(|_| {
            stderr.read_to_string(&mut log).unwrap();
            panic!("it did not start: {log}")
        });
        // Warnings may come before it.
        if said.get("graphql").is_some() {
            break said;
        }
    };
    let base = |key: &str| said[key].as_str().unwrap().trim_end_matches("/graphql").to_owned();
    Service { child, address: base("graphql"), admin: base("admin"), stderr, log, out: None }
}

impl Service {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    pub fn admin_url(&self, path: &str) -> String {
        format!("{}{path}", self.admin)
    }

    /// Reads what it writes and throws it away: a pipe that is full would hold it up.
    pub fn quiet(&mut self) {
        let mut stderr = std::mem::replace(&mut self.stderr, BufReader::new(Box::new(std::io::empty())));
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    }

    /// Nobody reads its standard output any more.
    pub fn close_out(&mut self) {
        drop(self.child.stdout.take());
        self.out = Some(Box::new(std::io::empty()));
    }

    /// All that it has written to its log, once it has ended.
    pub fn log_to_its_end(mut self) -> String {
        let mut log = std::mem::take(&mut self.log);
        self.stderr.read_to_string(&mut log).unwrap();
        log
    }

    /// The process, as the system numbers it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop.
    pub fn signal(&self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn signal_and_wait(&mut self) {
        self.signal();
        self.child.wait().unwrap();
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Reads what it says on standard output up to a line with this in it.
    pub fn said_until(&mut self, expected: &str) -> String {
        let mut said = String::new();
        let mut out = BufReader::new(self.child.stdout.take().unwrap());
        while !said.contains(expected) {
            assert_ne!(out.read_line(&mut said).unwrap(), 0, "{said}");
        }
        self.out = Some(Box::new(out));
        said
    }

    /// Reads its log up to a line with this in it.
    pub fn logged_until(&mut self, expected: &str) {
        loop {
            let line = self.log.len();
            assert_ne!(self.stderr.read_line(&mut self.log).unwrap(), 0, "{}", self.log);
            if self.log[line..].contains(expected) {
                return;
            }
        }
    }

    /// Asks it to stop, and returns whether it went well, and all that it wrote.
    pub fn stop(mut self) -> (bool, String, String) {
        self.signal();
        let (mut out, mut log) = (String::new(), std::mem::take(&mut self.log));
        match self.out.take() {
            Some(mut rest) => rest.read_to_string(&mut out).unwrap(),
            None => self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap(),
        };
        self.stderr.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().success(), out, log)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
