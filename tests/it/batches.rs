//! Several requests in one body: off by default, bounded, and counted as the sum of their parts.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

async fn send(app: &TestApp, batch: &[Value]) -> Answer {
    app.send(app.post().body(Value::from(batch).to_string())).await
}

fn query(text: &str) -> Value {
    json!({ "query": text })
}

#[tokio::test]
async fn batches_are_off_unless_they_are_switched_on() {
    let app = TestApp::start().await;
    for batch in [vec![], vec![query("{ __typename }")], vec![query("{ __typename }"); 2]] {
        let answer = send(&app, &batch).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BATCHING_NOT_ENABLED"]));
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order_each_for_itself() {
    let app = TestApp::with(&[("graphql.batch_limit", "4")]).await;
    let batch = [
        query("{ teamMembers { totalCount } }"),
        query("{ nothing }"),
        json!({ "query": "query($n: Int) { teamMembers(first: $n) { nodes { __typename } } }", "variables": { "n": 1 } }),
        query("{"),
    ];
    let answer = send(&app, &batch).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let answers = answer.body.as_array().unwrap();
    assert_eq!(answers[0]["data"], json!({ "teamMembers": { "totalCount": 12 } }));
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answers[2]["data"]["teamMembers"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(answers[3]["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    // Both loads were one.
    assert_eq!(app.demo.calls(), 1);
    let clean = send(&app, &batch[..1]).await;
    assert!(clean.header("cache-control").starts_with("private, max-age="));
    for (batch, code) in [
        (vec![], "BATCHING_NOT_ENABLED"),
        (vec![query("{ __typename }"); 5], "BATCHING_NOT_ENABLED"),
        (vec![json!(1)], "BAD_REQUEST"),
    ] {
        let answer = send(&app, &batch).await;
        assert_eq!((answer.status, answer.codes()), (400, vec![code]));
    }
}

#[tokio::test]
async fn a_batch_is_counted_as_the_sum_of_its_parts() {
    let aliases =
        |n: usize| query(&format!("{{ {} }}", (0..n).map(|n| format!("a{n}: __typename ")).collect::<String>()));
    let fields = |n: usize| query(&format!("{{ {} }}", "__typename ".repeat(n)));
    let directives = |n: usize| query(&format!("{{ {} }}", "__typename @skip(if: false) ".repeat(n)));
    let tokens = |n: usize| query(&format!("{{ roles(account: {{ {} }}) {{ id }} }}", "a: 1 ".repeat(n)));
    let entities = |n: usize| {
        let list = vec![json!({ "__typename": "Role", "id": "x" }); n];
        json!({ "query": "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }", "variables": { "r": list } })
    };
    let app = TestApp::with(&[("graphql.batch_limit", "10")]).await;
    type Make<'m> = &'m dyn Fn(usize) -> Value;
    let cases: [(Make, usize, &str); 5] = [
        (&aliases, 64, "MAX_ALIASES_LIMIT"),
        (&fields, 64, "MAX_ROOT_FIELDS_LIMIT"),
        (&directives, 50, "MAX_DIRECTIVES_LIMIT"),
        (&tokens, 650, "MAX_TOKENS_LIMIT"),
        (&entities, 1000, "MAX_REPRESENTATIONS_LIMIT"),
    ];
    for (make, limit, code) in cases {
        let half = limit / 2;
        let within = send(&app, &[make(half), make(half)]).await;
        assert!(within.body.is_array(), "{code}: {}", within.body);
        let before = app.demo.calls();
        let past = send(&app, &[make(half), make(half + 10)]).await;
        assert_eq!((past.status, past.codes()), (200, vec![code]));
        assert_eq!(app.demo.calls(), before);
    }
}

#[tokio::test]
async fn a_batchs_answers_are_as_long_together_as_one_may_be() {
    let team = || query("{ teamMembers { nodes { id name } } }");
    let app = TestApp::with(&[("graphql.batch_limit", "10"), ("graphql.response_limit", "2KiB")]).await;
    assert_eq!(send(&app, &[team(), query("{ __typename }")]).await.body.as_array().unwrap().len(), 2);
    let past = send(&app, &[team(), team(), team()]).await;
    assert_eq!((past.status, past.codes()), (200, vec!["RESPONSE_TOO_LARGE"]));
}
