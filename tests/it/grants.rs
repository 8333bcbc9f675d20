//! Grants: where the server holds the credential, a caller reads the accounts granted to it and no others, by every way of
//! selecting an account.

use serde_json::json;

use crate::support::{Keys, TestApp, account};

const QUERY: &str = "{ teamMembers { totalCount } }";

fn foreign(answer: &crate::support::Answer) {
    assert!(answer.codes().iter().all(|code| *code == "FORBIDDEN") && !answer.codes().is_empty(), "{:#}", answer.body);
    assert!(!answer.body.to_string().contains("tall-pines"), "{:#}", answer.body);
}

#[tokio::test]
async fn a_foreign_account_is_forbidden_however_it_is_named() {
    let keys = Keys::new(&[("lantern", &[0], true), ("pines", &[2], true)]);
    let app = TestApp::with(&[&keys.settings()[..], &[("graphql.batch_limit", "4")]].concat()).await;
    let (lantern, pines) = (keys.key(0), keys.key(1));
    // There is something to steal.
    let query = format!(
        "{{ teamMembers({}, first: 1) {{ nodes {{ id role {{ id }} }} pageInfo {{ endCursor }} }} }}",
        account(2)
    );
    let theirs = app.query_as(pines, &query).await.clean();
    let id = theirs["teamMembers"]["nodes"][0]["id"].as_str().unwrap();
    let role = theirs["teamMembers"]["nodes"][0]["role"]["id"].as_str().unwrap();
    let cursor = theirs["teamMembers"]["pageInfo"]["endCursor"].as_str().unwrap();
    let calls = app.demo.calls();

    for field in [
        format!("teamMembers({}) {{ totalCount }}", account(2)),
        format!("teamMembers({}, after: \"{cursor}\") {{ totalCount }}", account(2)),
        format!("teamMember({}, id: \"{id}\") {{ name }}", account(2)),
        format!("roles({}) {{ id }}", account(2)),
        format!("role({}, id: \"{role}\") {{ id members {{ totalCount }} }}", account(2)),
    ] {
        let answer = app.query_as(lantern, &format!("{{ {field} }}")).await;
        foreign(&answer);
        assert!(answer.data().as_object().unwrap().values().all(serde_json::Value::is_null));
    }
    // Headers hold for the whole request.
    let named =
        app.post().header("x-flowmatix-email", "ops@tall-pines.example").header("x-flowmatix-type", "CUSTOM_USER");
    let answer = app.send(named.bearer_auth(lantern).body(json!({ "query": QUERY }).to_string())).await;
    foreign(&answer);
    assert_eq!(answer.status, 403);
    // A router's representations: the good ones stay.
    let representations = json!([
        { "__typename": "TeamMember", "id": id },
        { "__typename": "TeamMember", "id": id, "account": { "email": "ops@tall-pines.example", "type": "CUSTOM_USER" } },
        { "__typename": "Role", "id": role, "account": { "email": "OPS@tall-pines.example", "type": "CUSTOM_USER" } },
    ]);
    let body = json!({
        "query": "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
        "variables": { "r": representations },
    });
    let answer = app.send(app.post().bearer_auth(lantern).body(body.to_string())).await;
    foreign(&answer);
    assert_eq!(answer.data(), &json!({ "_entities": [null, null, null] }));
    assert_eq!(answer.codes().len(), 2);
    // A batch: the own account's answer stands beside.
    let batch = json!([{ "query": QUERY }, { "query": format!("{{ teamMembers({}) {{ totalCount }} }}", account(2)) }]);
    let answer = app.send(app.post().bearer_auth(lantern).body(batch.to_string())).await;
    assert_eq!(answer.body[0]["data"], json!({ "teamMembers": { "totalCount": 12 } }));
    assert_eq!(answer.body[1]["errors"][0]["extensions"]["code"], "FORBIDDEN");
    // Another tenant's cursor, for one's own account.
    let answer = app.query_as(lantern, &format!("{{ teamMembers(after: \"{cursor}\") {{ totalCount }} }}")).await;
    assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
    // All that was called is the caller's own account.
    assert!(app.demo.log()[calls..].iter().all(|call| call.parameter("email") == Some("maya@lantern-books.example")));
}

#[tokio::test]
async fn whether_an_account_exists_makes_no_difference() {
    let keys = Keys::new(&[("lantern", &[0], true)]);
    let app = TestApp::with(&keys.settings()).await;
    let ask = async |email: &str| {
        let query = format!("{{ teamMembers(account: {{ email: \"{email}\", type: CUSTOM_USER }}) {{ totalCount }} }}");
        app.query_as(keys.key(0), &query).await.body
    };
    assert_eq!(ask("ops@tall-pines.example").await, ask("nobody@nowhere.example").await);
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn a_key_that_names_no_account_reads_the_default_one_only() {
    let keys = Keys::new(&[("house", &[], false)]);
    let app = TestApp::with(&keys.settings()).await;
    let key = keys.key(0);
    assert_eq!(app.query_as(key, QUERY).await.clean()["teamMembers"]["totalCount"], 12);
    let own = format!("{{ teamMembers({}) {{ totalCount }} }}", account(0));
    assert_eq!(app.query_as(key, &own).await.clean()["teamMembers"]["totalCount"], 12);
    foreign(&app.query_as(key, &format!("{{ teamMembers({}) {{ totalCount }} }}", account(2))).await);
    // Without a default, it reads nothing.
    let app = TestApp::with(&[&keys.settings()[..], &[("account.email", ""), ("account.type", "")]].concat()).await;
    assert_eq!(app.query_as(key, QUERY).await.codes(), ["ACCOUNT_REQUIRED"]);
    assert_eq!(app.query_as(key, &own).await.codes(), ["FORBIDDEN"]);
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn a_request_that_names_no_account_means_the_default_or_the_only_one() {
    let keys = Keys::new(&[("pines", &[2], false), ("both", &[2, 0], false), ("others", &[1, 2], false)]);
    let app = TestApp::with(&keys.settings()).await;
    assert_eq!(app.query_as(keys.key(0), QUERY).await.clean()["teamMembers"]["totalCount"], 250);
    assert_eq!(app.query_as(keys.key(1), QUERY).await.clean()["teamMembers"]["totalCount"], 12);
    assert_eq!(app.query_as(keys.key(2), QUERY).await.codes(), ["ACCOUNT_REQUIRED"]);
}

#[tokio::test]
async fn callers_with_the_same_account_share_its_roster() {
    let keys = Keys::new(&[("a", &[0], false), ("b", &[0], true)]);
    let app = TestApp::with(&keys.settings()).await;
    for key in [0, 1] {
        app.query_as(keys.key(key), QUERY).await.clean();
    }
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn a_noisy_key_is_slowed_and_another_with_the_same_credential_is_not() {
    let keys = Keys::new(&[("noisy", &[0], false), ("quiet", &[0], false)]);
    let app =
        TestApp::with(&[&keys.settings()[..], &[("http.rate_limit", "1"), ("http.rate_burst", "2")]].concat()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(app.query_as(keys.key(0), "{ __typename }").await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    app.query_as(keys.key(1), "{ __typename }").await.clean();
}
