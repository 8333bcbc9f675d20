//! Entities: each representation is answered separately, and any number of one account costs at most one load.

use flowmatix_graphql::config::FederationConfig;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

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
    assert_eq!(
        data["_service"]["sdl"],
        flowmatix_graphql::graphql::federation_sdl(&FederationConfig::default(), false)
    );
}

#[tokio::test]
async fn without_federation_there_are_no_entities() {
    let app = TestApp::with(&[("federation.enabled", "false")]).await;
    let answer = app.query("{ _service { sdl } }").await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
}

/// A representation, whether it is good, and whether it has an error of its own when it is not.
fn representation(ids: Vec<String>, roles: Vec<String>) -> impl Strategy<Value = (Value, bool, bool)> {
    let good = |value| (value, true, false);
    let bad = |value| (value, false, true);
    let account = json!({ "email": "Maya@Lantern-Books.example", "type": "CUSTOMER" });
    let member =
        prop::sample::select(ids.clone()).prop_map(move |id| good(json!({ "__typename": "TeamMember", "id": id })));
    let with_account = prop::sample::select(ids)
        .prop_map(move |id| good(json!({ "__typename": "TeamMember", "id": id, "account": account.clone() })));
    let role = prop::sample::select(roles).prop_map(move |id| good(json!({ "__typename": "Role", "id": id })));
    let unknown = "[0-9a-f]{24}".prop_map(|id| (json!({ "__typename": "TeamMember", "id": id }), false, false));
    let malformed = prop::sample::select(vec![
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({ "__typename": "Query", "id": "1" }),
        json!({ "__typename": 1, "id": "1" }),
        json!({ "__typename": "Role" }),
        json!({ "__typename": "Role", "id": null }),
        json!({ "__typename": "Role", "id": {} }),
        json!({ "__typename": "Role", "id": "1", "account": null }),
        json!({ "__typename": "Role", "id": "1", "account": { "email": "a@b.example" } }),
        json!({ "__typename": "Role", "id": "1", "account": { "email": "a@b.example", "type": "KING" } }),
    ])
    .prop_map(bad);
    prop_oneof![3 => member, 1 => with_account, 1 => role, 1 => unknown, 3 => malformed]
}

/// The sample, and the ids of its members and roles.
fn with_ids() -> (Runtime, TestApp, Vec<String>, Vec<String>) {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let ids = runtime.block_on(member(&app, 0));
    let data = runtime.block_on(app.query("{ roles { id } }")).clean();
    let roles = data["roles"].as_array().unwrap().iter().map(|role| role["id"].as_str().unwrap().to_owned()).collect();
    (runtime, app, ids, roles)
}

/// k bad of n leave n − k good, each in its place, for at most one upstream call.
#[test]
fn bad_representations_leave_the_good_ones() {
    let (runtime, app, ids, roles) = with_ids();
    let before = app.demo.calls();
    let mut runner = TestRunner::new(Config::with_cases(300));
    let lists = prop::collection::vec(representation(ids, roles), 0..40);
    let result = runner.run(&lists, |list| {
        let representations: Vec<_> = list.iter().map(|(value, ..)| value.clone()).collect();
        let answer = runtime.block_on(ask(&app, json!(representations)));
        // A null in the list is not even a representation: the list does not fit its type, `[_Any!]!`.
        if representations.iter().any(Value::is_null) {
            prop_assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
            return Ok(());
        }
        let entities = answer.data()["_entities"].as_array().unwrap();
        prop_assert_eq!(entities.len(), list.len());
        let mut failed: Vec<usize> = Vec::new();
        for (at, ((value, good, error), entity)) in list.iter().zip(entities).enumerate() {
            prop_assert_eq!(entity.is_object(), *good, "{}", value);
            if *good {
                prop_assert_eq!(&entity["id"], &value["id"]);
                prop_assert_eq!(&entity["__typename"], &value["__typename"]);
            }
            failed.extend(error.then_some(at));
        }
        let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut paths: Vec<usize> =
            errors.iter().map(|error| usize::try_from(error["path"][1].as_u64().unwrap()).unwrap()).collect();
        paths.sort_unstable();
        prop_assert_eq!(paths, failed);
        Ok(())
    });
    result.unwrap();
    assert_eq!(app.demo.calls(), before);
}

/// The answer to representations that are sent in this text.
async fn ask_in(app: &TestApp, representations: &str) -> crate::support::Answer {
    let body = format!(r#"{{"query":{},"variables":{{ "r" :{representations}}}}}"#, json!(QUERY));
    app.send(app.post().body(body)).await
}

#[tokio::test]
async fn a_list_is_read_however_it_is_written() {
    let app = TestApp::start().await;
    let ids = member(&app, 0).await;
    let (one, two) = (&ids[0], &ids[1]);
    let escaped: String = one.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    let member = |id: &str| format!(r#"{{"__typename":"TeamMember","id":"{id}"}}"#);
    let lists = [
        format!("[{},{}]", member(one), member(two)),
        format!(" [ {} ,\n{} ] ", member(one), member(two)),
        format!(r#"[{{"id":"{one}","__typename":"TeamMember"}},{{"id": "{two}" ,"__typename":"TeamMember"}}]"#),
        format!("[{},{}]", member(&escaped), member(two)),
        format!(r#"[{},{{"__typename":"TeamMember","\u0069d":"{two}"}}]"#, member(one)),
        // The id is the one that is not nested.
        [one, two]
            .map(|id| format!(r#"{{"a":{{"id":"x"}},"__typename":"TeamMember","id":"{id}","b":["id"]}}"#))
            .join(","),
    ];
    for list in lists {
        let list = if list.starts_with('{') { format!("[{list}]") } else { list };
        let entities = ask_in(&app, &list).await.clean();
        assert_eq!(
            (&entities["_entities"][0]["id"], &entities["_entities"][1]["id"]),
            (&json!(one), &json!(two)),
            "{list}"
        );
    }
    // An id between others that is like theirs, but for what it says.
    for other in [r#"\""#, r"\\", r#"\\\""#, "", "é", r#"\",\"id\":\""#] {
        let list = format!("[{},{},{}]", member(one), member(other), member(two));
        let entities = ask_in(&app, &list).await.clean();
        let found = [0, 1, 2].map(|n| entities["_entities"][n]["id"].clone());
        assert_eq!(found, [json!(one), Value::Null, json!(two)], "{list}");
    }
    let more = format!(r#"[{},{{"__typename":"TeamMember","id":"","a":"{two}"}},{}]"#, member(one), member(two));
    let entities = ask_in(&app, &more).await.clean();
    assert_eq!([0, 1, 2].map(|n| entities["_entities"][n].is_object()), [true, false, true]);
    let single = ask_in(&app, &format!(r#"{{"__typename":"TeamMember","id":"{one}"}}"#)).await.clean();
    assert_eq!(single["_entities"][0]["id"], json!(one));
    assert_eq!(ask_in(&app, "[]").await.clean()["_entities"], json!([]));
}

/// Representations that differ in their ids only are read by another way than those that differ in more. The answer is the same.
#[test]
fn representations_that_are_alike_are_answered_as_others_are() {
    let (runtime, app, ids, roles) = with_ids();
    let kinds = prop::collection::vec(representation(ids.clone(), roles), 1..12);
    let picks =
        prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(prop::sample::select(ids))), 0..60);
    let mut runner = TestRunner::new(Config::with_cases(100));
    let result = runner.run(&(kinds, picks), |(kinds, picks)| {
        let list: Vec<Value> = picks
            .into_iter()
            .map(|(index, id)| {
                let mut value = index.get(&kinds).0.clone();
                if let (Some(object), Some(id)) = (value.as_object_mut(), id) {
                    object.insert("id".to_owned(), json!(id));
                }
                value
            })
            .filter(|value| !value.is_null())
            .collect();
        let others: Vec<Value> = list
            .iter()
            .enumerate()
            .map(|(n, value)| {
                let mut value = value.clone();
                if let Some(object) = value.as_object_mut() {
                    object.insert("other".to_owned(), json!(n));
                }
                value
            })
            .collect();
        let (alike, other) = (runtime.block_on(ask(&app, json!(list))), runtime.block_on(ask(&app, json!(others))));
        prop_assert_eq!(&alike.body["data"], &other.body["data"]);
        prop_assert_eq!(&alike.body["errors"], &other.body["errors"]);
        Ok(())
    });
    result.unwrap();
}

#[tokio::test]
async fn the_answer_to_a_router_is_private() {
    let app = TestApp::start().await;
    let ids = member(&app, 0).await;
    let answer = ask(&app, json!([{ "__typename": "TeamMember", "id": ids[0] }])).await;
    assert_eq!(answer.header("cache-control"), "private, max-age=59");
    let partial = ask(&app, json!([{ "__typename": "TeamMember", "id": ids[0] }, {}])).await;
    assert_eq!(partial.header("cache-control"), "no-store");
}

#[tokio::test]
async fn more_representations_than_allowed_are_refused() {
    let app = TestApp::start().await;
    let representations = |n| json!(vec![json!({ "__typename": "Role", "id": "x" }); n]);
    ask(&app, representations(1000)).await.clean();
    let before = app.demo.calls();
    let answer = ask(&app, representations(1001)).await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["MAX_REPRESENTATIONS_LIMIT"]));
    assert_eq!(app.demo.calls(), before);
}

#[tokio::test]
async fn the_schema_is_told_where_it_is_switched_on_and_to_those_who_know_the_secret() {
    let query = "{ _service { sdl } }";
    let app = TestApp::with(&[("federation.service", "false")]).await;
    let answer = app.query(query).await;
    assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN"]));
    // What is switched off is the schema, not the entities.
    ask(&app, json!([])).await.clean();

    let file = std::env::temp_dir().join(format!("flowmatix-router-{}", std::process::id()));
    std::fs::write(&file, "the-routers-secret\n").unwrap();
    let app = TestApp::with(&[("federation.secret_file", file.to_str().unwrap())]).await;
    std::fs::remove_file(file).unwrap();
    let header = "x-flowmatix-router-secret";
    let body = json!({ "query": query }).to_string();
    for shown in [vec![], vec!["the-routers-secre"], vec!["the-routers-secret", "the-routers-secret"]] {
        let request = shown.iter().fold(app.post(), |request, secret| request.header(header, *secret));
        assert_eq!(app.send(request.body(body.clone())).await.codes(), ["FORBIDDEN"], "{shown:?}");
    }
    let data = app.send(app.post().header(header, "the-routers-secret").body(body)).await.clean();
    assert!(data["_service"]["sdl"].as_str().unwrap().contains("@key"));
}

/// The key of an entity repeats the account that a request has; any other account is refused where arguments select none.
#[tokio::test]
async fn where_only_headers_select_the_account_a_key_may_repeat_it() {
    let app = TestApp::with(&[("account.sources", "headers")]).await;
    let pines = json!({ "email": "ops@tall-pines.example", "type": "CUSTOM_USER" });
    let named = |request: reqwest::RequestBuilder| {
        request.header("x-flowmatix-email", "ops@tall-pines.example").header("x-flowmatix-type", "CUSTOM_USER")
    };
    let ids =
        app.send(named(app.post()).body(r#"{"query":"{ teamMembers(first: 1) { nodes { id } } }"}"#)).await.clean();
    let id = &ids["teamMembers"]["nodes"][0]["id"];
    let representations = json!([
        { "__typename": "TeamMember", "id": id, "account": pines },
        { "__typename": "TeamMember", "id": id, "account": { "email": " OPS@Tall-Pines.example", "type": "CUSTOM_USER" } },
        { "__typename": "TeamMember", "id": id },
        { "__typename": "Team", "account": pines },
        { "__typename": "TeamMember", "id": id, "account": { "email": "maya@lantern-books.example", "type": "CUSTOMER" } },
    ]);
    let body = json!({ "query": QUERY, "variables": { "r": representations } }).to_string();
    let answer = app.send(named(app.post()).body(body.clone())).await;
    let found: Vec<bool> = answer.data()["_entities"].as_array().unwrap().iter().map(Value::is_object).collect();
    assert_eq!(found, [true, true, true, true, false]);
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    assert_eq!(answer.body["errors"][0]["path"], json!(["_entities", 4]));
    // A request without headers has no account to repeat.
    let answer = app.send(app.post().body(body)).await;
    assert!(answer.data()["_entities"].as_array().unwrap().iter().all(Value::is_null));

    // The same holds for the account of the configuration.
    let app = TestApp::with(&[("account.sources", "default")]).await;
    let ids = member(&app, 0).await;
    let own = json!({ "email": "maya@lantern-books.example", "type": "CUSTOMER" });
    let list = json!([
        { "__typename": "TeamMember", "id": ids[0], "account": own },
        { "__typename": "TeamMember", "id": ids[0], "account": pines },
    ]);
    let answer = ask(&app, list).await;
    assert!(answer.data()["_entities"][0].is_object() && answer.data()["_entities"][1].is_null());
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
}

/// What `schema --federation` prints is what `_service` tells, whatever the keys.
#[tokio::test]
async fn the_settings_decide_which_keys_the_schema_has() {
    let long = "@key(fields: \"id account { email type }\")";
    let short = "@key(fields: \"id\")";
    for (keys, expected) in [("id", [2, 0]), ("account", [0, 2]), ("both", [2, 2])] {
        let app = TestApp::with(&[("federation.keys", keys), ("federation.requires_scopes", "true")]).await;
        let data = app.query("{ _service { sdl } }").await.clean();
        let sdl = data["_service"]["sdl"].as_str().unwrap();
        assert_eq!([short, long].map(|key| sdl.matches(key).count()), expected, "{keys}");
        assert!(sdl.contains("type Team @key(fields: \"account { email type }\")"));
        assert_eq!(sdl.matches("@requiresScopes(scopes: [[\"team:contact:read\"]])").count(), 1);
        let set = [format!("federation.keys={keys}"), "federation.requires_scopes=true".to_owned()];
        let arguments = ["schema", "--federation", "--without-tokens", "--set", &set[0], "--set", &set[1]];
        let printed = crate::support::service::run(&arguments, &[]);
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), sdl);
    }
    let printed =
        crate::support::service::run(&["schema", "--federation"], &[("FLOWMATIX_FEDERATION_KEYS", "account")]);
    assert!(!String::from_utf8(printed.stdout).unwrap().contains(short));
    let wrong = crate::support::service::run(&["schema", "--federation", "--set", "federation.keys=name"], &[]);
    assert!(!wrong.status.success() && String::from_utf8(wrong.stderr).unwrap().contains("federation.keys"));
}
