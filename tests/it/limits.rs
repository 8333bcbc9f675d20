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
            "graphql.filter_terms_limit",
            "MAX_FILTER_TERMS_LIMIT",
            20,
            Box::new(|n| {
                // Each list that has a filter counts it: two terms twice, the others once.
                let text = "query($f: TeamMemberFilter, $g: TeamMemberFilter) {
                    a: teamMembers(filter: $f) { totalCount } b: teamMembers(filter: $f) { totalCount }
                    c: teamMembers(filter: $g) { totalCount } }";
                let terms = vec![json!({ "name": { "eq": "q" } }); n - 4];
                let two = json!({ "status": ["ACTIVE"], "unreadMessages": { "gt": 1 } });
                json!({ "query": text, "variables": { "f": two, "g": { "or": terms } } })
            }),
        ),
        (
            "graphql.filter_depth_limit",
            "MAX_FILTER_DEPTH_LIMIT",
            5,
            Box::new(|n| {
                let (open, close) = ("{ not: ".repeat(n - 1), " }".repeat(n - 1));
                query(format!("{{ teamMembers(filter: {open} {{ whitelabel: true }} {close}) {{ totalCount }} }}"))
            }),
        ),
        (
            "graphql.list_items_limit",
            "MAX_LIST_ITEMS_LIMIT",
            30,
            Box::new(|n| {
                let text = "query($ids: [ID!]) { teamMembers(filter: { id: { in: $ids } }) { totalCount } }";
                json!({ "query": text, "variables": { "ids": vec!["x"; n] } })
            }),
        ),
        (
            "graphql.search_limit",
            "BAD_USER_INPUT",
            30,
            Box::new(|n| query(format!("{{ teamMembers(search: \"{}\") {{ totalCount }} }}", "ß".repeat(n)))),
        ),
        (
            "graphql.variable_nodes_limit",
            "MAX_VARIABLE_NODES_LIMIT",
            40,
            Box::new(|n| {
                let value = json!({ "a": vec![json!(null); n - 3], "b": { } });
                json!({ "query": "{ __typename }", "variables": { "x": value } })
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
        if code != "BAD_USER_INPUT" {
            assert_eq!(past.status, if code == "REQUEST_TOO_LARGE" { 413 } else { 200 }, "{setting}");
        }
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

/// Members of the role that has the most, in a sample account.
async fn largest_role(app: &TestApp, index: usize) -> u64 {
    let roles = app.query(&format!("{{ roles({}) {{ memberCount }} }}", account(index))).await;
    let counts = roles.clean()["roles"].as_array().unwrap().clone();
    counts.iter().map(|role| role["memberCount"].as_u64().unwrap()).max().unwrap()
}

#[tokio::test]
async fn the_cost_is_told_to_callers_that_ask_for_it() {
    let app = TestApp::start().await;
    let cost = async |query: &str, variables: Value| {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = app.send(app.post().header("x-flowmatix-show-cost", "true").body(body)).await;
        answer.body["extensions"]["cost"]["estimated"].as_u64().unwrap()
    };
    assert_eq!(cost("{ __typename }", json!({})).await, 1);
    // A few for all types: a field about the schema is a small part of a cell.
    let types = cost("{ __schema { types { name } } }", json!({})).await;
    assert!((1..10).contains(&types), "{types}");
    // Twelve members, whether their roster was loaded before or for this request.
    assert_eq!(cost("{ teamMembers { nodes { id name } } }", json!({})).await, 24);
    assert_eq!(cost("{ teamMembers { nodes { id name } } }", json!({})).await, 24);
    assert_eq!(cost("{ teamMembers(first: 5) { totalCount nodes { id name } } }", json!({})).await, 11);
    let by_variable = "query($n: Int = 3) { teamMembers(last: $n) { edges { cursor node { id role { id } } } } }";
    // A text that is made for each row, and not only copied, is sixteen cells.
    assert_eq!(cost(by_variable, json!({})).await, 3 * 18);
    assert_eq!(cost(by_variable, json!({ "n": 7 })).await, 7 * 18);
    let numbers = "{ teamMembers(first: 2) { nodes { contact { phone { prefix e164 } } } } }";
    assert_eq!(cost(numbers, json!({})).await, 2 * 17);
    assert_eq!(
        cost("{ teamMembers { ...F } } fragment F on TeamMemberConnection { nodes { id } nodes { name } }", json!({}))
            .await,
        24
    );
    // What is skipped costs nothing; what is merged costs once.
    let skipped = "query($s: Boolean!) { teamMembers { nodes { id name @skip(if: $s) } nodes { id } } }";
    assert_eq!(cost(skipped, json!({ "s": true })).await, 12);
    assert_eq!(cost(skipped, json!({ "s": false })).await, 24);
    // Twelve members, each with the members of its role.
    let largest = largest_role(&app, 0).await;
    assert_eq!(cost("{ teamMembers { nodes { role { members { nodes { id } } } } } }", json!({})).await, 12 * largest);
    assert_eq!(cost("{ roles { id } }", json!({})).await, 4);
    let other = format!("{{ teamMembers({}) {{ nodes {{ id }} }} }}", account(1));
    assert_eq!(cost(&other, json!({})).await, 1);
    // One look-up and two fields for each of thirty representations.
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Role { id memberCount } } }";
    let list = vec![json!({ "__typename": "Role", "id": "x" }); 30];
    assert_eq!(cost(entities, json!({ "r": list })).await, 90);
    let members = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Role { members(first: 500) { nodes { id } } } } }";
    let role = |index: usize| {
        let flowmatix_graphql::demo::DemoAccount { email, user_type, .. } = flowmatix_graphql::demo::ACCOUNTS[index];
        json!({ "__typename": "Role", "id": "x", "account": { "email": email, "type": user_type } })
    };
    let own = json!({ "__typename": "Role", "id": "x" });
    let of_pines = largest_role(&app, 2).await;
    assert_eq!(cost(members, json!({ "r": [own] })).await, 1 + largest);
    assert_eq!(cost(members, json!({ "r": own })).await, 1 + largest);
    assert_eq!(cost(members, json!({ "r": [own, role(2), own] })).await, 3 + of_pines + 2 * largest);
    let silent = app.query("{ __typename }").await;
    assert!(silent.body.get("extensions").is_none());
}

/// What a list looks through counts, however few members it shows: here 250 rows for two of them.
#[tokio::test]
async fn the_cost_of_a_list_grows_with_what_it_looks_through() {
    let app = TestApp::start().await;
    let cost = async |arguments: &str| {
        let query = format!("{{ teamMembers({}, first: 2, {arguments}) {{ nodes {{ id }} }} }}", account(2));
        let body = json!({ "query": query }).to_string();
        let answer = app.send(app.post().header("x-flowmatix-show-cost", "true").body(body)).await;
        let estimated = answer.body["extensions"]["cost"]["estimated"].as_u64();
        answer.clean();
        estimated.unwrap()
    };
    assert_eq!(cost("after: null").await, 2);
    let term = cost("filter: { status: [ACTIVE] }").await;
    assert!(term > 10, "{term}");
    // A number of each row is compared as often as there are conditions on it.
    let many = (0..20).map(|n| format!("{{ unreadMessages: {{ gt: {n} }} }}")).collect::<String>();
    let many = cost(&format!("filter: {{ or: [{many}] }}")).await;
    assert!(many > 10 * term && many <= 20 * term, "{many} {term}");
    // A list of values is a set: each item is put into it once, and no row is compared with each.
    let ids = |n: usize| format!("filter: {{ id: {{ in: [{}] }} }}", "\"x\" ".repeat(n));
    let (one, ten, hundred) = (cost(&ids(1)).await, cost(&ids(10)).await, cost(&ids(100)).await);
    assert_eq!((hundred - ten) / 90, (ten - one) / 9);
    assert!(hundred - one < 100 * 250 / 10, "{one} {hundred}");
    let by_name = cost("orderBy: [{ field: NAME }]").await;
    let by_three = cost("orderBy: [{ field: NAME }, { field: STATUS }, { field: TYPE }]").await;
    assert!(by_name > 50 && by_three > 2 * by_name, "{by_name} {by_three}");
    let (short, long) = (cost("search: \"ann\"").await, cost(&format!("search: \"{}\"", "n".repeat(200))).await);
    // Folding a text depends on its length; looking for it does not.
    assert!(short > term && long > short + 150 && long < short + 250, "{short} {long}");
    // Each further text costs as much as the first.
    let texts = |n: usize| {
        let any = (0..n).map(|n| format!("{{ name: {{ contains: \"a{n}\" }} }}")).collect::<String>();
        format!("filter: {{ or: [{any}] }}")
    };
    let (one, two, four) = (cost(&texts(1)).await, cost(&texts(2)).await, cost(&texts(4)).await);
    assert!(two - one > 900 && (four - two).abs_diff(2 * (two - one)) < 10, "{one} {two} {four}");
    // A filter's texts are folded, too.
    assert!(cost(&format!("filter: {{ name: {{ contains: \"{}\" }} }}", "n".repeat(2000))).await > 5 * term);
}

#[tokio::test]
async fn an_operation_that_is_too_expensive_for_any_team_is_refused_before_anything_is_loaded() {
    let app = TestApp::with(&[("graphql.cost_limit", "1000")]).await;
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Role { id memberCount __typename } } }";
    let send = async |count: usize| {
        app.variables(query, json!({ "r": vec![json!({ "__typename": "Role", "id": "x" }); count] })).await
    };
    let refused = send(251).await;
    assert_eq!(refused.codes(), ["COST_ESTIMATED_TOO_EXPENSIVE"]);
    assert_eq!(app.demo.calls(), 0);
    send(250).await.clean();
}

/// What is in the store when a request comes has no say in whether it is answered.
#[tokio::test]
async fn the_verdict_on_an_operations_cost_is_the_same_cold_and_warm() {
    let twelve =
        "id name description status type unreadMessages picture version createdAt updatedAt agencyId whitelabel";
    let all = |index: usize| {
        format!("{{ roles({}) {{ id members(first: 1000) {{ nodes {{ {twelve} }} }} }} }}", account(index))
    };
    // Twelve members cost little, whatever their page could hold.
    let app = TestApp::with(&PATIENT).await;
    app.query(&all(0)).await.clean();
    app.query("{ roles { id } }").await.clean();
    app.query(&all(0)).await.clean();

    // Ten thousand are too many: judged as soon as that is known, and nothing is executed.
    let too_much = format!(
        "{{ teamMembers({}, first: 1000) {{ nodes {{ role {{ members(first: 1000) {{ nodes {{ {twelve} }} }} }} }} }} }}",
        account(3)
    );
    let executed = app.metric("flowmatix_executions_total").await;
    let cold = app.query(&too_much).await;
    assert_eq!(cold.codes(), ["COST_ESTIMATED_TOO_EXPENSIVE"]);
    assert!(cold.body.get("data").is_none());
    let warm = app.query(&too_much).await;
    assert_eq!((warm.status, &warm.body), (cold.status, &cold.body));
    assert_eq!(app.metric("flowmatix_executions_total").await, executed);
    app.query(&too_much.replacen("first: 1000", "first: 2", 1)).await.clean();
}

#[tokio::test]
async fn a_batch_is_refused_for_the_sum_of_its_costs_and_nothing_of_it_is_executed() {
    let app = TestApp::with(&[("graphql.batch_limit", "3"), ("graphql.cost_limit", "30")]).await;
    let send = async |parts: &[&str]| {
        let parts: Vec<_> = parts.iter().map(|query| json!({ "query": query })).collect();
        app.send(app.post().body(Value::from(parts).to_string())).await
    };
    let (twelve, four) = ("{ teamMembers { nodes { id } } }", "{ roles { id } }");
    assert_eq!(send(&[twelve, twelve, four]).await.body.as_array().unwrap().len(), 3);
    let executed = app.metric("flowmatix_executions_total").await;
    let refused = send(&[twelve, twelve, twelve]).await;
    assert_eq!(refused.codes(), ["COST_ESTIMATED_TOO_EXPENSIVE"]);
    assert_eq!(app.metric("flowmatix_executions_total").await, executed);
}

#[tokio::test]
async fn a_list_is_sorted_by_each_field_once() {
    let app = TestApp::start().await;
    let query = "query($by: [TeamMemberOrder!]) { teamMembers(orderBy: $by) { totalCount } }";
    let key = |field: &str, direction: &str| json!({ "field": field, "direction": direction });
    let send = async |keys: &[Value]| app.variables(query, json!({ "by": keys })).await;
    let all = ["NAME", "STATUS", "LIVE_AVAILABILITY", "TYPE", "UNREAD_MESSAGES", "CREATED_AT", "UPDATED_AT", "ID"];
    let mut keys: Vec<_> = all.iter().map(|field| key(field, "ASC")).collect();
    send(&keys).await.clean();
    keys.push(key("NAME", "DESC"));
    let calls = app.demo.calls();
    let refused = send(&keys).await;
    assert_eq!(refused.codes(), ["BAD_USER_INPUT"]);
    assert!(refused.body.get("data").is_none());
    let written = app.query("{ teamMembers(orderBy: [{ field: TYPE } { field: TYPE }]) { totalCount } }").await;
    assert_eq!(written.codes(), ["BAD_USER_INPUT"]);
    assert_eq!(app.demo.calls(), calls);
}

#[tokio::test]
async fn a_few_hundred_representations_and_ids_are_no_trouble() {
    let app = TestApp::with(&PATIENT).await;
    let list = vec![json!({ "__typename": "TeamMember", "id": "x" }); 500];
    let entities =
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on TeamMember { id name status role { id } } } }";
    app.variables(entities, json!({ "r": list })).await.clean();
    let by_id = format!(
        "query($ids: [ID!]!) {{ teamMembers({}, first: 500, filter: {{ id: {{ in: $ids }} }}, orderBy: [{{ field: NAME }}]) {{ nodes {{ id name }} }} }}",
        account(3)
    );
    let ids: Vec<_> = (0..500).map(|n| format!("{n:024x}")).collect();
    app.variables(&by_id, json!({ "ids": ids })).await.clean();
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
