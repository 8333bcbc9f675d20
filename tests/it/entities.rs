//! Entities: each representation is answered on its own, and N of one account cost one load at most.

use serde_json::{Value, json};

use crate::support::{TestApp, member};

const QUERY: &str = "query($r: [_Any!]!) { _entities(representations: $r) { __typename
    ... on TeamMember { id name account { email } } ... on Role { id memberCount } } }";

async fn ask(app: &TestApp, representations: Value) -> crate::support::Answer {
    app.variables(QUERY, json!({ "r": representations })).await
}

#[tokio::test]
async fn representations_of_one_account_cost_one_call() {
    let app = TestApp::start().await;
    let ids = member(&app, 0).await;
    let before = app.demo.calls();
    let representations: Vec<Value> =
        (0..50).map(|n| json!({ "__typename": "TeamMember", "id": ids[n % 12] })).collect();
    let answer = ask(&app, json!(representations)).await;
    assert_eq!(answer.upstream()["calls"], 1);
    let entities = answer.clean();
    let found: Vec<_> = entities["_entities"].as_array().unwrap().iter().map(|entity| entity["id"].clone()).collect();
    let asked: Vec<_> = representations.iter().map(|representation| representation["id"].clone()).collect();
    assert_eq!(found, asked);
    assert_eq!(ask(&app, json!(representations)).await.upstream()["calls"], 0);
    assert_eq!(app.demo.calls() - before, 1);
}

#[tokio::test]
async fn each_representation_is_answered_on_its_own() {
    let app = TestApp::start().await;
    let ids = member(&app, 0).await;
    let account = json!({ "email": "ops@tall-pines.example", "type": "CUSTOM_USER" });
    let pines = member(&app, 2).await;
    let answer = ask(
        &app,
        json!([
            { "__typename": "TeamMember", "id": ids[0] },
            { "__typename": "TeamMember", "id": "nobody" },
            { "__typename": "Spaceship", "id": ids[0] },
            { "__typename": "TeamMember" },
            { "id": ids[0] },
            "text",
            { "__typename": "TeamMember", "id": pines[7], "account": account },
            { "__typename": "TeamMember", "id": ids[0], "account": { "email": "no address", "type": "AGENT" } },
            { "__typename": "TeamMember", "id": ids[0], "account": { "email": "gone@nowhere.example", "type": "AGENT" } },
            { "__typename": "TeamMember", "id": ids[1] },
        ]),
    )
    .await;
    let entities = answer.data()["_entities"].as_array().unwrap();
    let there: Vec<bool> = entities.iter().map(Value::is_object).collect();
    assert_eq!(there, [true, false, false, false, false, false, true, false, false, true]);
    assert_eq!(entities[6]["account"]["email"], "ops@tall-pines.example");
    let mut errors: Vec<_> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["path"][1].as_u64().unwrap(), error["extensions"]["code"].as_str().unwrap()))
        .collect();
    errors.sort_unstable();
    let bad = "BAD_USER_INPUT";
    assert_eq!(errors, [(2, bad), (3, bad), (4, bad), (5, bad), (7, bad), (8, "UPSTREAM_REJECTED")]);
}

#[tokio::test]
async fn roles_are_entities_too() {
    let app = TestApp::start().await;
    let roles = app.query("{ roles { id memberCount } }").await.clean();
    let representations: Vec<Value> = roles["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| json!({ "__typename": "Role", "id": role["id"] }))
        .collect();
    let answer = ask(&app, json!(representations)).await.clean();
    for (role, entity) in roles["roles"].as_array().unwrap().iter().zip(answer["_entities"].as_array().unwrap()) {
        assert_eq!((&entity["__typename"], &entity["id"]), (&json!("Role"), &role["id"]));
        assert_eq!(entity["memberCount"], role["memberCount"]);
    }
}

#[tokio::test]
async fn the_service_tells_its_schema() {
    let app = TestApp::start().await;
    let data = app.query("{ _service { sdl } }").await.clean();
    assert_eq!(data["_service"]["sdl"], flowmatix_graphql::graphql::federation_sdl());
}

#[tokio::test]
async fn without_federation_there_are_no_entities() {
    let app = TestApp::with(&[("graphql.federation", "false")]).await;
    let answer = app.query("{ _service { sdl } }").await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
}
