//! Throttles for wrong tokens: what guesses is slowed, what is accepted never is.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, Keys, PATIENT, TestApp, account};

const QUERY: &str = "{ teamMembers { totalCount } }";
const GOOD: &str = "demo-agency-token";

async fn passthrough(more: &[(&str, &str)]) -> TestApp {
    TestApp::with(&[&[("auth.mode", "passthrough")], more].concat()).await
}

#[tokio::test]
async fn the_101st_wrong_token_of_a_minute_is_refused_without_a_call() {
    let app = passthrough(&PATIENT).await;
    for n in 0..100 {
        let answer = app.query_as(&format!("wrong-{n}"), QUERY).await;
        assert_eq!((answer.status, answer.codes()), (200, vec!["UPSTREAM_UNAUTHENTICATED"]));
    }
    let calls = app.demo.calls();
    assert_eq!(calls, 100);
    for n in 100..110 {
        let answer = app.query_as(&format!("wrong-{n}"), QUERY).await;
        assert_eq!((answer.status, answer.codes()), (429, vec!["REQUEST_RATE_LIMITED"]));
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    assert_eq!(app.demo.calls(), calls);
}

#[tokio::test]
async fn a_token_with_a_roster_is_never_refused_for_the_wrong_ones_beside_it() {
    let app = passthrough(&[("http.failed_auth_limit", "3"), ("roster.fresh_for", "1ms")]).await;
    app.query_as(GOOD, QUERY).await.clean();
    for n in 0..10 {
        let expected = if n < 3 { 200 } else { 429 };
        assert_eq!(app.query_as(&format!("wrong-{n}"), QUERY).await.status, expected);
        app.query_as(GOOD, QUERY).await.clean();
    }
    // Until the upstream takes it back: then it is a stranger like any other.
    app.demo.set_switches(flowmatix_graphql::demo::DemoSwitches { status: Some(401), ..Default::default() });
    let refused = |answer: &Answer| answer.status == 429 || answer.codes() == ["UPSTREAM_UNAUTHENTICATED"];
    crate::support::until(|| app.query_as(GOOD, QUERY), refused).await;
    assert_eq!(app.query_as(GOOD, QUERY).await.status, 429);
}

#[tokio::test]
async fn many_good_tokens_from_one_address_are_no_guesses() {
    let app = passthrough(&[("http.failed_auth_limit", "1")]).await;
    for account in flowmatix_graphql::demo::ACCOUNTS.iter().take(3) {
        let query = format!(
            "{{ teamMembers(account: {{ email: \"{}\", type: {} }}) {{ totalCount }} }}",
            account.email, account.user_type
        );
        app.query_as(account.token, &query).await.clean();
    }
    assert_eq!(app.query_as("wrong-1", QUERY).await.status, 200);
    assert_eq!(app.query_as("wrong-2", QUERY).await.status, 429);
    // The same wrong token again is no new guess, and is not asked for again either.
    assert_eq!(app.query_as("wrong-1", QUERY).await.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    assert_eq!(app.demo.calls(), 4);
}

/// Sixty accounts at once with a token that nobody knows: one call decides.
#[tokio::test]
async fn an_unknown_token_goes_upstream_once_however_many_accounts_are_asked_for() {
    let app = passthrough(&PATIENT).await;
    let fields: String = (0..60)
        .map(|n| format!("a{n}: teamMembers(account: {{ email: \"a{n}@b.example\", type: AGENT }}) {{ totalCount }} "))
        .collect();
    let query = format!("{{ {fields} }}");
    let answers = join_all((0..5).map(|_| app.query_as("nobodys-token", &query))).await;
    for answer in &answers {
        assert_eq!(answer.codes(), ["UPSTREAM_UNAUTHENTICATED"; 60]);
    }
    assert_eq!(app.demo.calls(), 1);
    // For ten seconds, nobody asks again.
    app.query_as("nobodys-token", &query).await;
    assert_eq!(app.demo.calls(), 1);
}

/// The first load of a good token holds the others up, and then all go on.
#[tokio::test]
async fn a_good_tokens_first_load_lets_the_others_go_on() {
    let app = passthrough(&PATIENT).await;
    let query = format!(
        "{{ a: teamMembers({}) {{ totalCount }} b: teamMembers({}) {{ totalCount }} c: teamMembers({}) {{ totalCount }} }}",
        account(0),
        account(1),
        account(2)
    );
    let gate = app.demo.hold();
    let asked = tokio::spawn(app.post().bearer_auth(GOOD).body(json!({ "query": query }).to_string()).send());
    app.demo.arrived(1).await;
    // Nothing else of this token comes before the first is answered; another token is not held up by it.
    let other = app.post().bearer_auth("demo-lantern-token").body(json!({ "query": QUERY }).to_string());
    let other = tokio::spawn(other.send());
    app.demo.arrived(2).await;
    assert_eq!(app.demo.log().iter().filter(|call| call.token.as_deref() == Some(GOOD)).count(), 1);
    gate.send(true).unwrap();
    let answer = Answer::read(asked.await.unwrap().unwrap()).await.clean();
    assert_eq!(answer, json!({ "a": { "totalCount": 12 }, "b": { "totalCount": 1 }, "c": { "totalCount": 250 } }));
    Answer::read(other.await.unwrap().unwrap()).await.clean();
    assert_eq!(app.demo.calls(), 4);
}

/// One account that is down says nothing of the token: the other account of the same first request answers.
#[tokio::test]
async fn a_first_load_that_fails_otherwise_is_no_verdict() {
    let app = passthrough(&PATIENT).await;
    let down = flowmatix_graphql::demo::Scripted::status(axum::http::StatusCode::SERVICE_UNAVAILABLE, "{}");
    app.demo.script(Some("maya@lantern-books.example"), Some(down));
    let query = format!(
        "{{ a: teamMembers({}) {{ totalCount }} b: teamMembers({}) {{ totalCount }} }}",
        account(0),
        account(2)
    );
    let answer = app.query_as(GOOD, &query).await;
    assert_eq!(answer.codes(), ["UPSTREAM_UNAVAILABLE"]);
    assert_eq!(answer.data(), &json!({ "a": null, "b": { "totalCount": 250 } }));
}

#[tokio::test]
async fn wrong_keys_are_counted_by_address_and_good_ones_are_let_in_beside_them() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let app = TestApp::with(&[&keys.settings()[..], &[("http.failed_auth_limit", "3")]].concat()).await;
    for n in 0..6 {
        let answer = app.query_as(&format!("fmk_reports_{n}"), QUERY).await;
        let expected = if n < 3 { (401, vec!["UNAUTHENTICATED"]) } else { (429, vec!["REQUEST_RATE_LIMITED"]) };
        assert_eq!((answer.status, answer.codes()), expected);
        app.query_as(keys.key(0), QUERY).await.clean();
    }
    // No token at all is no guess.
    assert_eq!(app.query(QUERY).await.status, 401);
}

#[tokio::test]
async fn each_address_has_its_own_count() {
    let app = passthrough(&[("http.failed_auth_limit", "1"), ("http.trusted_proxies", "127.0.0.0/8")]).await;
    let from = async |address: &str, token: &str| {
        let request = app.post().header("x-forwarded-for", address).bearer_auth(token);
        app.send(request.body(json!({ "query": QUERY }).to_string())).await.status
    };
    assert_eq!(from("203.0.113.1", "wrong-1").await, 200);
    assert_eq!(from("203.0.113.1", "wrong-2").await, 429);
    assert_eq!(from("203.0.113.2", "wrong-2").await, 200);
}

#[tokio::test]
async fn a_vendor_that_answers_404_before_it_looks_at_the_token_makes_no_guess_good() {
    let app = passthrough(&PATIENT).await;
    let unknown = flowmatix_graphql::demo::Scripted::status(axum::http::StatusCode::NOT_FOUND, "{}");
    app.demo.script(None, Some(unknown));
    for n in 0..150 {
        app.query_as(&format!("guess-{n}"), QUERY).await;
    }
    assert_eq!(app.demo.calls(), 100);
}
