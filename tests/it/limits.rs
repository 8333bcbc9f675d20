//! Every limit at its boundary: n passes, n + 1 fails with its code, and neither the executor nor the upstream is called.

use serde_json::{Value, json};

use crate::support::{Answer, PATIENT, TestApp, account};

type Make = Box<dyn Fn(usize) -> Value>;

fn query(text: String) -> Value {
    json!({ "query": text })
}

/// A limit's setting, its code, the bound to test it at, and a request that comes to exactly n.
fn limits() -> Vec<(&'static str, &'static str, usize, Make)> {
    vec![
        (
            "graphql.document_limit",
            "REQUEST_TOO_LARGE",
            500,
            Box::new(|n| query(format!("{{ __typename }}#{}", "x".repeat(n - 15)))),
        ),
        (
            "graphql.tokens_limit",
            "MAX_TOKENS_LIMIT",
            60,
            Box::new(|n| query(format!("{{ {}}}", "__typename ".repeat(n - 2)))),
        ),
        (
            "graphql.nesting_limit",
            "MAX_RECURSION_LIMIT",
            12,
            Box::new(|n| query(format!("{{ {}{}{} }}", "... { ".repeat(n - 1), "__typename", " }".repeat(n - 1)))),
        ),
        (
            "graphql.selections_limit",
            "MAX_SELECTIONS_LIMIT",
            41,
            Box::new(|n| {
                // Two spreads of ten fields each are 22; the rest stands beside them.
                let fragment = format!("fragment a on Query {{ {} }}", "__typename ".repeat(10));
                query(format!("{{ ...a ...a {} }} {fragment}", "__typename ".repeat(n - 22)))
            }),
        ),
        (
            "graphql.depth_limit",
            "MAX_DEPTH_LIMIT",
            5,
            Box::new(|n| {
                let levels = ["roles", "members", "nodes", "role", "members", "nodes", "role"];
                let open: String = levels[..n - 1].iter().map(|level| format!("{level} {{ ")).collect();
                query(format!("{{ {open} __typename {} }}", "}".repeat(n - 1)))
            }),
        ),
        (
            "graphql.introspection_depth_limit",
            "MAX_DEPTH_LIMIT",
            6,
            Box::new(|n| {
                query(format!(
                    "{{ __type(name: \"Role\") {{ {} name {} }} }}",
                    "ofType { ".repeat(n - 2),
                    "}".repeat(n - 2)
                ))
            }),
        ),
        (
            "graphql.aliases_limit",
            "MAX_ALIASES_LIMIT",
            20,
            Box::new(|n| query(format!("{{ {} }}", (0..n).map(|n| format!("a{n}: __typename ")).collect::<String>()))),
        ),
        (
            "graphql.root_fields_limit",
            "MAX_ROOT_FIELDS_LIMIT",
            20,
            Box::new(|n| query(format!("{{ {} }}", "__typename ".repeat(n)))),
        ),
        (
            "graphql.directives_limit",
            "MAX_DIRECTIVES_LIMIT",
            20,
            Box::new(|n| query(format!("{{ {} }}", "__typename @skip(if: false) ".repeat(n)))),
        ),
        (
            "graphql.field_directives_limit",
            "MAX_DIRECTIVES_LIMIT",
            4,
            Box::new(|n| query(format!("{{ __typename {} }}", "@skip(if: false) ".repeat(n)))),
        ),
        (
            "graphql.representations_limit",
            "MAX_REPRESENTATIONS_LIMIT",
            30,
            Box::new(|n| {
                let list = vec![json!({ "__typename": "Role", "id": "x" }); n];
                json!({ "query": "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }", "variables": { "r": list } })
            }),
        ),
        (
            "graphql.cost_limit",
            "COST_ESTIMATED_TOO_EXPENSIVE",
            50,
            Box::new(|n| {
                let team = account(2);
                let text = format!("query($n: Int) {{ teamMembers({team}, first: $n) {{ nodes {{ id }} }} }}");
                json!({ "query": text, "variables": { "n": n } })
            }),
        ),
    ]
}

async fn send(app: &TestApp, body: &Value) -> Answer {
    app.send(app.post().body(body.to_string())).await
}

#[tokio::test]
async fn n_passes_and_one_more_fails_before_anything_runs() {
    for (setting, code, bound, make) in limits() {
        let unit = if setting.ends_with("document_limit") { "B" } else { "" };
        let app = TestApp::with(&[(setting, &format!("{bound}{unit}"))]).await;
        let within = send(&app, &make(bound)).await;
        assert!(!within.codes().contains(&code), "{setting}: {bound} fails: {}", within.body);
        let executed = app.metric("flowmatix_executions_total").await;
        let (calls, refused) = (app.demo.calls(), format!("flowmatix_refused_requests_total{{code=\"{code}\"}}"));
        let past = send(&app, &make(bound + 1)).await;
        assert_eq!(past.codes(), [code], "{setting}: {} passes: {}", bound + 1, past.body);
        assert!(past.body.get("data").is_none());
        assert_eq!(past.status, if code == "REQUEST_TOO_LARGE" { 413 } else { 400 }, "{setting}");
        assert_eq!(app.metric("flowmatix_executions_total").await, executed, "{setting}");
        assert_eq!(app.demo.calls(), calls, "{setting}");
        assert_eq!(app.metric(&refused).await, 1.0, "{setting}");
    }
}

#[tokio::test]
async fn a_body_of_the_limit_passes_and_one_byte_more_does_not() {
    let app = TestApp::with(&[("http.body_limit", "1KiB")]).await;
    let body = |length: usize| {
        let frame = r#"{"query":"{ __typename }","x":""}"#;
        format!(r#"{{"query":"{{ __typename }}","x":"{}"}}"#, "x".repeat(length - frame.len()))
    };
    app.send(app.post().body(body(1024))).await.clean();
    let past = app.send(app.post().body(body(1025))).await;
    assert_eq!((past.status, past.codes()), (413, vec!["REQUEST_TOO_LARGE"]));
}

#[tokio::test]
async fn the_cost_is_told_to_who_asks() {
    let app = TestApp::start().await;
    let cost = async |query: &str, variables: Value| {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = app.send(app.post().header("x-flowmatix-show-cost", "true").body(body)).await;
        answer.body["extensions"]["cost"]["estimated"].as_u64().unwrap()
    };
    assert_eq!(cost("{ __typename }", json!({})).await, 1);
    assert_eq!(cost("{ __schema { types { name } } }", json!({})).await, 0);
    // Nothing is known of the roster: the page counts.
    assert_eq!(cost("{ teamMembers { nodes { id name } } }", json!({})).await, 200);
    // Now its twelve members are known.
    assert_eq!(cost("{ teamMembers { nodes { id name } } }", json!({})).await, 24);
    assert_eq!(cost("{ teamMembers(first: 5) { totalCount nodes { id name } } }", json!({})).await, 11);
    let by_variable = "query($n: Int = 3) { teamMembers(last: $n) { edges { cursor node { id role { id } } } } }";
    assert_eq!(cost(by_variable, json!({})).await, 9);
    assert_eq!(cost(by_variable, json!({ "n": 7 })).await, 21);
    assert_eq!(
        cost("{ teamMembers { ...F } } fragment F on TeamMemberConnection { nodes { id } nodes { name } }", json!({}))
            .await,
        24
    );
    // Twelve members, each with the members of its role: at most the whole team again.
    assert_eq!(cost("{ teamMembers { nodes { role { members { nodes { id } } } } } }", json!({})).await, 144);
    assert_eq!(cost("{ roles { id } }", json!({})).await, 4);
    let other = format!("{{ teamMembers({}) {{ nodes {{ id }} }} }}", account(1));
    assert_eq!(cost(&other, json!({})).await, 100);
    assert_eq!(cost(&other, json!({})).await, 1);
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Role { id memberCount } } }";
    let list = vec![json!({ "__typename": "Role", "id": "x" }); 30];
    assert_eq!(cost(entities, json!({ "r": list })).await, 60);
    // One of another account, whose 250 members are known by now, and one of an account that is not: the page counts.
    app.query(&format!("{{ roles({}) {{ id }} }}", account(2))).await.clean();
    let members = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Role { members(first: 500) { nodes { id } } } } }";
    let role = |place: usize| {
        let flowmatix_graphql::demo::DemoAccount { email, user_type, .. } = flowmatix_graphql::demo::ACCOUNTS[place];
        json!({ "__typename": "Role", "id": "x", "account": { "email": email, "type": user_type } })
    };
    let own = json!({ "__typename": "Role", "id": "x" });
    assert_eq!(cost(members, json!({ "r": [own] })).await, 12);
    assert_eq!(cost(members, json!({ "r": own })).await, 12);
    assert_eq!(cost(members, json!({ "r": [own, role(2)] })).await, 500);
    assert_eq!(cost(members, json!({ "r": [role(2), role(3), own] })).await, 1500);
    // Looking through 250 rows costs 25, however few are shown.
    let chosen = |choice: &str| format!("{{ teamMembers({}, first: 2, {choice}) {{ nodes {{ id }} }} }}", account(2));
    for choice in ["search: \"a\"", "filter: { status: [ACTIVE] }", "orderBy: [{ field: NAME }]"] {
        assert_eq!(cost(&chosen(choice), json!({})).await, 27, "{choice}");
    }
    let silent = app.query("{ __typename }").await;
    assert!(silent.body.get("extensions").is_none());
}

#[tokio::test]
async fn an_answer_that_could_be_too_large_is_refused() {
    let app = TestApp::with(&PATIENT).await;
    let all = "id name description status type unreadMessages";
    let team = |first: usize| {
        format!(
            "{{ teamMembers({}, first: {first}) {{ nodes {{ role {{ members(first: 1000) {{ nodes {{ {all} }} }} }} }} }} }}",
            account(3)
        )
    };
    let answer = app.query(&team(1000)).await;
    assert_eq!((answer.status, answer.codes()), (400, vec!["COST_ESTIMATED_TOO_EXPENSIVE"]));
    assert_eq!(app.demo.calls(), 0);
    app.query(&team(2)).await.clean();
}

/// Each of a thousand members' roles would be sorted anew.
#[tokio::test]
async fn lists_that_look_through_the_team_over_and_over_are_refused() {
    let app = TestApp::with(&PATIENT).await;
    let team = account(3);
    app.query(&format!("{{ roles({team}) {{ id }} }}")).await.clean();
    let sorted = |first: usize| {
        format!(
            "{{ teamMembers({team}, first: {first}) {{ nodes {{ role {{
               members(first: 1, orderBy: [{{ field: NAME }}]) {{ totalCount }} }} }} }} }}"
        )
    };
    assert_eq!(app.query(&sorted(1000)).await.codes(), ["COST_ESTIMATED_TOO_EXPENSIVE"]);
    app.query(&sorted(10)).await.clean();
}
