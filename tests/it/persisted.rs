//! Documents on the server: Apollo's automatic persisted queries, and the operator's trusted documents.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const QUERY: &str = "query Team($n: Int) { teamMembers(first: $n) { nodes { __typename } } }";

fn hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reference(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

async fn post(app: &TestApp, body: Value) -> Answer {
    app.send(app.post().body(body.to_string())).await
}

async fn get(app: &TestApp, hash: &str) -> Answer {
    let parameters = [("extensions", reference(hash).to_string()), ("variables", json!({ "n": 2 }).to_string())];
    app.send(app.client.get(app.url()).query(&parameters).header("apollo-require-preflight", "1")).await
}

#[tokio::test]
async fn a_document_is_sent_once_and_then_named() {
    let app = TestApp::start().await;
    let unknown = post(&app, json!({ "extensions": reference(&hash(QUERY)) })).await;
    assert_eq!((unknown.status, unknown.codes()), (200, vec!["PERSISTED_QUERY_NOT_FOUND"]));
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(unknown.header("cache-control"), "no-store");

    let both = json!({ "query": QUERY, "variables": { "n": 1 }, "extensions": reference(&hash(QUERY)) });
    assert_eq!(post(&app, both).await.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 1);
    // By its hash alone, with either method, in either case.
    let named = json!({ "variables": { "n": 3 }, "extensions": reference(&hash(QUERY).to_uppercase()) });
    assert_eq!(post(&app, named).await.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(get(&app, &hash(QUERY)).await.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_hash_that_is_not_the_texts_is_refused() {
    let app = TestApp::start().await;
    for wrong in [hash("another"), "x".to_owned(), String::new()] {
        let answer = post(&app, json!({ "query": QUERY, "extensions": reference(&wrong) })).await;
        assert_eq!((answer.status, answer.codes()), (200, vec!["PERSISTED_QUERY_HASH_MISMATCH"]), "{wrong}");
    }
    let version = json!({ "persistedQuery": { "version": 2, "sha256Hash": hash(QUERY) } });
    let answer = post(&app, json!({ "query": QUERY, "extensions": version })).await;
    assert_eq!(answer.codes(), ["PERSISTED_QUERY_NOT_SUPPORTED"]);
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn only_documents_that_ran_are_kept() {
    let app = TestApp::start().await;
    for bad in ["{ nothing }", "{", "{ a: __typename"] {
        post(&app, json!({ "query": bad, "extensions": reference(&hash(bad)) })).await;
        let named = post(&app, json!({ "extensions": reference(&hash(bad)) })).await;
        assert_eq!(named.codes(), ["PERSISTED_QUERY_NOT_FOUND"], "{bad}");
    }
}

#[tokio::test]
async fn limits_hold_for_named_documents_too() {
    let many = format!("{{ {} }}", (0..10).map(|n| format!("a{n}: __typename ")).collect::<String>());
    let app = TestApp::start().await;
    post(&app, json!({ "query": many, "extensions": reference(&hash(&many)) })).await.clean();
    let strict = TestApp::with(&[("graphql.aliases_limit", "9")]).await;
    for _ in 0..2 {
        let answer = post(&strict, json!({ "query": many, "extensions": reference(&hash(&many)) })).await;
        assert_eq!(answer.codes(), ["MAX_ALIASES_LIMIT"]);
    }
    assert_eq!(get(&strict, &hash(&many)).await.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
}

#[tokio::test]
async fn registered_documents_are_bounded_in_bytes() {
    let app = TestApp::with(&[("documents.persisted_limit", "4KiB")]).await;
    let long = |n: usize| format!("{{ __typename # {} {n}\n }}", "x".repeat(1000));
    for n in 0..50 {
        post(&app, json!({ "query": long(n), "extensions": reference(&hash(&long(n))) })).await.clean();
    }
    let mut kept = 0;
    for n in 0..50 {
        kept += usize::from(post(&app, json!({ "extensions": reference(&hash(&long(n))) })).await.codes().is_empty());
    }
    // 4 KiB hold three of them.
    assert!((1..=3).contains(&kept), "{kept}");
}

#[tokio::test]
async fn registering_can_be_switched_off() {
    let app = TestApp::with(&[("documents.persisted_queries", "false")]).await;
    for body in [
        json!({ "extensions": reference(&hash(QUERY)) }),
        json!({ "query": QUERY, "extensions": reference(&hash(QUERY)) }),
    ] {
        let answer = post(&app, body).await;
        assert_eq!(answer.codes(), ["PERSISTED_QUERY_NOT_SUPPORTED"]);
        assert_eq!(answer.body["errors"][0]["message"], "PersistedQueryNotSupported");
    }
    post(&app, json!({ "query": QUERY })).await.clean();
}

#[tokio::test]
async fn only_listed_documents_run_where_the_list_is_enforced() {
    let path = std::env::temp_dir().join(format!("flowmatix-manifest-{}.json", std::process::id()));
    let file = path.to_str().unwrap();
    let apollo = json!({ "format": "apollo-persisted-query-manifest", "version": 1,
        "operations": [{ "id": hash(QUERY), "name": "Team", "type": "query", "body": QUERY }] });
    let marked = format!("\u{feff}{apollo}");
    for manifest in [apollo.to_string(), json!({ hash(QUERY): QUERY }).to_string(), marked] {
        std::fs::write(&path, manifest).unwrap();
        let app = TestApp::with(&[("documents.safelist", "enforce"), ("documents.manifest", file)]).await;
        post(&app, json!({ "query": QUERY })).await.clean();
        // Listed documents can be named without having been sent.
        get(&app, &hash(QUERY)).await.clean();
        let other = post(&app, json!({ "query": "{ __typename }" })).await;
        assert_eq!((other.status, other.codes()), (200, vec!["QUERY_NOT_IN_SAFELIST"]));
        let registered = json!({ "query": "{ __typename }", "extensions": reference(&hash("{ __typename }")) });
        assert_eq!(post(&app, registered).await.codes(), ["QUERY_NOT_IN_SAFELIST"]);

        let app = TestApp::with(&[("documents.safelist", "log"), ("documents.manifest", file)]).await;
        post(&app, json!({ "query": "{ __typename }" })).await.clean();
        let named =
            [("documents.persisted_queries", "false"), ("documents.safelist", "enforce"), ("documents.manifest", file)];
        let app = TestApp::with(&named).await;
        get(&app, &hash(QUERY)).await.clean();
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_manifest_whose_hashes_are_not_its_texts_is_refused() {
    use flowmatix_graphql::graphql::Manifest;
    assert!(Manifest::read(&json!({ hash("a"): "b" }).to_string()).is_err());
    assert!(Manifest::read("[]").is_err() && Manifest::read("{").is_err());
    assert!(Manifest::read("{}").is_ok());
}
