//! Bad input over raw sockets: the right close code, and a service that goes on.

use serde_json::json;

use super::{AVAILABILITY, availabilities, quick};
use crate::support::{Frame, Socket, TestApp};

/// The service still answers.
async fn goes_on(app: &TestApp) {
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.subscribe("a", AVAILABILITY).await;
    assert_eq!(availabilities(&socket.message().await["payload"]).len(), 2);
}

#[tokio::test]
async fn messages_that_are_none_close_with_4400() {
    let app = quick(&[]).await;
    let long = "i".repeat(257);
    let texts = [
        "",
        "x",
        "[]",
        "\"text\"",
        "{}",
        r#"{"type":1}"#,
        r#"{"type":"unknown"}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","id":"a"}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{x}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{x}"}}"#,
        r#"{"type":"subscribe","id":"a","payload":"{x}"}"#,
        r#"{"type":"subscribe","id":"a","payload":null}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"ping","payload":1}"#,
        r#"{"type":"ping","type":"pong"}"#,
        r#"{"type":"pong","payload":[]}"#,
        "{\"type\":\"ping\"} {",
        &format!(r#"{{"type":"complete","id":"{long}"}}"#),
        &"[".repeat(5000),
    ];
    for text in texts {
        let mut socket = Socket::ready(app.app.address(), json!({})).await;
        socket.frame(0x81, text.as_bytes()).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4400, "{text}: {reason}");
    }
    goes_on(&app).await;
}

#[tokio::test]
async fn payloads_of_the_start_that_are_none_close_before_anything_is_done() {
    let app = quick(&[]).await;
    for (payload, code) in [
        (json!(1), 4400),
        (json!("x"), 4400),
        (json!([]), 4400),
        (json!({ "authorization": 5 }), 4400),
        (json!({ "headers": 5 }), 4400),
        (json!({ "authorization": "a\nb" }), 4400),
        (json!({ "x-flowmatix-max-age": "soon" }), 4400),
        (json!({ "x-flowmatix-email": "nobody" }), 4403),
    ] {
        let mut socket = Socket::open(app.app.address(), &[]).await;
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.closed().await.0, code, "{payload}");
    }
    goes_on(&app).await;
}

#[tokio::test]
async fn frames_that_are_none_close_with_the_codes_of_websockets() {
    let app = quick(&[]).await;
    // A text that is not UTF-8, a reserved opcode, reserved bits, a control frame in pieces, an unmasked frame.
    let frames: [(&[u8], u16); 5] = [
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0xf1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x09, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x02, b'{', b'}'], 1002),
    ];
    for (frame, code) in frames {
        let mut socket = Socket::ready(app.app.address(), json!({})).await;
        socket.raw(frame).await;
        assert_eq!(socket.closed().await.0, code, "{frame:?}");
    }
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.frame(0x82, b"{\"type\":\"ping\"}").await;
    assert_eq!(socket.closed().await.0, 4400, "a binary frame");
    goes_on(&app).await;
}

#[tokio::test]
async fn a_message_of_a_megabyte_closes_with_1009_and_is_not_kept() {
    let app = quick(&[]).await;
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.frame(0x81, &vec![b' '; 1 << 20]).await;
    assert_eq!(socket.closed().await.0, 1009);
    // In pieces, too.
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.frame(0x01, &vec![b' '; 60_000]).await;
    socket.frame(0x80, &vec![b' '; 60_000]).await;
    assert_eq!(socket.closed().await.0, 1009);
    goes_on(&app).await;
}

#[tokio::test]
async fn floods_of_pings_and_of_subscriptions_are_stopped() {
    let app = quick(&[("live.message_rate", "5"), ("live.socket_operations_limit", "3")]).await;
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    for n in 0..4 {
        socket.subscribe(&n.to_string(), &format!("subscription {{ team {{ a{n}: stale }} }}")).await;
    }
    let mut refused = 0;
    for _ in 0..4 {
        let message = socket.message().await;
        if message["type"] == "error" {
            assert_eq!(
                (&message["id"], &message["payload"][0]["extensions"]["code"]),
                (&json!("3"), &json!("REQUEST_CONCURRENCY_LIMITED"))
            );
            refused += 1;
        }
    }
    assert_eq!(refused, 1);
    for ping in [true, false] {
        let mut socket = Socket::ready(app.app.address(), json!({})).await;
        for _ in 0..80 {
            if ping {
                socket.frame(0x89, b"").await;
            } else {
                socket.send(json!({ "type": "pong" })).await;
            }
        }
        assert_eq!(socket.closed().await.0, 1008);
    }
    goes_on(&app).await;
}

#[tokio::test]
async fn a_socket_that_is_half_open_is_noticed() {
    let app = quick(&[("live.ping_interval", "200ms")]).await;
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.subscribe("a", AVAILABILITY).await;
    socket.message().await;
    // It answers no ping.
    assert_eq!(socket.next().await, Frame::Ping);
    assert_eq!(socket.next().await, Frame::End);
    while app.metric("flowmatix_subscriptions_ended_total{reason=\"silent\"}").await < 1.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.metric("flowmatix_websockets_open").await, 0.0);
}
