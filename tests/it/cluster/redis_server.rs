//! A real Redis on a free port, in a folder of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Connection, Value};

pub struct RedisServer {
    child: Child,
    pub port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl RedisServer {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these arguments of redis-server.
    pub fn with(arguments: &[&str]) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("flowmatix-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let child = spawn(port, &folder, &arguments);
        let server = Self { child, port, folder, arguments };
        server.wait();
        server
    }

    /// A copy of another server.
    pub fn copy_of(other: &Self) -> Self {
        Self::with(&["--replicaof", &format!("127.0.0.1 {}", other.port)])
    }

    /// A Sentinel with this file of settings, which it writes to.
    pub fn sentinel(settings: &str) -> Self {
        Self::with(&[settings, "--sentinel"])
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let answer = self.connection().and_then(|mut c| redis::cmd("PING").query::<Value>(&mut c));
            match answer {
                Ok(_) => return,
                // It asks for a password, so it is there.
                Err(error) if matches!(error.code(), Some("NOAUTH")) => return,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        panic!("redis-server did not start");
    }

    fn connection(&self) -> redis::RedisResult<Connection> {
        let client = redis::Client::open(self.url())?;
        let connection = client.get_connection_with_timeout(Duration::from_secs(1))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(connection)
    }

    /// Makes a command, as an operator would.
    pub fn command(&self, words: &[&str]) -> Value {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query(&mut self.connection().unwrap()).unwrap()
    }

    pub fn text(&self, words: &[&str]) -> String {
        redis::from_redis_value(self.command(words)).unwrap()
    }

    pub fn keys(&self) -> Vec<String> {
        redis::from_redis_value(self.command(&["KEYS", "*"])).unwrap()
    }

    /// How many commands of clients it has executed, by their names.
    pub fn executed(&self, name: &str) -> u64 {
        let stats = self.text(&["INFO", "commandstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on its port, without what it held.
    pub fn restart_empty(&mut self) {
        self.kill();
        self.child = spawn(self.port, &self.folder, &self.arguments);
        self.wait();
    }
}

fn spawn(port: u16, folder: &std::path::Path, arguments: &[String]) -> Child {
    // A file of settings comes first.
    let files = arguments.iter().take_while(|argument| !argument.starts_with("--")).count();
    Command::new("redis-server")
        .args(&arguments[..files])
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--repl-diskless-sync-delay", "0", "--dir"])
        .arg(folder)
        .args(&arguments[files..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed by tests/setup")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Also one that was stopped.
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
