//! The load: a few keep-alive connections that ask one question after the other, and compare every answer's bytes with what
//! it must be. One thread, so that the server under test has the other core.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The digits in a request that are another number each time, so that no account is asked for twice.
pub const NUMBER: &str = "000000000";

/// A request, and what its answer must be.
#[derive(Clone)]
pub struct Ask {
    request: Vec<u8>,
    number_at: Option<usize>,
    expected: Expected,
}

/// What an answer must be.
#[derive(Clone)]
pub enum Expected {
    /// These bytes.
    Body(Vec<u8>),
    /// An answer with this `data` and no errors; what comes after it is the contestant's own.
    Data(Vec<u8>),
    /// Not known yet; anything with status 200.
    Any,
}

impl Ask {
    pub fn get(path: &str, expected: Expected) -> Self {
        Self::new(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"), expected)
    }

    pub fn post(path: &str, body: &str, expected: Expected) -> Self {
        let head = "host: localhost\r\ncontent-type: application/json\r\nauthorization: Bearer bench";
        let length = body.len();
        Self::new(format!("POST {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"), expected)
    }

    fn new(request: String, expected: Expected) -> Self {
        let number_at = request.find(&format!("account-{NUMBER}")).map(|at| at + "account-".len());
        Self { request: request.into_bytes(), number_at, expected }
    }

    /// The same question with another answer expected.
    pub fn expecting(&self, expected: Expected) -> Self {
        Self { expected, ..self.clone() }
    }
}

impl Expected {
    fn is(&self, body: &[u8]) -> bool {
        match self {
            Self::Body(expected) => body == expected,
            Self::Data(data) => body
                .strip_prefix(b"{\"data\":")
                .and_then(|rest| rest.strip_prefix(&data[..]))
                .is_some_and(|rest| rest.first() == Some(&b'}') || rest.starts_with(b",\"extensions\":")),
            Self::Any => true,
        }
    }
}

/// What came of some seconds of load.
pub struct Outcome {
    pub requests: usize,
    pub elapsed: Duration,
    pub latencies: Vec<Duration>,
}

/// Numbers that have not been used yet; they keep step with the questions, so that `number % variants` goes with them.
#[derive(Default)]
pub struct Numbers(Cell<usize>);

impl Numbers {
    /// Begins where no run has been, at the first question.
    pub fn skip_to_multiple_of(&self, questions: usize) {
        self.0.set(self.0.get().next_multiple_of(questions));
    }
}

/// Asks the questions in turn, over and over, on so many connections for so long.
pub async fn run(
    address: SocketAddr,
    asks: &[Ask],
    connections: usize,
    length: Duration,
    numbers: &Numbers,
) -> Result<Outcome> {
    numbers.skip_to_multiple_of(asks.len());
    let index = Cell::new(0);
    let started = Instant::now();
    let connection = || async {
        let mut connection = Connection::open(address).await?;
        let mut latencies = Vec::new();
        while started.elapsed() < length {
            let ask = &asks[index.get() % asks.len()];
            index.set(index.get() + 1);
            numbers.0.set(numbers.0.get() + 1);
            let begun = Instant::now();
            connection.ask(ask, numbers.0.get() - 1).await?;
            latencies.push(begun.elapsed());
        }
        Ok::<_, anyhow::Error>(latencies)
    };
    let all = futures_util::future::try_join_all((0..connections).map(|_| connection())).await?;
    let elapsed = started.elapsed();
    let mut latencies = all.concat();
    latencies.sort_unstable();
    Ok(Outcome { requests: latencies.len(), elapsed, latencies })
}

/// Asks each question once, and gives the answers' bodies.
pub async fn answers(address: SocketAddr, asks: &[Ask], numbers: &Numbers) -> Result<Vec<Vec<u8>>> {
    numbers.skip_to_multiple_of(asks.len());
    let mut connection = Connection::open(address).await?;
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        numbers.0.set(numbers.0.get() + 1);
        answers.push(connection.ask(ask, numbers.0.get() - 1).await?.to_vec());
    }
    Ok(answers)
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), buffer: Vec::with_capacity(64 << 10) })
    }

    async fn ask(&mut self, ask: &Ask, number: usize) -> Result<&[u8]> {
        if let Some(at) = ask.number_at {
            self.request.clone_from(&ask.request);
            let digits = format!("{number:0width$}", width = NUMBER.len());
            ensure!(digits.len() == NUMBER.len(), "there are no more numbers");
            self.request[at..at + NUMBER.len()].copy_from_slice(digits.as_bytes());
            self.stream.write_all(&self.request).await?;
        } else {
            self.stream.write_all(&ask.request).await?;
        }
        self.buffer.clear();
        let body = loop {
            if let Some(body) = head_end(&self.buffer) {
                break body;
            }
            self.read().await?;
        };
        let head = std::str::from_utf8(&self.buffer[..body])?.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let Some(length) = length else { bail!("an answer without a length: {head}") };
        self.buffer.reserve(length);
        while self.buffer.len() < body + length {
            self.read().await?;
        }
        let answer = &self.buffer[body..body + length];
        let right = head.starts_with("http/1.1 200") && ask.expected.is(answer);
        if !right {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
            bail!("a wrong answer: {head}{}\nto {}", shown(answer), shown(&ask.request));
        }
        Ok(answer)
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
        Ok(())
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}
