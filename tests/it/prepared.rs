//! Prepared operations: a text is prepared once, a flood does not evict frequent ones, and a long answer does not hold a
//! worker.

use flowmatix_graphql::graphql::{Reference, Request, Variables};
use futures_util::FutureExt;

use crate::oracle::world::World;
use crate::support::TestApp;

const HIT: &str = "flowmatix_operation_cache_lookups_total{result=\"hit\"}";

#[tokio::test]
async fn a_text_is_prepared_once_and_valid_ones_only_are_kept() {
    let app = TestApp::start().await;
    let query = "query A($n: Int) { teamMembers(first: $n) { totalCount } }";
    for n in [1, 2, 3] {
        app.variables(query, serde_json::json!({ "n": n })).await.clean();
    }
    assert_eq!(app.metric(HIT).await, 2.0);
    for _ in 0..2 {
        assert_eq!(app.query("{ teamMembers { nobody } }").await.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
        assert_eq!(app.query("{ teamMembers { ").await.codes(), ["GRAPHQL_PARSE_FAILED"]);
    }
    assert_eq!(app.metric(HIT).await, 2.0);
    // Known or not, variables that do not fit are refused in the same words.
    let wrong = serde_json::json!({ "n": "three" });
    let known = app.variables(query, wrong.clone()).await;
    let unknown = app.variables(&format!("{query} "), wrong).await;
    assert_eq!(known.body, unknown.body);
    assert_eq!(known.codes(), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn a_flood_of_documents_is_bounded_and_does_not_push_out_what_is_asked_for_often() {
    let app = TestApp::with(&[("graphql.operation_cache_limit", "64KiB")]).await;
    let often = "{ teamMembers(first: 1) { totalCount } }";
    let flood = |n: usize| format!("{{ a{n}: teamMembers(first: 1) {{ totalCount stale }} }}");
    // Only a cache that is half full counts how often it is asked.
    for n in 1000..1100 {
        app.query(&flood(n)).await.clean();
    }
    for _ in 0..20 {
        app.query(often).await.clean();
    }
    for n in 0..300 {
        app.query(&flood(n)).await.clean();
    }
    let before = app.metric(HIT).await;
    app.query(often).await.clean();
    assert_eq!(app.metric(HIT).await, before + 1.0, "it was pushed out");
    for n in 0..100 {
        app.query(&flood(n)).await.clean();
    }
    assert!(app.metric(HIT).await < before + 60.0, "more is kept than there is room for");
}

/// A flood of documents from callers whose token is good for nothing must not take the room of the others'.
#[tokio::test]
async fn only_what_was_executed_for_an_accepted_caller_is_kept() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    let query = "{ teamMembers { totalCount } }";
    for _ in 0..3 {
        assert_eq!(app.query_as("a-token-nobody-knows", query).await.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    }
    assert_eq!(app.metric(HIT).await, 0.0);
    for _ in 0..3 {
        app.query_as(flowmatix_graphql::demo::AGENCY_TOKEN, query).await.clean();
    }
    assert_eq!(app.metric(HIT).await, 2.0);
}

/// The values in a document take many times the memory of their text.
#[tokio::test]
async fn documents_are_weighed_with_the_values_in_them() {
    let app = TestApp::with(&[("graphql.operation_cache_limit", "1MiB")]).await;
    let document = |n: usize| {
        format!("{{ teamMembers(filter: {{ id: {{ in: [\"{n}\" {}] }} }}) {{ totalCount }} }}", "\"\" ".repeat(900))
    };
    for n in 0..60 {
        app.query(&document(n)).await.clean();
    }
    let before = app.metric(HIT).await;
    for n in 0..60 {
        app.query(&document(n)).await.clean();
    }
    // A string in a list is a node, its value and its text: more than 64 bytes of memory.
    let kept = app.metric(HIT).await - before;
    assert!(kept <= f64::from((1 << 20) / (900 * 64)), "{kept}");
}

#[tokio::test]
async fn a_long_answer_is_written_beside_the_workers() {
    let world = World::new(1);
    let engine = World::with_members(2000);
    let request = |first: usize| Request {
        document: Reference {
            text: Some(format!(
                "{{ teamMembers(first: {first}) {{ nodes {{ id name a: id b: name c: id d: name e: id f: name g: id }} }} }}"
            )),
            ..Reference::default()
        },
        operation_name: None,
        variables: Variables::default(),
        show_cost: false,
        trace: false,
        ticket: flowmatix_graphql::compute::Ticket::default(),
        queries_only: false,
        audit: None,
        grants: world.grants(true),
        max_age: None,
    };
    engine.execute(request(1)).await;
    // The roster is there. A short answer is ready at once; a long one gives way.
    assert!(engine.execute(request(10)).now_or_never().is_some());
    // (A thread of the pool may be done before it is looked at, but not each time.)
    assert!((0..50).any(|n| engine.execute(request(900 + n)).now_or_never().is_none()));
    let long = engine.execute(request(1000)).await;
    assert!(String::from_utf8(long.body.into_vec()).unwrap().contains("m00999"));
}
