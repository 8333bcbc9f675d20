//! Expensive documents: each is refused with a small answer and little work, by every method, also when all other limits are off.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::support::{Answer, TestApp};

/// What an answer to an attack may be: small, an error or harmless data, and not after minutes. A document whose work grows
/// faster than its length would take hours; how fast the others are is for `worst` and the benchmark to say.
const CEILING: Duration = Duration::from_secs(120);

/// All limits but the ones that are tested, out of the way.
const RAISED: [(&str, &str); 9] = [
    ("graphql.document_limit", "1MiB"),
    ("graphql.tokens_limit", "1000000"),
    ("graphql.nesting_limit", "32"),
    ("graphql.selections_limit", "2000"),
    ("graphql.depth_limit", "1000"),
    ("graphql.aliases_limit", "1000000"),
    ("graphql.root_fields_limit", "1000000"),
    ("graphql.directives_limit", "1000000"),
    ("graphql.field_directives_limit", "1000000"),
];

/// Fragments that each spread the next one several times, in any order, and variations on them.
fn bombs() -> Vec<(String, String)> {
    let mut bombs = Vec::new();
    for (spreads, levels) in [(2, 5), (2, 20), (2, 60), (3, 12), (5, 30), (10, 5), (10, 60)] {
        let fragment = |n: usize| {
            let inner = if n == levels { "__typename ".to_owned() } else { format!("...f{} ", n + 1).repeat(spreads) };
            format!("fragment f{n} on Query {{ {inner}}} ")
        };
        let forward: String = (0..=levels).map(fragment).collect();
        let backward: String = (0..=levels).rev().map(fragment).collect();
        let name = format!("{spreads} spreads × {levels} levels");
        bombs.push((format!("{name}, forwards"), format!("{{ ...f0 }} {forward}")));
        bombs.push((format!("{name}, backwards"), format!("{backward} {{ ...f0 }}")));
        bombs.push((format!("{name}, unused"), format!("{{ __typename }} {forward}")));
        let cyclic = forward.replace("__typename", "...f0");
        bombs.push((format!("{name}, cyclic"), format!("{{ ...f0 }} {cyclic}")));
        bombs.push((format!("{name}, cyclic and unused"), format!("{{ __typename }} {cyclic}")));
        let inline = forward.replace("...f", "... on Query { ...f").replace(" ...", " } ...");
        bombs.push((format!("{name}, unbalanced"), format!("{{ ...f0 }} {inline}")));
    }
    bombs
}

/// Brackets in every place that takes some, balanced and not.
fn nests(depth: usize) -> Vec<(String, String)> {
    let mut nests = Vec::new();
    for (open, close) in [("[", "]"), ("{a:", "}")] {
        let (opened, closed) = (open.repeat(depth), close.repeat(depth));
        for (kind, nest) in [("balanced", format!("{opened}1{closed}")), ("open", opened.clone())] {
            for (place, document) in [
                ("value", format!("{{ roles(account: {nest}) {{ id }} }}")),
                ("default", format!("query($a: AccountInput = {nest}) {{ __typename }}")),
                ("directive", format!("{{ __typename @skip(if: {nest}) }}")),
                ("operation", format!("query @x(y: {nest}) {{ __typename }}")),
            ] {
                nests.push((format!("{kind} {open} in a {place}, {depth} deep"), document));
            }
        }
    }
    nests.push((
        format!("types, {depth} deep"),
        format!("query($a: {}Int{}) {{ __typename }}", "[".repeat(depth), "]".repeat(depth)),
    ));
    nests.push((
        format!("selections, {depth} deep"),
        format!("{}__typename{}", "{ roles ".repeat(depth), "}".repeat(depth)),
    ));
    nests.push((
        format!("inline fragments, {depth} deep"),
        format!("{{ {}__typename{} }}", "... { ".repeat(depth), "}".repeat(depth)),
    ));
    nests.push((format!("parentheses, {depth} deep"), "(".repeat(depth)));
    nests
}

/// Texts that are long in one way.
fn floods() -> Vec<(String, String)> {
    let n = 30_000;
    [
        ("aliases", format!("{{ {} }}", (0..n).map(|n| format!("a{n}:__typename ")).collect::<String>())),
        ("fields", format!("{{ {} }}", "__typename ".repeat(n))),
        ("directives", format!("{{ __typename {} }}", "@aa ".repeat(n))),
        ("skips", format!("{{ __typename {} }}", "@skip(if:false) ".repeat(n))),
        ("comments", "#\n".repeat(n)),
        ("commas", ",".repeat(n)),
        ("quotes", "\"".repeat(n)),
        ("block quotes", "\"\"\"".repeat(n)),
        ("backslashes", format!("{{ a(b: \"{}", "\\".repeat(n))),
        ("operations", (0..3000).map(|n| format!("query q{n} {{ __typename }} ")).collect()),
        (
            "fragments",
            format!(
                "{{ __typename }} {}",
                (0..3000).map(|n| format!("fragment f{n} on Query {{ __typename }} ")).collect::<String>()
            ),
        ),
        (
            "variables",
            format!("query({}) {{ __typename }}", (0..3000).map(|n| format!("$v{n}: Int ")).collect::<String>()),
        ),
        ("arguments", format!("{{ roles({}) {{ id }} }}", (0..3000).map(|n| format!("a{n}: 1 ")).collect::<String>())),
        ("NULs", "\0".repeat(n)),
        ("a NUL in a name", "{ __type\0name }".to_owned()),
        ("spreads of nothing", format!("{{ {} }}", "...nothing ".repeat(n))),
        ("dots", ".".repeat(n)),
        ("a long name", format!("{{ {} }}", "a".repeat(n))),
        ("a long number", format!("{{ teamMembers(first: {}) {{ totalCount }} }}", "9".repeat(n))),
        ("emoji", "🏃".repeat(5000)),
    ]
    .map(|(name, document)| (name.to_owned(), document))
    .into()
}

fn check(name: &str, answer: &Answer, started: Instant) {
    let took = started.elapsed();
    assert!(took < CEILING, "{name}: {took:?}");
    assert!([200, 400, 413, 414].contains(&answer.status), "{name}: {}", answer.status);
    let refused = answer.body["errors"].as_array().is_some_and(|errors| (1..=5).contains(&errors.len()));
    assert!(refused, "{name}: {:.200}", answer.body.to_string());
    assert!(
        answer.body.get("data").is_none() && answer.body.to_string().len() < 2000,
        "{name}: {:.200}",
        answer.body.to_string()
    );
}

/// Sends a document over POST, GET (where it fits), as a persisted query and in a batch.
async fn attack(app: &TestApp, name: &str, document: &str) {
    let started = Instant::now();
    let answer = app.query(document).await;
    // Repetition that the raised limits allow is harmless, and may be answered.
    if answer.body.get("errors").is_none() {
        assert!(started.elapsed() < CEILING, "{name}: {:?}", started.elapsed());
        return;
    }
    check(name, &answer, started);
    let started = Instant::now();
    let get = app.client.get(app.url()).query(&[("query", document)]).header("apollo-require-preflight", "1");
    if get.try_clone().unwrap().build().unwrap().url().as_str().len() < 8000 {
        check(name, &app.send(get).await, started);
    }
    let started = Instant::now();
    let hash: String = digest(&SHA256, document.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let persisted = json!({ "query": document, "extensions": extensions });
    check(name, &app.send(app.post().body(persisted.to_string())).await, started);
    let named = app.send(app.post().body(json!({ "extensions": extensions }).to_string())).await;
    assert_eq!(named.codes(), ["PERSISTED_QUERY_NOT_FOUND"], "{name}");
    let started = Instant::now();
    let batch = json!([{ "query": document }, { "query": document }]);
    let answer = app.send(app.post().body(batch.to_string())).await;
    assert!(started.elapsed() < CEILING && answer.body.to_string().len() < 4000, "{name}, in a batch");
}

async fn attack_all(pairs: &[(&str, &str)]) {
    let app = TestApp::with(&[&[("graphql.batch_limit", "10")], pairs].concat()).await;
    let nests = [40, 1500, 10_000, 50_000].into_iter().flat_map(nests);
    for (name, document) in bombs().into_iter().chain(nests).chain(floods()) {
        attack(&app, &name, &document).await;
    }
    assert_eq!(app.demo.calls(), 0);
    app.query("{ __typename }").await.clean();
}

#[tokio::test]
async fn attacks_are_refused_by_the_default_limits() {
    attack_all(&[]).await;
}

#[tokio::test]
async fn attacks_are_refused_where_the_other_limits_are_raised() {
    attack_all(&RAISED).await;
}

#[tokio::test]
async fn attacks_in_the_body_around_the_document_are_refused() {
    let app = TestApp::start().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let bodies = [
        nested(100_000),
        "[".repeat(100_000),
        format!(r#"{{"query":"{{ __typename }}","variables":{{"a":{}}}}}"#, nested(100_000)),
        format!(r#"{{"query":"{{ __typename }}","extensions":{{"a":{}}}}}"#, nested(100_000)),
        r#"{"query":"{ __typename \ud800 }"}"#.to_owned(),
        r#"{"query":"{ roles(account: {email: \"\ud800\"}) { id } }"}"#.to_owned(),
        "{\"query\":\"{ __typename }\u{0}\"}".to_owned(),
        format!(r#"{{"query":"{{ __typename }}","operationName":"{}"}}"#, "x".repeat(100_000)),
        r#"{"query":"{ __typename }","variables":{"a":1e999}}"#.to_owned(),
    ];
    for body in bodies {
        let started = Instant::now();
        let name = format!("{body:.60}");
        check(&name, &app.send(app.post().body(body)).await, started);
    }
    app.query("{ __typename }").await.clean();
}

/// What scanners such as graphql-cop send, and what the production profile answers.
#[tokio::test]
async fn scanners_find_nothing_in_the_production_profile() {
    let production = [
        ("auth.mode", "passthrough"),
        ("graphql.introspection", "false"),
        ("graphql.suggestions", "false"),
        ("federation.service", "false"),
        ("http.explorer", "false"),
    ];
    let app = TestApp::with(&production).await;
    let post = || app.post().bearer_auth("a-token");
    let ask = |query: String| app.send(post().body(json!({ "query": query }).to_string()));
    let outcome =
        |answer: &Answer| (answer.status, answer.codes().first().map(ToString::to_string).unwrap_or_default());
    let is = |status, code: &str| (status, code.to_owned());

    let overloading: String = (0..101).map(|n| format!("alias{n}: __typename ")).collect();
    assert_eq!(outcome(&ask(format!("query cop {{ {overloading} }}")).await), is(200, "MAX_ALIASES_LIMIT"));
    let batch = vec![json!({ "query": "query cop { __typename }" }); 10];
    assert_eq!(outcome(&app.send(post().body(json!(batch).to_string())).await), is(400, "BATCHING_NOT_ENABLED"));
    let get = |query: &str| app.client.get(app.url()).query(&[("query", query)]).bearer_auth("a-token");
    assert_eq!(outcome(&app.send(get("query cop{__typename}")).await), is(403, "CSRF_ERROR"));
    assert_eq!(outcome(&app.send(get("mutation cop{__typename}")).await), is(403, "CSRF_ERROR"));
    let mutation = get("mutation cop{__typename}").header("apollo-require-preflight", "1");
    assert_eq!(outcome(&app.send(mutation).await), is(405, "METHOD_NOT_ALLOWED"));
    let form =
        app.client.post(app.url()).bearer_auth("a-token").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        outcome(&app.send(form.body("query=query+cop%7B__typename%7D")).await),
        is(415, "INVALID_CONTENT_TYPE_HEADER")
    );
    let traced = ask("query cop { __typename }".to_owned()).await;
    assert_eq!(traced.body, json!({ "data": { "__typename": "Query" } }));
    let suggested = ask("query cop { teamMembes { totalCount } }".to_owned()).await;
    assert!(!suggested.body.to_string().contains("Did you mean"));
    for path in ["/", "/graphiql", "/playground", "/console", "/explorer/explorer.js"] {
        let page = app.client.get(format!("http://{}{path}", app.app.address())).bearer_auth("a-token");
        assert_eq!(app.send(page).await.status, 404, "{path}");
    }
    assert_eq!(
        outcome(&ask("query cop { __schema { types { name fields { name } } } }".to_owned()).await),
        is(200, "INTROSPECTION_DISABLED")
    );
    let circular = "query cop { __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    assert_eq!(outcome(&ask(circular.to_owned()).await), is(200, "INTROSPECTION_DISABLED"));
    assert_eq!(
        outcome(&ask(format!("query cop {{ __typename {} }}", "@aa".repeat(10))).await),
        is(200, "MAX_DIRECTIVES_LIMIT")
    );
    assert_eq!(
        outcome(&ask(format!("query cop {{ {} }}", "__typename \n".repeat(500))).await),
        is(200, "MAX_ROOT_FIELDS_LIMIT")
    );
    assert_eq!(outcome(&ask("{ _service { sdl } }".to_owned()).await), is(403, "FORBIDDEN"));
    assert_eq!(outcome(&ask("subscription { a }".to_owned()).await), is(200, "GRAPHQL_VALIDATION_FAILED"));
    assert_eq!(app.demo.calls(), 0);
}
