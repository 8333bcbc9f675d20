//! Bodies that never end, and requests that are abandoned half-way: they do not exclude other callers, and their work stops.

use std::time::Duration;

use axum::http::Request;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::victim::{KNOWN, NEIGHBOUR, UNKNOWN, Victim, query};
use crate::support::account;

fn head(token: &str, length: usize) -> String {
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Sends all of a body but its last byte, as far as the service takes it.
async fn unfinished(victim: &Victim, token: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(victim.address()).await.unwrap();
    stream.write_all(head(token, length).as_bytes()).await.unwrap();
    // Past its share it is refused before all is there.
    let _ = stream.write_all(&vec![b' '; length - 1]).await;
    stream
}

#[tokio::test]
async fn bodies_that_are_never_finished_keep_nobody_out() {
    let victim = Victim::start(&[]);
    victim.warm(0).await;
    let (open, usage) = victim
        .measured(async {
            let mut open = Vec::new();
            for n in 0..64 {
                let token = if n % 2 == 0 { UNKNOWN } else { "another-one-that-was-made-up" };
                open.push(unfinished(&victim, token, 1 << 20).await);
            }
            for _ in 0..23 {
                victim.still_answers().await;
            }
            // A large one, too: half of the room is not theirs.
            let large = json!({ "query": "{ __typename }", "more": "x".repeat(900_000) }).to_string();
            let (status, answer) = victim.ask(NEIGHBOUR, large).await;
            assert_eq!(status, 200, "{answer}");
            open
        })
        .await;
    // One address may take 32 MiB of bodies, each in at most four times its size while it is read.
    assert!(usage.growth < 128 << 20, "{usage:?}");
    drop(open);
}

#[tokio::test]
async fn small_bodies_do_not_wait_for_large_ones() {
    // The room of one address is spent, by somebody else behind it.
    let victim = Victim::start(&[("http.bodies_limit", "4MiB")]);
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(unfinished(&victim, UNKNOWN, 1 << 20).await);
    }
    let small = query("{ __typename }", json!({}));
    for _ in 0..10 {
        let (status, answer) = victim.ask("a-token-that-nobody-knows-either", small.clone()).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// The most work that is accepted for one request, or near it.
fn long_work() -> String {
    // No two of them alike: what is equal is worked out once.
    let field = |n: usize| {
        let keys = "orderBy: [{ field: NAME }, { field: CREATED_AT }]";
        format!(
            "a{n}: teamMembers({}, first: 1, search: \"a\", filter: {{ unreadMessages: {{ gt: -{n} }} }}, {keys}) {{ totalCount }} ",
            account(3)
        )
    };
    query(&format!("{{ {} }}", (1..40).map(field).collect::<String>()), json!({}))
}

#[tokio::test]
async fn a_request_that_is_abandoned_is_not_worked_on() {
    let victim = Victim::start(&[("graphql.cost_limit", "100000000"), ("graphql.response_cache_limit", "0B")]);
    victim.warm(3).await;
    let body = long_work();
    let before = victim.at_rest().await;
    let (status, answer) = victim.ask(KNOWN, body.clone()).await;
    assert_eq!(status, 200, "{answer:.300}");
    let whole = victim.at_rest().await - before;

    let before = victim.at_rest().await;
    let count = 20;
    for _ in 0..count {
        let mut stream = TcpStream::connect(victim.address()).await.unwrap();
        stream.write_all(format!("{}{body}", head(KNOWN, body.len())).as_bytes()).await.unwrap();
        // It has been read, and is under way or waits, when the head of another request is answered.
        victim.still_answers().await;
        drop(stream);
    }
    let spent = victim.at_rest().await - before;
    println!("one whole: {whole:?}; {count} abandoned: {spent:?}");
    assert!(spent < whole * count / 2, "{count} abandoned requests cost {spent:?}, and one whole {whole:?}");
    victim.still_answers().await;
}

/// The permit of a request that is abandoned is free when its work has ended, and not before its client has seen the end.
#[tokio::test]
async fn places_are_free_again_after_requests_that_were_abandoned() {
    let victim = Victim::start(&[
        ("http.concurrency", "2"),
        ("http.caller_concurrency", "2"),
        ("graphql.cost_limit", "100000000"),
    ]);
    victim.warm(3).await;
    let body = long_work();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(victim.address()).await.unwrap();
        stream.write_all(format!("{}{body}", head(KNOWN, body.len())).as_bytes()).await.unwrap();
        drop(stream);
    }
    let small = query("{ teamMembers(first: 1) { totalCount } }", json!({}));
    for attempt in 0.. {
        if victim.ask(NEIGHBOUR, small.clone()).await.0 == 200 {
            break;
        }
        assert!(attempt < 2000, "the places were never free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// SIGTERM ends the process within its grace period, whatever is computed.
#[tokio::test]
async fn stopping_does_not_wait_for_what_is_computed() {
    let victim = Victim::start(&[
        ("http.grace_period", "1s"),
        ("graphql.cost_limit", "100000000"),
        ("graphql.response_cache_limit", "0B"),
    ]);
    victim.warm(3).await;
    let body = long_work();
    let mut open = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(victim.address()).await.unwrap();
        stream.write_all(format!("{}{body}", head(KNOWN, body.len())).as_bytes()).await.unwrap();
        open.push(stream);
    }
    victim.still_answers().await;
    // Whether it went well depends on whether any of them was cut off.
    let (_, took) = victim.stop().await;
    // However much is left of the work; a minute is for machines that do a lot besides.
    assert!(took < Duration::from_secs(60), "it took {took:?}");
    for mut stream in open {
        let _ = stream.read(&mut [0; 16]).await;
    }
}

/// Over HTTP/2 a head is many times as long as what was sent of it. It is counted as long as its body is waited for.
#[tokio::test]
async fn heads_whose_bodies_do_not_come_take_no_more_than_their_callers_share() {
    let victim = Victim::start(&[("http.bodies_limit", "8MiB")]);
    victim.warm(0).await;
    victim.still_answers().await;
    let (open, usage) = victim
        .measured(async {
            let mut open = Vec::new();
            for _ in 0..30 {
                let stream = TcpStream::connect(victim.address()).await.unwrap();
                let (client, connection) = h2::client::handshake(stream).await.unwrap();
                tokio::spawn(connection);
                let mut client = client.ready().await.unwrap();
                for _ in 0..100 {
                    client = client.ready().await.unwrap();
                    let mut request =
                        Request::post("http://localhost/graphql").header("content-type", "application/json");
                    for _ in 0..4 {
                        request = request.header("x-a", "v".repeat(3_500));
                    }
                    let request = request.header("authorization", format!("Bearer {KNOWN}")).body(()).unwrap();
                    open.push(client.send_request(request, false).unwrap());
                }
            }
            victim.at_rest().await;
            victim.still_answers().await;
            open
        })
        .await;
    println!("3,000 heads: {usage:?}");
    assert!(usage.growth < 48 << 20, "{usage:?}");
    drop(open);
}
