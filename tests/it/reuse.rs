//! The response cache: data is reused for an identical operation over the same snapshots, and for no other.

use std::sync::Arc;

use flowmatix_graphql::graphql::{Reference, Request, Variables};
use flowmatix_graphql::model::{Credential, CredentialId, Grants};
use serde_json::json;

use crate::oracle::world::World;
use crate::support::{TestApp, row};
use axum::http::StatusCode;
use flowmatix_graphql::demo::Scripted;

/// A question to one engine, in every part that matters.
#[derive(Clone)]
struct Question {
    text: &'static str,
    operation: Option<&'static str>,
    variables: serde_json::Value,
    grants: Arc<dyn Grants>,
}

async fn ask(world: &World, question: &Question) -> String {
    let request = Request {
        document: Reference { text: Some(question.text.to_owned()), ..Reference::default() },
        operation_name: question.operation.map(str::to_owned),
        variables: Variables::from_json(question.variables.clone()),
        show_cost: false,
        trace: false,
        ticket: flowmatix_graphql::compute::Ticket::default(),
        queries_only: false,
        audit: None,
        grants: question.grants.clone(),
        max_age: None,
    };
    String::from_utf8(world.projection.execute(request).await.body.into_vec()).unwrap()
}

fn credential(name: &str, token: &str) -> Arc<Credential> {
    Arc::new(Credential::new(CredentialId::Held(name.into()), token.to_owned().into()))
}

#[tokio::test]
async fn every_part_of_a_question_counts() {
    let world = World::new(3);
    let text = "query A($n: Int) { teamMembers(first: $n) { nodes { id contact { id } } pageInfo { endCursor } } }";
    let known = Question {
        text,
        operation: Some("A"),
        variables: json!({ "n": 2 }),
        grants: world.grants_with(credential("one", "first"), true),
    };
    let answer = ask(&world, &known).await;
    ask(&world, &known).await;
    let before = world.executions("response_cache");
    let data = |answer: &str| answer.split(",\"extensions\":").next().unwrap().to_owned();
    assert_eq!(data(&ask(&world, &known).await), data(&answer));
    assert_eq!(world.executions("response_cache"), before + 1);

    let other = |change: &dyn Fn(&mut Question)| {
        let mut question = known.clone();
        change(&mut question);
        question
    };
    let others = [
        (
            "text",
            other(&|question| {
                question.text = "query A($n: Int) { teamMembers(first: $n) { nodes { id contact { id } } pageInfo { endCursor } } } ";
            }),
        ),
        ("operation name", other(&|question| question.operation = None)),
        ("variables", other(&|question| question.variables = json!({ "n": 3 }))),
        ("scopes", other(&|question| question.grants = world.grants_with(credential("one", "first"), false))),
        ("credential", other(&|question| question.grants = world.grants_with(credential("two", "first"), true))),
    ];
    for (part, question) in others {
        let before = world.executions("response_cache");
        ask(&world, &question).await;
        assert_eq!(world.executions("response_cache"), before, "{part}");
    }
    // A new secret of the same name changes nothing that is read.
    let before = world.executions("response_cache");
    let rotated = other(&|question| question.grants = world.grants_with(credential("one", "second"), true));
    ask(&world, &rotated).await;
    assert_eq!(world.executions("response_cache"), before + 1);
    // Variables that are not given are what their defaults are.
    let text = "query A($n: Int = 2) { teamMembers(first: $n) { totalCount } }";
    let (given, default) = (json!({ "n": 2, "unknown": 1 }), json!({}));
    for variables in [&given, &default, &given] {
        ask(&world, &Question { text, variables: variables.clone(), ..known.clone() }).await;
    }
    assert_eq!(world.executions("response_cache"), before + 2);
}

const LIST: &str = "{ teamMembers { nodes { id name } fetchedAt stale } }";

#[tokio::test]
async fn the_same_bytes_are_served_in_both_media_types_with_fresh_extensions() {
    let app = TestApp::start().await;
    let first = app.query(LIST).await;
    app.query(LIST).await;
    let reused = |count: f64| {
        let app = &app;
        async move { assert_eq!(app.metric("flowmatix_executions_total{path=\"response_cache\"}").await, count) }
    };
    reused(0.0).await;
    let third = app.query(LIST).await;
    reused(1.0).await;
    let accept = app.post().header("accept", "application/graphql-response+json");
    let fourth = app.send(accept.body(json!({ "query": LIST }).to_string())).await;
    reused(2.0).await;
    assert_eq!(fourth.header("content-type"), "application/graphql-response+json; charset=utf-8");
    assert_eq!((first.data(), first.data()), (third.data(), fourth.data()));
    assert_eq!(first.upstream()["cache"], "miss");
    assert_eq!(third.upstream()["cache"], "hit");
    let costly = app.post().header("x-flowmatix-show-cost", "true").body(json!({ "query": LIST }).to_string());
    assert!(app.send(costly).await.body["extensions"]["cost"]["estimated"].is_number());
}

#[tokio::test]
async fn another_account_and_another_snapshot_are_other_questions() {
    let app = TestApp::with(&[("roster.store", "false")]).await;
    app.demo.set_team("maya@lantern-books.example", vec![row("a", "Before")]);
    for _ in 0..3 {
        app.query(LIST).await;
    }
    app.demo.set_team("maya@lantern-books.example", vec![row("a", "After")]);
    let answer = app.query(LIST).await;
    assert_eq!(answer.data()["teamMembers"]["nodes"][0]["name"], "After");
    // Each was a snapshot of its own.
    assert_eq!(app.metric("flowmatix_executions_total{path=\"response_cache\"}").await, 0.0);
}

#[tokio::test]
async fn a_list_that_has_become_stale_says_so() {
    let app = TestApp::with(&[("roster.fresh_for", "300ms")]).await;
    for _ in 0..3 {
        assert_eq!(app.query(LIST).await.clean()["teamMembers"]["stale"], false);
    }
    app.demo.script(None, Some(Scripted::status(StatusCode::SERVICE_UNAVAILABLE, "")));
    // Whenever it is: what `stale` says is what `extensions` says.
    loop {
        let answer = app.query(LIST).await;
        let stale = answer.upstream()["cache"] == "stale";
        assert_eq!(answer.data()["teamMembers"]["stale"], stale, "{:#}", answer.body);
        if stale {
            break;
        }
    }
}

#[tokio::test]
async fn answers_with_errors_are_not_kept_and_nothing_is_where_nothing_may_be() {
    let failing = "{ teamMembers(first: -1) { totalCount } }";
    let app = TestApp::start().await;
    let off = TestApp::with(&[("graphql.response_cache_limit", "0")]).await;
    let small = TestApp::with(&[("graphql.response_cache_limit", "1KiB")]).await;
    for _ in 0..4 {
        assert_eq!(app.query(failing).await.codes(), ["BAD_USER_INPUT"]);
        off.query(LIST).await.clean();
        small.query(LIST).await.clean();
    }
    for app in [app, off, small] {
        assert_eq!(app.metric("flowmatix_executions_total{path=\"response_cache\"}").await, 0.0);
    }
}
