//! What the fuzz targets and their twins in the test suite do with bytes: the service's real routes, without sockets, over an
//! upstream that is never there.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use flowmatix_graphql::auth::Authenticator;
use flowmatix_graphql::config::{Config, Profile};
use flowmatix_graphql::graphql::{Engine, Manifest, Settings};
use flowmatix_graphql::http::{AdmissionControl, AppState, LogNames, public};
use flowmatix_graphql::loader::LoaderFactory;
use flowmatix_graphql::model::Clock;
use flowmatix_graphql::model::{ErrorKind, UpstreamError};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql::upstream::{Fetched, Load, Upstream, decode};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Runtime;
use tower::ServiceExt;

struct Down;

impl Upstream for Down {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<Fetched, UpstreamError>> {
        load.observer.called();
        async { Err(ErrorKind::Unavailable.into()) }.boxed()
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

static ROUTES: LazyLock<Router> = LazyLock::new(|| {
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
    public(AppState {
        engine,
        auth,
        admission: AdmissionControl::new(&config.http),
        health: Arc::default(),
        settings: config.http,
        metrics,
        log_names: LogNames::default(),
    })
});

fn ask(request: Request<Body>) -> (StatusCode, Bytes) {
    RUNTIME.block_on(async {
        let response = ROUTES.clone().oneshot(request).await.unwrap();
        let status = response.status();
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
    let pieces = decode(bytes.chunks(cut));
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert!(whole.members().eq(pieces.members()) && whole.skipped_rows() == pieces.skipped_rows());
            for member in whole.members() {
                assert!(whole.find(&member.id().plain()).is_some());
            }
        }
        (Err(whole), Err(pieces)) => assert_eq!(whole, pieces),
        (whole, pieces) => panic!("{whole:?} is not {pieces:?}"),
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
