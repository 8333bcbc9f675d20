//! Subscribers over WebSockets, thousands in one thread: each reads its events, and when it had which state of its team.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use super::changing_vendor::MARK;

/// What everybody asks for.
pub const QUERY: &str = "subscription { team { members { nodes { id name liveAvailability unreadMessages } } } }";
/// The loopback addresses that they come from.
const ADDRESSES: usize = 100;
/// So many connect at a time.
const AT_ONCE: usize = 50;
const LONG: Duration = Duration::from_secs(60);

/// All subscribers, and what they have seen.
pub struct Subscribers {
    seen: Rc<Seen>,
    accounts: usize,
    count: usize,
}

struct Seen {
    /// Events that were delivered.
    events: Cell<u64>,
    /// Of each account, how many subscribers have seen each state, and when the last of them had its last byte.
    states: RefCell<Vec<Vec<Arrivals>>>,
    /// What each subscriber saw last.
    last: RefCell<Vec<Option<usize>>>,
    /// What it was told of the interval last, in seconds.
    intervals: RefCell<Vec<f64>>,
    /// The first that went wrong.
    wrong: RefCell<Option<String>>,
}

/// The arrivals of one state.
#[derive(Clone, Copy)]
pub struct Arrivals {
    pub count: usize,
    pub last: Instant,
}

/// Which account a subscriber listens to, and how the service is told.
pub type Payload = dyn Fn(usize) -> String;

impl Subscribers {
    /// Connects so many subscribers to `accounts` accounts in turn, an account's to each of the addresses in turn, and waits until
    /// each has its first event. `payload` is that of `connection_init` for an account. To be called in a `LocalSet`.
    pub async fn connect(addresses: &[SocketAddr], count: usize, accounts: usize, payload: &Payload) -> Result<Self> {
        let seen = Rc::new(Seen {
            events: Cell::new(0),
            states: RefCell::new(vec![Vec::new(); accounts]),
            last: RefCell::new(vec![None; count]),
            intervals: RefCell::new(vec![0.0; count]),
            wrong: RefCell::new(None),
        });
        let numbers: Vec<usize> = (0..count).collect();
        for some in numbers.chunks(AT_ONCE) {
            let opened = some.iter().map(|&number| async move {
                let address = addresses[number / accounts % addresses.len()];
                let socket = timeout(LONG, open(address, number, &payload(number % accounts))).await;
                Ok::<_, anyhow::Error>((number, socket.context("no answer")??))
            });
            for (number, (stream, read)) in futures_util::future::try_join_all(opened).await? {
                let seen = seen.clone();
                spawn_local(async move {
                    if let Err(error) = listen(stream, read, number, accounts, &seen).await {
                        seen.wrong.borrow_mut().get_or_insert(format!("subscriber {number}: {error:#}"));
                    }
                });
            }
        }
        let all = Self { seen, accounts, count };
        let begun = Instant::now();
        while all.seen.last.borrow().iter().any(Option::is_none) {
            all.check()?;
            ensure!(begun.elapsed() < LONG, "not everybody has had an event");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(all)
    }

    /// Fails where something went wrong.
    pub fn check(&self) -> Result<()> {
        match self.seen.wrong.borrow().as_ref() {
            Some(wrong) => bail!("{wrong}"),
            None => Ok(()),
        }
    }

    /// How many events have been delivered.
    pub fn events(&self) -> u64 {
        self.seen.events.get()
    }

    /// How many listen to an account.
    pub fn listeners(&self, account: usize) -> usize {
        (self.count - account).div_ceil(self.accounts)
    }

    /// The arrivals of a state, where there were any.
    pub fn arrivals(&self, account: usize, state: usize) -> Option<Arrivals> {
        self.seen.states.borrow()[account].get(state).copied().filter(|arrivals| arrivals.count > 0)
    }

    /// How many have seen this state of their account last.
    pub fn up_to_date(&self, newest: impl Fn(usize) -> usize) -> usize {
        let last = self.seen.last.borrow();
        last.iter().enumerate().filter(|(number, last)| **last == Some(newest(number % self.accounts))).count()
    }

    /// The interval that a subscriber was told last, in seconds.
    pub fn interval(&self, number: usize) -> f64 {
        self.seen.intervals.borrow()[number]
    }
}

/// Opens a WebSocket, and subscribes. Returns what was read behind the handshake, too.
async fn open(address: SocketAddr, number: usize, payload: &str) -> Result<(TcpStream, Vec<u8>)> {
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(1 + number % ADDRESSES)?;
    socket.bind((Ipv4Addr::new(127, 0, 1, last), 0).into())?;
    let mut stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::with_capacity(4096);
    let end = loop {
        ensure!(stream.read_buf(&mut read).await? > 0, "no WebSocket: {}", String::from_utf8_lossy(&read));
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    ensure!(read.starts_with(b"HTTP/1.1 101"), "no WebSocket: {}", String::from_utf8_lossy(&read));
    read.drain(..end);
    let mut messages = frame(1, format!(r#"{{"type":"connection_init","payload":{payload}}}"#).as_bytes());
    stream.write_all(&messages).await?;
    loop {
        if let Some((_, _, end)) = whole(&read) {
            ensure!(read[..end].ends_with(b"\"connection_ack\"}"), "{}", String::from_utf8_lossy(&read));
            read.drain(..end);
            break;
        }
        ensure!(stream.read_buf(&mut read).await? > 0, "no connection_ack");
    }
    messages = frame(1, format!(r#"{{"id":"1","type":"subscribe","payload":{{"query":"{QUERY}"}}}}"#).as_bytes());
    stream.write_all(&messages).await?;
    Ok((stream, read))
}

/// Reads events until the end of the connection.
async fn listen(mut stream: TcpStream, mut read: Vec<u8>, number: usize, accounts: usize, seen: &Seen) -> Result<()> {
    loop {
        let mut done = 0;
        let now = Instant::now();
        while let Some((kind, start, end)) = whole(&read[done..]) {
            let payload = &read[done + start..done + end];
            done += end;
            match kind {
                1 => seen.event(payload, number, accounts, now)?,
                9 => stream.write_all(&frame(10, payload)).await?,
                _ => bail!("frame {kind}: {}", String::from_utf8_lossy(payload)),
            }
        }
        read.drain(..done);
        ensure!(stream.read_buf(&mut read).await? > 0, "the connection was closed");
    }
}

impl Seen {
    fn event(&self, payload: &[u8], number: usize, accounts: usize, now: Instant) -> Result<()> {
        let unknown = || format!("not an event: {}", String::from_utf8_lossy(payload));
        let state = after(payload, MARK.as_bytes()).with_context(unknown)? as usize;
        if let Some(interval) = after(payload, b"\"intervalSeconds\":") {
            self.intervals.borrow_mut()[number] = interval;
        }
        let before = self.last.borrow_mut()[number].replace(state);
        ensure!(before.is_none_or(|before| before < state), "state {state} came after {before:?}");
        self.events.set(self.events.get() + 1);
        let states = &mut self.states.borrow_mut()[number % accounts];
        if states.len() <= state {
            states.resize(state + 1, Arrivals { count: 0, last: now });
        }
        states[state] = Arrivals { count: states[state].count + 1, last: now };
        Ok(())
    }
}

/// The number behind a mark.
fn after(text: &[u8], mark: &[u8]) -> Option<f64> {
    let start = text.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    std::str::from_utf8(&text[start..start + digits]).ok()?.parse().ok()
}

/// The first frame: its kind, and where its payload begins and ends; `None` while it is not whole.
fn whole(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= start + length).then_some((bytes[0] & 15, start, start + length))
}

/// A masked frame.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length as u8),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    // A mask of zeros changes nothing.
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
