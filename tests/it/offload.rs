//! Where answers are written: by the worker that has the request as long as that takes less than handing it over, and beside the
//! workers otherwise.

use flowmatix_graphql::compute::{ComputePool, Lane, Ticket};
use flowmatix_graphql::config::Size;
use flowmatix_graphql::graphql::{Class, Engine, Reference, Request, Variables};
use flowmatix_graphql::model::Cancellation;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::oracle::world::World;

const MEMBERS: usize = 5_000;

fn request(world: &World, text: &str) -> Request {
    Request {
        document: Reference { text: Some(text.to_owned()), ..Reference::default() },
        operation_name: None,
        variables: Variables::from_json(Value::Null),
        max_age: None,
        show_cost: false,
        trace: false,
        audit: None,
        ticket: Ticket::default(),
        queries_only: false,
        grants: world.grants(true),
    }
}

/// A team of five thousand, over an engine whose only thread beside the workers is the given one.
fn engine() -> Engine {
    let row = |n: usize| {
        let status = if n.is_multiple_of(2) { "ACTIVE" } else { "INACTIVE" };
        json!({
            "_id": format!("m{n:05}"), "name": format!("Member {n}"), "status": status,
            "unreadMessages": n % 40, "createdAt": format!("2024-04-{:02}T17:10:22.134Z", 1 + n % 28), "_role": format!("r{}", n % 9)
        })
    };
    let mut rows: Vec<Value> = (0..MEMBERS).map(row).collect();
    rows[17]["whitelabel"] = json!(true);
    World::tuned_with_rows(&rows, |settings| settings.graphql.response_cache_limit = Size::kib(0))
        .with_compute(ComputePool::new(1, 100))
}

fn list(arguments: &str) -> String {
    format!("{{ teamMembers(first: 10, {arguments}) {{ totalCount nodes {{ id name }} }} }}")
}

/// Which of these questions are answered while nothing can be done beside the worker that asks; each answer has no errors.
async fn answered_at_once(world: &World, engine: &Engine, questions: &[String]) -> Vec<bool> {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let pool = engine.compute().clone();
    let other = Ticket::new(Lane::of(&"another"), Cancellation::without_deadline(), None);
    let busy = tokio::spawn(async move {
        let job = move |_: &Cancellation| {
            let _ = begin.send(());
            let _ = released.recv();
        };
        pool.run(&other, job).await
    });
    begun.await.unwrap();
    let at_once = questions.iter().map(|text| match engine.execute(request(world, text)).now_or_never() {
        Some(answer) => {
            assert_eq!((answer.class, answer.has_errors), (Class::Executed, false), "{text}");
            true
        }
        None => false,
    });
    let at_once = at_once.collect();
    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    at_once
}

#[tokio::test]
async fn what_a_team_has_worked_out_is_answered_by_the_worker() {
    let world = World::new(1);
    let engine = engine();
    let ready = [
        list("orderBy: { field: NAME }"),
        list("orderBy: [{ field: STATUS }, { field: CREATED_AT, direction: DESC }], search: null"),
        list("filter: { status: [ACTIVE] }"),
        list(
            "filter: { status: [ACTIVE], unreadMessages: { gte: 30 }, createdAt: { onOrAfter: \"2024-04-15T00:00:00Z\" } }",
        ),
        list("filter: { or: [{ not: { whitelabel: true } }, { updatedAt: { isNull: false } }] }"),
        list("search: \"member 499\""),
        "{ teamMembers(first: 1) { totalCount } }".to_owned(),
    ];
    let never = [
        // A part of the team is sorted each time, texts are scanned, and members are counted.
        list("filter: { status: [ACTIVE] }, orderBy: { field: NAME }"),
        list("filter: { name: { contains: \"99\" } }"),
        "{ teamMembers(first: 1) { groups(by: [STATUS]) { count } } }".to_owned(),
        "{ roles { members(first: 1, orderBy: { field: NAME }) { nodes { id } } } }".to_owned(),
        "{ roles { members(first: 1, filter: { status: [ACTIVE] }) { nodes { id } } } }".to_owned(),
        // Nothing is left to look for, and much to be written.
        "{ teamMembers(first: 1000, orderBy: { field: NAME }) { nodes { id name status type version createdAt updatedAt } } }"
            .to_owned(),
        // So many tests that they take longer.
        list(&format!("filter: {{ or: [{}] }}", "{ status: [ACTIVE] } ".repeat(16))),
    ];
    // The team is read.
    engine.execute(request(&world, "{ teamMembers(first: 1) { nodes { id } } }")).await;
    let (first, last) = ready.split_at(ready.len() - 1);
    assert_eq!(answered_at_once(&world, &engine, first).await, vec![false; first.len()]);
    assert_eq!(answered_at_once(&world, &engine, last).await, [true]);
    for _ in 0..2 {
        for text in ready.iter().chain(&never) {
            assert_eq!(engine.execute(request(&world, text)).await.class, Class::Executed, "{text}");
        }
    }
    assert_eq!(answered_at_once(&world, &engine, &ready).await, vec![true; ready.len()]);
    assert_eq!(answered_at_once(&world, &engine, &never).await, vec![false; never.len()]);
}
