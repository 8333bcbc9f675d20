//! Cache tags against changes: when a change of a team makes another answer, a name of what has changed is among those of the
//! answer before. Whatever is selected, no cache keeps what is no longer true.

use std::collections::BTreeSet;

use flowmatix_graphql::graphql::Class;
use flowmatix_graphql::model::{AccountTags, TeamDifference};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use super::documents::{Case, Draw, TypeSystem};
use super::world::World;
use super::{cases, run};

/// How many operations are tried over the same rosters.
const WORLD: u32 = 100;

/// What was found of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It cannot be compared: there is an error in it, or it tells which snapshot it is of.
    Nothing,
    /// The change is none of it, and no name says so.
    Kept,
    /// A name says that the change may be one of it.
    Dropped,
}

/// The names that a change is posted under.
fn changed(tags: &AccountTags, difference: &TeamDifference) -> BTreeSet<String> {
    match difference {
        TeamDifference::None => BTreeSet::new(),
        TeamDifference::Many => panic!("more than it was limited to"),
        TeamDifference::Some { members, roles } => {
            let members = members.iter().map(|id| tags.member(id));
            let own = members.chain(roles.iter().map(|id| tags.role(id))).chain([tags.team]);
            own.map(|tag| tag.to_string()).collect()
        }
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Asks, changes a little of the team, and asks again.
async fn check(world: &World, case: &Case, draw: &mut Draw<'_>) -> Result<Vec<Found>, TestCaseError> {
    let ask = async || {
        let (class, body) = run(&world.cold_projection, world, case).await;
        (class, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (class, before) = ask().await;
    let [old, new] = world.change_a_little(draw);
    let (_, after) = ask().await;
    let tells = ["generation", "Generation"].iter().any(|word| case.document.contains(word));
    if class != Class::Executed || before.get("errors").is_some() || tells {
        return Ok(vec![Found::Nothing]);
    }
    let difference = TeamDifference::between(&old, &new, 100);
    let changed: BTreeSet<String> = World::tags().iter().flat_map(|tags| changed(tags, &difference)).collect();
    let judge = |before: &Value, after: &Value, tags: BTreeSet<String>| {
        let dropped = !tags.is_disjoint(&changed);
        prop_assert!(
            dropped || before == after,
            "{:#?}\nbefore: {}\nafter: {}\nchanged: {:?}",
            case,
            before,
            after,
            changed
        );
        Ok(if dropped { Found::Dropped } else { Found::Kept })
    };
    let extensions = &before["extensions"];
    // One field of entities, whose items stand for themselves; or anything else, which stands as a whole.
    match (extensions.get("apolloEntityCacheTags"), before["data"].get("entities")) {
        (Some(tags), Some(entities)) => {
            let (tags, entities) = (tags.as_array().unwrap(), entities.as_array().unwrap());
            prop_assert_eq!(tags.len(), entities.len());
            let each = tags.iter().zip(entities).enumerate();
            each.map(|(n, (tags, entity))| judge(entity, &after["data"]["entities"][n], names(tags))).collect()
        }
        (entities, _) => {
            let mut tags = names(&extensions["apolloCacheTags"]);
            tags.extend(entities.into_iter().flat_map(|lists| lists.as_array().unwrap()).flat_map(names));
            Ok(vec![judge(&before["data"], &after["data"], tags)?])
        }
    }
}

/// A random operation, or a random selection of entities.
fn case(types: &TypeSystem, world: &World, draw: &mut Draw<'_>) -> Case {
    if draw.one_in(2) {
        return types.case(draw, &world.pools);
    }
    let of = if draw.one_in(2) { "Role" } else { "TeamMember" };
    let mut case = types.selection_case((of, 3), draw, &world.pools, |selection| {
        format!("{{ entities: _entities(representations: $taken) {{ __typename ... on {of} {selection} }} }}")
    });
    // Beside the variables that the selection has.
    case.document = match case.document.strip_prefix("query Q(") {
        Some(rest) => format!("query Q($taken: [_Any!]!, {rest}"),
        None => case.document.replacen("query Q", "query Q($taken: [_Any!]!)", 1),
    };
    let representation = |id: &String| json!({ "__typename": of, "id": id });
    case.variables.insert("taken".to_owned(), world.pools.ids.iter().map(representation).collect());
    case
}

#[test]
fn no_answer_that_a_change_makes_untrue_lacks_a_name_of_the_change() {
    let (cases, mut found) = (cases() / 3, Vec::new());
    for seed in 0..cases.div_ceil(WORLD) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let world = runtime.block_on(async { World::new(seed.into()) });
        let types = runtime.block_on(TypeSystem::of(&world.engine, world.grants(true)));
        let config = Config { cases: WORLD, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
        let seen = std::cell::RefCell::new(Vec::new());
        let tried = TestRunner::new(config).run(&prop::collection::vec(any::<u32>(), 0..400), |numbers| {
            let mut draw = Draw::new(&numbers);
            let case = case(&types, &world, &mut draw);
            let more = runtime.block_on(check(&world, &case, &mut draw))?;
            seen.borrow_mut().extend(more);
            Ok(())
        });
        match tried {
            Ok(()) => found.extend(seen.into_inner()),
            Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{reason}"),
        }
    }
    let count = |wanted| found.iter().filter(|found| **found == wanted).count();
    let (kept, dropped) = (count(Found::Kept), count(Found::Dropped));
    println!(
        "{cases} changes: {dropped} answers or entities dropped, {kept} kept, {} not compared",
        count(Found::Nothing)
    );
    // Neither is everything dropped, nor nothing.
    assert!(kept > found.len() / 20 && dropped > found.len() / 20, "{kept} kept, {dropped} dropped");
}
