//! The request's name: `x-request-id` is taken from the request where it is fit for a log, made otherwise, and returned.
//! One log line a request, without query string or body.

use std::time::Instant;

use aws_lc_rs::rand;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over, in bytes.
const LIMIT: usize = 128;

pub(super) async fn layer(request: Request, next: Next) -> Response {
    let id = request.headers().get(&HEADER).filter(|id| is_fit(id)).cloned().unwrap_or_else(new);
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let (method, path) = (request.method().clone(), told(request.uri().path()));
    let started = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(%method, path, status = response.status().as_u16(), millis, "answered");
        response.headers_mut().insert(HEADER, id);
        response
    }
    .instrument(span)
    .await
}

/// The path as the log has it: what is served, and nothing that a client made up.
fn told(path: &str) -> &'static str {
    match path {
        "/graphql" => "/graphql",
        "/" => "/",
        "/playground" => "/playground",
        _ if path.starts_with("/explorer/") => "/explorer",
        _ => "elsewhere",
    }
}

fn is_fit(id: &HeaderValue) -> bool {
    !id.is_empty()
        && id.len() <= LIMIT
        && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-._:/+=".contains(b))
}

fn new() -> HeaderValue {
    let mut bytes = [0; 16];
    // Without randomness the id is of no use, and the request goes on.
    let _ = rand::fill(&mut bytes);
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
    let text: Vec<u8> = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect();
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unnamed"))
}
