//! Lists of any length while they are read: together they take no more memory than they may, and small ones get through.

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use flowmatix_graphql::app::App;

use crate::support::{PATIENT, row, settings};

/// A team of so many, as the endpoint sends it.
fn team(members: usize) -> Vec<u8> {
    let rows: Vec<_> = (0..members).map(|n| row(&format!("{n:024}"), "Somebody")).collect();
    json!({ "success": true, "data": rows }).to_string().into_bytes()
}

/// Answers by the account's name: `small` whole, `large` whole, `endless` without its last byte, for ever.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let asked = String::from_utf8_lossy(&head).into_owned();
    let body = team(if asked.contains("small") { 12 } else { 40_000 });
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    if asked.contains("endless") {
        stream.write_all(&body[..body.len() - 1]).await?;
        std::future::pending::<()>().await;
    }
    stream.write_all(&body).await
}

#[tokio::test]
async fn lists_being_read_share_a_bound_and_small_ones_get_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    let pairs = [&PATIENT[..], &[("upstream.decode_limit", "1MiB"), ("upstream.retry_ratio", "0")]].concat();
    let app = App::start(&settings(&url, &pairs), Some(SecretString::from("a-token"))).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |account: &str| {
        let text = format!(
            "{{ teamMembers(account: {{ email: \"{account}@x.example\", type: CUSTOMER }}, first: 1) {{ totalCount }} }}"
        );
        let request = client.post(format!("http://{}/graphql", app.address()));
        let request = request.header("content-type", "application/json").body(json!({ "query": text }).to_string());
        async move {
            let answer = request.send().await.unwrap().bytes().await.unwrap();
            serde_json::from_slice::<Value>(&answer).unwrap()
        }
    };
    // One list may be larger than the bound.
    assert_eq!(ask("large").await["data"]["teamMembers"]["totalCount"], 40_000);

    let first = tokio::spawn(ask("endless"));
    // It has come as far as it will when another large one finds no room.
    let mut refused = Value::Null;
    for attempt in 0.. {
        refused = ask(&format!("large-{attempt}")).await;
        if refused["data"]["teamMembers"].is_null() {
            break;
        }
        assert!(attempt < 200, "every list finds room");
    }
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UPSTREAM_UNAVAILABLE", "{refused}");
    assert_eq!(ask("small").await["data"]["teamMembers"]["totalCount"], 12);
    first.abort();
    app.stop().await;
}
