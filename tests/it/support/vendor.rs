//! A scripted vendor over plain sockets: it answers calls as documented, or wrongly in every way.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// A few kilobytes that unpack to sixteen megabytes.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(b"{\"success\":true,\"data\":[").unwrap();
    for _ in 0..16 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    bomb.finish().unwrap()
});

/// What the vendor does.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing wrong: a team of twelve.
    None,
    /// Nobody listens.
    Refused,
    /// The request is taken, and nothing comes back.
    BlackHole,
    /// The connection is reset.
    Reset,
    /// So many bytes of the right answer, then nothing.
    StallAfter(usize),
    /// The right answer, a byte every 20 ms.
    Drip,
    /// A body of no declared length that ends in the middle.
    Truncated,
    /// A body that is shorter than its declared length.
    WrongLength,
    /// Chunks without end.
    Endless,
    /// Headers without end.
    HeaderFlood,
    /// A small body that unpacks to a large one.
    GzipBomb,
    /// Bytes that are not HTTP.
    NotHttp,
    /// A 200 with this body.
    Body(Vec<u8>),
    /// This status, with these header lines and an empty envelope.
    Status(u16, &'static str),
    /// A 200 whose envelope reports a failure with this code.
    Envelope(u16),
    /// Right and unavailable by turns of so long.
    Flapping(Duration),
}

pub struct Vendor {
    pub address: SocketAddr,
    fault: watch::Sender<Fault>,
    calls: Arc<AtomicUsize>,
}

impl Vendor {
    pub async fn start() -> Self {
        LazyLock::force(&BOMB);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, watched) = watch::channel(Fault::None);
        let calls = Arc::new(AtomicUsize::new(0));
        tokio::spawn(listen(listener, watched, calls.clone()));
        Self { address, fault, calls }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on; calls under way are cut off.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Calls that reached it.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

async fn listen(listener: TcpListener, mut fault: watch::Receiver<Fault>, calls: Arc<AtomicUsize>) {
    let address = listener.local_addr().unwrap();
    let mut open = Some(listener);
    loop {
        let refused = *fault.borrow_and_update() == Fault::Refused;
        if refused {
            open = None;
            if fault.changed().await.is_err() {
                return;
            }
            continue;
        }
        if open.is_none() {
            open = Some(TcpListener::bind(address).await.unwrap());
        }
        let listener = open.as_ref().unwrap();
        tokio::select! {
            changed = fault.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(serve(stream, fault.clone(), calls.clone()));
                }
            }
        }
    }
}

async fn serve(mut stream: TcpStream, mut watched: watch::Receiver<Fault>, calls: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    // A TLS handshake begins with this byte, and has no blank line at its end.
    while !head.ends_with(b"\r\n\r\n") && head != [22] {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    calls.fetch_add(1, Ordering::Relaxed);
    let fault = watched.borrow_and_update().clone();
    let cut = {
        let answer = answer(&mut stream, &fault);
        tokio::select! {
            _ = answer => false,
            _ = watched.changed() => true,
        }
    };
    if cut || fault == Fault::Reset {
        // What a machine that is up again says of connections it does not know.
        let _ = stream.set_zero_linger();
    }
}

/// A team of twelve, as the endpoint sends it.
pub fn team() -> Vec<u8> {
    let rows: Vec<_> = (0..12).map(|n| super::row(&format!("{n:02}"), "Somebody")).collect();
    serde_json::json!({ "success": true, "message": "", "data": rows, "code": 200 }).to_string().into_bytes()
}

fn head(status: u16, more: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{more}\r\n").into_bytes()
}

fn whole(status: u16, more: &str, body: &[u8]) -> Vec<u8> {
    [&head(status, &format!("{more}content-length: {}\r\n", body.len())), body].concat()
}

async fn answer(stream: &mut TcpStream, fault: &Fault) -> std::io::Result<()> {
    let team = team();
    let right = whole(200, "", &team);
    match fault {
        Fault::None => stream.write_all(&right).await,
        Fault::Refused | Fault::Reset => Ok(()),
        Fault::BlackHole => std::future::pending().await,
        Fault::StallAfter(bytes) => {
            stream.write_all(&right[..*bytes]).await?;
            std::future::pending().await
        }
        Fault::Drip => {
            for byte in right {
                stream.write_u8(byte).await?;
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        }
        Fault::Truncated => stream.write_all(&[&head(200, ""), &team[..team.len() / 2]].concat()).await,
        Fault::WrongLength => {
            let length = format!("content-length: {}\r\n", team.len() + 10);
            stream.write_all(&[&head(200, &length), &team[..]].concat()).await
        }
        Fault::Endless => {
            stream.write_all(&head(200, "transfer-encoding: chunked\r\n")).await?;
            stream.write_all(b"10\r\n{\"success\":true,\r\n9\r\n\"data\":[ \r\n").await?;
            let chunk = [&b"10000\r\n"[..], &b"{\"_id\":\"1\"},    ".repeat(4096)[..], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        Fault::HeaderFlood => {
            stream.write_all(b"HTTP/1.1 200 X\r\n").await?;
            loop {
                stream.write_all(&b"x-more: and more and more\r\n".repeat(100)).await?;
            }
        }
        Fault::GzipBomb => stream.write_all(&whole(200, "content-encoding: gzip\r\n", &BOMB)).await,
        Fault::NotHttp => stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await,
        Fault::Body(body) => stream.write_all(&whole(200, "", body)).await,
        Fault::Status(status, more) => {
            stream.write_all(&whole(*status, more, b"{\"success\":false,\"message\":\"\",\"data\":null}")).await
        }
        Fault::Envelope(code) => {
            let body = format!(r#"{{"success":false,"message":"","data":null,"code":{code}}}"#);
            stream.write_all(&whole(200, "", body.as_bytes())).await
        }
        Fault::Flapping(turn) => {
            let millis = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
            let down = millis / turn.as_millis() % 2 == 1;
            let bytes = if down { whole(503, "", b"") } else { right };
            stream.write_all(&bytes).await
        }
    }
}
