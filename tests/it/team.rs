//! The team as an object: the same values from every path and both executions, and a generation that orders the snapshots of
//! an account.

use axum::http::StatusCode;
use flowmatix_graphql::demo::Scripted;
use serde_json::{Value, json};

use crate::support::{Keys, TestApp, member};

const SNAPSHOT: &str = "fragment S on Team { account { email type } fetchedAt stale generation contactAccess
    skippedRows { index reason } roles { id } members(first: 2) { totalCount nodes { id } } }";

async fn paths(projection: bool) -> TestApp {
    TestApp::with(&[("graphql.projection", if projection { "true" } else { "false" })]).await
}

#[tokio::test]
async fn a_team_is_the_same_snapshot_from_wherever_one_comes_to_it() {
    for projection in [true, false] {
        let app = paths(projection).await;
        let ids = member(&app, 0).await;
        let text = format!(
            "query($id: ID!, $r: [_Any!]!) {{
                team {{ ...S member(id: $id) {{ team {{ ...S }} }} }}
                teamMembers(first: 1) {{ nodes {{ team {{ ...S }} role {{ team {{ ...S }} }} }} fetchedAt stale }}
                teamMember(id: $id) {{ team {{ ...S }} }}
                roles(first: 1) {{ team {{ ...S }} }}
                _entities(representations: $r) {{ ... on TeamMember {{ team {{ ...S }} }} ...S }}
            }} {SNAPSHOT}"
        );
        let account = json!({ "email": "maya@lantern-books.example", "type": "CUSTOMER" });
        let representations = json!([
            { "__typename": "TeamMember", "id": ids[0] },
            { "__typename": "Team", "account": account },
        ]);
        let answer = app.variables(&text, json!({ "id": ids[0], "r": representations })).await;
        assert_eq!(answer.upstream()["calls"], 1);
        let mut data = answer.clean();
        let nested = data["team"]["member"]["team"].clone();
        data["team"].as_object_mut().unwrap().remove("member");
        let team = &data["team"];
        assert_eq!(team["account"], account);
        assert_eq!(team["members"]["totalCount"], 12);
        assert_eq!((&team["stale"], &team["contactAccess"]), (&json!(false), &json!(true)));
        assert!(team["generation"].as_i64().unwrap() > 0, "{team}");
        assert_eq!(team["fetchedAt"], data["teamMembers"]["fetchedAt"]);
        let first = &data["teamMembers"]["nodes"][0];
        let others = [
            &nested,
            &first["team"],
            &first["role"]["team"],
            &data["teamMember"]["team"],
            &data["roles"][0]["team"],
            &data["_entities"][0]["team"],
            &data["_entities"][1],
        ];
        for other in others {
            assert_eq!(other, team, "projection: {projection}");
        }
    }
}

#[tokio::test]
async fn a_stale_member_behind_a_gateway_says_that_it_is_stale() {
    let app = TestApp::with(&[("roster.fresh_for", "1ms")]).await;
    let ids = member(&app, 0).await;
    app.query("{ team { generation } }").await.clean();
    app.demo.script(None, Some(Scripted::status(StatusCode::SERVICE_UNAVAILABLE, "")));
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on TeamMember { id team { stale } } } }";
    let representations = json!([{ "__typename": "TeamMember", "id": ids[0] }]);
    let data = app.variables(query, json!({ "r": representations })).await.clean();
    assert_eq!(data["_entities"][0], json!({ "id": ids[0], "team": { "stale": true } }));
}

#[tokio::test]
async fn a_generation_grows_with_every_snapshot_of_its_account() {
    let app = TestApp::with(&[("roster.store", "false")]).await;
    let mut last = 0;
    for _ in 0..5 {
        let data = app.query("{ team { generation } teamMembers { nodes { team { generation } } } }").await.clean();
        let generation = data["team"]["generation"].as_i64().unwrap();
        assert!(generation > last, "{generation} after {last}");
        last = generation;
        for member in data["teamMembers"]["nodes"].as_array().unwrap() {
            assert_eq!(member["team"]["generation"], generation, "one answer reads one snapshot");
        }
    }
    let stored = TestApp::start().await;
    let ask = || async { stored.query("{ team { generation } }").await.clean()["team"]["generation"].clone() };
    assert_eq!(ask().await, ask().await, "the same snapshot has one generation");
}

#[tokio::test]
async fn contact_access_says_whether_contact_is_readable() {
    let keys = Keys::new(&[("plain", &[0], false), ("full", &[0], true)]);
    let app = TestApp::with(&keys.settings()).await;
    let query = "{ team { contactAccess } teamMembers(first: 1) { nodes { team { contactAccess } } } }";
    for (key, access) in [(0, false), (1, true)] {
        let data = app.query_as(keys.key(key), query).await.clean();
        assert_eq!(data["team"]["contactAccess"], access);
        assert_eq!(data["teamMembers"]["nodes"][0]["team"]["contactAccess"], access);
    }
}

#[tokio::test]
async fn lists_without_pages_take_first() {
    for projection in [true, false] {
        let app = paths(projection).await;
        let rows = json!([
            { "_id": "a", "_role": "r1" }, { "_id": "b", "_role": "r2" }, { "_id": "c", "_role": "r3" }, {}, [], 7,
        ]);
        app.demo.set_team("maya@lantern-books.example", rows.as_array().unwrap().clone());
        let ask = |first: &str| {
            let query = format!(
                "{{ roles{first} {{ id }} team {{ account {{ type }} roles{first} {{ id }} skippedRows{first} {{ index }} }}
                    teamMembers {{ totalCount skippedRows{first} {{ index }} }} }}"
            );
            let app = &app;
            async move { app.query(&query).await }
        };
        let counts = |data: &Value| {
            let length = |list: &Value| list.as_array().unwrap().len();
            let team = &data["team"];
            [
                length(&data["roles"]),
                length(&team["roles"]),
                length(&team["skippedRows"]),
                length(&data["teamMembers"]["skippedRows"]),
            ]
        };
        for (first, expected) in
            [("", 3), ("(first: 2)", 2), ("(first: 0)", 0), ("(first: 900000)", 3), ("(first: null)", 3)]
        {
            assert_eq!(counts(&ask(first).await.clean()), [expected; 4], "{first}");
        }
        // A list that cannot be null takes what it stands in with it, and nothing else.
        let refused = ask("(first: -1)").await;
        assert_eq!(refused.data(), &json!({ "roles": null, "team": null, "teamMembers": null }));
        assert_eq!(refused.codes(), ["BAD_USER_INPUT"; 3]);
        let paths: Vec<_> =
            refused.body["errors"].as_array().unwrap().iter().map(|error| error["path"].clone()).collect();
        assert_eq!(paths[0], json!(["roles"]));
        assert!(paths.contains(&json!(["teamMembers", "skippedRows"])), "{paths:?}");
    }
}

#[tokio::test]
async fn a_refused_argument_of_a_list_leaves_the_rest_of_the_team() {
    for projection in [true, false] {
        let app = paths(projection).await;
        let query = r#"{ team { contactAccess members(after: "forged") { totalCount } role(id: "nobody") { id } } }"#;
        let answer = app.query(query).await;
        assert_eq!(answer.data(), &json!({ "team": { "contactAccess": true, "members": null, "role": null } }));
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
        assert_eq!(answer.body["errors"][0]["path"], json!(["team", "members"]));
    }
}
