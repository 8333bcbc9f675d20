//! What the fuzz targets and their twins in the test suite do with bytes: the service's real routes, without sockets, over an
//! upstream that is never there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use flowmatix_graphql::app::App;
use flowmatix_graphql::auth::Authenticator;
use flowmatix_graphql::config::{AuthMode, Config, Profile};
use flowmatix_graphql::graphql::{Engine, Manifest, Settings};
use flowmatix_graphql::http::{
    AdmissionControl, AppState, Latest, LiveStreams, LogNames, Plans, SwappableRoutes, public,
};
use flowmatix_graphql::loader::LoaderFactory;
use flowmatix_graphql::model::Clock;
use flowmatix_graphql::model::{ErrorKind, UpstreamError};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::{Metrics, Traces};
use flowmatix_graphql::upstream::{FetchedRoster, Load, Upstream, decode, decode_ahead};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Runtime;

struct Down;

impl Upstream for Down {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        load.observer.called();
        async { Err(ErrorKind::Unavailable.into()) }.boxed()
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

static ROUTES: LazyLock<SwappableRoutes> = LazyLock::new(|| {
    let _entered = RUNTIME.enter();
    let mut config = Config::defaults(Profile::Demo);
    config.graphql.batch_limit = 10;
    config.http.rate_limit = 0;
    let metrics = Arc::new(Metrics::default());
    let rosters = Arc::new(Rosters::new(&config.roster, Arc::new(Down), Clock::start(), metrics.clone()));
    let settings = Settings {
        graphql: config.graphql.clone(),
        documents: config.documents.clone(),
        manifest: Manifest::default(),
        federation: config.federation.clone(),
        tokens: config.tokens.clone(),
    };
    let engine = Engine::new(settings, LoaderFactory::new(rosters, 4, metrics.clone()), metrics.clone());
    let auth = Authenticator::passthrough(&config.account, None);
    SwappableRoutes::new(public(Arc::new(AppState {
        engine,
        auth,
        admission: Arc::new(AdmissionControl::new(&config.http)),
        live: LiveStreams::new(&config.live),
        health: Arc::default(),
        settings: config.http,
        metrics,
        traces: Traces::default(),
        shows_tokens: false,
        log_names: LogNames::default(),
        audit: None,
        plans: Plans::new(LogNames::default(), Box::new(|_| None)),
        latest: Latest::default(),
    })))
});

fn ask(request: Request<Body>) -> (StatusCode, Bytes) {
    RUNTIME.block_on(async {
        let response = ROUTES.answer(request).await.unwrap();
        let status = response.status();
        let kind = response.headers().get("content-type").map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        if kind.starts_with(b"text/event-stream") || kind.starts_with(b"multipart/mixed") {
            // It has no end.
            return (status, Bytes::new());
        }
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap())
    })
}

/// Every answer is JSON with a status that was meant; nothing is a 500, and nothing is our own fault.
fn check(status: StatusCode, body: &[u8]) {
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
    if body.is_empty() {
        return;
    }
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    let codes = |answer: &serde_json::Value| {
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().any(|error| error["extensions"]["code"] == "INTERNAL_SERVER_ERROR")
    };
    assert!(!codes(&answer) && !answer.as_array().is_some_and(|batch| batch.iter().any(codes)), "{answer}");
}

/// A request's body → JSON → pre-check → parse → measure → validate → execute.
pub fn request(bytes: &[u8]) {
    let post = |body: Vec<u8>| {
        let request =
            Request::post("/graphql").header("content-type", "application/json").header("authorization", "Bearer t");
        let (status, body) = ask(request.body(Body::from(body)).unwrap());
        check(status, &body);
    };
    post(bytes.to_vec());
    // As the document of a body that is well-formed.
    if let Ok(text) = std::str::from_utf8(bytes) {
        post(serde_json::json!({ "query": text }).to_string().into_bytes());
    }
}

/// The upstream's body, whole and cut into chunks anywhere: a roster or an error, and the same for every cut.
pub fn upstream(bytes: &[u8]) {
    let whole = decode([bytes]);
    let cut = usize::from(bytes.first().copied().unwrap_or(1)).max(1);
    let readings = [decode(bytes.chunks(cut)), decode_ahead([bytes], cut), decode_ahead(bytes.chunks(4 * cut), cut)];
    for pieces in readings {
        match (&whole, &pieces) {
            (Ok(whole), Ok(pieces)) => {
                assert!(whole.members().eq(pieces.members()) && whole.skipped_rows() == pieces.skipped_rows());
                for member in whole.members() {
                    assert!(pieces.find(&member.id().plain()).is_some());
                }
            }
            (Err(whole), Err(pieces)) => assert_eq!(whole, pieces),
            (whole, pieces) => panic!("{whole:?} is not {pieces:?}"),
        }
    }
}

/// Lines of bytes as a query string and headers: media type, caller, account, parameters.
pub fn headers(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let Ok(uri) = format!("/graphql?{query}").parse::<Uri>() else { return };
    let mut request = Request::builder().method(Method::GET).uri(uri).header("apollo-require-preflight", "1");
    for line in lines {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = parts.next().and_then(|value| HeaderValue::from_bytes(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            request = request.header(name, value);
        }
    }
    let (status, body) = ask(request.body(Body::empty()).unwrap());
    check(status, &body);
}

/// A real service, because only a real connection can become a WebSocket.
static SERVICE: LazyLock<SocketAddr> = LazyLock::new(|| {
    let _entered = RUNTIME.enter();
    let mut config = Config::defaults(Profile::Demo);
    config.http.listen = (Ipv4Addr::LOCALHOST, 0).into();
    config.admin.listen = config.http.listen;
    config.auth.mode = Some(AuthMode::Passthrough);
    config.http.rate_limit = 0;
    let app = App::start_over(&config, None, Arc::new(Down), Clock::start(), Arc::default()).unwrap();
    let address = app.address();
    std::mem::forget(app);
    address
});

/// What the service may close a WebSocket with.
const CLOSES: [u16; 15] = [1000, 1001, 1002, 1005, 1007, 1008, 1009, 4400, 4401, 4403, 4406, 4408, 4409, 4429, 1003];

/// Bytes in a WebSocket, as they are or as the text of a frame by the first of them, before or after `connection_init`.
pub fn frames(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mut stream = TcpStream::connect(*SERVICE).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let handshake = "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     sec-websocket-protocol: graphql-transport-ws\r\nauthorization: Bearer t\r\n\r\n";
    let mut sent = handshake.as_bytes().to_vec();
    if choice & 1 == 0 {
        sent.extend(frame(br#"{"type":"connection_init"}"#));
    }
    if choice & 2 == 0 {
        bytes.split(|byte| *byte == b'\n').for_each(|text| sent.extend(frame(text)));
    } else {
        sent.extend(bytes);
    }
    // A close, so that the service need not wait for more.
    sent.extend([0x88, 0x80, 0, 0, 0, 0]);
    let _ = stream.write_all(&sent);
    let _ = stream.shutdown(Shutdown::Write);
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    let head = received.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer to the handshake") + 4;
    assert!(received.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&received));
    let mut rest = &received[head..];
    while let [first, length, after @ ..] = rest {
        let (length, after) = match *length {
            126 if after.len() >= 2 => (usize::from(u16::from_be_bytes([after[0], after[1]])), &after[2..]),
            short @ 0..=125 => (usize::from(short), after),
            _ => panic!("a frame that is longer than anything here"),
        };
        let (payload, after) = after.split_at(length.min(after.len()));
        match first {
            0x81 => drop(serde_json::from_slice::<serde_json::Value>(payload).unwrap()),
            0x88 if payload.len() >= 2 => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                assert!(CLOSES.contains(&code), "{code}");
            }
            0x88..=0x8a => {}
            other => panic!("a frame of kind {other:#x}"),
        }
        rest = after;
    }
}

/// A text in a masked frame.
fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}
