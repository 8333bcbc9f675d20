//! The raw proxy: passes the upstream's body on as it comes. Whatever reads the body cannot be faster than this by much.

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flowmatix_graphql_benches::serve;

// As the service's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let upstream = std::env::args().nth(1).unwrap_or_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    serve::serve(async || Ok(Router::new().route("/", get(pass_on)).with_state((client, upstream))))
}

async fn pass_on(State((client, upstream)): State<(reqwest::Client, String)>, RawQuery(query): RawQuery) -> Response {
    let url = format!("{upstream}custom-user?{}", query.unwrap_or_default());
    let request = client.get(url).header("authorization", "Bearer bench").header("authtype", "Key");
    let Ok(response) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let headers = [header::CONTENT_TYPE, header::CONTENT_LENGTH]
        .map(|name| response.headers().get(&name).cloned().map(|value| (name, value)));
    let status = response.status();
    let mut answer = Response::new(Body::from_stream(response.bytes_stream()));
    *answer.status_mut() = status;
    answer.headers_mut().extend(headers.into_iter().flatten());
    answer
}
