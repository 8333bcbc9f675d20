//! The cold path: a body of the upstream's becomes a roster. Beside it what a good JSON library takes for the same bytes.

use std::borrow::Cow;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use flowmatix_graphql::upstream::decode;
use flowmatix_graphql_benches::team;
use serde::Deserialize;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const MEMBERS: [usize; 3] = [1, 100, 10_000];

#[divan::bench(args = MEMBERS)]
fn roster(bencher: Bencher, members: usize) {
    let body = team::body(1, members);
    bencher.counter(BytesCount::of_str(&body)).bench(|| decode([black_box(body.as_bytes())]));
}

/// In pieces, as they come from a socket.
#[divan::bench(args = MEMBERS)]
fn roster_in_chunks(bencher: Bencher, members: usize) {
    let body = team::body(1, members);
    bencher.counter(BytesCount::of_str(&body)).bench(|| decode(black_box(body.as_bytes()).chunks(16 << 10)));
}

#[divan::bench(args = MEMBERS)]
fn serde_json_value(bencher: Bencher, members: usize) {
    let body = team::body(1, members);
    bencher
        .counter(BytesCount::of_str(&body))
        .bench(|| serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())));
}

#[divan::bench(args = MEMBERS)]
fn serde_json_typed(bencher: Bencher, members: usize) {
    let body = team::body(1, members);
    bencher
        .counter(BytesCount::of_str(&body))
        .bench(|| serde_json::from_slice::<Envelope<'_>>(black_box(body.as_bytes())));
}

/// The documented shapes, borrowed from the body, without any tolerance: as little as a typed reader can do.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Envelope<'a> {
    success: bool,
    #[serde(borrow)]
    data: Vec<Member<'a>>,
    code: u16,
}

#[derive(Deserialize)]
#[allow(dead_code)]
#[serde(rename_all = "camelCase")]
struct Member<'a> {
    #[serde(rename = "_id", borrow)]
    id: &'a str,
    whitelabel: bool,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    contact: Contact<'a>,
    #[serde(borrow)]
    picture: Cow<'a, str>,
    live_availability: &'a str,
    leads_visibility: &'a str,
    status: &'a str,
    #[serde(borrow)]
    description: Cow<'a, str>,
    #[serde(rename = "type")]
    user_type: &'a str,
    unread_messages: i32,
    #[serde(rename = "_role", borrow)]
    role: &'a str,
    #[serde(rename = "_parent", borrow)]
    parent: &'a str,
    created_at: &'a str,
    updated_at: &'a str,
    #[serde(rename = "__v")]
    version: i32,
    assigned_bots: Option<Vec<&'a str>>,
    assigned_ai_agents: Option<Vec<&'a str>>,
    #[serde(rename = "_department")]
    department: Option<Vec<&'a str>>,
    masked_attributes: Option<Vec<&'a str>>,
    chat_transfer_permission: Option<&'a str>,
    #[serde(rename = "_businessHours")]
    business_hours: Option<&'a str>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Contact<'a> {
    #[serde(rename = "_id", borrow)]
    id: &'a str,
    #[serde(borrow)]
    email: Cow<'a, str>,
    phone: Phone<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Phone<'a> {
    number: &'a str,
    prefix: &'a str,
}
