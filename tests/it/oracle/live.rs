//! Subscriptions against queries: the first event is the query's answer over the same snapshot, and changes that are replayed
//! over the first state are the team, whatever is selected.

use std::sync::Arc;

use std::collections::BTreeMap;
use std::time::Duration;

use flowmatix_graphql::graphql::{Class, LiveSubscription, Started};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::documents::{Case, Draw, TypeSystem};
use super::world::{World, numbers};
use super::{cases, request, run, without_extensions};

/// How many selections are tried over the same rosters.
const WORLD: u32 = 100;
/// Longer than the interval in which a team is read.
const LONG: Duration = Duration::from_secs(60);
/// Changes of a team, one after the other.
const CHANGES: usize = 8;

/// Subscribes to what a query asks for; the answer where that is refused.
async fn subscribe(world: &World, query: &Case) -> Result<LiveSubscription, (Class, String)> {
    let mut request = request(world, query);
    request.document.text = Some(query.document.replacen("query       ", "subscription", 1));
    match world.projection.start(request).await {
        Started::Live(live) => Ok(world.projection.listen(live, Arc::new(())).unwrap()),
        Started::Answer(answer) => Err((answer.class, String::from_utf8(answer.body.into_vec()).unwrap())),
    }
}

/// The next event; `None` where none comes.
async fn next(subscription: &mut LiveSubscription) -> Option<String> {
    let delivery = timeout(LONG, subscription.next()).await.ok()??;
    Some(String::from_utf8(delivery.payload.to_vec()).unwrap())
}

/// Tries random numbers over several worlds, and returns how often `check` said yes.
fn over_worlds(
    cases: u32,
    check: impl Fn(&Runtime, &World, &TypeSystem, &mut Draw) -> Result<bool, TestCaseError>,
) -> u32 {
    let mut count = 0;
    for seed in 0..cases.div_ceil(WORLD) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let world = runtime.block_on(async { World::new(seed.into()) });
        let types = runtime.block_on(TypeSystem::of(&world.engine, world.grants(true)));
        let config = Config { cases: WORLD, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
        let yes = std::cell::Cell::new(0);
        let tried = TestRunner::new(config).run(&prop::collection::vec(any::<u32>(), 0..400), |numbers| {
            let well = check(&runtime, &world, &types, &mut Draw::new(&numbers))?;
            yes.set(yes.get() + u32::from(well));
            Ok(())
        });
        match tried {
            Ok(()) => {}
            Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{reason}"),
        }
        count += yes.get();
    }
    count
}

/// A query as long as the subscription that is made of it, so that errors are in the same places.
fn query(case: Case) -> Case {
    Case { document: case.document.replacen("query", "query       ", 1), ..case }
}

async fn agree(world: &World, query: &Case) -> Result<bool, TestCaseError> {
    // It is read once, so that both see the same snapshot.
    run(&world.engine, world, query).await;
    let (class, answer) = run(&world.engine, world, query).await;
    match subscribe(world, query).await {
        Ok(mut subscription) => {
            let event = next(&mut subscription).await;
            prop_assert_eq!(
                event.as_deref().map(without_extensions),
                Some(without_extensions(&answer)),
                "{:#?}",
                query
            );
            Ok(true)
        }
        // What would fail a part of a query, whether or not it comes to that part, is refused at the start of a subscription.
        Err((refused, body)) => {
            let part = "an argument, or the condition of a selection, is refused";
            let same = class == refused && without_extensions(&body) == without_extensions(&answer);
            prop_assert!(same || body.contains(part), "{} {} {:#?}", body, answer, query);
            Ok(false)
        }
    }
}

#[test]
fn the_first_event_of_a_subscription_is_the_answer_of_the_query() {
    let cases = cases() / 5;
    let begun = over_worlds(cases, |runtime, world, types, draw| {
        runtime.block_on(agree(world, &query(types.team_case(draw, &world.pools))))
    });
    println!("{cases} selections, {begun} of them begun");
    assert!(begun > cases / 2, "{begun} of {cases}");
}

/// A member's selection, with its id and without what differs with every snapshot.
fn with_id(members: &str) -> String {
    let rest = members.strip_prefix('{').unwrap();
    format!("{{ key: id {rest}")
}

async fn replayed(world: &World, changes: &Case, whole: &Case, draw: &mut Draw<'_>) -> Result<bool, TestCaseError> {
    world.change_team(draw, 12);
    let Ok(mut subscription) = subscribe(world, changes).await else { return Ok(false) };
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut is_first = true;
    for _ in 0..CHANGES {
        let event = next(&mut subscription).await;
        prop_assert!(event.is_some() || !is_first, "{:#?}", changes);
        if let Some(event) = event {
            let event: Value = serde_json::from_str(&event).unwrap();
            let told = &event["data"]["teamChanges"];
            if told["reset"] == true {
                known.clear();
            }
            prop_assert!(!is_first || told["reset"] == true, "{event:#} {changes:#?}");
            for member in told["upserted"].as_array().unwrap() {
                known.insert(member["key"].as_str().unwrap().to_owned(), member.clone());
            }
            for id in told["removedIds"].as_array().unwrap() {
                prop_assert!(known.remove(id.as_str().unwrap()).is_some(), "{event:#} {changes:#?}");
            }
            is_first = false;
        }
        // The feed has read the team within its interval, so this is the same snapshot.
        let (_, answer) = run(&world.engine, world, whole).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let members = answer["data"]["team"]["members"]["nodes"].as_array().unwrap();
        let team: BTreeMap<String, Value> =
            members.iter().map(|member| (member["key"].as_str().unwrap().to_owned(), member.clone())).collect();
        prop_assert_eq!(&known, &team, "{:#?}", changes);
        for _ in 0..=draw.up_to(2) {
            world.change_team(draw, 12);
            // Now and then several snapshots come before an event is taken: then everything is told again.
            if draw.one_in(3) {
                tokio::time::sleep(LONG).await;
            }
        }
    }
    Ok(true)
}

#[test]
fn changes_replayed_over_the_first_state_are_the_team() {
    let cases = cases() / 10;
    let begun = over_worlds(cases, |runtime, world, types, draw| {
        let teams = numbers(draw.up_to(u32::MAX - 1).into());
        let of_changes =
            |members: &str| format!("{{ teamChanges {{ reset removedIds upserted {} }} }}", with_id(members));
        let of_team = |members: &str| format!("{{ team {{ members(first: 1000) {{ nodes {} }} }} }}", with_id(members));
        // The same numbers make the same selection.
        let mut same = draw.clone();
        let changes = query(types.member_case(draw, &world.pools, of_changes));
        let whole = types.member_case(&mut same, &world.pools, of_team);
        // These are others with every snapshot, whatever the members are.
        if ["generation", "fetchedAt"].iter().any(|field| changes.document.contains(field)) {
            return Ok(false);
        }
        runtime.block_on(replayed(world, &changes, &whole, &mut Draw::new(&teams)))
    });
    println!("{cases} selections, {begun} of them replayed");
    assert!(begun > cases / 4, "{begun} of {cases}");
}
