//! An OTLP receiver: takes what is sent, decodes it, and can refuse or hang.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::serve::Listener;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// What the receiver does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Takes,
    Refuses,
    Hangs,
}

/// What came with a request.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub path: String,
    pub headers: HeaderMap,
    pub resource: BTreeMap<String, Value>,
    /// The message as it was encoded.
    pub bytes: Vec<u8>,
}

/// A span as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub is_server: bool,
    pub name: String,
    pub state: String,
    pub attributes: BTreeMap<String, Value>,
    /// The traces and spans that it is linked to.
    pub links: Vec<(String, String)>,
    pub failed: bool,
    pub nanos: u64,
}

impl Received {
    pub fn get(&self, name: &str) -> &Value {
        self.attributes.get(name).unwrap_or(&Value::Null)
    }
}

pub struct Receiver {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    mode: watch::Sender<Mode>,
    deliveries: Mutex<Vec<Delivery>>,
    spans: watch::Sender<Vec<Received>>,
    /// Requests that came, taken or not.
    requests: watch::Sender<usize>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::over("http", listener)
    }

    /// One that speaks TLS.
    pub async fn start_tls(config: ServerConfig) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::over("https", TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    fn over<L: Listener<Addr = SocketAddr>>(scheme: &str, listener: L) -> Self {
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            mode: watch::channel(Mode::Takes).0,
            deliveries: Mutex::default(),
            spans: watch::channel(Vec::new()).0,
            requests: watch::channel(0).0,
        });
        let routes = Router::new().fallback(take).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.lock().clone()
    }

    pub fn spans(&self) -> Vec<Received> {
        self.shared.spans.borrow().clone()
    }

    /// The spans, as soon as there are so many that are meant.
    pub async fn until(&self, count: usize, is_meant: impl Fn(&Received) -> bool) -> Vec<Received> {
        let mut spans = self.shared.spans.subscribe();
        let meant = |spans: &[Received]| spans.iter().filter(|span| is_meant(span)).count();
        let waited = spans.wait_for(|spans| meant(spans) >= count);
        let waited = tokio::time::timeout(Duration::from_secs(60), waited).await;
        match waited {
            Ok(spans) => spans.unwrap().clone(),
            Err(_) => panic!("the spans never came: {:#?}", self.spans()),
        }
    }

    /// The spans of requests and their calls, as soon as there are so many of requests.
    pub async fn requests(&self, count: usize) -> Vec<Received> {
        self.until(count, |span| span.is_server).await
    }

    /// Waits until so many requests have come, taken or not.
    pub async fn asked(&self, count: usize) {
        let mut requests = self.shared.requests.subscribe();
        let waited = requests.wait_for(|requests| *requests >= count);
        tokio::time::timeout(Duration::from_secs(60), waited).await.expect("nothing came").unwrap();
    }
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            // A client without the authority, or without a certificate, is not let in.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn take(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    shared.requests.send_modify(|requests| *requests += 1);
    let mode = *shared.mode.borrow();
    match mode {
        Mode::Takes => {}
        Mode::Refuses => return (StatusCode::BAD_REQUEST, Vec::new()),
        Mode::Hangs => {
            let mut mode = shared.mode.subscribe();
            let _ = mode.wait_for(|mode| *mode != Mode::Hangs).await;
            return (StatusCode::SERVICE_UNAVAILABLE, Vec::new());
        }
    }
    let mut bytes = body.to_vec();
    if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        bytes.clear();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut bytes).unwrap();
    }
    let message = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
    for resource in message.resource_spans {
        let attributes = attributes(&resource.resource.unwrap_or_default().attributes);
        let delivery = Delivery {
            path: uri.path().to_owned(),
            headers: headers.clone(),
            resource: attributes,
            bytes: bytes.clone(),
        };
        shared.deliveries.lock().push(delivery);
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(received);
        shared.spans.send_modify(|known| known.extend(spans));
    }
    (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
}

fn received(span: Span) -> Received {
    Received {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        // SPAN_KIND_SERVER; 3 is a client's.
        is_server: span.kind == 2,
        name: span.name,
        state: span.trace_state,
        attributes: attributes(&span.attributes),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        // STATUS_CODE_ERROR.
        failed: span.status.is_some_and(|status| status.code == 2),
        nanos: span.end_time_unix_nano - span.start_time_unix_nano,
    }
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, Value> {
    let value = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::BoolValue(flag)) => json!(flag),
        other => json!(format!("{other:?}")),
    };
    list.iter().map(|attribute| (attribute.key.clone(), value(&attribute.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
