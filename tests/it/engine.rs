//! The two properties that the engine is pinned for: a failing field nulls what the specification says, and answers keep the
//! order of the query. And a panic in a resolver becomes an error of its request.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema};
use serde_json::json;

use crate::support::TestApp;

struct Root;

struct Parent;

#[Object]
impl Root {
    async fn parent(&self) -> Option<Parent> {
        Some(Parent)
    }

    async fn slow(&self) -> i32 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        1
    }

    async fn fast(&self) -> i32 {
        2
    }
}

#[Object]
impl Parent {
    async fn required(&self) -> Result<i32> {
        Err("no".into())
    }

    async fn other(&self) -> i32 {
        3
    }
}

async fn run(query: &str) -> serde_json::Value {
    let schema = Schema::new(Root, EmptyMutation, EmptySubscription);
    serde_json::to_value(schema.execute(query).await).unwrap()
}

#[tokio::test]
async fn a_failing_required_field_nulls_its_parent() {
    let answer = run("{ parent { other required } fast }").await;
    assert_eq!(answer["data"], json!({ "parent": null, "fast": 2 }));
    assert_eq!(answer["errors"][0]["path"], json!(["parent", "required"]));
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_query() {
    let answer = run("{ slow fast parent { other } }").await;
    let text = answer["data"].to_string();
    let schema = Schema::new(Root, EmptyMutation, EmptySubscription);
    let raw = serde_json::to_string(&schema.execute("{ slow fast parent { other } }").await.data).unwrap();
    assert_eq!(raw, r#"{"slow":1,"fast":2,"parent":{"other":3}}"#, "{text}");
}

#[tokio::test]
async fn the_service_keeps_the_order_of_the_query_too() {
    let app = TestApp::start().await;
    let body = r#"{"query":"{ z: teamMembers(first: 0) { totalCount } __typename a: roles { __typename } }"}"#;
    let text = app.post().body(body).send().await.unwrap().text().await.unwrap();
    let places: Vec<_> =
        ["\"z\"", "\"__typename\":\"Query\"", "\"a\""].iter().map(|key| text.find(key).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_type_name_may_depend_on_a_variable() {
    let app = TestApp::start().await;
    let query = "query($v: Boolean!) { teamMembers(first: 1) { nodes { ...F } } __typename @skip(if: $v) }
        fragment F on TeamMember { __typename @include(if: $v) t: __typename @skip(if: $v) }";
    let shown = app.variables(query, json!({ "v": true })).await.clean();
    assert_eq!(shown, json!({ "teamMembers": { "nodes": [{ "__typename": "TeamMember" }] } }));
    let other = app.variables(query, json!({ "v": false })).await.clean();
    assert_eq!(other, json!({ "teamMembers": { "nodes": [{ "t": "TeamMember" }] }, "__typename": "Query" }));
}
