//! A WebSocket whose every frame the test chooses, over HTTP/1.1 or as a stream of an HTTP/2 connection.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Method, Request};
use bytes::Bytes;
use h2::client::SendRequest;
use h2::ext::Protocol;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No answer takes so long.
const LONG: Duration = Duration::from_secs(30);

/// What carries a WebSocket: a socket, or TLS over one.
pub trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Carrier for S {}

pub struct Socket {
    stream: Box<dyn Carrier>,
    /// The status of the handshake.
    pub status: u16,
    /// The handshake's answer.
    pub head: String,
}

/// What the service sends.
#[derive(Debug, PartialEq)]
pub enum Frame {
    Message(Value),
    Ping,
    Pong,
    /// A code, and a reason.
    Close(u16, String),
    /// The connection has ended without a close frame.
    End,
}

impl Socket {
    /// Asks for a WebSocket, with these header lines besides the usual ones.
    pub async fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        Self::open_over(Box::new(TcpStream::connect(address).await.unwrap()), address, headers).await
    }

    /// The same over a stream.
    pub async fn open_over(mut stream: Box<dyn Carrier>, address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let mut request = format!(
            "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        if !headers.iter().any(|(name, _)| *name == "sec-websocket-protocol") {
            request.push_str("sec-websocket-protocol: graphql-transport-ws\r\n");
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(LONG, stream.read_u8()).await.expect("no answer").unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { stream, status, head }
    }

    /// A connection that WebSockets can be streams of, and the task that drives it.
    pub async fn http2(address: SocketAddr) -> (SendRequest<Bytes>, JoinHandle<()>) {
        let stream = TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let mut client = client.ready().await.unwrap();
        // The service's settings come with its first answer at the latest.
        let first = Request::options(format!("http://{address}/graphql")).body(()).unwrap();
        client.send_request(first, true).unwrap().0.await.unwrap();
        assert!(client.is_extended_connect_protocol_enabled());
        (client, connection)
    }

    /// An extended CONNECT (RFC 8441): the answer's status, its body, and where to send.
    pub async fn connect_as(
        client: &mut SendRequest<Bytes>,
        address: SocketAddr,
        protocol: &'static str,
        headers: &[(&str, &str)],
    ) -> (u16, h2::RecvStream, h2::SendStream<Bytes>) {
        let mut request = Request::builder().method(Method::CONNECT).uri(format!("http://{address}/graphql"));
        request = request.header("sec-websocket-version", "13");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(Protocol::from_static(protocol)).body(()).unwrap();
        let (response, sending) = client.send_request(request, false).unwrap();
        let response = timeout(LONG, response).await.expect("no answer").unwrap();
        (response.status().as_u16(), response.into_body(), sending)
    }

    /// Asks for a WebSocket over HTTP/2.
    pub async fn over_http2(client: &mut SendRequest<Bytes>, address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let headers: Vec<_> =
            headers.iter().copied().chain([("sec-websocket-protocol", "graphql-transport-ws")]).collect();
        let (status, mut body, mut sending) = Self::connect_as(client, address, "websocket", &headers).await;
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let (mut from_us, mut to_us) = tokio::io::split(theirs);
        tokio::spawn(async move {
            while let Some(Ok(data)) = body.data().await {
                let _ = body.flow_control().release_capacity(data.len());
                if to_us.write_all(&data).await.is_err() {
                    return;
                }
            }
            let _ = to_us.shutdown().await;
        });
        tokio::spawn(async move {
            let mut data = vec![0; 16 << 10];
            while let Ok(read @ 1..) = from_us.read(&mut data).await {
                if sending.send_data(Bytes::copy_from_slice(&data[..read]), false).is_err() {
                    return;
                }
            }
            let _ = sending.send_data(Bytes::new(), true);
        });
        Self { stream: Box::new(ours), status, head: String::new() }
    }

    /// The same, as far as `connection_ack`; `payload` is that of `connection_init`.
    pub async fn ready(address: SocketAddr, payload: Value) -> Self {
        let mut socket = Self::open(address, &[]).await;
        socket.initialise(payload).await;
        socket
    }

    /// Sends `connection_init`, and waits for its acknowledgement.
    pub async fn initialise(&mut self, payload: Value) {
        assert_eq!(self.status, 101, "{}", self.head);
        self.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(self.next().await, Frame::Message(json!({ "type": "connection_ack" })));
    }

    pub async fn send(&mut self, message: Value) {
        self.frame(0x81, message.to_string().as_bytes()).await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    /// Sends a masked frame that begins with this byte.
    pub async fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length @ 126..=65_535 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.raw(&frame).await;
    }

    /// Sends bytes; what the service no longer takes is the service's affair.
    pub async fn raw(&mut self, bytes: &[u8]) {
        let _ = timeout(LONG, self.stream.write_all(bytes)).await.expect("the service stopped reading");
    }

    /// The next frame.
    pub async fn next(&mut self) -> Frame {
        match timeout(LONG, self.read()).await {
            Ok(frame) => frame.unwrap_or(Frame::End),
            Err(_) => panic!("no frame came"),
        }
    }

    /// The next message, pings aside.
    pub async fn message(&mut self) -> Value {
        loop {
            match self.next().await {
                Frame::Message(message) => return message,
                Frame::Ping => self.frame(0x8a, b"").await,
                other => panic!("no message, but {other:?}"),
            }
        }
    }

    /// The next close, whatever comes before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Frame::Close(code, reason) => return (code, reason),
                Frame::End => return (1006, String::new()),
                _ => {}
            }
        }
    }

    async fn read(&mut self) -> Option<Frame> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.ok()? {
            126 => u64::from(self.stream.read_u16().await.ok()?),
            127 => self.stream.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(match first {
            0x81 => Frame::Message(serde_json::from_slice(&payload).unwrap()),
            0x89 => Frame::Ping,
            0x8a => Frame::Pong,
            0x88 if payload.len() >= 2 => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                Frame::Close(code, String::from_utf8(payload[2..].to_vec()).unwrap())
            }
            0x88 => Frame::Close(1005, String::new()),
            other => panic!("an unexpected frame: {other:#x}"),
        })
    }
}
