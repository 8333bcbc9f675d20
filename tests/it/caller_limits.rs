//! Limits of one caller: an entry or a claim sets rate and concurrency in place of everybody's.

use serde_json::{Value, json};

use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey, jwks};
use crate::support::{Answer, TempFile, TestApp, make_key};

const QUERY: &str = "{ teamMembers { totalCount } }";

/// A service with two keys, the first of which has these lines in its entry.
async fn with_key(lines: &str, pairs: &[(&str, &str)]) -> (TestApp, TempFile, [String; 2]) {
    let ((own, own_entry), (other, other_entry)) = (make_key("own", &[0], false), make_key("other", &[0], false));
    let file = TempFile::new("keys.toml", &format!("{own_entry}{lines}\n{other_entry}"));
    let settings = [("auth.mode", "api-keys"), ("auth.keys_file", file.as_str())];
    let app = TestApp::with(&[&settings[..], pairs].concat()).await;
    (app, file, [own, other])
}

/// The codes of so many requests, one after the other.
async fn codes(app: &TestApp, token: &str, count: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for _ in 0..count {
        let answer = app.query_as(token, QUERY).await;
        codes.push(answer.codes().first().copied().unwrap_or("ok").to_owned());
    }
    codes
}

#[tokio::test]
async fn a_key_has_its_own_rate_and_the_others_have_everybodys() {
    let (app, _file, [own, other]) = with_key("rate_limit = 1\nrate_burst = 2", &[]).await;
    // A slow machine may take longer than a second for six of them.
    let limited = codes(&app, &own, 6).await;
    assert_eq!(limited[..2], ["ok", "ok"]);
    assert!(limited.contains(&"REQUEST_RATE_LIMITED".to_owned()), "{limited:?}");
    assert_eq!(codes(&app, &other, 6).await, ["ok"; 6]);
    // The other way round: a key that may more than everybody.
    let all = [("http.rate_limit", "1"), ("http.rate_burst", "1")];
    let (app, _file, [own, other]) = with_key("rate_limit = 0", &all).await;
    assert_eq!(codes(&app, &own, 6).await, ["ok"; 6]);
    assert!(codes(&app, &other, 6).await.contains(&"REQUEST_RATE_LIMITED".to_owned()));
}

#[tokio::test]
async fn a_key_has_its_own_concurrency() {
    let (app, _file, [own, other]) = with_key("concurrency = 1", &[]).await;
    let gate = app.demo.hold();
    let request = |token: &str| app.post().bearer_auth(token).body(json!({ "query": QUERY }).to_string()).send();
    let (first, third) = (tokio::spawn(request(&own)), request(&other));
    app.demo.arrived(1).await;
    let second = Answer::read(request(&own).await.unwrap()).await;
    assert_eq!((second.status, second.codes()), (503, vec!["REQUEST_CONCURRENCY_LIMITED"]));
    let third = tokio::spawn(third);
    gate.send(true).unwrap();
    for request in [first, third] {
        Answer::read(request.await.unwrap().unwrap()).await.clean();
    }
    app.query_as(&own, QUERY).await.clean();
}

#[tokio::test]
async fn a_claim_has_the_limits_of_its_token_and_one_in_another_form_lets_nobody_in() {
    let key = SigningKey::new("one", "ES256");
    let file = TempFile::new("jwks.json", &jwks(&[&key]));
    let settings = [
        ("auth.mode", "jwt"),
        ("jwt.jwks_file", file.as_str()),
        ("jwt.issuer", ISSUER),
        ("jwt.audience", AUDIENCE),
        ("jwt.limits_claim", "limits"),
    ];
    let app = TestApp::with(&settings).await;
    let token = |limits: Value| key.token(json!({ "limits": limits }));
    let limited = codes(&app, &token(json!({ "rate_limit": 1, "rate_burst": 1 })), 6).await;
    assert!(limited.contains(&"REQUEST_RATE_LIMITED".to_owned()), "{limited:?}");
    for wrong in [json!("1"), json!({ "rate": 1 }), json!({ "rate_limit": -1 }), json!({ "concurrency": 0 })] {
        assert_eq!(codes(&app, &token(wrong.clone()), 1).await, ["UNAUTHENTICATED"], "{wrong}");
    }
    // Of another subject, so that the rate is another one.
    let free = key.token(json!({ "sub": "somebody else" }));
    assert_eq!(codes(&app, &free, 6).await, ["ok"; 6]);
}

#[tokio::test]
async fn limits_that_make_no_sense_replace_nothing() {
    let (app, file, [own, _]) = with_key("concurrency = 3", &[]).await;
    let text = std::fs::read_to_string(file.path()).unwrap();
    for wrong in ["concurrency = 0", "rate_burst = 0", "rate_limit = 1000001", "rate_limit = -1", "rates = 1"] {
        file.replace(&text.replacen("concurrency = 3", wrong, 1));
        assert_eq!(codes(&app, &own, 1).await, ["ok"], "{wrong}");
    }
}
