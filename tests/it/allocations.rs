//! What a request allocates: nothing for what it does not ask for.

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use flowmatix_graphql::config::{CacheTagsConfig, Size};
use flowmatix_graphql::graphql::{Class, Engine, Reference, Request, Settings, Variables};
use flowmatix_graphql::model::CacheTagKey;
use serde_json::{Value, json};

use crate::oracle::world::World;

const LIST: &str = "{ teamMembers(first: 20) { nodes { id name role { id } } } }";
const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { ... on TeamMember { id name } } }";

/// What a question allocates on the thread that asks it, once everything that is made once is made.
fn allocations(world: &World, engine: &Engine, (text, variables): (&str, &Value), trace: bool) -> (u64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let request = || Request {
        document: Reference { text: Some(text.to_owned()), ..Reference::default() },
        operation_name: None,
        variables: Variables::from_json(variables.clone()),
        max_age: None,
        show_cost: false,
        trace,
        audit: None,
        ticket: flowmatix_graphql::compute::Ticket::default(),
        queries_only: false,
        grants: world.grants(true),
    };
    let ask = || {
        let request = request();
        let measured = measure(|| {
            let answer = runtime.block_on(engine.execute(request));
            assert_eq!((answer.class, answer.has_errors), (Class::Executed, false));
        });
        let AllocationInfo { count_total, bytes_total, .. } = measured;
        (count_total, bytes_total)
    };
    // What caches do now and then is not the request's.
    (0..20).map(|_| ask()).skip(5).min().unwrap()
}

/// Nothing of an answer is used again, so that each is written.
fn written(settings: &mut Settings) {
    settings.graphql.response_cache_limit = Size::kib(0);
}

#[test]
fn a_trace_costs_nothing_where_none_is_asked_for() {
    let world = World::new(1);
    let none = json!({});
    let used_again: fn(&mut Settings) = |_| {};
    for (way, tune) in [("written", written as fn(&mut Settings)), ("used again", used_again)] {
        let with = World::tuned(30, |settings| {
            tune(settings);
            settings.federation.trace_nodes_limit = 10_000;
        });
        let without = World::tuned(30, |settings| {
            tune(settings);
            settings.federation.trace_nodes_limit = 0;
        });
        let asked_for = allocations(&world, &with, (LIST, &none), true);
        let (possible, impossible) =
            (allocations(&world, &with, (LIST, &none), false), allocations(&world, &without, (LIST, &none), false));
        println!("{way}: {possible:?} allocations and bytes, {asked_for:?} with a trace");
        assert_eq!(possible, impossible, "{way}");
        assert!(asked_for > possible, "{way}: {asked_for:?}, {possible:?}");
    }
}

#[test]
fn cache_tags_cost_a_few_allocations_however_many_entities_there_are() {
    let world = World::new(1);
    let plain = World::tuned(1000, written);
    let tags = CacheTagsConfig { extensions: true, ..CacheTagsConfig::default() };
    let key = Arc::new(CacheTagKey::new(b"a-key-of-cache-tags"));
    let tagged = World::tuned(1000, written).with_cache_tags(key, tags);
    let more = |count: usize| {
        let representation = |n| json!({ "__typename": "TeamMember", "id": format!("m{n:05}") });
        let variables = json!({ "r": (0..count).map(representation).collect::<Value>() });
        let question = (ENTITIES, &variables);
        let (with, without) =
            (allocations(&world, &tagged, question, false), allocations(&world, &plain, question, false));
        println!("{count} entities: {} allocations and {} bytes for tags", with.0 - without.0, with.1 - without.1);
        with.0 - without.0
    };
    let (few, many) = (more(10), more(500));
    assert!(many <= few + 20, "{few} and {many}");
}
