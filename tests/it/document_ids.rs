//! Documents by id: `documentId` of the GraphQL over HTTP proposal, Relay's `doc_id`, hashes, and ids that are no hash.

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TempFile, TestApp};

const QUERY: &str = "query Team($n: Int) { teamMembers(first: $n) { nodes { __typename } } }";
const ROLES: &str = "query Roles { roles { id } }";

fn hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn post(app: &TestApp, body: Value) -> Answer {
    app.send(app.post().body(body.to_string())).await
}

/// The same parameters by POST, QUERY and GET.
async fn everywhere(app: &TestApp, parameters: Value) -> Vec<Answer> {
    let in_uri: Vec<(String, String)> = parameters
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let query = app.client.request(Method::QUERY, app.url()).header("content-type", "application/json");
    let get = app.client.get(app.url()).query(&in_uri).header("apollo-require-preflight", "1");
    vec![post(app, parameters.clone()).await, app.send(query.body(parameters.to_string())).await, app.send(get).await]
}

/// The list of a build, with a hash of Relay's for one document, and a name for another.
fn manifest() -> TempFile {
    let list = json!({ "1f8b7ee2b1b3d1f0c7a5b8a0e0c7d2aa": QUERY, "roles~v1": ROLES });
    TempFile::new("manifest.json", &list.to_string())
}

#[tokio::test]
async fn a_document_is_named_by_its_hash_with_and_without_prefix() {
    let app = TestApp::start().await;
    for name in [hash(QUERY), format!("sha256:{}", hash(QUERY))] {
        for answer in everywhere(&app, json!({ "documentId": name })).await {
            assert_eq!((answer.status, answer.codes()), (200, vec!["PERSISTED_QUERY_NOT_FOUND"]), "{name}");
            assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1);
        }
    }
    // With its text it is registered, as by Apollo's extension; from then on each form names it.
    post(&app, json!({ "query": QUERY, "documentId": format!("sha256:{}", hash(QUERY)) })).await.clean();
    for name in [hash(QUERY), hash(QUERY).to_uppercase(), format!("sha256:{}", hash(QUERY))] {
        for key in ["documentId", "doc_id"] {
            for answer in everywhere(&app, json!({ key: name, "variables": { "n": 2 }, "operationName": "Team" })).await
            {
                assert_eq!(answer.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 2, "{key} {name}");
            }
        }
    }
    let reference = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(QUERY) } });
    post(&app, json!({ "extensions": reference })).await.clean();
    post(&app, json!({ "extensions": reference, "documentId": hash(QUERY) })).await.clean();
}

#[tokio::test]
async fn an_id_and_a_text_that_do_not_belong_together_are_refused() {
    let list = manifest();
    let app = TestApp::with(&[("documents.manifest", list.as_str())]).await;
    for (body, code) in [
        (json!({ "query": QUERY, "documentId": hash(ROLES) }), "PERSISTED_QUERY_HASH_MISMATCH"),
        (json!({ "query": QUERY, "documentId": format!("sha256:{}", hash(ROLES)) }), "PERSISTED_QUERY_HASH_MISMATCH"),
        (json!({ "query": QUERY, "documentId": "roles~v1" }), "PERSISTED_QUERY_HASH_MISMATCH"),
        (json!({ "documentId": hash(QUERY), "doc_id": hash(ROLES) }), "BAD_REQUEST"),
        (json!({ "documentId": "sha256:abc" }), "BAD_REQUEST"),
        (json!({ "documentId": "sha256:" }), "BAD_REQUEST"),
        (json!({ "documentId": 7 }), "BAD_REQUEST"),
        (
            json!({ "documentId": hash(ROLES), "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash(QUERY) } } }),
            "BAD_REQUEST",
        ),
        (json!({ "documentId": "" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "x-app:7" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "x".repeat(100_000) }), "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        let answer = post(&app, body.clone()).await;
        assert_eq!(answer.codes(), [code], "{body:.200}");
        assert!(answer.body.to_string().len() < 300);
    }
    // An id that nothing is known by does not spoil a text that is sent.
    post(&app, json!({ "query": ROLES, "documentId": "of-a-later-build" })).await.clean();
    post(&app, json!({ "query": ROLES, "documentId": "roles~v1" })).await.clean();
    post(&app, json!({ "query": ROLES, "documentId": null, "doc_id": null })).await.clean();
}

#[tokio::test]
async fn relays_list_is_read_and_its_ids_name_documents() {
    let list = manifest();
    for registering in ["true", "false"] {
        let app = TestApp::with(&[
            ("documents.manifest", list.as_str()),
            ("documents.safelist", "enforce"),
            ("documents.persisted_queries", registering),
        ])
        .await;
        for key in ["documentId", "doc_id"] {
            for answer in
                everywhere(&app, json!({ key: "1f8b7ee2b1b3d1f0c7a5b8a0e0c7d2aa", "variables": { "n": 1 } })).await
            {
                assert_eq!(answer.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 1);
            }
            for answer in everywhere(&app, json!({ key: "roles~v1" })).await {
                answer.clean();
            }
            // Its text's hash names it as well.
            for answer in everywhere(&app, json!({ key: format!("sha256:{}", hash(ROLES)) })).await {
                answer.clean();
            }
            // Upper and lower case are different ids where they are no hash.
            assert_eq!(post(&app, json!({ key: "ROLES~V1" })).await.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
        }
        // What is listed may be sent as text, what is not may not, under whatever name.
        post(&app, json!({ "query": ROLES })).await.clean();
        for body in [
            json!({ "query": "{ __typename }" }),
            json!({ "query": "{ __typename }", "documentId": hash("{ __typename }") }),
            json!({ "query": "{ __typename }", "documentId": "other" }),
        ] {
            assert_eq!(post(&app, body.clone()).await.codes(), ["QUERY_NOT_IN_SAFELIST"], "{body}");
        }
        assert_eq!(
            post(&app, json!({ "documentId": hash("{ __typename }") })).await.codes(),
            ["PERSISTED_QUERY_NOT_FOUND"]
        );
    }
}

#[tokio::test]
async fn batches_name_documents_too() {
    let list = manifest();
    let app = TestApp::with(&[("documents.manifest", list.as_str()), ("graphql.batch_limit", "3")]).await;
    let answer =
        post(&app, json!([{ "documentId": "roles~v1" }, { "doc_id": "unknown" }, { "query": "{ __typename }" }])).await;
    let answers = answer.body.as_array().unwrap();
    assert!(answers[0]["data"]["roles"].is_array());
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(answers[2]["data"]["__typename"], "Query");
}

#[test]
fn a_list_that_contradicts_itself_is_refused() {
    use flowmatix_graphql::graphql::Manifest;
    let apollo = |operations: Value| json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": operations });
    let entry = |id: &str, body: &str| json!({ "id": id, "name": "X", "type": "query", "body": body });
    for wrong in [
        json!({ hash("a"): "b" }).to_string(),
        json!({ format!("sha256:{}", hash("a")): "b" }).to_string(),
        json!({ "sha256:abc": "b" }).to_string(),
        json!({ "": "b" }).to_string(),
        r#"{"one":"a","one":"b"}"#.to_owned(),
        apollo(json!([entry("one", "a"), entry("one", "b")])).to_string(),
        json!({ "one": 7 }).to_string(),
        "[]".to_owned(),
    ] {
        assert!(Manifest::read(&wrong).is_err(), "{wrong}");
    }
    for right in [
        json!({ "one": "a", "two": "a", format!("sha256:{}", hash("a")): "a", hash("b").to_uppercase(): "b" })
            .to_string(),
        apollo(json!([entry("one", "a"), entry("one", "a"), entry(&hash("a"), "a")])).to_string(),
        apollo(json!([])).to_string(),
    ] {
        assert!(Manifest::read(&right).is_ok(), "{right}");
    }
}
