//! An upstream as fast as can be: every answer is ready before it is asked for. The domain of the e-mail address says how many
//! members the team has (`someone@m100.example`), the number in front of it which of a few teams of that size it is.

use std::collections::HashMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flowmatix_graphql_benches::{serve, team};

type Teams = std::sync::Arc<HashMap<(usize, u64), Bytes>>;

fn main() -> anyhow::Result<()> {
    let teams = team::SIZES.iter().flat_map(|&members| {
        (0..team::variants(members)).map(move |seed| ((members, seed), Bytes::from(team::body(seed, members))))
    });
    let teams = Teams::new(teams.collect());
    serve::serve(async || Ok(Router::new().route("/custom-user", get(answer)).with_state(teams)))
}

async fn answer(State(teams): State<Teams>, Query(parameters): Query<HashMap<String, String>>) -> Response {
    let team = parameters.get("email").and_then(|email| team::of_account(email));
    match team.and_then(|team| teams.get(&team)) {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
