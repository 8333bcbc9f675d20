//! Scopes: contact data needs team:contact:read, and cannot be inferred without it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Keys, TempFile, TestApp, account, make_key};

#[tokio::test]
async fn without_the_scope_contact_is_null_with_one_error() {
    let keys = Keys::new(&[("plain", &[2], false), ("full", &[2], true)]);
    let app = TestApp::with(&keys.settings()).await;
    let query = "{ teamMembers(first: 100) { nodes { name contact { email phone { number } } } } }";
    let full = app.query_as(keys.key(1), query).await.clean();
    let plain = app.query_as(keys.key(0), query).await;
    assert_eq!(
        plain.body["errors"],
        json!([{
            "message": "contact data needs the scope team:contact:read",
            "locations": [{ "line": 1, "column": 42 }],
            "path": ["teamMembers", "nodes", 0, "contact"],
            "extensions": { "code": "FORBIDDEN" },
        }])
    );
    assert_eq!(plain.status, 200);
    let (plain, full) = (&plain.body["data"]["teamMembers"]["nodes"], &full["teamMembers"]["nodes"]);
    assert_eq!(plain.as_array().unwrap().len(), 100);
    for (plain, full) in plain.as_array().unwrap().iter().zip(full.as_array().unwrap()) {
        assert_eq!(plain, &json!({ "name": full["name"], "contact": null }));
        assert!(full["contact"]["email"].is_string());
    }
}

/// One error for each `contact` that is selected, wherever, and whether the upstream has any or not.
#[tokio::test]
async fn the_refusal_is_once_a_selection_and_says_nothing_of_the_data() {
    let keys = Keys::new(&[("plain", &[0], false)]);
    let app = TestApp::with(&keys.settings()).await;
    let rows = vec![
        json!({ "_id": "a", "name": "No Contact", "_role": "r" }),
        json!({ "_id": "b", "name": "Contact", "_role": "r", "contact": { "email": "canary@secret.example" } }),
    ];
    app.demo.set_team("maya@lantern-books.example", rows);
    let paths = |answer: &Value| -> Vec<String> {
        answer["errors"].as_array().unwrap().iter().map(|error| error["path"].to_string()).collect()
    };
    let query = "{ teamMembers { nodes { contact { email } c: contact { id } } edges { node { contact { id } contact { email } } } }
                   other: teamMember(id: \"b\") { contact { email } } roles { members { nodes { contact { email } } } } }";
    let answer = app.query_as(keys.key(0), query).await;
    assert!(answer.codes().iter().all(|code| *code == "FORBIDDEN"));
    let found: BTreeSet<_> = paths(&answer.body).into_iter().collect();
    let expected = [
        r#"["other","contact"]"#,
        r#"["roles",0,"members","nodes",0,"contact"]"#,
        r#"["teamMembers","edges",0,"node","contact"]"#,
        r#"["teamMembers","nodes",0,"c"]"#,
        r#"["teamMembers","nodes",0,"contact"]"#,
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
    assert_eq!(answer.codes().len(), expected.len());
    assert!(!answer.body.to_string().contains("canary"));
    // A member without contact data looks like one with it.
    let one = |id: &str| format!("{{ m: teamMember(id: \"{id}\") {{ contact {{ email }} }} }}");
    let (without, with) = (app.query_as(keys.key(0), &one("a")).await, app.query_as(keys.key(0), &one("b")).await);
    assert_eq!((&without.body["data"], &without.body["errors"]), (&with.body["data"], &with.body["errors"]));
}

#[tokio::test]
async fn a_router_gets_members_without_contact_and_one_error() {
    let keys = Keys::new(&[("router", &[0], false)]);
    let app = TestApp::with(&keys.settings()).await;
    let ids = crate::support::member(&app, 0).await;
    let representations: Vec<_> =
        ids.iter().take(5).map(|id| json!({ "__typename": "TeamMember", "id": id })).collect();
    let body = json!({
        "query": "query($r: [_Any!]!) { _entities(representations: $r) { ... on TeamMember { id contact { email } } } }",
        "variables": { "r": representations },
    });
    let answer = app.send(app.post().bearer_auth(keys.key(0)).body(body.to_string())).await;
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    assert_eq!(answer.body["errors"][0]["path"], json!(["_entities", 0, "contact"]));
    for (entity, id) in answer.data()["_entities"].as_array().unwrap().iter().zip(&ids) {
        assert_eq!(entity, &json!({ "id": id, "contact": null }));
    }
}

#[tokio::test]
async fn without_team_read_there_is_nothing() {
    let (key, entry) = make_key("contact-only", &[0], true);
    let file = TempFile::new("keys.toml", &entry.replace("\"team:read\", ", ""));
    let app = TestApp::with(&[("auth.mode", "api-keys"), ("auth.keys_file", file.as_str())]).await;
    for query in ["{ teamMembers { nodes { contact { email } } } }", "{ __typename }"] {
        let answer = app.query_as(&key, query).await;
        assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN"]));
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="insufficient_scope", scope="team:read""#);
    }
    assert_eq!(app.demo.calls(), 0);
}

/// A secret address and number, and every input that could tell a guess at them from another: the answers to both are alike
/// to the byte.
#[tokio::test]
async fn an_address_cannot_be_found_by_bisection() {
    let keys = Keys::new(&[("plain", &[0], false), ("full", &[0], true)]);
    let app = TestApp::with(&keys.settings()).await;
    let contact = |email: &str, number: &str| json!({ "email": email, "phone": { "prefix": "1", "number": number } });
    let rows = vec![
        json!({ "_id": "a", "name": "Ann", "_role": "r", "contact": contact("zq-canary@secret.example", "5550123987") }),
        json!({ "_id": "b", "name": "Ben", "_role": "r", "contact": { "email": 7, "phone": { "number": [] } } }),
    ];
    app.demo.set_team("maya@lantern-books.example", rows);
    let (plain, full) = (keys.key(0), keys.key(1));
    // Each pair: a question that would be answered yes of the secret, and one that would be answered no.
    let guesses = [
        ("zq", "qz"),
        ("zq-canary@secret.example", "other@secret.example"),
        ("5550123987", "5550123980"),
        ("secret.example", "public.example"),
        ("+1 555", "+7 555"),
        ("@", "§"),
    ];
    for (hit, miss) in guesses {
        let searches = |text: &str| {
            [
                format!(
                    "{{ teamMembers(search: \"{text}\") {{ totalCount nodes {{ id }} pageInfo {{ hasNextPage }} }} }}"
                ),
                format!(
                    "{{ teamMembers(search: \"{text}\", filter: {{ not: {{ name: {{ eq: \"x\" }} }} }}) {{ totalCount edges {{ cursor }} }} }}"
                ),
                format!("{{ roles {{ members(search: \"{text}\") {{ totalCount }} }} }}"),
                format!(
                    "{{ role(id: \"r\") {{ memberCount members(search: \"{text}\", last: 1) {{ totalCount }} }} }}"
                ),
            ]
        };
        for (hit, miss) in searches(hit).iter().zip(&searches(miss)) {
            let ask = async |query: &str| app.query_as(plain, query).await.clean();
            assert_eq!(ask(hit).await, ask(miss).await, "{hit}");
        }
        let filters = |text: &str| {
            let tests = ["eq", "contains", "startsWith"].map(|test| format!("{test}: \"{text}\""));
            let mut filters = Vec::new();
            for test in tests.into_iter().chain([format!("in: [\"{text}\"]"), String::new()]) {
                let email = format!("{{ email: {{ {test} }} }}");
                filters.push(email.clone());
                filters.push(format!("{{ not: {email} }}"));
                filters.push(format!("{{ or: [{{ name: {{ eq: \"Ann\" }} }}, {email}] }}"));
                filters.push(format!("{{ and: [{{ not: {{ or: [{email}] }} }}] }}"));
            }
            filters
        };
        for (hit, miss) in filters(hit).iter().zip(&filters(miss)) {
            for field in ["teamMembers(filter: {}) { totalCount }", "roles { members(filter: {}) { totalCount } }"] {
                let ask = async |filter: &str| {
                    let mut answer = app.query_as(plain, &format!("{{ {} }}", field.replace("{}", filter))).await;
                    // The age of the roster, and what is left of the plan.
                    answer.body["extensions"].take();
                    answer.body
                };
                let (hit, miss) = (ask(hit).await, ask(miss).await);
                assert_eq!(hit, miss);
                assert_eq!(hit["errors"][0]["extensions"]["code"], "FORBIDDEN");
            }
        }
    }
    // The tests above are of use: with the scope, the same questions tell.
    let told = async |text: &str| {
        let query = format!("{{ teamMembers(search: \"{text}\") {{ totalCount }} }}");
        app.query_as(full, &query).await.clean()["teamMembers"]["totalCount"].clone()
    };
    assert_eq!((told("zq").await, told("qz").await), (json!(1), json!(0)));
    // There is no order by contact data, and what could not be read of it is not shown.
    let order = app.query_as(plain, "{ teamMembers(orderBy: [{ field: EMAIL }]) { totalCount } }").await;
    assert_eq!(order.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    let unrecognized = "{ teamMember(id: \"b\") { unrecognized { field value } } }";
    assert_eq!(app.query_as(plain, unrecognized).await.clean(), json!({ "teamMember": { "unrecognized": [] } }));
    let shown = app.query_as(full, unrecognized).await.clean();
    assert_eq!(shown["teamMember"]["unrecognized"].as_array().unwrap().len(), 2);
    // Nor does the estimate of the cost tell.
    let cost = async |text: &str| {
        let query = format!("{{ teamMembers(search: \"{text}\") {{ nodes {{ id }} }} }}");
        let request = app.post().bearer_auth(plain).header("x-flowmatix-show-cost", "true");
        app.send(request.body(json!({ "query": query }).to_string())).await.body["extensions"]["cost"].clone()
    };
    assert_eq!(cost("zq").await, cost("qz").await);
    // A name is found by both.
    let by_name = "{ teamMembers(search: \"ann\") { totalCount } }";
    assert_eq!(app.query_as(plain, by_name).await.clean(), json!({ "teamMembers": { "totalCount": 1 } }));
}

#[tokio::test]
async fn callers_with_and_without_the_scope_get_different_answers_from_one_roster() {
    let keys = Keys::new(&[("plain", &[0], false), ("full", &[0], true)]);
    let app = TestApp::with(&keys.settings()).await;
    let query = format!("{{ teamMembers({}, first: 2) {{ nodes {{ contact {{ email }} }} }} }}", account(0));
    for _ in 0..3 {
        assert_eq!(app.query_as(keys.key(0), &query).await.codes(), ["FORBIDDEN"]);
        app.query_as(keys.key(1), &query).await.clean();
    }
    assert_eq!(app.demo.calls(), 1);
}

/// `docs/security.md` shows what three callers get: this is where it comes from.
#[tokio::test]
async fn the_guides_three_answers_are_real() {
    let guide = include_str!("../../docs/security.md");
    let blocks = |language: &str| -> Vec<&str> {
        let fence = format!("```{language}\n");
        guide.split(&fence).skip(1).map(|block| block.split("```").next().unwrap().trim()).collect()
    };
    let keys = Keys::new(&[("full", &[0], true), ("plain", &[0], false), ("pines", &[2], false)]);
    let app = TestApp::with(&keys.settings()).await;
    let (questions, answers) = (blocks("graphql"), blocks("json"));
    assert_eq!((questions.len(), answers.len()), (1, 3));
    for (n, shown) in answers.iter().enumerate() {
        let shown: Value = serde_json::from_str(shown).unwrap();
        let answer = app.query_as(keys.key(n), questions[0]).await.body;
        assert_eq!((&answer["data"], &answer["errors"]), (&shown["data"], &shown["errors"]));
        assert_eq!(answer["extensions"]["upstream"]["calls"], shown["extensions"]["upstream"]["calls"]);
    }
}

/// An identifier that the upstream has filled in with what it stands for, as its database can: addresses come along.
#[tokio::test]
async fn values_with_structure_and_addresses_are_contact_data() {
    let keys = Keys::new(&[("plain", &[0], false), ("full", &[0], true)]);
    let app = TestApp::with(&[&keys.settings()[..], &[("roster.fresh_for", "1ms")]].concat()).await;
    let person = json!({ "_id": "p", "contact": { "email": "canary@secret.example", "phone": "5550100001" } });
    let row = json!({
        "_id": "a", "_parent": person, "_role": person, "assignedBots": [person], "picture": [person], "name": { "of": person },
        "status": "canary@secret.example", "type": "KING", "unreadMessages": "many",
    });
    app.demo.set_team("maya@lantern-books.example", vec![row]);
    let query = "{ teamMembers { nodes { unrecognized { field value } } } }";
    for engine in [false, true] {
        // A directive on the field is the engine's work.
        let query = if engine { query.replace("nodes {", "nodes @include(if: true) {") } else { query.to_owned() };
        let plain = app.query_as(keys.key(0), &query).await.clean().to_string();
        assert!(!plain.contains("canary") && !plain.contains("5550100001"), "{plain}");
        // What is plain is still shown to everybody.
        assert!(plain.contains("KING") && plain.contains("many"), "{plain}");
        let full = app.query_as(keys.key(1), &query).await.clean().to_string();
        assert!(full.matches("canary@secret.example").count() >= 5, "{full}");
    }
}
