//! The oracle: any valid operation over any rosters is answered by projection and by the engine with the same bytes, errors
//! and their order included.
//!
//! `ORACLE_CASES` says how many operations are tried; `make oracle` tries 100,000.

mod documents;
mod live;
mod tags;
pub mod world;

use flowmatix_graphql::graphql::{Class, Engine, Reference, Request, Variables};
use flowmatix_graphql::model::ScalarField;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use serde_json::Value;

use crate::support::trace::Trace;
use documents::{Case, Draw, TypeSystem};
use world::World;

/// How many operations are tried over the same rosters.
const WORLD: u32 = 250;

fn cases() -> u32 {
    std::env::var("ORACLE_CASES").map_or(3000, |cases| cases.parse().unwrap())
}

fn request(world: &World, case: &Case) -> Request {
    Request {
        document: Reference { text: Some(case.document.clone()), ..Reference::default() },
        operation_name: case.operation_name.clone(),
        variables: Variables::from_json(case.variables.clone().into()),
        max_age: None,
        show_cost: true,
        trace: false,
        ticket: flowmatix_graphql::compute::Ticket::default(),
        queries_only: false,
        audit: None,
        grants: world.grants(case.contact),
    }
}

async fn run(engine: &Engine, world: &World, case: &Case) -> (Class, String) {
    run_traced(engine, world, case, false).await
}

async fn run_traced(engine: &Engine, world: &World, case: &Case, trace: bool) -> (Class, String) {
    let answer = engine.execute(Request { trace, ..request(world, case) }).await;
    (answer.class, String::from_utf8(answer.body.into_vec()).unwrap())
}

/// An answer without what it says of the way to it.
fn result(answer: &(Class, String)) -> &str {
    without_extensions(&answer.1)
}

fn without_extensions(body: &str) -> &str {
    body.rsplit_once(",\"extensions\":{").map_or(body, |(result, _)| result)
}

async fn agree(world: &World, case: &Case) -> Result<(), TestCaseError> {
    let first = run(&world.projection, world, case).await;
    let projected = run(&world.projection, world, case).await;
    // Without errors in it, it is reused now.
    let again = run(&world.projection, world, case).await;
    let executed = run(&world.engine, world, case).await;
    prop_assert_eq!(&projected, &executed, "{:#?}", case);
    prop_assert_eq!(&again, &executed, "asked again: {:#?}", case);
    prop_assert_eq!(result(&first), result(&executed), "asked first: {:#?}", case);
    // The same with a trace, which is the same from both, and has a node for each field and item of the answer.
    let projected = run_traced(&world.projection, world, case, true).await;
    let engine = run_traced(&world.engine, world, case, true).await;
    prop_assert_eq!(result(&projected), result(&engine), "traced: {:#?}", case);
    let (projected, engine): (Value, Value) =
        (serde_json::from_str(&projected.1).unwrap(), serde_json::from_str(&engine.1).unwrap());
    let (trace, of_engine) = (Trace::of(&projected), Trace::of(&engine));
    prop_assert_eq!(&trace, &of_engine, "traced: {:#?}", case);
    prop_assert!(trace.is_some() || projected["data"].is_null(), "{:#?}", case);
    if let Some(trace) = trace {
        let errors = projected["errors"].as_array().map_or(0, Vec::len);
        prop_assert_eq!(trace.errors(), errors, "{:#?}", case);
        prop_assert!(trace.is_incomplete || trace.root.as_ref().unwrap().is_of(&projected["data"]), "{:#?}", case);
    }
    if case.cold {
        let projected = run(&world.cold_projection, world, case).await;
        let executed = run(&world.cold_engine, world, case).await;
        prop_assert_eq!(&projected, &executed, "nothing stored: {:#?}", case);
        // Only what is stored has the same generation again.
        if !case.document.contains("generation") {
            prop_assert_eq!(result(&first), result(&executed), "nothing stored: {:#?}", case);
        }
    }
    Ok(())
}

/// Tries so many operations over one world, and returns how many were projected, executed, and had errors.
fn try_world(cases: u32, seed: u64) -> [u32; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (world, types) = runtime.block_on(async {
        let world = World::new(seed);
        let types = TypeSystem::of(&world.engine, world.grants(true)).await;
        (world, types)
    });
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let numbers = prop::collection::vec(any::<u32>(), 0..400);
    let tried = TestRunner::new(config).run(&numbers, |numbers| {
        let case = types.case(&mut Draw::new(&numbers), &world.pools);
        runtime.block_on(agree(&world, &case))
    });
    // The numbers say nothing to a reader; the case is in the reason.
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{reason}"),
    }
    ["projection", "engine"].map(|path| world.executions(path))
}

#[test]
fn both_paths_agree_to_the_byte() {
    let worlds = cases().div_ceil(WORLD);
    // Beside other tests one thread is enough.
    let threads = if cases() > 10_000 { 2 } else { 1 };
    let counts: Vec<_> = std::thread::scope(|scope| {
        let share =
            |part: u32| move || (part..worlds).step_by(threads).map(|n| try_world(WORLD, n.into())).collect::<Vec<_>>();
        let running: Vec<_> = (0..).take(threads).map(|part| scope.spawn(share(part))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let sum = |n: usize| counts.iter().map(|counts| counts[n]).sum::<u32>();
    let (projected, executed) = (sum(0), sum(1));
    println!("{} operations: {projected} projected, {executed} executed by the engine instead", cases());
    assert!(projected > executed * 4, "{projected} projected, {executed} not");
}

#[tokio::test(start_paused = true)]
async fn every_field_of_the_schema_is_projected() {
    let world = World::new(1);
    let types = TypeSystem::of(&world.engine, world.grants(true)).await;
    let fields = types.every_field(&world.pools);
    assert!(fields.len() > 50, "{}", fields.len());
    for (name, case) in fields {
        let before = world.executions("projection");
        let projected = run(&world.projection, &world, &case).await;
        let executed = run(&world.engine, &world, &case).await;
        assert_eq!(result(&projected), result(&executed), "{case:#?}");
        assert_eq!(projected.0, Class::Executed, "{case:#?} {}", projected.1);
        // The engine's own: they tell of the schema, not of a team.
        let plain = !matches!(name.as_str(), "Query._service" | "_Service.sdl");
        assert_eq!(world.executions("projection") - before, u32::from(plain), "{name}");
    }
}

/// What an operation is estimated to cost, over a team whose rows are the default account's.
async fn cost(world: &World, engine: &Engine, case: &Case) -> u64 {
    let (class, body) = run(engine, world, case).await;
    assert_eq!(class, Class::Executed, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    body["extensions"]["cost"]["estimated"].as_u64().unwrap()
}

/// A list that nobody has given a cost counts as many rows over an empty team as over any other.
#[tokio::test(start_paused = true)]
async fn every_list_of_the_schema_costs_as_many_rows_as_the_team_has_of_it() {
    let world = World::new(1);
    let types = TypeSystem::of(&world.engine, world.grants(true)).await;
    let lists = types.every_list(&world.pools);
    assert!(lists.len() > 8, "{}", lists.len());
    let member = |n: u32| {
        let ids = ["a", "b", "c"];
        let mut row = serde_json::json!({
            "_id": format!("m{n}"), "_role": format!("r{n}"), "status": "ODD", "type": "ODD",
        });
        for field in ScalarField::ALL.iter().filter(|field| field.is_list()) {
            row[field.key()] = serde_json::json!(ids);
        }
        row
    };
    let rows: Vec<_> = (0..4).map(member).chain([serde_json::json!({}), serde_json::json!([])]).collect();
    let (rich, bare) = (World::with_rows(&rows), World::with_rows(&[]));
    for (name, list, other) in lists {
        let (with, without) = (cost(&world, &rich, &list).await, cost(&world, &rich, &other).await);
        assert!(with > without, "{name}: {with} cells, and {without} without it");
        // Representations are rows whatever the team is.
        if !name.ends_with("_entities") {
            assert_eq!(cost(&world, &bare, &list).await, cost(&world, &bare, &other).await, "{name}");
        }
    }
}
