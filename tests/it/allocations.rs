//! What a request allocates: nothing for what it does not ask for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use flowmatix_graphql::app::App;
use flowmatix_graphql::config::{CacheTagsConfig, Size};
use flowmatix_graphql::graphql::{Class, Engine, Reference, Request, Settings, Variables};
use flowmatix_graphql::model::{CacheTagKey, Clock, UpstreamError};
use flowmatix_graphql::upstream::{FetchedRoster, Load, Upstream, decode};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::oracle::world::World;
use crate::support::settings;

const LIST: &str = "{ teamMembers(first: 20) { nodes { id name role { id } } } }";
const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { ... on TeamMember { id name } } }";

/// The most allocations of a warm answer, from the bytes of its request to those of its answer.
const WARM: f64 = 42.0;

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

/// A team of a hundred in memory.
struct Hundred;

impl Upstream for Hundred {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        load.observer.called();
        let row = |n: usize| json!({ "_id": format!("m{n:05}"), "name": format!("Member {n}"), "unreadMessages": n });
        let body = json!({ "data": (0..100).map(row).collect::<Value>() }).to_string();
        let began = tokio::time::Instant::now();
        let roster = decode([body.as_bytes()]).unwrap();
        async move { Ok(FetchedRoster { roster, began }) }.boxed()
    }
}

/// Sends requests one after the other, each when the last is answered. None has the same variables as another.
fn ask(address: SocketAddr, times: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut read = vec![0; 1 << 20];
    for n in 0..times {
        let query = "query Q($account: AccountInput!, $least: Int!) { teamMembers(account: $account, first: 100, \
                     filter: { unreadMessages: { gte: $least } }) { nodes { id name picture status unreadMessages } } }";
        let account = json!({ "email": "a@example.com", "type": "CUSTOMER" });
        let body = json!({ "query": query, "variables": { "account": account, "least": -(n as i64) } }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let mut count = 0;
        while !read[..count].ends_with(b"}}}") {
            count += stream.read(&mut read[count..]).unwrap();
        }
        assert!(read.starts_with(b"HTTP/1.1 200 OK") && count > 5000, "{}", String::from_utf8_lossy(&read[..count]));
    }
}

#[test]
fn a_warm_answer_over_a_socket_takes_few_allocations() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = settings("http://127.0.0.1:1", &[("roster.fresh_for", "1h"), ("roster.stale_for", "2h")]);
    let token = Some(SecretString::from("a-token"));
    let start = async { App::start_over(&config, token, Arc::new(Hundred), Clock::start(), Arc::default()) };
    let app = runtime.block_on(start).unwrap();
    let address = app.address();
    // The client is a thread of its own, whose allocations are its own.
    let allocations = |times: usize| {
        let (done, asked) = tokio::sync::oneshot::channel();
        let client = std::thread::spawn(move || {
            ask(address, times);
            let _ = done.send(());
        });
        let count = measure(|| runtime.block_on(asked).unwrap()).count_total;
        client.join().unwrap();
        count
    };
    allocations(50);
    // What a connection takes is in both.
    let (few, many) = (allocations(20), allocations(220));
    let each = (many - few) as f64 / 200.0;
    println!("{each:.1} allocations for a warm answer");
    assert!(each <= WARM, "{each}");
}
