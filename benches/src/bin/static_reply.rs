//! The static reply: reads the request's body and answers with bytes that were ready before. The upper bound of this HTTP
//! stack. Its answers are the lines of the file that it is started with; the path says which.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flowmatix_graphql_benches::serve;

// As the service's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let file = std::fs::read_to_string(std::env::args().nth(1).unwrap_or_default())?;
    let answers: Arc<[Bytes]> = file.lines().map(|line| Bytes::from(line.to_owned())).collect();
    serve::serve(async || Ok(Router::new().route("/{place}", post(answer)).with_state(answers)))
}

async fn answer(State(answers): State<Arc<[Bytes]>>, Path(place): Path<usize>, _question: Bytes) -> Response {
    match answers.get(place) {
        Some(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
