//! A connection whose every byte the test chooses, over HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes so long.
const LONG: Duration = Duration::from_secs(30);

pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer over HTTP/1.1, as it came.
#[derive(Debug)]
pub struct WireAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl WireAnswer {
    /// The values of all headers of this name.
    pub fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        values.collect::<Vec<_>>().join(", ")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON in {self:?}"))
    }

    pub fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    /// Sends bytes; what the service no longer takes is the service's affair.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = timeout(LONG, self.stream.write_all(bytes.as_ref())).await.expect("the service stopped reading");
    }

    /// Reads more; `false` at the end of the connection.
    async fn more(&mut self) -> bool {
        let read = timeout(LONG, self.stream.read_buf(&mut self.read)).await.expect("no answer");
        read.is_ok_and(|count| count > 0)
    }

    /// The next answer; `None` where the connection ends before one.
    pub async fn answer(&mut self, to_head: bool) -> Option<WireAnswer> {
        let end = loop {
            match self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None if self.more().await => {}
                None => return None,
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = WireAnswer { status, headers, body: Vec::new() };
        if !to_head && status >= 200 && status != 204 {
            assert_eq!(answer.header("transfer-encoding"), "", "the wire reads no chunks");
            let length: usize = answer.header("content-length").parse().unwrap();
            while self.read.len() < length {
                assert!(self.more().await, "the answer is cut");
            }
            answer.body = self.read.drain(..length).collect();
        }
        Some(answer)
    }

    /// Whether the service has closed the connection, without another byte.
    pub async fn is_closed(&mut self) -> bool {
        !self.more().await && self.read.is_empty()
    }
}

/// One HTTP/2 frame.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

impl Frame {
    pub const HEADERS: u8 = 1;
    pub const END_STREAM: u8 = 1;
}

impl Wire {
    /// Speaks HTTP/2 from the start, and sends one request without content.
    pub async fn send_http2(&mut self, headers: &[(&str, &str)]) {
        let mut block = Vec::new();
        for (name, value) in headers {
            // A literal that is not indexed, with a name of its own.
            block.push(0);
            for text in [name, value] {
                assert!(text.len() < 127);
                block.push(text.len() as u8);
                block.extend_from_slice(text.as_bytes());
            }
        }
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let mut frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
            bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
            bytes.extend_from_slice(&[kind, flags]);
            bytes.extend_from_slice(&stream.to_be_bytes());
            bytes.extend_from_slice(payload);
        };
        frame(4, 0, 0, &[]);
        // END_STREAM and END_HEADERS.
        frame(Frame::HEADERS, 0x5, 1, &block);
        self.send(bytes).await;
    }

    pub async fn frame(&mut self) -> Frame {
        while self.read.len() < 9 {
            assert!(self.more().await, "the connection ended");
        }
        let length = u32::from_be_bytes([0, self.read[0], self.read[1], self.read[2]]) as usize;
        while self.read.len() < 9 + length {
            assert!(self.more().await, "the connection ended");
        }
        let bytes: Vec<u8> = self.read.drain(..9 + length).collect();
        let stream = u32::from_be_bytes([bytes[5] & 0x7f, bytes[6], bytes[7], bytes[8]]);
        Frame { kind: bytes[3], flags: bytes[4], stream }
    }
}
