//! No runtime worker is held: a heartbeat task on the service's only worker has about the same gaps under attack as at rest.
//!
//! The gaps are measured in the worker's processor time, so that other processes on the machine do not count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flowmatix_graphql::app::App;
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo};
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Runtime;

use super::mentions;
use super::variables::{Flood, floods};
use super::victim::{aliased, query};
use crate::support::{account, demo_settings, settings};

/// The service on a runtime of one worker, with a heartbeat.
struct Patient {
    runtime: Runtime,
    worst: Arc<AtomicU64>,
    app: App,
    _demo: Demo,
}

/// The processor time of the calling thread, in nanoseconds.
fn thread_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

impl Patient {
    /// The sample runs on `demos`, so that its own work is not the service's.
    fn start(demos: &Runtime, pairs: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let demo = demos.block_on(async { Demo::start(&demo_settings()).unwrap() });
        let config = settings(&demo.url(), pairs);
        let start = async move { App::start(&config, Some(SecretString::from(AGENCY_TOKEN))).await.unwrap() };
        let app = runtime.block_on(async { tokio::spawn(start).await.unwrap() });
        let worst = Arc::new(AtomicU64::new(0));
        let beats = worst.clone();
        runtime.spawn(async move {
            let mut before = thread_cpu();
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let now = thread_cpu();
                beats.fetch_max(now - before, Ordering::Relaxed);
                before = now;
            }
        });
        Self { runtime, worst, app, _demo: demo }
    }

    /// The worst gap since the last time.
    fn gap(&self) -> Duration {
        Duration::from_nanos(self.worst.swap(0, Ordering::Relaxed))
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        let runtime =
            std::mem::replace(&mut self.runtime, tokio::runtime::Builder::new_current_thread().build().unwrap());
        runtime.shutdown_background();
    }
}

/// What is accepted, and long: over a team of thousands, by projection and by the engine.
fn long_requests() -> Vec<(&'static str, String)> {
    let large = account(3);
    let page = "nodes { id name status contact { email } role { id } }";
    let several = "query A($s: String) { teamMembers(ACCOUNT, search: $s) { totalCount } } query B($x: Boolean!) { __typename @skip(if: $x) }";
    let two = json!({ "query": several.replace("ACCOUNT", &large), "operationName": "A", "variables": { "s": "x".repeat(200) } });
    let again = format!(
        "{{ teamMembers({large}, first: 100, filter: {{ status: [ACTIVE], unreadMessages: {{ gte: 1 }} }}) {{ {page} }} }}"
    );
    let beside = format!("{{ __schema {{ queryType {{ name }} }} teamMembers({large}, first: 100) {{ {page} }} }}");
    vec![
        ("a long page", query(&format!("{{ teamMembers({large}, first: 1000) {{ {page} }} }}"), json!({}))),
        (
            "a sorted page",
            query(
                &format!("{{ teamMembers({large}, first: 1000, orderBy: [{{ field: NAME }}]) {{ {page} }} }}"),
                json!({}),
            ),
        ),
        ("a search", query(&format!("{{ teamMembers({large}, search: \"zz\") {{ totalCount }} }}"), json!({}))),
        ("several operations", two.to_string()),
        (
            "all roles",
            query(&format!("{{ roles({large}) {{ id memberCount members(first: 50) {{ {page} }} }} }}"), json!({})),
        ),
        (
            "many aliases",
            query(&format!("{{ {} }}", aliased("teamMembers(first: 12) { nodes { id name } }")), json!({})),
        ),
        // What is worked out of a team by who is the first to need it.
        (
            "the first order by time",
            query(
                &format!("{{ teamMembers({large}, first: 1, orderBy: [{{ field: CREATED_AT }}]) {{ totalCount }} }}"),
                json!({}),
            ),
        ),
        (
            "a condition on each role's members",
            query(
                &format!(
                    "{{ roles({large}) {{ members(first: 1, filter: {{ email: {{ contains: \"e\" }} }}) {{ totalCount }} }} }}"
                ),
                json!({}),
            ),
        ),
        (
            "many lists of a large team",
            query(
                &format!(
                    "{{ {} }}",
                    (0..60)
                        .map(|n| format!("a{n}: teamMembers({large}, first: {n}) {{ totalCount }} "))
                        .collect::<String>()
                ),
                json!({}),
            ),
        ),
        (
            "200 ids",
            query(
                "query($ids: [ID!]) { teamMembers(first: 1, filter: { id: { in: $ids } }) { totalCount } }",
                json!({ "ids": (0..200).map(|n| format!("{n:024x}")).collect::<Vec<_>>() }),
            ),
        ),
        // From the third time on, the worker itself looks through its ranks.
        ("a condition", query(&again, json!({}))),
        ("a condition, again", query(&again, json!({}))),
        ("a condition, once more", query(&again, json!({}))),
        ("data beside the schema", query(&beside, json!({}))),
        (
            "introspection",
            query(
                "{ __schema { types { name fields { name args { name type { name } } type { name kind } } } } }",
                json!({}),
            ),
        ),
    ]
}

/// A beat may be late by what a few ordinary polls take. Unoptimised, those are milliseconds; what these attacks would take on
/// a worker is hundreds.
fn allowed(ordinary: Duration) -> Duration {
    ordinary * 6 + Duration::from_millis(40)
}

fn attack(name: &str, pairs: &[(&str, &str)]) {
    let clients = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let patient = Patient::start(&clients, pairs);
    let url = format!("http://{}/graphql", patient.app.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |body: String| {
        let request = client.post(&url).header("content-type", "application/json").body(body);
        clients.block_on(async { request.send().await.unwrap().bytes().await.unwrap() })
    };
    let cheap = || ask(query("{ teamMembers(first: 12) { nodes { id name } } }", json!({})));
    ask(query(&format!("{{ teamMembers({}, first: 1) {{ totalCount }} }}", account(3)), json!({})));
    patient.gap();
    for _ in 0..50 {
        cheap();
    }
    let ordinary = patient.gap();
    let floods = floods().into_iter().map(|Flood { name, body }| (name, body));
    let mentions = mentions::requests().into_iter().map(|(name, body, _)| (name, body));
    for (attack, body) in long_requests().into_iter().chain(floods).chain(mentions) {
        let bytes = body.len();
        ask(body);
        let gap = patient.gap();
        println!("{name}: {attack}, {bytes} bytes: {gap:?}, ordinary {ordinary:?}");
        assert!(gap < allowed(ordinary), "{name}: {attack} held the worker for {gap:?}, where {ordinary:?} is usual");
        cheap();
    }
}

#[test]
fn no_worker_is_held_by_projection() {
    attack("projection", &crate::support::PATIENT);
}

#[test]
fn no_worker_is_held_by_the_engine() {
    attack("engine", &[&crate::support::PATIENT[..], &[("graphql.projection", "false")]].concat());
}

/// The first question about a team of thousands, whose list has to be read.
#[test]
fn no_worker_is_held_by_reading_a_long_list() {
    let clients = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let patient = Patient::start(&clients, &crate::support::PATIENT);
    let url = format!("http://{}/graphql", patient.app.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |body: String| {
        let request = client.post(&url).header("content-type", "application/json").body(body);
        clients.block_on(async { request.send().await.unwrap().bytes().await.unwrap() })
    };
    for _ in 0..50 {
        ask(query("{ teamMembers(first: 12) { nodes { id name } } }", json!({})));
    }
    let ordinary = patient.gap();
    ask(query(&format!("{{ teamMembers({}, first: 1) {{ totalCount }} }}", account(3)), json!({})));
    let gap = patient.gap();
    println!("reading 10,000 rows: {gap:?}, ordinary {ordinary:?}");
    assert!(gap < allowed(ordinary), "reading a long list held the worker for {gap:?}, where {ordinary:?} is usual");
}
