//! Answers that the client does not read: they are bounded over HTTP/1.1 and HTTP/2, and refused past the bound with a code.

use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::victim::{KNOWN, UNKNOWN, Victim, codes, query};
use crate::support::account;

/// What all answers may take.
const ALL: u64 = 64 << 20;
/// Buffers, streams, threads, and the answers that are being made or were dropped for want of room.
const BESIDES: u64 = 96 << 20;

const SETTINGS: [(&str, &str); 4] = [
    ("http.responses_limit", "64MiB"),
    ("graphql.page_max", "10000"),
    ("graphql.cost_limit", "10000000"),
    ("http.send_timeout", "60s"),
];

/// Asks for about three megabytes.
fn long() -> String {
    let members = "id name picture description createdAt updatedAt assignedBotIds contact { email phone { e164 } }";
    query(&format!("{{ teamMembers({}, first: 10000) {{ nodes {{ {members} }} }} }}", account(3)), json!({}))
}

fn request(token: &str) -> Request<()> {
    let request = Request::post("http://localhost/graphql").header("content-type", "application/json");
    request.header("authorization", format!("Bearer {token}")).body(()).unwrap()
}

/// An HTTP/2 connection whose client lets nothing in.
async fn deaf(address: String) -> h2::client::SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::Builder::new().initial_window_size(0).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}

#[tokio::test]
async fn streams_whose_answers_are_not_taken_hold_no_more_than_their_share() {
    let victim = Victim::start(&SETTINGS);
    victim.warm(3).await;
    let body = Bytes::from(long());
    let (open, usage) = victim
        .measured(async {
            let mut open = Vec::new();
            for _ in 0..2 {
                let mut client = deaf(victim.address()).await;
                for _ in 0..50 {
                    client = client.ready().await.unwrap();
                    let (response, mut sending) = client.send_request(request(KNOWN), false).unwrap();
                    sending.send_data(body.clone(), true).unwrap();
                    open.push((response, client.clone()));
                }
            }
            // The same caller is refused on another connection, before anything is read or executed for it. What it has under
            // way gives way to all else, so that it takes its time on a busy machine.
            for attempt in 0.. {
                let (status, answer) = victim.ask(KNOWN, query("{ __typename }", json!({}))).await;
                if (status, codes(&answer)) == (503, vec!["REQUEST_CONCURRENCY_LIMITED"]) {
                    break;
                }
                assert!(attempt < 1200, "it is never refused: {answer}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            victim.at_rest().await;
            // The others notice nothing.
            victim.still_answers().await;
            open
        })
        .await;
    println!("100 streams: {usage:?}");
    assert!(usage.growth < ALL + BESIDES, "{usage:?}");
    drop(open);
    for attempt in 0.. {
        if victim.ask(KNOWN, query("{ __typename }", json!({}))).await.0 == 200 {
            break;
        }
        assert!(attempt < 2000, "what was held is never given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_connection_with_answers_waiting_gets_no_further_streams_executed() {
    let victim = Victim::start(&SETTINGS);
    victim.warm(3).await;
    let executed = async || victim.metric("flowmatix_requests_total{operation=\"query\",outcome=\"ok\"").await;
    let mut client = deaf(victim.address()).await;
    let (_first, mut sending) = client.send_request(request(KNOWN), false).unwrap();
    sending.send_data(Bytes::from(long()), true).unwrap();
    let before = executed().await;
    while executed().await < before + 1.0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut open = Vec::new();
    for _ in 0..20 {
        client = client.ready().await.unwrap();
        let (response, mut sending) = client.send_request(request(KNOWN), false).unwrap();
        sending.send_data(Bytes::from(query("{ __typename }", json!({}))), true).unwrap();
        open.push(response);
    }
    victim.at_rest().await;
    assert_eq!(executed().await, before + 1.0, "streams were executed");
}

#[tokio::test]
async fn sockets_that_are_not_read_hold_no_more_than_their_callers_share() {
    let victim = Victim::start(&SETTINGS);
    victim.warm(3).await;
    let body = long();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KNOWN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (mut open, usage) = victim
        .measured(async {
            let mut open = Vec::new();
            for _ in 0..60 {
                let mut stream = TcpStream::connect(victim.address()).await.unwrap();
                stream.write_all(format!("{head}{body}").repeat(3).as_bytes()).await.unwrap();
                open.push(stream);
            }
            victim.at_rest().await;
            victim.still_answers().await;
            open
        })
        .await;
    println!("60 sockets: {usage:?}");
    assert!(usage.growth < ALL + BESIDES, "{usage:?}");
    // Each got an answer, or the refusal of one, and the service goes on.
    for stream in &mut open {
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert!(start.ends_with(b"200") || start.ends_with(b"503"), "{start:?}");
    }
    victim.still_answers().await;
}

/// Documents that are long enough to be worked on beside the workers: their answers are counted where they are written, not when
/// their turn comes to be sent.
#[tokio::test]
async fn many_answers_that_are_written_at_once_take_no_more_than_their_callers_share() {
    let victim = Victim::start(&SETTINGS);
    victim.warm(3).await;
    // Turns are taken where there is another caller.
    victim.still_answers().await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(TcpStream::connect(victim.address()).await.unwrap());
    }
    let (_, usage) = victim
        .measured(async {
            for (n, stream) in open.iter_mut().enumerate() {
                let list = |m: usize| {
                    let members = "nodes { id name picture description createdAt updatedAt }";
                    format!("a{n}x{m}: teamMembers({}, first: 1000) {{ {members} }} ", account(3))
                };
                let body = query(&format!("{{ {} }}", (0..16).map(list).collect::<String>()), json!({}));
                let head = format!(
                    "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KNOWN}\r\n\
                     content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
            victim.at_rest().await;
            victim.still_answers().await;
        })
        .await;
    println!("100 at once: {usage:?}");
    assert!(usage.growth < ALL, "{usage:?}");
}

/// Figures are written anew for each request, and their clients may leave them lying as well.
#[tokio::test]
async fn figures_of_the_admin_port_that_are_not_taken_hold_no_more_than_their_share() {
    let victim = Victim::start(&[]);
    let (mut open, usage) = victim
        .measured(async {
            let mut open = Vec::new();
            for n in 0..40 {
                let client = deaf(victim.admin_address()).await;
                let path = if n % 2 == 0 { "/metrics" } else { "/status.json" };
                for _ in 0..100 {
                    let mut client = client.clone().ready().await.unwrap();
                    let request = Request::get(format!("http://localhost{path}")).body(()).unwrap();
                    open.push(client.send_request(request, true).unwrap().0);
                }
            }
            victim.at_rest().await;
            open
        })
        .await;
    println!("4,000 figures: {usage:?}");
    assert!(usage.growth < 24 << 20, "{usage:?}");
    let mut refused = 0;
    for response in open.split_off(1000) {
        refused += usize::from(response.await.unwrap().status() == 503);
    }
    assert!(refused > 1000, "{refused}");
    assert!(victim.is_healthy().await);
    drop(open);
    while victim.metric("flowmatix_requests_in_flight").await > 1.0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A token that nobody knows shares its address's part with all others of that kind.
#[tokio::test]
async fn answers_to_unknown_tokens_are_counted_for_their_address() {
    let victim = Victim::start(&[
        ("http.responses_limit", "128KiB"),
        ("graphql.response_limit", "16KiB"),
        ("http.failed_auth_limit", "0"),
    ]);
    // The neighbour is known before the flood begins.
    victim.still_answers().await;
    let wrong = query(&format!("{{ {} }}", "wrong ".repeat(60)), json!({}));
    let mut open = Vec::new();
    for n in 0..200 {
        let mut client = deaf(victim.address()).await;
        let (response, mut sending) = client.send_request(request(&format!("{UNKNOWN}-{n}")), false).unwrap();
        sending.send_data(Bytes::from(wrong.clone()), true).unwrap();
        open.push((response, client));
    }
    victim.at_rest().await;
    victim.still_answers().await;
}

/// Errors take more than their text while an answer is written: so many of them are an answer that is too long.
#[tokio::test]
async fn an_answer_of_nothing_but_errors_is_not_written_to_its_end() {
    for (projection, growth) in [("true", 32), ("false", 96)] {
        let victim = Victim::start(&[("graphql.projection", projection)]);
        victim.warm(3).await;
        let lists: String = (0..60).map(|n| format!("b{n}: members(after: \"x\") {{ totalCount }} ")).collect();
        let text = format!("{{ teamMembers({}, first: 1000) {{ nodes {{ role {{ {lists} }} }} }} }}", account(3));
        let ((_, answer), usage) = victim.measured(victim.ask(KNOWN, query(&text, json!({})))).await;
        println!("60,000 errors, projection {projection}: {usage:?}");
        assert_eq!(codes(&answer), ["RESPONSE_TOO_LARGE"], "{answer:.300}");
        assert!(usage.growth < growth << 20, "{usage:?}");
        // A few are an answer like any other.
        let few = text.replace("first: 1000", "first: 2");
        let (_, answer) = victim.ask(KNOWN, query(&few, json!({}))).await;
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(120), "{answer:.300}");
    }
}
