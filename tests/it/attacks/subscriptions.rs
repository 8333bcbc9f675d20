//! Subscriptions that differ in a name, so that nothing of them is shared: what is kept of them is bounded, whether anybody takes
//! it or not.

use serde_json::json;

use super::victim::{KNOWN, Victim};
use crate::support::{Socket, account};

const REFUSED: &str = "flowmatix_refused_requests_total{code=\"REQUEST_CONCURRENCY_LIMITED\"}";

/// So many sockets with so many subscriptions each, of which no event is taken; `text` makes a document for each number.
async fn silent(victim: &Victim, sockets: usize, each: usize, text: impl Fn(usize) -> String) -> Vec<Socket> {
    let address = victim.address().parse().unwrap();
    let mut open = Vec::new();
    for n in 0..sockets {
        let mut socket = Socket::ready(address, json!({ "authorization": format!("Bearer {KNOWN}") })).await;
        for m in 0..each {
            socket.subscribe(&m.to_string(), &text(n * each + m)).await;
        }
        open.push(socket);
    }
    victim.at_rest().await;
    victim.still_answers().await;
    open
}

#[tokio::test]
async fn what_changes_are_told_from_is_kept_once() {
    let victim = Victim::start(&[]);
    victim.warm(3).await;
    let text = |n: usize| format!("subscription {{ teamChanges({}) {{ a{n}: removedIds }} }}", account(3));
    let (open, usage) = victim.measured(silent(&victim, 10, 20, text)).await;
    println!("200 subscriptions to the changes of 10,000 members: {usage:?}");
    // The team again, as its poller has it, and 200 operations.
    assert!(usage.growth < 48 << 20, "{usage:?}");
    assert_eq!(victim.metric(REFUSED).await, 0.0);
    drop(open);
}

#[tokio::test]
async fn events_that_are_kept_take_no_more_than_their_callers_share() {
    let victim = Victim::start(&[("live.events_limit", "64MiB"), ("http.responses_limit", "64MiB")]);
    victim.warm(3).await;
    // About a megabyte each.
    let text = |n: usize| {
        let pictures: String = (0..10).map(|m| format!("b{m}: picture ")).collect();
        format!("subscription {{ team({}) {{ a{n}: members(first: 1000) {{ nodes {{ {pictures} }} }} }} }}", account(3))
    };
    let (open, usage) = victim.measured(silent(&victim, 8, 20, text)).await;
    println!("160 long events: {usage:?}");
    // A quarter of both limits, the team as its poller has it, and what is being written.
    assert!(usage.growth < 96 << 20, "{usage:?}");
    let ended = victim.metric("flowmatix_subscriptions_ended_total{reason=\"upstream\"}").await;
    assert!(victim.metric(REFUSED).await + ended > 0.0, "none was refused");
    drop(open);
}
